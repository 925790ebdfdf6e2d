package console_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/interval"
	"tierline/acd/report/store"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/publish"
)

// Serve ends with its context, open streams included, and lets a running
// request finish.
func TestServeEndsWithItsContext(t *testing.T) {
	b := newBed(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.console.Serve(ctx, l) }()
	b.url = "http://" + l.Addr().String()
	stream := b.listen("/api/v1/events")
	b.core.must(t, acd.NodeRestarted{Node: "n1"})
	stream.expect("1 node.restarted")
	began := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s to end", took)
	}
	if rest := stream.block(); len(rest) != 0 {
		t.Errorf("the stream went on: %v", rest)
	}
}

func TestServeTellsThatItsListenerFailed(t *testing.T) {
	b := newBed(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := b.console.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "serve HTTP") {
		t.Errorf("ended with %v", err)
	}
}

// noRecords is an empty store.
type noRecords struct{}

func (noRecords) CDRs(context.Context, store.Query) ([]report.CDR, error) { return nil, nil }
func (noRecords) Recordings(context.Context, store.RecordingQuery) ([]store.Recording, error) {
	return nil, nil
}

func (noRecords) CDR(context.Context, string) (report.CDR, error) {
	return report.CDR{}, store.ErrNotFound
}
func (noRecords) Events(context.Context, uint64, int) ([]report.Event, error) { return nil, nil }
func (noRecords) Oldest(context.Context) (uint64, error)                      { return 0, nil }
func (noRecords) QueueNumbers(context.Context, interval.Query) (interval.Numbers, []interval.Open, error) {
	return interval.NewNumbers(), nil, nil
}

func (noRecords) AgentNumbers(context.Context, interval.Query) (interval.Numbers, []interval.Open, error) {
	return interval.NewNumbers(), nil, nil
}

// Whatever is sent, the answer is not a fault of ours.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/api/v1/calls?queue=x", ""},
		{"POST", "/api/v1/agents/1001/state", `{"command":"ready"}`},
		{"POST", "/api/v1/agents/1001/state", `{"command":["ready"],"reason":null}`},
		{"POST", "/api/v1/generations?dry_run=1&base=99999999999999999999", "human !bad"},
		{"POST", "/api/v1/generations/rollback", `{"to":-1}`},
		{"PUT", "/api/v1/prompts/" + strings.Repeat("0", 64), "RIFF"},
		{"GET", "/api/v1/cdrs?page=MTIgYQ&from=2026-11-23T00:00:00Z&limit=3&number=%00", ""},
		{"GET", "/api/v1/events?after=18446744073709551616", ""},
		{"GET", "/api/v1/stats/queues?from=0001-01-01T00:00:01%2B23:59&until=9999-12-31T23:59:59Z&interval=1d&by=tier,skill", ""},
		{"GET", "/api/v1/stats/agents?interval=15m&by=queue&agent=%00", ""},
		{"GET", "/%2e%2e/metrics", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	core, library, log := newCore(), &fakeLibrary{}, slog.New(slog.DiscardHandler)
	handler := console.New(console.Config{
		Core: core, Records: noRecords{}, Library: library, Metrics: prometheus.NewRegistry(), Logger: log,
		Ready: func() error { return nil }, Publisher: publish.New(core, fakeDocuments{}, library.Has, log),
	}).Handler()
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", strings.NewReader(body))
		u, err := r.URL.Parse(path)
		if err != nil || strings.HasPrefix(u.Path, "/api/v1/events") && !strings.Contains(path, "after=1844") {
			t.Skip()
		}
		r.Method, r.URL, r.Host = method, u, "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %q %q: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}
