package console_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call"
	"tierline/call/trace"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/console/wire"
)

// fakeMembers are the other nodes, as pipes in memory.
type fakeMembers struct {
	mu    sync.Mutex
	doors map[string]chan net.Conn
}

func (m *fakeMembers) Others() []string { return []string{"n2", "n3"} }

func (m *fakeMembers) Visit(ctx context.Context, node string) (net.Conn, error) {
	m.mu.Lock()
	door := m.doors[node]
	m.mu.Unlock()
	if door == nil {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	select {
	case door <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// doorway is what comes in through one door.
type doorway struct {
	come chan net.Conn
	shut chan struct{}
	once sync.Once
}

func (d *doorway) Accept() (net.Conn, error) {
	select {
	case c := <-d.come:
		return c, nil
	case <-d.shut:
		return nil, net.ErrClosed
	}
}

func (d *doorway) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

func (*doorway) Addr() net.Addr { return &net.UnixAddr{Name: "n2"} }

// together makes b's node n1 one of three, of which n2 is up and n3 is down;
// change says what n2 is like.
func together(t *testing.T, b *bed, change func(c *console.Config)) {
	t.Helper()
	d := &doorway{come: make(chan net.Conn), shut: make(chan struct{})}
	c := b.config
	c.Node = "n2"
	change(&c)
	other := console.New(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- other.ServeMembers(ctx, d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	b.config.Members = &fakeMembers{doors: map[string]chan net.Conn{"n2": d.come}}
	b.start()
}

// talking puts agent 1001 into call c1 on a node.
func (b *bed) talking(node string) {
	b.t.Helper()
	b.centre()
	b.core.must(b.t, acd.CallArrived{Call: "c1", Node: node, Generation: 1}, acd.CallQueued{Call: "c1", Queue: "human"},
		acd.CallOffered{Call: "c1", Agent: "1001"}, acd.OfferAnswered{Offer: 4})
}

func TestTheNodeThatHoldsACallAnswersForIt(t *testing.T) {
	b, calls := newBed(t), &fakeCalls{}
	b.talking("n2")
	var told []string
	deny := false
	together(t, b, func(c *console.Config) {
		c.Calls = calls
		c.Control = func(_ context.Context, w call.Control) error {
			told = append(told, string(w.Do)+" "+w.Agent+" "+w.By)
			if deny {
				return &call.DeniedError{Code: call.DeniedState, Text: "not now"}
			}
			return nil
		}
		c.Supervise = func(_ context.Context, o call.Oversight) error {
			told = append(told, o.Do+" "+o.Supervisor+" "+o.Agent+o.Call)
			return nil
		}
	})
	if a := post[wire.Agent](b, "/api/v1/agents/1001/call", `{"action":"hold","by":"lead"}`); a.ID != "1001" {
		t.Errorf("held: %+v", a)
	}
	post[wire.Agent](b, "/api/v1/supervisions", `{"supervisor":"1002","agent":"1001","mode":"listen"}`)
	post[wire.Agent](b, "/api/v1/supervisions", `{"supervisor":"1002","call":"c1","mode":"whisper"}`)
	post[wire.RecordingState](b, "/api/v1/calls/c1/recording", `{"action":"pause"}`)
	if status, text := b.do(http.MethodPost, "/api/v1/calls/c1/secret", `{"flow":"verify"}`); status != http.StatusAccepted {
		t.Errorf("%d %s", status, text)
	}
	deny = true
	if p := b.problem(http.MethodPost, "/api/v1/agents/1001/call", `{"action":"swap"}`, http.StatusConflict); p.Detail != "not now" {
		t.Errorf("a refusal reads %q", p.Detail)
	}
	want := []string{"hold 1001 lead", "listen 1002 1001", "whisper 1002 c1", "swap 1001 api"}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"pause  api", "ask verify api"}, calls.told); d != "" {
		t.Error(d)
	}
	legs := get[wire.Call](b, "/api/v1/calls/c1").Legs
	if len(legs) != 1 || legs[0].MOS != 371 {
		t.Errorf("sound of a call elsewhere: %+v", legs)
	}
	if all := get[wire.Calls](b, "/api/v1/calls").Calls; len(all) != 1 || len(all[0].Legs) != 1 {
		t.Errorf("calls: %+v", all)
	}
	b.problem(http.MethodPost, "/api/v1/agents/1001/call", `{"action":"hold"}`, http.StatusForbidden,
		"Origin", "https://evil.example")
	if status, _ := b.do(http.MethodGet, "/members/sounds", ""); status != http.StatusNotFound {
		t.Errorf("what members ask each other is shown to everybody: %d", status)
	}
}

func TestANodeThatCannotBeAskedIsNamed(t *testing.T) {
	b := newBed(t)
	b.talking("n3")
	together(t, b, func(*console.Config) {})
	p := b.problem(http.MethodPost, "/api/v1/agents/1001/call", `{"action":"hold"}`, http.StatusBadGateway)
	if !strings.Contains(p.Detail, "node n3") || !strings.Contains(p.Detail, "connection refused") {
		t.Errorf("%q", p.Detail)
	}
	if c := get[wire.Call](b, "/api/v1/calls/c1"); c.ID != "c1" || len(c.Legs) != 0 {
		t.Errorf("the call: %+v", c)
	}
}

// fakeTraces remembers one call.
type fakeTraces struct{ trace.Call }

func (f *fakeTraces) Find(what string, _ uint64) (trace.Found, bool) {
	return trace.Found{Call: f.Call}, what == f.ID || what == f.From
}

func TestATraceIsFoundOnWhicheverNodeItIs(t *testing.T) {
	b := newBed(t)
	early, late := time.UnixMilli(base).UTC(), time.UnixMilli(base+1000).UTC()
	b.config.Traces = &fakeTraces{trace.Call{ID: "c1", From: "138", Began: early}}
	together(t, b, func(c *console.Config) {
		c.Traces = &fakeTraces{trace.Call{ID: "c2", From: "138", Began: late}}
	})
	for what, want := range map[string]string{"c1": "c1 n1", "c2": "c2 n2", "138": "c2 n2"} {
		got := get[wire.Trace](b, "/api/v1/calls/"+what+"/trace")
		if at := got.Call + " " + got.Node; at != want {
			t.Errorf("%s: %s, want %s", what, at, want)
		}
	}
	if status, text := b.do(http.MethodGet, "/api/v1/calls/c2/trace.pcapng", ""); status != http.StatusOK || len(text) == 0 {
		t.Errorf("capture: %d", status)
	}
	b.problem(http.MethodGet, "/api/v1/calls/c3/trace", "", http.StatusNotFound)
	b.talking("n2") // where c1 has moved since
	if p := b.problem(http.MethodGet, "/api/v1/calls/c1/trace", "", http.StatusNotFound); !strings.Contains(p.Detail, "forgotten") {
		t.Errorf("asked where it runs: %q", p.Detail)
	}
}

func TestARecordingIsHeardFromTheNodeThatHasIt(t *testing.T) {
	b := taped(t)
	archive := b.config.Archive
	b.config.Archive = nil
	together(t, b, func(c *console.Config) { c.Archive = archive })
	const path = "/api/v1/recordings/2026/11/23/c1-1"
	if status, text := b.do(http.MethodGet, path, ""); status != http.StatusOK || text != "RIFF and sound" {
		t.Errorf("%d %q", status, text)
	}
	status, text := b.do(http.MethodGet, path+".wav?by=lead", "", "Range", "bytes=9-13")
	if status != http.StatusPartialContent || text != "sound" {
		t.Errorf("a part: %d %q", status, text)
	}
	if list := get[wire.Recordings](b, "/api/v1/recordings").Recordings; len(list) != 4 {
		t.Errorf("the list: %+v", list)
	}
	if status, text := b.do(http.MethodGet, path+".json", ""); status != 200 || !strings.Contains(text, `"call":"c1"`) {
		t.Errorf("%d %q", status, text)
	}
	if status, text := b.do(http.MethodGet, "/api/v1/recordings/2026/11/23/c1-2", ""); status != http.StatusNotFound {
		t.Errorf("%d %q", status, text)
	}
}
