package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/store"
	"tierline/call"
	"tierline/cluster"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/publish"
	"tierline/routing/document"
)

const base = int64(1_795_401_540_000) // 2026-11-23T02:39:00Z

// fakeCore is the real core with stories and without a log.
type fakeCore struct {
	mu      sync.Mutex
	state   *acd.State
	stories []cluster.Story
	floor   uint64 // stories up to here are forgotten
	now     int64  // log time in ms
	fail    error
	grown   chan struct{}
}

func newCore() *fakeCore { return &fakeCore{state: acd.NewState(), grown: make(chan struct{})} }

func (c *fakeCore) Propose(_ context.Context, ev acd.Event) (acd.Result, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return acd.Result{}, 0, c.fail
	}
	i := uint64(len(c.stories) + 1)
	r, err := acd.Apply(c.state, acd.Entry{Index: i, At: c.now, Wall: base + c.now, Event: ev})
	if err == nil {
		c.stories = append(c.stories, cluster.Story{Index: i, At: c.now, Wall: base + c.now, Facts: r.Facts})
		close(c.grown)
		c.grown = make(chan struct{})
	}
	return r, i, err
}

func (c *fakeCore) Read(view func(*acd.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	view(c.state)
}

func (c *fakeCore) Settle(context.Context) error { return nil }

func (c *fakeCore) Stats() cluster.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cluster.Stats{Leader: true, Term: 3, Applied: uint64(len(c.stories))}
}

func (c *fakeCore) Follow(ctx context.Context, after uint64) iter.Seq2[cluster.Story, error] {
	return func(yield func(cluster.Story, error) bool) {
		for {
			c.mu.Lock()
			if after < c.floor {
				c.mu.Unlock()
				yield(cluster.Story{}, cluster.ErrCompacted)
				return
			}
			fresh, grown := c.stories[after:], c.grown
			c.mu.Unlock()
			for _, s := range fresh {
				if !yield(s, nil) {
					return
				}
				after = s.Index
			}
			if len(fresh) > 0 {
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
				yield(cluster.Story{}, ctx.Err())
				return
			}
		}
	}
}

// wall is the time of day that belongs to the log time.
func (c *fakeCore) wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.UnixMilli(base + c.now).UTC()
}

func (c *fakeCore) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// must proposes what can't be refused.
func (c *fakeCore) must(t *testing.T, events ...acd.Event) {
	t.Helper()
	for _, ev := range events {
		if _, _, err := c.Propose(t.Context(), ev); err != nil {
			t.Fatalf("%+v: %v", ev, err)
		}
	}
}

// fakeLibrary keeps sounds; what begins with RIFF is one.
type fakeLibrary struct {
	mu   sync.Mutex
	puts []string
	has  map[string]bool
}

func (l *fakeLibrary) Has(sha string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.has[sha]
}

func (l *fakeLibrary) Put(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if err != nil || !bytes.HasPrefix(b, []byte("RIFF")) {
		return "", errors.Join(errors.New("not a WAV file"), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.puts = append(l.puts, string(b))
	return "", nil
}

// fakeDocuments: each word is a queue; "!" begins a mistake, "@" a prompt.
type fakeDocuments struct{}

func (fakeDocuments) Compile(data []byte) (c publish.Compiled, problems []document.Problem) {
	c.Hash = "hash of " + string(data)
	for i, word := range strings.Fields(string(data)) {
		switch word[0] {
		case '!':
			problems = append(problems, document.Problem{File: "queues.yaml", Line: i + 1, Col: 3, Severity: document.Error, Text: word[1:]})
		case '@':
			c.Prompts = append(c.Prompts, word[1:])
		default:
			c.Config.Queues = append(c.Config.Queues, acd.QueueConfig{Name: word})
		}
	}
	return c, problems
}

func (fakeDocuments) Changes(_, fresh []byte) ([]string, error) {
	return []string{"queues: " + string(fresh)}, nil
}

func (fakeDocuments) Flows([]byte, []byte) ([]publish.Flow, error) {
	return []publish.Flow{{Name: "svc", Changed: []string{"main"}, Removed: []string{"old"}}}, nil
}

// bed is a console on a test server.
type bed struct {
	t       *testing.T
	core    *fakeCore
	records *store.Store
	library *fakeLibrary
	ready   error
	config  console.Config
	console *console.Console
	meter   *console.Meter
	url     string

	supervise func(context.Context, call.Oversight) error // the switch's answer
}

func newBed(t *testing.T) *bed {
	t.Helper()
	records, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "story.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bed{t: t, core: newCore(), records: records, library: &fakeLibrary{has: map[string]bool{"known": true}}}
	registry := console.NewRegistry()
	b.meter = console.NewMeter(b.core, registry)
	registry.MustRegister(console.Collector(func() []console.Figure { return console.StateFigures(b.core) }))
	log := slog.New(slog.DiscardHandler)
	b.config = console.Config{
		Supervise: func(ctx context.Context, o call.Oversight) error { return b.supervise(ctx, o) },
		Node:      "n1", Version: "test", Core: b.core, Records: records, Library: b.library, Metrics: registry, Logger: log,
		Ready:     func() error { return b.ready },
		Publisher: publish.New(b.core, fakeDocuments{}, b.library.Has, log),
		Zone:      time.UTC, Now: b.core.wall,
	}
	b.start()
	return b
}

func (b *bed) start() {
	b.console = console.New(b.config)
	server := httptest.NewServer(b.console.Handler())
	b.t.Cleanup(server.Close)
	b.url = server.URL
}

// centre publishes a queue and two agents who are ready.
func (b *bed) centre() {
	b.t.Helper()
	b.core.must(b.t, acd.ConfigPublished{Hash: "h", By: "lead", Note: "first", Bundle: []byte("x"), Config: acd.Config{
		Queues: []acd.QueueConfig{{Name: "human", RingTime: 15_000, MaxWait: 600_000}},
		Agents: []acd.AgentConfig{
			{ID: "1001", Name: "Wang", Contact: "sip:1001@127.0.0.1", SignedIn: true},
			{ID: "1002", Name: "Li", Contact: "sip:1002@127.0.0.1"},
		},
	}})
}

// do sends a request and returns status and body.
func (b *bed) do(method, path, body string, header ...string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" &&
		!strings.HasSuffix(path, "z") {
		b.t.Errorf("%s %s: %d has the type %s", method, path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, string(text)
}

// get decodes a good answer.
func get[T any](b *bed, path string) (out T) {
	b.t.Helper()
	status, text := b.do(http.MethodGet, path, "")
	if status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, status, text)
	}
	decode(b.t, text, &out)
	return out
}

func decode(t *testing.T, text string, to any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// problem sends a request that must fail.
func (b *bed) problem(method, path, body string, status int, header ...string) wire.ProblemError {
	b.t.Helper()
	got, text := b.do(method, path, body, header...)
	if got != status {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	var p wire.ProblemError
	decode(b.t, text, &p)
	if p.Status != status || p.Title != http.StatusText(status) {
		b.t.Errorf("%s %s: the problem says %d %q", method, path, p.Status, p.Title)
	}
	return p
}

// store writes all stories so far into the records.
func (b *bed) store() {
	b.t.Helper()
	saved, err := b.records.Load(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	fold, err := report.Resume(saved)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range b.core.stories {
		fold.Take(report.Story{Index: s.Index, At: s.At, Wall: s.Wall, Facts: s.Facts})
	}
	batch, err := fold.Flush()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.records.Commit(b.t.Context(), batch, false); err != nil {
		b.t.Fatal(err)
	}
}
