package acd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tierline/routing/rank"
)

// ReadyFor returns the agents who are ready and able to serve a queue, the
// longest idle first: whom a colleague may ask without keeping a caller waiting.
func (s *State) ReadyFor(queue string) []string {
	g := s.current()
	if g == nil || g.queue(queue) == nil {
		return nil
	}
	need, err := rank.Parse(g.queue(queue).Requirement)
	if err != nil {
		return nil
	}
	agents := slices.SortedFunc(maps.Values(s.agents), func(a, b *agent) int {
		return cmp.Or(cmp.Compare(a.readySince, b.readySince), strings.Compare(a.id, b.id))
	})
	var out []string
	for _, a := range agents {
		if _, able := need.Able(a.config.Skills); able && a.state == AgentReady && a.backOff == 0 {
			out = append(out, a.id)
		}
	}
	return out
}

func (s *State) callRerouted(ev CallRerouted, r *Result) error {
	c := s.calls[ev.Call]
	switch {
	case c == nil:
		return refuse(ev, "no such call")
	case c.phase != PhaseAfter || c.callback != nil:
		return refuse(ev, "call is %s", c.phase)
	case ev.Flow == "" || max(len(ev.Flow), len(ev.By)) > maxWord:
		return refuse(ev, "a flow must be named")
	}
	f := c.fact(FactCallRerouted)
	f.Flow, f.Previous, f.By = ev.Flow, c.flow, ev.By
	r.Facts = append(r.Facts, f)
	c.flow, c.step = ev.Flow, ""
	return nil
}
