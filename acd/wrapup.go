package acd

import (
	"cmp"
	"slices"
)

const (
	// defaultWrapUpMax bounds manual and extended wrap-up if the queue doesn't.
	defaultWrapUpMax = 15 * 60_000 // ms
	// defaultExtension is how much longer a wrap-up lasts if nobody says.
	defaultExtension = 30_000 // ms
	// maxPlanned bounds what agents can announce.
	maxPlanned = 24 * 3_600_000 // ms
)

// work is what an agent's wrap-up is about, beside the call: the call may be
// forgotten before it ends.
type work struct {
	queue string
	offer uint64   // the conversation
	begun int64    // log time when the conversation was offered
	limit int64    // log time beyond which the wrap-up can't be extended
	codes []string // dispositions to choose from
	code  string   // the one chosen, also while the conversation lasts
}

// beginWrapUp sets an agent to work after a call, or frees him if his queue
// asks for none.
func (s *State) beginWrapUp(a *agent, o *offer, q *QueueConfig, why change, r *Result) {
	lasts, most := q.wrapUp()
	a.work.queue, a.work.begun = q.Name, o.madeAt
	if lasts == 0 {
		s.wrapUpOver(a, why, r)
		return
	}
	a.work.offer, a.work.limit, a.work.codes = o.id, s.now+most, q.Dispositions
	s.enter(a, stance{state: AgentWrapUp, until: s.now + lasts}, why, r)
}

// extendWrapUp gives more time, up to the queue's limit.
func (s *State) extendWrapUp(a *agent, ev AgentCommanded, r *Result) error {
	end := a.wrapUpEnd()
	if end == 0 {
		return refuse(ev, "agent is not in wrap-up")
	}
	to := min(end+cmp.Or(ev.For, defaultExtension), a.work.limit)
	if to <= end {
		return refuse(ev, "wrap-up can't last any longer")
	}
	s.setTimer(timerWrapUp, a.id, end, to)
	a.until = to
	if a.state == AgentUnreachable {
		a.before.until = to
	}
	r.Facts = append(r.Facts, Fact{
		Kind: FactAgentState, Agent: a.id, State: a.state.String(), Previous: a.state.String(), Reason: a.reason,
		Cause: "extended", By: ev.By, Until: to, Call: a.call,
	})
	return nil
}

// agentDisposed notes what became of a call.
func (s *State) agentDisposed(ev AgentDisposed, r *Result) error {
	a := s.agents[ev.Agent]
	switch {
	case a == nil:
		return refuse(ev, "no such agent")
	case ev.Call == "" || a.call != ev.Call || a.state != AgentTalking && a.wrapUpEnd() == 0:
		return refuse(ev, "agent neither talks to the call nor works on it")
	}
	w := a.work
	if a.state == AgentTalking {
		q := s.calls[ev.Call].queue
		w.queue, w.codes, w.offer = q.Name, q.Dispositions, a.offer
	}
	switch {
	case !slices.Contains(w.codes, ev.Code):
		return refuse(ev, "queue %q has no disposition %q", w.queue, ev.Code)
	case a.work.code == ev.Code:
		return nil
	}
	a.work.code = ev.Code
	r.Facts = append(r.Facts, Fact{
		Kind: FactAgentDisposed, Agent: a.id, Call: ev.Call, Queue: w.queue, Offer: w.offer, Reason: ev.Code, By: ev.By,
	})
	return nil
}
