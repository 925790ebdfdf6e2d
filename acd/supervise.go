package acd

import "slices"

// Modes of a supervisor in a call.
const (
	ModeListen  = "listen"  // nobody hears him
	ModeWhisper = "whisper" // the agent hears him
	ModeBarge   = "barge"   // everybody hears him
)

// CodeNotSupervisor refuses somebody who may not listen to an agent.
const CodeNotSupervisor = "not_supervisor"

// SupervisionChanged changes how a supervisor takes part in a call.
type SupervisionChanged struct {
	Offer uint64 `json:"offer"`
	Mode  string `json:"mode"`
	By    string `json:"by"`
}

func (SupervisionChanged) isEvent() {}

func isMode(mode string) bool { return mode == ModeListen || mode == ModeWhisper || mode == ModeBarge }

// everybody in the list of whom a supervisor looks after means all agents.
const everybody = "*"

// MaySupervise reports whether the current documents let somebody listen to an
// agent.
func (s *State) MaySupervise(supervisor, agent string) bool {
	boss, a := s.agents[supervisor], s.agents[agent]
	if boss == nil || a == nil || boss == a {
		return false
	}
	return slices.ContainsFunc(boss.config.Supervises, func(whom string) bool {
		return whom == everybody || whom == a.id || slices.Contains(a.config.Groups, whom)
	})
}

// serving returns the agent who serves a call, "" if nobody does.
func (s *State) serving(c *call) string {
	if o := s.offers[c.offer]; c.phase == PhaseTalking && o.answered() {
		return o.agent
	}
	return ""
}

// mayListen refuses who may not supervise the agent of a call, or nonsense.
func (s *State) mayListen(ev AgentCalled, c *call) error {
	switch {
	case ev.Role != RoleSupervisor && ev.Mode != "":
		return refuse(ev, "%s has no mode", ev.Role)
	case ev.Role != RoleSupervisor:
		return nil
	case !isMode(ev.Mode):
		return refuse(ev, "%q is no mode", ev.Mode)
	case !s.MaySupervise(ev.Agent, s.serving(c)):
		return refuseCode(ev, CodeNotSupervisor, "%s may not supervise agent %q", ev.Agent, s.serving(c))
	}
	return nil
}

// superviseFact is about a supervisor in a call. Whose call it is, it says as
// well: what somebody overheard is looked up by that.
func (s *State) superviseFact(kind FactKind, o *offer) Fact {
	f := s.sideFact(kind, o, o.agent)
	f.Mode, f.Supervised = o.mode, s.serving(s.calls[o.call])
	return f
}

func (s *State) supervisionChanged(ev SupervisionChanged, r *Result) error {
	o := s.offers[ev.Offer]
	switch {
	case o == nil || !o.answered() || o.role != RoleSupervisor:
		return refuse(ev, "offer %d is no supervisor's", ev.Offer)
	case !isMode(ev.Mode):
		return refuse(ev, "%q is no mode", ev.Mode)
	case o.mode == ev.Mode:
		return nil
	}
	o.mode = ev.Mode
	f := s.superviseFact(FactSupervisionChanged, o)
	f.By = ev.By
	r.Facts = append(r.Facts, f)
	return nil
}

// stepIn ends a supervision because the supervisor serves the call from now on.
func (s *State) stepIn(o *offer, before string, r *Result) {
	f := s.superviseFact(FactSupervisionEnded, o)
	f.Cause, f.TalkMS, f.Supervised = causeTakeOver, s.now-o.answeredAt, before
	r.Facts = append(r.Facts, f)
	o.mode, o.answeredAt = "", s.now // his time as the agent begins
}

// causeTakeOver is why a supervision ends that becomes a conversation.
const causeTakeOver = "take_over"

// dismissSupervisors ends what supervisors do in a call that has no agent any
// more, or one whom they may not supervise.
func (s *State) dismissSupervisors(c *call, r *Result) {
	for _, o := range s.sidesOf(c) {
		switch {
		case o.role != RoleSupervisor:
		case o.ringing():
			if agent := o.rings[0].agent; !s.MaySupervise(agent, s.serving(c)) {
				s.stopRinging(o, agent, CallerLeft, r)
				s.sideFailed(o, CallerLeft, 0, r)
			}
		case !s.MaySupervise(o.agent, s.serving(c)):
			r.Effects = append(r.Effects, ReleaseAgent{Node: c.node, Call: c.id, Agent: o.agent, Offer: o.id})
			s.releaseSide(o, SideSwitch, nil, r)
		}
	}
}
