package backend

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
)

// crm makes a database, with its url.
func crm(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "客户 ?#.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer(" ", "%20", "?", "%3f", "#", "%23").Replace(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		`CREATE TABLE customers (id INTEGER, name TEXT, vip BOOLEAN, share REAL, since DATE, seen DATETIME, note TEXT, raw BLOB)`,
		`INSERT INTO customers VALUES (8812, '王小明', 1, 0.5, '2020-02-29', '2026-11-23 08:00:00', NULL, 'abc'), (8813, 'O''Brien?', 0, 1, NULL, NULL, NULL, x'ff')`,
	} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Close()); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

func databases(t *testing.T, e Endpoint) *Backend {
	t.Helper()
	b, err := New(Config{Endpoints: map[string]Endpoint{"crm": e}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

func statement(text string, args ...any) ivr.Lookup {
	return ivr.Lookup{Source: "crm", Request: ivr.Request{Method: ivr.MethodSQL, Path: text, Args: args}}
}

func TestSQLite(t *testing.T) {
	b := databases(t, Endpoint{URL: crm(t)})
	policy := ivr.Source{Name: "crm", Type: ivr.SourceSQL, Timeout: 5 * time.Second, Concurrency: 4, MaxBytes: 1024}
	tests := map[string]struct {
		ask    ivr.Lookup
		status ivr.LookupStatus
		body   string
	}{
		"row": {
			statement(`SELECT * FROM customers WHERE id = ?`, 8812), ivr.LookupOK,
			`{"id":8812,"name":"王小明","raw":"abc","seen":"2026-11-23T08:00:00Z","share":0.5,"since":"2020-02-29","vip":true}`,
		},
		"first of several":        {statement(`SELECT id FROM customers ORDER BY id DESC`), ivr.LookupOK, `{"id":8813}`},
		"no row":                  {statement(`SELECT id FROM customers WHERE id = ?`, 1), ivr.LookupNotFound, ""},
		"values are no statement": {statement(`SELECT id FROM customers WHERE name = ?`, `x' OR '1'='1`), ivr.LookupNotFound, ""},
		"value with quotes":       {statement(`SELECT id FROM customers WHERE name = ?`, `O'Brien?`), ivr.LookupOK, `{"id":8813}`},
		"question mark in a text": {statement(`SELECT id FROM customers WHERE name LIKE '%?' AND id = ? -- ?`, 8813), ivr.LookupOK, `{"id":8813}`},
		"not UTF-8":               {statement(`SELECT raw FROM customers WHERE id = 8813`), ivr.LookupError, ""},
		"too long":                {statement(`SELECT hex(zeroblob(600)) AS x`), ivr.LookupError, ""},
		"too few values":          {statement(`SELECT id FROM customers WHERE id = ? AND name = ?`, 1), ivr.LookupError, ""},
		"syntax":                  {statement(`SELEC 1`), ivr.LookupError, ""},
		"no such table":           {statement(`SELECT * FROM bills`), ivr.LookupError, ""},
		"writes":                  {statement(`UPDATE customers SET name = 'x'`), ivr.LookupError, ""},
		"deletes and reads":       {statement(`DELETE FROM customers RETURNING id`), ivr.LookupError, ""},
		"lets itself write":       {statement(`PRAGMA query_only = 0; UPDATE customers SET name = 'x'`), ivr.LookupError, ""},
		"other files":             {statement(`ATTACH DATABASE 'x.db' AS x`), ivr.LookupError, ""},
		"two statements":          {statement(`SELECT 1; SELECT 2`), ivr.LookupError, ""},
		"comment first":           {statement("-- which\n/* one */ SELECT 1 AS one; -- ?"), ivr.LookupOK, `{"one":1}`},
		"no statement":            {ivr.Lookup{Source: "crm", Request: ivr.Request{Method: "GET", Path: "/x"}}, ivr.LookupError, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := b.Lookup(t.Context(), policy, tt.ask)
			if a.Status != tt.status || string(a.Body) != tt.body {
				t.Errorf("status %d, %s, %q", a.Status, a.Body, a.Err)
			}
			if strings.Contains(a.Err, "customers") {
				t.Errorf("tells too much: %q", a.Err)
			}
		})
	}
	if a := b.Lookup(t.Context(), policy, statement(`SELECT count(*) AS n FROM customers WHERE name <> 'x'`)); string(a.Body) != `{"n":2}` {
		t.Errorf("something was written: %s", a.Body)
	}
}

// A statement that never ends is interrupted.
func TestSQLTimeout(t *testing.T) {
	b := databases(t, Endpoint{URL: crm(t)})
	policy := ivr.Source{Name: "crm", Timeout: 100 * time.Millisecond, Concurrency: 4, MaxBytes: 1024}
	a := b.Lookup(t.Context(), policy, statement(`WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT max(x) FROM n`))
	if a.Status != ivr.LookupError || a.Err != "no answer within 100ms" || a.Took > 5*time.Second {
		t.Errorf("%+v", a)
	}
	if a = b.Lookup(t.Context(), policy, statement(`SELECT 1 AS one`)); a.Status != ivr.LookupOK {
		t.Errorf("afterwards %+v", a)
	}
}

func TestSQLWrite(t *testing.T) {
	b := databases(t, Endpoint{URL: crm(t), Write: true})
	policy := ivr.Source{Name: "crm", Timeout: 5 * time.Second, Concurrency: 4, MaxBytes: 1024}
	for _, step := range []struct{ ask, want string }{
		{`UPDATE customers SET name = 'x' WHERE id = 8812`, `{}`},
		{`UPDATE customers SET name = 'y' WHERE name = 'x' RETURNING id, name`, `{"id":8812,"name":"y"}`},
	} {
		if a := b.Lookup(t.Context(), policy, statement(step.ask)); string(a.Body) != step.want {
			t.Errorf("%s: %+v", step.ask, a)
		}
	}
}

func TestNoSuchDatabase(t *testing.T) {
	b := databases(t, Endpoint{URL: "sqlite:" + filepath.Join(t.TempDir(), "none.db")})
	policy := ivr.Source{Name: "crm", Timeout: time.Second, Concurrency: 4, MaxBytes: 1024}
	if a := b.Lookup(t.Context(), policy, statement(`SELECT 1 AS one`)); a.Status != ivr.LookupError {
		t.Errorf("%+v", a)
	}
}

func TestNumbered(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT ?":      "SELECT $1",
		"a = ? AND b=?": "a = $1 AND b=$2",
		"'?' ? \"?\" ?": "'?' $1 \"?\" $2",
		"'it''s ?' ?":   "'it''s ?' $1",
		"? -- ?\n?":     "$1 -- ?\n$2",
		"/* ? */ ? /* ": "/* ? */ $1 /* ",
		"'open ?":       "'open ?",
		"":              "",
		"?-1":           "$1-1",
		"客户 = ? AND 名 = '？?' AND c = ? -- ?": "客户 = $1 AND 名 = '？?' AND c = $2 -- ?",
	} {
		got, n := numbered(in, true)
		plain, m := numbered(in, false)
		if got != want || n != strings.Count(want, "$") || plain != in || n != m {
			t.Errorf("%q: %q with %d, want %q", in, got, n, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	tests := map[string]string{
		"http://bss.test":                   "",
		"https://bss.test:8443/api/":        "",
		"sqlite:crm.db":                     "",
		"sqlite:/var/lib/crm.db":            "",
		"postgres://tierline@db.test/crm":   "",
		"postgres://tierline:geheim@db/crm": "a password has no place in it: use token_file or token_env",
		"http://user:geheim@bss.test":       "a password has no place in it: use token_file or token_env",
		"http://user@bss.test":              "an http address is a scheme, a host and a path only",
		"https://bss.test/api?key=geheim":   "an https address is a scheme, a host and a path only",
		"bss.test":                          "it is of no scheme that is known (http, https, postgres, sqlite)",
		"ftp://bss.test":                    "it is of no scheme that is known (http, https, postgres, sqlite)",
		"http:///api":                       "it names no host",
		"http://bss.test/%zz?geheim":        "it is no URL",
		"":                                  "it is of no scheme that is known (http, https, postgres, sqlite)",
	}
	for in, want := range tests {
		got := ""
		if err := Check(in); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" || strings.Contains(got, "geheim") {
			t.Errorf("%s: %s", in, diff)
		}
		b, err := New(Config{Endpoints: map[string]Endpoint{"x": {URL: in}}, Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != (want == "") || (err != nil && strings.Contains(err.Error(), "geheim")) {
			t.Errorf("%s: %v", in, err)
		}
		if b != nil {
			b.Close(context.Background())
		}
	}
}

// PostgreSQL, where the environment names a server.
func TestPostgres(t *testing.T) {
	url := os.Getenv("TIERLINE_TEST_POSTGRES")
	if url == "" {
		return // the end-to-end checks bring one
	}
	b := databases(t, Endpoint{URL: url, Token: os.Getenv("TIERLINE_TEST_POSTGRES_PASSWORD")})
	policy := ivr.Source{Name: "crm", Timeout: 5 * time.Second, Concurrency: 4, MaxBytes: 1024}
	for _, step := range []struct {
		ask  ivr.Lookup
		want string
	}{
		{statement(`SELECT CAST(? AS int) AS n, CAST(? AS text) AS t, '?' AS q`, 7, "王'"), `{"n":7,"q":"?","t":"王'"}`},
		{statement(`SELECT DATE '2026-11-23' AS d, TIMESTAMP '2026-11-23 08:00' AS at, 12.50::numeric AS m, NULL AS none`), `{"at":"2026-11-23T08:00:00Z","d":"2026-11-23","m":"12.50"}`},
		{statement(`SELECT 1 WHERE false`), ``},
		{statement(`CREATE TABLE tierline_test (a int)`), ``},
	} {
		if a := b.Lookup(t.Context(), policy, step.ask); string(a.Body) != step.want {
			t.Errorf("%s: %+v", step.ask.Request.Path, a)
		}
	}
	policy.Timeout = 100 * time.Millisecond
	if a := b.Lookup(t.Context(), policy, statement(`SELECT pg_sleep(5)`)); a.Status != ivr.LookupError || a.Took > time.Second {
		t.Errorf("%+v", a)
	}
}
