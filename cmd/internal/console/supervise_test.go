package console_test

import (
	"net/http"
	"slices"
	"testing"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/explain"
)

// post sends a request that must succeed.
func post[T any](b *bed, path, body string) (out T) {
	b.t.Helper()
	status, text := b.do(http.MethodPost, path, body)
	if status != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", path, body, status, text)
	}
	decode(b.t, text, &out)
	return out
}

func TestASupervisorMovesAWaitingCall(t *testing.T) {
	b := newBed(t)
	b.centre()
	const at = "/api/v1/calls/a/band"
	b.problem(http.MethodPost, at, `{"band":-1}`, http.StatusNotFound)
	b.core.must(t, acd.CallArrived{Call: "a", Node: "n1", Generation: 1})
	if p := b.problem(http.MethodPost, at, `{"band":-1}`, http.StatusConflict); p.Detail != "call is in no queue" {
		t.Errorf("a call in the menu: %q", p.Detail)
	}
	b.core.must(t, acd.CallQueued{Call: "a", Queue: "human"})
	if c := post[wire.Call](b, at, `{"band":-1,"by":"lead"}`); c.Band != -1 || c.ID != "a" {
		t.Errorf("moved: %+v", c)
	}
	facts := b.core.stories[len(b.core.stories)-1].Facts
	if facts[0].Kind != acd.FactCallMoved || facts[0].By != "lead" {
		t.Errorf("the story says %+v", facts)
	}
	if c := get[wire.Call](b, "/api/v1/calls/a"); c.Band != -1 {
		t.Errorf("looked at again: %+v", c)
	}
	b.problem(http.MethodPost, at, `{"band":101}`, http.StatusUnprocessableEntity)
	b.problem(http.MethodPost, at, `{"band":1}`, http.StatusForbidden, "Origin", "https://evil.example")
}

func TestAnAgentDisposesOfACallAndTakesLonger(t *testing.T) {
	b := newBed(t)
	b.core.must(t, acd.ConfigPublished{Hash: "h", Bundle: []byte("x"), Config: acd.Config{
		Queues: []acd.QueueConfig{{
			Name: "human", RingTime: 15_000, WrapUp: 20_000, WrapUpMax: 120_000, Dispositions: []string{"solved", "unsolved"},
		}},
		Agents: []acd.AgentConfig{{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true}},
	}})
	const at = "/api/v1/agents/1001/disposition"
	b.problem(http.MethodPost, at, `{"code":"solved"}`, http.StatusConflict)
	b.core.must(t, acd.CallArrived{Call: "a", Node: "n1", Generation: 1}, acd.CallQueued{Call: "a", Queue: "human"},
		acd.CallOffered{Call: "a", Agent: "1001"}, acd.OfferAnswered{Offer: 4})
	if a := get[wire.Agent](b, "/api/v1/agents/1001"); !slices.Equal(a.Dispositions, []string{"solved", "unsolved"}) {
		t.Errorf("codes to choose from while talking: %v", a.Dispositions)
	}
	if a := post[wire.Agent](b, at, `{"code":"unsolved"}`); a.Disposition != "unsolved" {
		t.Errorf("while talking: %+v", a)
	}
	b.core.must(t, acd.AgentReleased{Offer: 4, By: acd.SideAgent})
	if a := post[wire.Agent](b, at, `{"code":"solved","call":"a"}`); a.Disposition != "solved" || a.ExtendableMS != 100_000 {
		t.Errorf("in wrap-up: %+v", a)
	}
	a := post[wire.Agent](b, "/api/v1/agents/1001/state", `{"command":"extend_wrap_up","for_ms":60000}`)
	if a.ExtendableMS != 40_000 || a.EndsInMS < 79_000 {
		t.Errorf("extended: %+v", a)
	}
	if p := b.problem(http.MethodPost, at, `{"code":"lost"}`, http.StatusConflict); p.Detail != `queue "human" has no disposition "lost"` {
		t.Errorf("an unknown code: %q", p.Detail)
	}
	b.problem(http.MethodPost, "/api/v1/agents/9999/disposition", `{"code":"solved"}`, http.StatusNotFound)
	a = post[wire.Agent](b, "/api/v1/agents/1001/state", `{"command":"not_ready","reason":"lunch","for_ms":1800000}`)
	if a.State != "not_ready" || a.ReturnsInMS < 1_700_000 || a.ReturnsInMS > 1_800_000 {
		t.Errorf("planned return: %+v", a)
	}
}

func TestWhyACallWaitsIsExplained(t *testing.T) {
	b := newBed(t)
	b.config.Documents = func() (explain.World, bool) { return explain.World{}, false }
	b.start()
	b.problem(http.MethodGet, "/api/v1/explain?from=1&to=2", "", http.StatusServiceUnavailable)
	b.problem(http.MethodGet, "/api/v1/explain?from=1", "", http.StatusUnprocessableEntity)
	b.centre()
	b.problem(http.MethodGet, "/api/v1/calls/a/explain", "", http.StatusNotFound)
	b.core.must(t, acd.CallArrived{Call: "a", Node: "n1", Generation: 1})
	b.problem(http.MethodGet, "/api/v1/calls/a/explain", "", http.StatusConflict)
	b.core.must(t, acd.CallQueued{Call: "a", Queue: "human"})
	e := get[acd.Explanation](b, "/api/v1/calls/a/explain")
	if e.Queue != "human" || len(e.Candidates) != 1 || e.Candidates[0].Agent != "1001" || len(e.RuledOut) != 1 {
		t.Errorf("explained: %+v", e)
	}
}
