package acd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tierline/routing"
	"tierline/routing/rank"
)

// maxCandidates bounds how many agents an explanation names.
const maxCandidates = 200

// Explanation is the whole decision about one call: its place, who may take it,
// and what keeps everybody else from it. Times are log times in ms.
type Explanation struct {
	Call        string       `json:"call,omitempty"` // empty: a call that might come
	Queue       string       `json:"queue"`
	Tier        routing.Tier `json:"tier"`
	Policy      string       `json:"policy"`
	Key         rank.Key     `json:"key"`
	Order       string       `json:"order"`       // the parts of the key that count
	Requirement string       `json:"requirement"` // at the present step
	Step        int          `json:"step"`        // how often it was relaxed
	Steps       int          `json:"steps"`       // how often it may be
	Preferred   string       `json:"preferred,omitempty"`
	Refused     string       `json:"refused,omitempty"` // why the queue wouldn't take it now
	Place       Place        `json:"place"`

	Candidates []Candidate `json:"candidates"` // who could be offered it now, the first choice first
	RuledOut   []Candidate `json:"ruled_out"`  // everybody else, who is closest to it first
	Omitted    int         `json:"omitted,omitempty"`
	Why        string      `json:"why,omitempty"` // it waits
	Helps      []string    `json:"helps"`         // what would, or will, get it an agent
}

// Candidate is one agent in an explanation.
type Candidate struct {
	Agent  string     `json:"agent"`
	Name   string     `json:"name,omitempty"`
	State  AgentState `json:"state"`
	Able   bool       `json:"able"`             // meets the requirement of the present step
	Levels int        `json:"levels,omitempty"` // sum of the levels in the required skills
	Ring   int        `json:"ring,omitempty"`   // the step that let him in
	IdleMS int64      `json:"idle_ms,omitempty"`
	Why    string     `json:"why"` // what put him behind the one before, or ruled him out
}

// ExplainCall explains a call in a queue; false if it is in none.
func (s *State) ExplainCall(id string) (Explanation, bool) {
	c := s.calls[id]
	if c == nil || !c.inQueue() {
		return Explanation{}, false
	}
	e := s.explain(c)
	if c.phase == PhaseWaiting {
		e.Why = s.whyCall(c, s.whyWaiting(c.place.Requirement))
	}
	return e, true
}

// Explain explains what would become of a call, if it were queued now as an
// event says. From and customer are what is known of a call that isn't there.
func (s *State) Explain(ev CallQueued, from string, customer Customer) (Explanation, bool) {
	c, ok := s.suppose(ev, call{from: from, customer: customer})
	if !ok {
		return Explanation{}, false
	}
	e := s.explain(c)
	if cause := s.gate(c, ev.Refused); cause != 0 {
		e.Refused = cause.String()
	} else if s.TooLong(ev) {
		e.Refused = LeftLong.String()
	}
	return e, true
}

func (s *State) explain(c *call) Explanation {
	policy := s.board.Order().Policy
	order := reason{at: s.now}
	order.place(policy, c.place.Key)
	e := Explanation{
		Call: c.id, Queue: c.queue.Name, Tier: c.tier, Policy: policy.String(), Key: c.place.Key, Order: string(order.b),
		Requirement: c.place.Requirement.String(), Step: c.reached, Steps: len(c.queue.Steps), Preferred: c.preferred,
		Place: s.placeOf(c), Candidates: []Candidate{}, RuledOut: []Candidate{}, Helps: []string{},
	}
	ranked := s.board.Candidates(&c.place, s.now)
	free := map[string]bool{}
	for i := range ranked {
		free[ranked[i].Agent.ID] = true
		e.Candidates = append(e.Candidates, s.candidate(c, ranked, i))
	}
	var groups [4][]Candidate
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		if !free[id] {
			k, how := s.ruledOut(c, s.agents[id])
			groups[how] = append(groups[how], k)
		}
	}
	e.Helps = append(e.Helps, s.helps(c, groups)...)
	e.RuledOut = slices.Concat(groups[:]...)
	e.Candidates, e.Omitted = cut(e.Candidates, e.Omitted)
	e.RuledOut, e.Omitted = cut(e.RuledOut, e.Omitted)
	return e
}

func cut(list []Candidate, omitted int) ([]Candidate, int) {
	if len(list) <= maxCandidates {
		return list, omitted
	}
	return list[:maxCandidates], omitted + len(list) - maxCandidates
}

// candidate tells why a ready agent stands where he does.
func (s *State) candidate(c *call, ranked []rank.Candidate, i int) Candidate {
	r := ranked[i]
	a := s.agents[r.Agent.ID]
	out := Candidate{
		Agent: a.id, Name: a.config.Name, State: a.state, Able: true, Levels: r.Score, Ring: r.Key.Ring,
		IdleMS: s.now - a.readySince,
	}
	why := reason{at: s.now}
	switch {
	case c.keptUntil != 0 && c.preferred != a.id:
		why.text("kept for ").text(c.preferred)
	case c.yieldsUntil != 0 && len(ranked) <= s.board.Order().KeepIdle[c.tier]:
		why.text("kept ready for higher tiers")
	case i == 0 && c.preferred == a.id:
		why.text("first choice: preferred")
	case i == 0:
		why.text("first choice")
	default:
		why.text("after ").text(ranked[i-1].Agent.ID).text(": ")
		why.behind(ranked[i-1].Key, r.Key)
	}
	out.Why = string(why.b)
	return out
}

// How far an agent is from taking a call.
const (
	farBusy   = iota // able, and at work
	farAway          // able, but not ready, without a phone or signed out
	farLater         // able after a step
	farUnable        // never able
)

// ruledOut tells what keeps an agent from a call.
func (s *State) ruledOut(c *call, a *agent) (k Candidate, how int) {
	k = Candidate{Agent: a.id, Name: a.config.Name, State: a.state}
	score, able := c.place.Requirement.Able(a.config.Skills)
	if !able {
		for step := c.reached + 1; step <= len(c.queue.Steps); step++ {
			need, err := s.demand(c, step)
			if err != nil {
				break
			}
			if _, later := need.Able(a.config.Skills); later {
				at := c.place.Key.Since + c.queue.Steps[step-1].After
				k.Why = fmt.Sprintf("lacks %s; able by step %d in %s", c.place.Requirement, step, s.in(at))
				return k, farLater
			}
		}
		k.Why = "lacks " + c.place.Requirement.String()
		return k, farUnable
	}
	k.Able, k.Levels = true, score
	how = farBusy
	switch a.state {
	case AgentReady: // backing off, or he would be a candidate
		k.Why = "busy or refused a moment ago, backs off for " + s.in(a.backOff)
	case AgentReserved, AgentAlerting:
		k.Why = "rings for " + a.call
	case AgentTalking:
		k.Why = "on call " + a.call
	case AgentWrapUp:
		k.Why = "in wrap-up for " + s.in(a.until)
	case AgentNotReady:
		k.Why, how = strings.TrimSuffix("not ready: "+a.reason, ": "), farAway
	case AgentUnreachable:
		k.Why, how = "no phone is registered", farAway
	case AgentSignedOut:
		k.Why, how = "signed out", farAway
	}
	return k, how
}

// in tells how far away a time is.
func (s *State) in(at int64) string { return strconv.FormatInt(max(0, at-s.now+999)/1000, 10) + " s" }

// helps lists what would get a call an agent: what will happen by itself first.
func (s *State) helps(c *call, groups [4][]Candidate) (out []string) {
	soonest := int64(0)
	for _, k := range groups[farBusy] {
		if end := s.agents[k.Agent].wrapUpEnd(); end != 0 && (soonest == 0 || end < soonest) {
			soonest = end
		}
	}
	if soonest != 0 {
		out = append(out, "a wrap-up ends in "+s.in(soonest))
	}
	if text := strings.TrimPrefix(s.whatHelps(c), "; "); text != "" {
		out = append(out, strings.Split(text, "; ")...)
	}
	away := map[AgentState][]string{}
	for _, k := range groups[farAway] {
		away[k.State] = append(away[k.State], k.Agent)
	}
	for _, h := range []struct {
		state AgentState
		what  string
	}{
		{AgentNotReady, "could go ready"}, {AgentUnreachable, "could register a phone"}, {AgentSignedOut, "could sign in"},
	} {
		if ids := away[h.state]; len(ids) > 0 {
			out = append(out, strings.Join(ids[:min(len(ids), 5)], ", ")+andMore(len(ids)-5)+" "+h.what)
		}
	}
	return out
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
