package acd

import (
	"cmp"
	"slices"
	"strings"
)

// maxBindings bounds how many phones ring for one agent.
const maxBindings = 10

func (s *State) phoneRegistered(ev PhoneRegistered, r *Result) error {
	a := s.agents[ev.Agent]
	b := ev.Binding
	switch {
	case a == nil || a.gone:
		return refuse(ev, "no such agent")
	case b.Contact == "" || b.Contact == "*":
		return refuse(ev, "no contact")
	case ev.TTL <= 0:
		return refuse(ev, "no lifetime")
	}
	i, known := a.binding(b.Contact)
	switch {
	case known && stale(a.bindings[i], b.CallID, b.CSeq):
		return refuse(ev, "an older REGISTER of the same call than the last one")
	case !known && len(a.bindings) >= maxBindings:
		return refuse(ev, "more than %d contacts", maxBindings)
	}
	b.Fixed, b.Expires = false, s.now+ev.TTL
	refreshed := known && a.bindings[i].Received == b.Received && a.bindings[i].Node == b.Node
	s.changeBindings(a, func() {
		if known {
			a.bindings[i] = b
		} else {
			a.bindings = slices.Insert(a.bindings, i, b)
		}
	})
	if !refreshed { // a refresh every minute is no news
		r.Facts = append(r.Facts, Fact{
			Kind: FactPhoneRegistered, Agent: a.id, Contact: b.Contact, Node: b.Node, Until: b.Expires,
		})
	}
	s.phoneBack(a, r)
	return nil
}

func (s *State) phoneUnregistered(ev PhoneUnregistered, r *Result) error {
	a := s.agents[ev.Agent]
	if a == nil {
		return refuse(ev, "no such agent")
	}
	named := func(b Binding) bool { return ev.Contact == "*" || b.Contact == ev.Contact }
	if !slices.ContainsFunc(a.bindings, named) {
		return refuse(ev, "no such contact")
	}
	if ev.CallID != "" && slices.ContainsFunc(a.bindings, func(b Binding) bool {
		return named(b) && stale(b, ev.CallID, ev.CSeq)
	}) {
		return refuse(ev, "an older REGISTER of the same call than the last one")
	}
	s.dropBindings(a, named, "unregistered", r)
	return nil
}

// stale is the replay rule of RFC 3261 section 10.3, step 7: within one
// Call-ID only a higher CSeq changes a binding.
func stale(b Binding, callID string, cseq uint32) bool { return b.CallID == callID && cseq <= b.CSeq }

func (s *State) bindingsExpired(a *agent, r *Result) {
	s.dropBindings(a, func(b Binding) bool { return b.Expires <= s.now }, "expired", r)
}

func (s *State) dropBindings(a *agent, which func(Binding) bool, cause string, r *Result) {
	for _, b := range a.bindings {
		if which(b) {
			r.Facts = append(r.Facts, Fact{
				Kind: FactPhoneUnregistered, Agent: a.id, Contact: b.Contact, Node: b.Node, Cause: cause,
			})
		}
	}
	s.changeBindings(a, func() { a.bindings = slices.DeleteFunc(a.bindings, which) })
	s.phoneGone(a, r)
}

// changeBindings keeps the agent's one timer at the earliest expiry.
func (s *State) changeBindings(a *agent, f func()) {
	from := a.earliestExpiry()
	f()
	s.setTimer(timerPhone, a.id, from, a.earliestExpiry())
}

func (a *agent) earliestExpiry() (at int64) {
	for _, b := range a.bindings {
		if at == 0 || b.Expires < at {
			at = b.Expires
		}
	}
	return at
}

func (a *agent) binding(contact string) (i int, known bool) {
	return slices.BinarySearchFunc(a.bindings, contact, func(b Binding, c string) int {
		return strings.Compare(b.Contact, c)
	})
}

// contacts returns everything that rings for an agent, his fixed contact
// first.
func (a *agent) contacts() []Binding {
	var out []Binding
	if a.config.Contact != "" {
		out = append(out, Binding{Contact: a.config.Contact, Fixed: true})
	}
	return append(out, a.bindings...)
}

// phoneGone takes an agent out of service whose last phone is gone. During a
// call nothing happens: the dialog stands, and what follows it is decided then.
func (s *State) phoneGone(a *agent, r *Result) {
	switch a.state {
	case AgentNotReady, AgentReady, AgentWrapUp:
		if !a.reachable() {
			s.enter(a, a.stance, change{cause: "phone_gone"}, r)
		}
	case AgentSignedOut, AgentReserved, AgentAlerting, AgentTalking, AgentUnreachable:
	}
}

// phoneBack returns an agent to what he was doing before his phone went.
func (s *State) phoneBack(a *agent, r *Result) {
	if a.state != AgentUnreachable || !a.reachable() {
		return
	}
	to := a.before
	to.state = cmp.Or(to.state, AgentNotReady)
	s.enter(a, to, change{cause: "phone_back"}, r)
}
