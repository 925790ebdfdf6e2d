package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"tierline/acd"
)

// Action is what an agent wants of his call.
type Action string

// Actions.
const (
	Hold       Action = "hold"
	Resume     Action = "resume"
	Mute       Action = "mute"
	Unmute     Action = "unmute"
	Consult    Action = "consult"    // ask somebody while the caller hears music
	Swap       Action = "swap"       // between the caller and whom he asks
	Transfer   Action = "transfer"   // the caller goes to somebody; to nobody in particular: to whom he asks
	Conference Action = "conference" // one more joins; nobody in particular: whom he asks
	Drop       Action = "drop"       // somebody leaves; nobody in particular: whom he asks
)

// Target is who is wanted: one of them, or nobody.
type Target struct {
	Agent  string
	Queue  string // its longest idle agent; of a transfer: its waiting line
	Number string // outside, as the agent would dial it, or the name of a destination
	Flow   string // of a transfer
}

// Control is a wish of an agent.
type Control struct {
	Agent  string // whose call it is
	Do     Action
	Target Target // of Consult, Transfer and Conference
	Party  string // of Drop: an agent or a number
	By     string // who asks, if it isn't he
}

// DeniedError says why a wish can't be granted. The call goes on as it was.
type DeniedError struct {
	Code string // a stable word
	Text string
}

// Error implements error.
func (e *DeniedError) Error() string { return e.Text }

// Codes of DeniedError.
const (
	DeniedNoCall  = "no_call"   // the agent has none
	DeniedNode    = "node"      // it lives on another node
	DeniedState   = "state"     // not now
	DeniedTarget  = "target"    // nobody like that
	DeniedAgent   = "agent"     // he is busy or away
	DeniedNumber  = "number"    // the agent may not call it
	DeniedFull    = "full"      // as many parties as a call can have
	DeniedTrouble = "not_ready" // the log can't commit, or no trunk is free
)

func denied(code, format string, args ...any) error {
	return &DeniedError{Code: code, Text: fmt.Sprintf(format, args...)}
}

// mostParties is how many talk to each other at most.
const mostParties = 8

// controlled is a wish on its way to the call, and how the answer goes back.
type controlled struct {
	Control
	reply func(error)
	tell  func(status int) // for a REFER: how it goes; may be nil
}

func (controlled) isMsg() {}

// Control does with an agent's call what he wants. It returns when that has
// begun or is refused: whether somebody answers is told by events.
func (s *Switch) Control(ctx context.Context, w Control) error {
	c, err := s.callOf(w.Agent)
	if err != nil {
		return err
	}
	w.By = cmp.Or(w.By, w.Agent)
	return c.wish(ctx, func(reply func(error)) msg { return controlled{Control: w, reply: reply} })
}

// wish hands the call somebody's wish and waits for its answer.
func (c *Call) wish(ctx context.Context, with func(reply func(error)) msg) error {
	answer := make(chan error, 1)
	if err := c.Post(with(func(err error) {
		select {
		case answer <- err:
		default:
		}
	})); err != nil {
		return denied(DeniedNoCall, "the call: %v", err)
	}
	select {
	case err := <-answer:
		return err
	case <-c.done:
		return denied(DeniedNoCall, "the call has ended")
	case <-ctx.Done():
		return fmt.Errorf("control the call: %w", ctx.Err())
	}
}

// callOf finds the call that an agent talks in.
func (s *Switch) callOf(agent string) (*Call, error) {
	var a acd.AgentView
	var v acd.CallView
	var known bool
	s.cfg.Queue.Read(func(st *acd.State) {
		a, _ = st.Agent(agent)
		v, known = st.Call(a.Call)
	})
	switch {
	case !known || a.State != acd.AgentTalking:
		return nil, denied(DeniedNoCall, "agent %s talks to nobody", agent)
	case v.Node != s.cfg.Node:
		return nil, denied(DeniedNode, "agent %s's call is on node %s: ask there", agent, v.Node)
	}
	c := s.find(v.ID, a.Offer)
	if c == nil {
		return nil, denied(DeniedNoCall, "agent %s's call is over", agent)
	}
	return c, nil
}

// controlled grants a wish or says why not.
func (c *Call) controlled(ctx context.Context, m controlled) {
	reply := m.reply
	m.reply = func(err error) {
		c.sw.countControl(m.Do, err)
		reply(err)
	}
	err := c.mayControl(m.Control)
	if err != nil {
		m.reply(err)
		return
	}
	c.log.Info("call controlled", "agent", m.Agent, "action", string(m.Do), "by", m.By)
	switch m.Do {
	case Hold, Resume, Mute, Unmute:
		m.reply(c.toggle(m.Control))
	case Swap:
		m.reply(c.swap())
	case Drop:
		m.reply(c.dropGuest(ctx, m.Party))
	case Transfer:
		c.transferTo(ctx, m)
	case Conference:
		c.conferWith(ctx, m)
	case Consult:
		c.wants(ctx, m, acd.RoleConsult)
	case pauseRecording, markRecording: // codes only: they don't come here
		fallthrough
	default:
		m.reply(denied(DeniedState, "%q is nothing to do with a call", m.Do))
	}
}

// countControl counts what agents do, and what is refused.
func (s *Switch) countControl(do Action, err error) {
	if d, refused := errors.AsType[*DeniedError](err); refused {
		s.stats.count(&s.stats.denied, d.Code)
		return
	}
	s.stats.count(&s.stats.controls, string(do))
}

// mayControl: who serves the call may everything, others what is about
// themselves.
func (c *Call) mayControl(w Control) error {
	switch {
	case c.callback != nil && !c.callback.talking:
		return denied(DeniedState, "the customer is not there yet")
	case c.agent != nil && c.agent.agent == w.Agent:
		return nil
	case w.Do != Mute && w.Do != Unmute:
		return denied(DeniedState, "agent %s doesn't serve the call", w.Agent)
	case c.guestOf(w.Agent) == nil:
		return denied(DeniedNoCall, "agent %s is not in the call", w.Agent)
	}
	return nil
}

// deniedBy turns a refusal of the log into one of ours.
func deniedBy(err error) error {
	refused, ok := errors.AsType[*acd.RefusedError](err)
	switch {
	case !ok:
		return denied(DeniedTrouble, "not now: %v", err)
	case refused.Code == acd.CodeAgentBusy || refused.Code == acd.CodeAgentAbsent:
		return denied(DeniedAgent, "%s", refused.Reason)
	case refused.Code == acd.CodeNotSupervisor:
		return denied(DeniedSupervisor, "%s", refused.Reason)
	case refused.Code == acd.CodeCallFull:
		return denied(DeniedFull, "%s", refused.Reason)
	}
	return denied(DeniedTarget, "%s", refused.Reason)
}
