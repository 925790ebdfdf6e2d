package backend

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
)

// What a source may say, and what a flow makes of it.
func TestAnswers(t *testing.T) {
	say := func(status int, body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			if w.Header().Get("Content-Type") == "" {
				w.Header().Set("Content-Type", "application/json")
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	tests := map[string]struct {
		far     http.HandlerFunc
		status  ivr.LookupStatus
		body    string
		outcome Outcome
		err     string
	}{
		"good":               {say(200, `{"total":"123.45"}`), ivr.LookupOK, `{"total":"123.45"}`, OK, ""},
		"created":            {say(201, `{"number":"T1"}`), ivr.LookupOK, `{"number":"T1"}`, OK, ""},
		"no content":         {say(204, ``), ivr.LookupOK, `{}`, OK, ""},
		"empty":              {say(200, ``, "Content-Type", "text/plain"), ivr.LookupOK, `{}`, OK, ""},
		"problem+json":       {say(200, `{}`, "Content-Type", "application/hal+json; charset=UTF-8"), ivr.LookupOK, `{}`, OK, ""},
		"not found":          {say(404, `{"title":"no such customer"}`), ivr.LookupNotFound, "", NotFound, ""},
		"gone":               {say(410, ``), ivr.LookupNotFound, "", NotFound, ""},
		"wrong PIN":          {say(401, `{}`), ivr.LookupRefused, "", Refused, ""},
		"forbidden":          {say(403, `{}`), ivr.LookupRefused, "", Refused, ""},
		"PIN with challenge": {say(401, `{}`, "WWW-Authenticate", `Form realm="pin"`), ivr.LookupRefused, "", Refused, ""},
		"our token is wrong": {say(401, `{}`, "WWW-Authenticate", `Bearer error="invalid_token"`), ivr.LookupError, "", Failed, "it refuses this node's own credentials"},
		"bad request":        {say(400, `{}`), ivr.LookupError, "", Failed, "status 400"},
		"broken":             {say(500, `{}`), ivr.LookupError, "", Failed, "status 500"},
		"overloaded":         {say(503, `{}`, "Retry-After", "9"), ivr.LookupError, "", Failed, "status 503"},
		"no JSON":            {say(200, `<html>sign in</html>`), ivr.LookupError, "", Invalid, "its answer is no JSON"},
		"half JSON":          {say(200, `{"total":"12`), ivr.LookupError, "", Invalid, "its answer is no JSON"},
		"two values":         {say(200, `{} {}`), ivr.LookupError, "", Invalid, "its answer is no JSON"},
		"a page":             {say(200, `{}`, "Content-Type", "text/html"), ivr.LookupError, "", Invalid, "its answer isn't application/json"},
		"other charset":      {say(200, `{}`, "Content-Type", "application/json; charset=gbk"), ivr.LookupError, "", Invalid, "its answer isn't application/json"},
		"GBK":                {say(200, "{\"name\":\"\xcd\xf5\"}"), ivr.LookupError, "", Invalid, "its answer isn't UTF-8"},
		"deep":               {say(200, deep(16)), ivr.LookupOK, deep(16), OK, ""},
		"too deep":           {say(200, deep(17)), ivr.LookupError, "", Invalid, "its answer is nested deeper than 16 levels"},
		"full":               {say(200, `"`+strings.Repeat("x", 65534)+`"`), ivr.LookupOK, `"` + strings.Repeat("x", 65534) + `"`, OK, ""},
		"a byte too many":    {say(200, `"`+strings.Repeat("x", 65535)+`"`), ivr.LookupError, "", Invalid, "its answer is longer than 65536 bytes"},
		"ten megabytes":      {say(200, `"`+strings.Repeat("x", 10<<20)+`"`), ivr.LookupError, "", Invalid, "its answer is longer than 65536 bytes"},
		"a job, no poll":     {say(202, `{}`, "Location", "/api/jobs/1"), ivr.LookupError, "", Invalid, "it answers with a job (202), and poll isn't declared"},
		"not modified":       {say(304, ``), ivr.LookupError, "", Failed, "status 304: a redirect that isn't followed"},
		"to another host":    {say(302, ``, "Location", "http://evil.test/api/x"), ivr.LookupError, "", Failed, "status 302: a redirect that isn't followed"},
		"to no TLS":          {say(302, ``, "Location", "https://bss.test/api/x"), ivr.LookupError, "", Failed, "status 302: a redirect that isn't followed"},
		"in circles":         {say(302, ``, "Location", "/api/x"), ivr.LookupError, "", Failed, "status 302: a redirect that isn't followed"},
		"huge headers":       {say(200, `{}`, "X-Much", strings.Repeat("x", 20<<10)), ivr.LookupError, "", Unreachable, "no connection, or none that speaks HTTP"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inLab(t, tt.far, func(l *lab) {
				a := l.ask(get("/v1/bills/8812"))
				if a.Status != tt.status || string(a.Body) != tt.body || a.Err != tt.err {
					t.Errorf("status %d, %d bytes, %q; want %d, %d bytes, %q", a.Status, len(a.Body), a.Err, tt.status, len(tt.body), tt.err)
				}
				if diff := cmp.Diff([]Outcome{tt.outcome}, l.outcomes()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Far ends that don't behave.
func TestMisbehaviour(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	read := func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }
	tests := map[string]struct {
		far  func(c net.Conn)
		took time.Duration
		err  string
	}{
		"never answers": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, time.Second, "no answer within 1s"},
		"never reads":   {func(net.Conn) { time.Sleep(time.Hour) }, time.Second, "no answer within 1s"},
		"a byte a second": {func(c net.Conn) {
			read(c)
			for _, b := range []byte(head + "Content-Length: 2\r\n\r\n{}") {
				time.Sleep(300 * time.Millisecond)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}, time.Second, "no answer within 1s"},
		"body in drips": {func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, head+"Content-Length: 900\r\n\r\n")
			for range 900 {
				time.Sleep(10 * time.Millisecond)
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
			}
		}, time.Second, "no answer within 1s"},
		"closes at once":  {func(net.Conn) {}, 0, ""}, // before or while it is asked
		"closes in time":  {func(c net.Conn) { read(c) }, 0, "it closed the connection before its answer was complete"},
		"closes early":    {func(c net.Conn) { read(c); _, _ = io.WriteString(c, head+"Content-Length: 900\r\n\r\n{") }, 0, "it closed the connection before its answer was complete"},
		"speaks no HTTP":  {func(c net.Conn) { read(c); _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n") }, 0, "no connection, or none that speaks HTTP"},
		"speaks too much": {func(c net.Conn) { read(c); _, _ = io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\nzz\r\n") }, 0, "no connection, or none that speaks HTTP"},
		"streams for ever": {func(c net.Conn) {
			read(c)
			_, _ = io.WriteString(c, head+"Connection: close\r\n\r\n[")
			for {
				if _, err := io.WriteString(c, strings.Repeat("1,", 1000)); err != nil {
					return
				}
			}
		}, 0, "its answer is longer than 65536 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inRawLab(t, tt.far, func(l *lab) {
				a := l.ask(get("/v1/bills/8812"))
				if a.Status != ivr.LookupError || !strings.HasPrefix(a.Err, tt.err) || a.Took != tt.took {
					t.Errorf("status %d, %q after %v; want %q after %v", a.Status, a.Err, a.Took, tt.err, tt.took)
				}
			})
		})
	}
}

// What goes over the wire.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	far := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		reply(w, 200, `{}`)
	}
	inLab(t, far, func(l *lab) {
		l.ask(post("/v1/tickets?kind=%E5%AE%BD", "call1.make_ticket.1",
			ivr.Field{Name: "number", Value: "+86571\"\\\n\u2028"}, ivr.Field{Name: "count", Value: 3}, ivr.Field{Name: "urgent", Value: true},
			ivr.Field{Name: "test", Value: []ivr.Field{{Name: "名", Value: "坏\xff"}}}, ivr.Field{Name: "odd", Value: 1.5}))
	})
	want := `{"number":"+86571\"\\\n\u2028","count":3,"urgent":true,"test":{"名":"坏\ufffd"},"odd":null}`
	if body != want || !json.Valid([]byte(body)) {
		t.Errorf("body %s\nwant %s", body, want)
	}
	headers := map[string]string{
		"Authorization": "Bearer node-token", "Idempotency-Key": "call1.make_ticket.1", "Content-Type": "application/json",
		"Accept": "application/json", "User-Agent": "tierline", "Accept-Encoding": "",
	}
	for name, want := range headers {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	if got.Method != http.MethodPost || got.Host != "bss.test" || got.RequestURI != "/api/v1/tickets?kind=%E5%AE%BD" {
		t.Errorf("%s %s at %s", got.Method, got.RequestURI, got.Host)
	}
}

// Requests that must never leave the node, whoever made them.
func TestRefusedRequests(t *testing.T) {
	inLab(t, func(http.ResponseWriter, *http.Request) { t.Error("was asked") }, func(l *lab) {
		for _, path := range []string{
			"", "v1", "//evil.test/x", "@evil.test/", ".evil.test/", ":8080/", "/v1/../admin", "/v1/%2e%2e/admin", "/v1/%2E./x", "/v1/..%2fadmin", "/v1/x\\..\\y",
			"/v1/a b", "/v1/a#b", "/v1/a\r\nX: y", "/v1/%", "/v1/\x00", "/v1/./x", "/" + strings.Repeat("x", maxURL),
		} {
			if a := l.ask(get(path)); a.Status != ivr.LookupError || strings.Contains(a.Err, "evil") {
				t.Errorf("%q: %+v", path, a)
			}
		}
		bad := []ivr.Lookup{post("/x", "key\r\nX-Evil: 1"), post("/x", "schlüssel"), get("/x"), get("/x")}
		bad[2].Request.Method, bad[3].Request.Method = "CONNECT", "SQL"
		for _, q := range bad {
			if a := l.ask(q); a.Status != ivr.LookupError {
				t.Errorf("%+v: %+v", q.Request, a)
			}
		}
	})
}

// Redirects on the source's own host are followed, with the body where there
// is one; our token never goes elsewhere.
func TestRedirects(t *testing.T) {
	var got []string
	far := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(b)+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/api/old":
			http.Redirect(w, r, "/api/new", http.StatusMovedPermanently)
		case "/api/keep":
			http.Redirect(w, r, "/api/new", http.StatusTemporaryRedirect)
		case "/api/see":
			http.Redirect(w, r, "/api/new", http.StatusSeeOther)
		default:
			reply(w, 200, `{}`)
		}
	}
	field := ivr.Field{Name: "a", Value: 1}
	tests := map[string]struct {
		ask    ivr.Lookup
		status ivr.LookupStatus
		want   []string
	}{
		"get":  {get("/old"), ivr.LookupOK, []string{"GET /api/old  Bearer node-token", "GET /api/new  Bearer node-token"}},
		"post": {post("/old", "", field), ivr.LookupError, []string{`POST /api/old {"a":1} Bearer node-token`}},
		"keep": {post("/keep", "", field), ivr.LookupOK, []string{`POST /api/keep {"a":1} Bearer node-token`, `POST /api/new {"a":1} Bearer node-token`}},
		"see":  {post("/see", "", field), ivr.LookupOK, []string{`POST /api/see {"a":1} Bearer node-token`, `GET /api/new  Bearer node-token`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got = nil
			inLab(t, far, func(l *lab) {
				if a := l.ask(tt.ask); a.Status != tt.status {
					t.Errorf("%+v", a)
				}
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Connections are used again, also after answers that nobody reads to the end.
func TestConnectionsAreReused(t *testing.T) {
	n := 0
	far := func(w http.ResponseWriter, _ *http.Request) {
		n++
		reply(w, []int{200, 404, 500, 401}[n%4], `{"text":"some words"}`)
	}
	dialled := 0
	inLab(t, far, func(l *lab) {
		w, _ := l.sources["bss"].asker.(*web)
		transport, _ := w.client.Transport.(*http.Transport)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled++
			return dial(ctx, network, addr)
		}
		for range 20 {
			l.ask(get("/x"))
		}
	})
	if dialled != 1 || n != 20 {
		t.Errorf("%d connections for %d questions", dialled, n)
	}
}
