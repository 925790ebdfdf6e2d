package acd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing"
)

func TestViews(t *testing.T) {
	s := busyState(t)
	a, _ := s.Agent("1001")
	want := AgentView{
		ID: "1001", Name: "王芳", State: AgentTalking, Cause: "answered", Since: 10_000, Call: "talks", Offer: 9,
		Next: AgentNotReady, NextReason: "lunch",
		Skills: []routing.SkillLevel{{Skill: "billing", Level: 7}, {Skill: "lang.en", Level: 2}},
		Bindings: []Binding{{
			Contact: "sip:1001@198.51.100.1", Received: "198.51.100.1:5060", Transport: "udp", CallID: "reg", CSeq: 7,
			Node: "n1", UserAgent: "phone/1", Expires: 302_000,
		}},
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("agent 1001 (-want +got):\n%s", diff)
	}
	if _, ok := s.Agent("nobody"); ok || s.BindingsOf("nobody") != nil {
		t.Error("an unknown agent is known")
	}

	c, _ := s.Call("waits")
	if c.Key == nil || c.Key.Deadline != 19_000 || c.Requirement != "billing>=3 and lang.en>=1" ||
		c.Why != "no agent with billing>=3 and lang.en>=1 is ready: 1 on a call, 0 in wrap-up, 0 backing off, 0 not ready, 0 unreachable" {
		t.Errorf("call waits: %+v", c)
	}
	if _, ok := s.Call("nobody"); ok {
		t.Error("an unknown call is known")
	}
	var order []string
	for _, c := range s.Calls() {
		one, _ := s.Call(c.ID)
		if diff := cmp.Diff(one, c); diff != "" {
			t.Errorf("Call and Calls differ:\n%s", diff)
		}
		order = append(order, c.ID+" "+c.Phase.String()+" "+c.Agent)
	}
	if got := strings.Join(order, ", "); got != "talks talking 1001, rings offered 1002, waits waiting , walks menu " {
		t.Errorf("calls %s", got)
	}

	queues := []QueueView{
		{
			Name: "billing", Requirement: "billing>=3", Waiting: 1, ByTier: [routing.TierCount]int{1, 0, 0, 0},
			LongestMS: 1000, Generation: 1, Agents: AgentCount{SignedIn: 1, Talking: 1},
		},
		{
			Name: "human", Waiting: 1, ByTier: [routing.TierCount]int{0, 0, 0, 1}, LongestMS: 7000, Generation: 1,
			Agents: AgentCount{SignedIn: 4, BackOff: 1, Alerting: 1, Talking: 1, Unreachable: 1},
		},
	}
	if diff := cmp.Diff(queues, s.Queues()); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}

	b, ok := s.GenerationBundle(1)
	if !ok || string(b.Data) != "documents" || s.Generation() != 1 || b.Wall != 1_700_000_000_000 {
		t.Errorf("generation %d: %+v", s.Generation(), b)
	}
	b.Data = nil
	if diff := cmp.Diff([]Bundle{b}, s.Generations()); diff != "" {
		t.Errorf("generations (-want +got):\n%s", diff)
	}
	if _, ok := s.GenerationBundle(0); ok || NewState().Generation() != 0 {
		t.Error("generation 0 exists")
	}
	if s.Now() != 20_000 {
		t.Errorf("now %d", s.Now())
	}
}

// TestViewsAreCopies: who keeps a view and writes into it doesn't change the
// state.
func TestViewsAreCopies(t *testing.T) {
	s := busyState(t)
	before := s.Hash()
	for _, a := range s.Agents() {
		for i := range a.Skills {
			a.Skills[i].Level = 1
		}
		for i := range a.Bindings {
			a.Bindings[i].Contact = "x"
		}
	}
	for _, c := range s.Calls() {
		for i := range c.Attach {
			c.Attach[i].Value = "x"
		}
		if c.Key != nil {
			c.Key.Deadline = 0
		}
	}
	if s.Hash() != before {
		t.Error("the state changed")
	}
}
