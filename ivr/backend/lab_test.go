package backend

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/ivr"
)

// pipes is a network of one host in memory, for virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// lab is a backend with one source, bss, at the other end of a pipe.
type lab struct {
	*Backend
	t      *testing.T
	log    *bytes.Buffer
	policy ivr.Source
	far    *pipes

	mu   sync.Mutex
	seen []Observation
}

// usual is a patient policy without frills.
func usual() ivr.Source {
	return ivr.Source{Name: "bss", Type: ivr.SourceHTTP, Timeout: time.Second, Concurrency: 100, MaxBytes: 64 << 10}
}

func get(path string) ivr.Lookup {
	return ivr.Lookup{ID: 7, Source: "bss", Request: ivr.Request{Method: http.MethodGet, Path: path}}
}

func post(path, key string, body ...ivr.Field) ivr.Lookup {
	l := get(path)
	l.Request.Method, l.Request.Idempotency, l.Request.Body = http.MethodPost, key, body
	return l
}

// inLab runs a test in virtual time with an HTTP server at the far end.
func inLab(t *testing.T, h http.HandlerFunc, f func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		far := newPipes()
		srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		go func() { _ = srv.Serve(far) }()
		l := newLab(t, far)
		f(l)
		l.shut()
		_ = srv.Close()
		synctest.Wait()
	})
}

// inRawLab does the same with a far end that does with connections as it likes.
func inRawLab(t *testing.T, h func(c net.Conn), f func(l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		far := newPipes()
		var all sync.WaitGroup
		all.Go(func() {
			for {
				c, err := far.Accept()
				if err != nil {
					return
				}
				all.Go(func() { defer func() { _ = c.Close() }(); h(c) })
			}
		})
		l := newLab(t, far)
		f(l)
		l.shut()
		_ = far.Close()
		all.Wait()
	})
}

func newLab(t *testing.T, far *pipes) *lab {
	l := &lab{t: t, log: &bytes.Buffer{}, policy: usual(), far: far}
	b, err := New(Config{
		Endpoints: map[string]Endpoint{"bss": {URL: "http://bss.test/api", Token: "node-token"}},
		Log:       slog.New(slog.NewTextHandler(l.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(o Observation) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.seen = append(l.seen, o)
		},
		Dial: far.dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Backend = b
	return l
}

// shut closes the backend and gives it a minute to finish.
func (l *lab) shut() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.Close(ctx)
}

func (l *lab) ask(q ivr.Lookup) ivr.LookedUp {
	l.t.Helper()
	began := time.Now()
	a := l.Lookup(l.t.Context(), l.policy, q)
	if took := time.Since(began); took > Limit(l.policy) || took != a.Took {
		l.t.Errorf("took %v (says %v), limit %v", took, a.Took, Limit(l.policy))
	}
	if a.ID != q.ID {
		l.t.Errorf("answers %d, not %d", a.ID, q.ID)
	}
	if (a.Status == ivr.LookupOK) != (a.Body != nil) || (a.Status == ivr.LookupError) != (a.Err != "") {
		l.t.Errorf("answer %+v has too much or too little", a)
	}
	return a
}

// outcomes are those observed since the last call.
func (l *lab) outcomes() (out []Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.seen {
		out = append(out, o.Outcome)
	}
	l.seen = nil
	return out
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
