package backend

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver

	"tierline/ivr"
)

// maxConnections is what one node opens to a database.
const maxConnections = 16

// database is a source that speaks SQL. Values are always parameters; the
// statement is the flow's, as it was published.
type database struct {
	db      *sql.DB
	numbers bool // PostgreSQL: $1 instead of ?
	write   bool
}

func openSQLite(file string, write bool) (*database, error) {
	if file == "" {
		return nil, errors.New("its url names no file (sqlite:FILE)")
	}
	mode := "mode=ro&_pragma=query_only(1)"
	if write {
		mode = "mode=rw"
	}
	at := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}).String()
	db, err := sql.Open("sqlite", at+"?"+mode+"&_pragma=busy_timeout(1000)&_pragma=trusted_schema(0)")
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &database{db: limited(db), write: write}, nil
}

func openPostgres(e Endpoint) (*database, error) {
	cfg, err := Postgres(e)
	if err != nil {
		return nil, err
	}
	if !e.Write {
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return &database{db: limited(stdlib.OpenDB(*cfg)), numbers: true, write: e.Write}, nil
}

// Postgres is how a PostgreSQL server is reached.
func Postgres(e Endpoint) (*pgx.ConnConfig, error) {
	if err := Check(e.URL); err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(e.URL)
	if err != nil {
		return nil, errors.New("its url can't be read as one of PostgreSQL") // the error holds the address
	}
	cfg.Password = e.Token
	cfg.RuntimeParams["application_name"] = "tierline"
	if e.CA == nil {
		return cfg, nil
	}
	if cfg.TLSConfig != nil {
		cfg.TLSConfig.RootCAs = e.CA
	}
	for _, other := range cfg.Fallbacks { // further hosts
		if other.TLSConfig != nil {
			other.TLSConfig.RootCAs = e.CA
		}
	}
	return cfg, nil
}

func limited(db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
	return db
}

func (d *database) close() { _ = d.db.Close() } // nothing is written any more

// ask implements asker: the first row becomes an object.
func (d *database) ask(ctx context.Context, policy ivr.Source, q ivr.Request) result {
	if q.Method != ivr.MethodSQL {
		return result{outcome: Invalid, why: "a database takes statements only"}
	}
	if !d.write && !isQuery(q.Path) {
		return result{outcome: Invalid, why: "the statement doesn't begin with SELECT, WITH or VALUES, or isn't one"}
	}
	statement, n := numbered(q.Path, d.numbers)
	if n != len(q.Args) {
		return result{outcome: Invalid, why: fmt.Sprintf("the statement has %d parameters for %d values", n, len(q.Args))}
	}
	rows, err := d.db.QueryContext(ctx, statement, q.Args...)
	if err != nil {
		return refusal(err)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return refusal(err)
	}
	if !rows.Next() {
		if err = rows.Err(); err != nil {
			return refusal(err)
		}
		if len(types) == 0 { // a statement that returns nothing has done its work
			return result{outcome: OK, body: []byte("{}")}
		}
		return result{outcome: NotFound}
	}
	return firstRow(rows, types, policy.MaxBytes)
}

func firstRow(rows *sql.Rows, types []*sql.ColumnType, most int) result {
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return refusal(err)
	}
	object := map[string]any{}
	for i, t := range types {
		v, ok := column(values[i], t.DatabaseTypeName())
		if !ok {
			return result{outcome: Invalid, why: "a column holds what is neither text, number, truth value nor time"}
		}
		if v != nil { // a variable that gets nothing is empty
			object[t.Name()] = v
		}
	}
	body, err := json.Marshal(object)
	if err != nil {
		return result{outcome: Invalid, why: "a column can't be written as JSON"}
	}
	if len(body) > most {
		return result{outcome: Invalid, why: fmt.Sprintf("its answer is longer than %d bytes", most)}
	}
	return result{outcome: OK, body: body}
}

// column turns what a driver returns into what JSON has.
func column(v any, kind string) (any, bool) {
	switch v := v.(type) {
	case int64:
		if strings.HasPrefix(strings.ToUpper(kind), "BOOL") { // SQLite has none of its own
			return v != 0, true
		}
		return v, true
	case nil, float64, bool:
		return v, true
	case string:
		return v, utf8.ValidString(v)
	case []byte:
		return string(v), utf8.Valid(v)
	case time.Time:
		if strings.EqualFold(kind, "date") {
			return v.Format(time.DateOnly), true
		}
		return v.Format(time.RFC3339), true
	}
	return nil, false
}

// refusal says in our words why a database gave no row: what it says itself
// may hold values.
func refusal(err error) result {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "53", "57", "58": // connection, resources, operator's intervention, system
			return result{outcome: Failed, why: "the database says " + pg.Code, again: true, blame: true}
		}
		return result{outcome: Failed, why: "the database says " + pg.Code}
	}
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok { // SQLite
		return result{outcome: Failed, why: fmt.Sprintf("the database says code %d", coded.Code())}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || errors.Is(err, driver.ErrBadConn) {
		return result{outcome: Unreachable, why: "no connection to the database", again: true, blame: true}
	}
	return result{outcome: Failed, why: "the database doesn't answer", again: true, blame: true}
}

// numbered counts the parameters of a statement and, for PostgreSQL, writes
// them as $1, $2 … Question marks in texts, names and comments are none.
func numbered(statement string, dollars bool) (string, int) {
	var b strings.Builder
	n := 0
	for i := 0; i < len(statement); {
		end := i + skip(statement[i:])
		if end > i {
			b.WriteString(statement[i:end])
			i = end
			continue
		}
		switch c := statement[i]; {
		case c == '?' && dollars:
			n++
			fmt.Fprintf(&b, "$%d", n)
		case c == '?':
			n++
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), n
}

// isQuery tells whether a text is one statement of a kind that reads. What it
// does all the same the database refuses, because it is opened for reading.
func isQuery(s string) bool {
	var bare strings.Builder // without texts and comments
	for i := 0; i < len(s); {
		if n := skip(s[i:]); n > 0 {
			bare.WriteByte(' ')
			i += n
			continue
		}
		bare.WriteByte(s[i])
		i++
	}
	statement := strings.TrimSuffix(strings.TrimSpace(bare.String()), ";")
	end := strings.IndexFunc(statement, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 || strings.Contains(statement, ";") {
		return false
	}
	switch strings.ToLower(statement[:end]) {
	case "select", "with", "values":
		return true
	}
	return false
}

// skip returns the length of the quoted text or comment that s begins with, 0
// if it begins with neither.
func skip(s string) int {
	until := func(end string, from int) int {
		if i := strings.Index(s[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(s)
	}
	switch {
	case s[0] == '\'' || s[0] == '"':
		return until(s[:1], 1) // a doubled quote begins the next text
	case strings.HasPrefix(s, "--"):
		return until("\n", 2)
	case strings.HasPrefix(s, "/*"):
		return until("*/", 2)
	}
	return 0
}
