package acd

import (
	"strconv"

	"tierline/routing/rank"
)

// why says in a line what a choice was made from: the call's place, the step
// its requirement has reached, the agent's merits, and what put the next ones
// behind him. It is bounded: at most [rank.Rivals] others are named.
func (s *State) why(c *rank.Choice, at int64) string {
	w := reason{b: make([]byte, 0, 160), at: at}
	w.place(s.board.Order().Policy, c.Call.Key)
	if call := s.calls[c.Call.ID]; call.reached > 0 {
		w.text("; step ").number(int64(call.reached)).text(" of ").number(int64(len(call.queue.Steps)))
	}
	w.text("; 1 of ").number(int64(c.Ready)).text(" ready, idle ").number(at - c.Agent.ReadySince).text(" ms")
	switch {
	case c.Call.Only:
		w.text(", kept for him")
	case c.Call.Preferred == c.Agent.ID:
		w.text(", preferred")
	}
	if c.Score > 0 {
		w.text(", levels ").number(int64(c.Score))
	}
	if c.Ring > 0 {
		w.text(", ring ").number(int64(c.Ring))
	}
	if c.Again {
		w.text(", missed it before")
	}
	if c.Moved {
		w.text(", so that another call is served too")
	}
	mine := c.Key()
	for _, r := range c.Rivals {
		if r.Agent != nil {
			w.text("; not ").text(r.Agent.ID).text(": ")
			w.behind(mine, r.Key)
		}
	}
	return string(w.b)
}

// reason is a line in the making.
type reason struct {
	b  []byte
	at int64
}

func (w *reason) text(s string) *reason {
	w.b = append(w.b, s...)
	return w
}

func (w *reason) number(n int64) *reason {
	w.b = strconv.AppendInt(w.b, n, 10)
	return w
}

// place tells the parts of a key that count under a policy.
func (w *reason) place(p Policy, k rank.Key) {
	if k.Band != 0 {
		w.text("band ").number(k.Band).text(", ")
	}
	w.text(p.String())
	switch p {
	case PolicyDeadline:
		w.text(" ").number(k.Deadline)
	case PolicyStrict, PolicyRatio:
		w.text(" ").text(k.Tier.String()).text(", waited ").number(w.at - k.Since).text(" ms")
	case PolicyFIFO:
		w.text(", waited ").number(w.at - k.Since).text(" ms")
	}
}

// behind names the first thing that put an agent behind the chosen one.
func (w *reason) behind(best, other rank.AgentKey) {
	switch {
	case best.Passed != other.Passed:
		w.text("missed it before")
	case best.Other != other.Other:
		w.text("not preferred")
	case best.Ring != other.Ring:
		w.text("ring ").number(int64(other.Ring))
	case best.Cost < 0 || other.Cost < 0:
		w.costs(best, other, -int64(other.Cost))
	default:
		w.costs(best, other, int64(other.Cost))
	}
}

func (w *reason) costs(best, other rank.AgentKey, levels int64) {
	switch {
	case best.Cost != other.Cost:
		w.text("levels ").number(levels)
	case best.Breadth != other.Breadth:
		w.number(int64(other.Breadth)).text(" skills")
	default:
		w.text("idle ").number(w.at - other.ReadySince).text(" ms")
	}
}
