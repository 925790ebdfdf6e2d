package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tierline/acd"
	"tierline/routing"
)

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// effectLog remembers what was to be done.
type effectLog struct {
	mu   sync.Mutex
	list []acd.Effect
	note chan struct{}
}

func newEffectLog() *effectLog { return &effectLog{note: make(chan struct{}, 1<<16)} }

func (e *effectLog) add(list []acd.Effect) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, list...)
	for range list {
		select {
		case e.note <- struct{}{}:
		default:
		}
	}
}

func (e *effectLog) all() []acd.Effect {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]acd.Effect(nil), e.list...)
}

// rings counts the RingAgent effects for a call.
func (e *effectLog) rings(call string) int {
	var n int
	for _, x := range e.all() {
		if r, ok := x.(acd.RingAgent); ok && r.Call == call {
			n++
		}
	}
	return n
}

func testLogger(t testing.TB) *slog.Logger {
	t.Helper()
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	return slog.New(slog.DiscardHandler)
}

func mustOpen(t testing.TB, c Config) *Node { return mustOpenWith(t, c, defaults()) }

func mustOpenWith(t testing.TB, c Config, s settings) *Node {
	t.Helper()
	if c.Node == "" {
		c.Node = "n1"
	}
	if c.LogStore == "" {
		c.LogStore = StoreMemory
	}
	if c.Logger == nil {
		c.Logger = testLogger(t)
	}
	n, err := open(context.Background(), c, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func mustPropose(t testing.TB, n *Node, ev acd.Event) acd.Result {
	t.Helper()
	res, _, err := n.Propose(context.Background(), ev)
	if err != nil {
		t.Fatalf("propose %#v: %v", ev, err)
	}
	return res
}

func refused(err error) bool {
	var r *acd.RefusedError
	return errors.As(err, &r)
}

// centre is a small generation of service documents.
func centre(agents int) acd.ConfigPublished {
	c := acd.Config{Queues: []acd.QueueConfig{{
		Name: "human", Requirement: "billing>=1", RingTime: 15_000, WrapUp: 0, ReofferAfter: 30_000,
	}}}
	for i := range agents {
		c.Agents = append(c.Agents, acd.AgentConfig{
			ID: fmt.Sprint(1001 + i), Name: "agent", MaxMisses: 1, SignedIn: true, Contact: "sip:127.0.0.1:5080",
			Skills: []routing.SkillLevel{{Skill: "billing", Level: 3}},
		})
	}
	return acd.ConfigPublished{Hash: "h", By: "test", Bundle: []byte("documents"), Config: c}
}

func arrive(call string) acd.CallArrived {
	return acd.CallArrived{Call: call, Node: "n1", Trunk: "t", From: "13800138000", To: "10000", Flow: "svc", Generation: 1}
}

func queue(call string) acd.CallQueued {
	return acd.CallQueued{Call: call, Queue: "human"}
}

func phase(n *Node, call string) (p acd.Phase) {
	n.Read(func(s *acd.State) {
		for _, c := range s.Calls() {
			if c.ID == call {
				p = c.Phase
			}
		}
	})
	return p
}

// eventually waits for something that happens on another goroutine. The
// bound is only there to end a test that fails.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("not within 20 s: %s", what)
}
