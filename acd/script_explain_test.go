package acd

import (
	"fmt"
	"strings"
)

// explain tells the decision about a call in a queue ("explain c1"), or about
// one that might come ("suppose QUEUE tier=…").
func (x *script) explain() {
	var (
		e  Explanation
		ok bool
	)
	if x.d.Cmd == "explain" {
		e, ok = x.s.ExplainCall(x.arg("0"))
	} else {
		e, ok = x.s.Explain(CallQueued{
			Queue: x.arg("0"), Tier: x.tier(x.arg("tier")), Requirement: strings.TrimSpace(x.d.Input),
			PreferLast: x.arg("prefer_last") != "",
		}, x.arg("from"), Customer{ID: x.arg("customer")})
	}
	if !ok {
		x.out.WriteString("nothing to explain\n")
		return
	}
	fmt.Fprintf(&x.out, "%s in %s: %s, needs %q, step %d of %d, position %d\n",
		e.Tier, e.Queue, e.Order, e.Requirement, e.Step, e.Steps, e.Place.Position)
	for _, line := range []struct{ what, text string }{{"refused", e.Refused}, {"waits", e.Why}, {"prefers", e.Preferred}} {
		if line.text != "" {
			fmt.Fprintf(&x.out, "%s: %s\n", line.what, line.text)
		}
	}
	for i, k := range e.Candidates {
		fmt.Fprintf(&x.out, "%d. %s levels %d ring %d idle %d: %s\n", i+1, k.Agent, k.Levels, k.Ring, k.IdleMS, k.Why)
	}
	for _, k := range e.RuledOut {
		fmt.Fprintf(&x.out, "-  %s %s able %v: %s\n", k.Agent, k.State, k.Able, k.Why)
	}
	for _, h := range e.Helps {
		fmt.Fprintf(&x.out, "helps: %s\n", h)
	}
}
