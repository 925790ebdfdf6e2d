package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

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

// Actions returns all of them.
func Actions() []Action {
	return []Action{Hold, Resume, Mute, Unmute, Consult, Swap, Transfer, Conference, Drop}
}

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
	answer := make(chan error, 1)
	if err := c.Post(controlled{Control: w, reply: func(err error) {
		select {
		case answer <- err:
		default:
		}
	}}); err != nil {
		return denied(DeniedNoCall, "agent %s's call: %v", w.Agent, err)
	}
	select {
	case err := <-answer:
		return err
	case <-c.done:
		return denied(DeniedNoCall, "agent %s's call has ended", w.Agent)
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

// toggle holds and mutes.
func (c *Call) toggle(w Control) error {
	p, on := c.seatOf(w.Agent)
	if p == nil {
		return denied(DeniedNoCall, "agent %s is not in the call", w.Agent)
	}
	switch w.Do { //nolint:exhaustive // the caller picks
	case Hold:
		if c.asked() != nil {
			return denied(DeniedState, "the caller waits already while somebody is asked")
		}
		on.held = true
	case Resume:
		if c.agent.agreed.Hold {
			return denied(DeniedState, "the phone holds the call: resume it there")
		}
		on.held = false
	case Mute:
		on.muted = true
	case Unmute:
		on.muted = false
	}
	on.by = w.By
	c.regroup()
	return nil
}

// wish is what an agent has asked for himself.
type wish struct {
	held, muted bool
	by          string
	told        acd.TalkChanged // what the log knows
}

// seatOf returns an agent's party and what he has asked for.
func (c *Call) seatOf(agent string) (*party, *wish) {
	if c.agent != nil && c.agent.agent == agent {
		return c.agent.party, &c.agent.wish
	}
	if g := c.guestOf(agent); g != nil {
		return g.party, &g.wish
	}
	return nil, nil
}

// regroup gives each member the state that follows from what the agents have
// asked for, and lets the log know. After it nobody talks to whom he shouldn't.
func (c *Call) regroup() {
	asked := c.asked()
	aside := asked.aside()
	for _, m := range c.room.members {
		m.held = aside && (m.role == roleCaller || m.role == roleFar) && (asked.party != m.party)
		m.muted = false
	}
	if asked != nil && asked.party != nil && !aside {
		c.hold(asked.party, true)
	}
	for _, g := range c.guests {
		if m := c.member(g.party); m != nil {
			m.muted = g.wish.muted
		}
	}
	if t := c.agent; t != nil {
		if m := c.member(t.party); m != nil {
			m.held = t.wish.held || aside && asked.line != nil || c.ringsFor(acd.RoleTransfer) != nil
			m.muted = t.wish.muted
		}
	}
	c.arrange()
	c.report(aside)
}

func (c *Call) hold(p *party, held bool) {
	if m := c.member(p); m != nil {
		m.held = held
	}
}

// report tells the log what has changed of hold and mute, whoever did it.
func (c *Call) report(aside bool) {
	if t := c.agent; t != nil {
		c.told(&t.wish, acd.TalkChanged{
			Offer: t.offer, Held: aside || t.wish.held || t.agreed.Hold, Muted: t.wish.muted, By: t.agent,
		})
	}
	for _, g := range c.guests {
		if g.agent != "" && g.party != nil {
			c.told(&g.wish, acd.TalkChanged{Offer: g.offer, Held: g.agreed.Hold, Muted: g.wish.muted, By: g.agent})
		}
	}
}

func (c *Call) told(w *wish, now acd.TalkChanged) {
	was := w.told
	if was.Held == now.Held && was.Muted == now.Muted {
		return
	}
	w.told = now
	now.By = cmp.Or(w.by, now.By)
	c.sw.cfg.Queue.Post(now)
}

// swap changes between the caller and whom the agent asks.
func (c *Call) swap() error {
	g := c.asked()
	switch {
	case g == nil || g.party == nil:
		return denied(DeniedState, "nobody is being asked")
	case g.line != nil:
		return denied(DeniedState, "the phone has a line for each: change there")
	}
	g.swapped = !g.swapped
	c.regroup()
	return nil
}

// transferTo sends the caller to somebody.
func (c *Call) transferTo(ctx context.Context, m controlled) {
	g := c.asked()
	switch t := m.Target; {
	case t == Target{} && g == nil:
		m.reply(denied(DeniedState, "nobody is being asked, and nobody is named"))
	case t == Target{} && g.party != nil:
		m.reply(nil)
		c.handOver(ctx, g, acd.SideAgent)
	case t == Target{}: // still rings: whoever answers has the caller
		g.role = acd.RoleTransfer
		c.regroup()
		m.reply(nil)
	case t.Flow != "":
		m.reply(c.toFlow(ctx, t.Flow, m.By))
	case t.Queue != "":
		m.reply(c.toQueue(ctx, t.Queue))
	default:
		c.wants(ctx, m, acd.RoleTransfer)
	}
}

// conferWith lets everybody hear everybody.
func (c *Call) conferWith(ctx context.Context, m controlled) {
	g := c.asked()
	switch t := m.Target; {
	case t != Target{}:
		c.wants(ctx, m, acd.RoleMember)
	case g == nil || g.party == nil:
		m.reply(denied(DeniedState, "nobody is being asked, and nobody is named"))
	default:
		g.role, g.swapped = acd.RoleMember, false
		if g.agent != "" {
			c.sw.cfg.Queue.Post(acd.MemberJoined{Offer: g.offer, By: m.By})
		}
		c.closeLine(g, CauseNormal())
		c.regroup()
		m.reply(nil)
	}
}

// dropGuest lets one go: whom the agent asks, if nobody is named.
func (c *Call) dropGuest(ctx context.Context, party string) error {
	g := c.asked()
	if party != "" {
		i := slices.IndexFunc(c.guests, func(g *guest) bool { return g.name() == party })
		if i < 0 {
			return denied(DeniedTarget, "%s is not in the call beside the caller", party)
		}
		g = c.guests[i]
	}
	if g == nil {
		g = c.ringsFor(acd.RoleTransfer)
	}
	if g == nil {
		return denied(DeniedState, "nobody is being asked, and nobody is named")
	}
	c.dismissGuest(g, acd.SideAgent, CauseNormal())
	c.alone(ctx)
	return nil
}

// toQueue sends the caller back into a line, with the place he had.
func (c *Call) toQueue(ctx context.Context, queue string) error {
	switch {
	case !c.gen.HasQueue(queue):
		return denied(DeniedTarget, "there is no queue %q", queue)
	case c.callback != nil:
		return denied(DeniedState, "the customer of a call-back has waited already")
	}
	c.dismissGuests(acd.SideAgent, CauseNormal())
	c.dropAgent(acd.SideAgent)
	c.requeue(ctx, queue)
	return nil
}

// toFlow sends the caller into another flow.
func (c *Call) toFlow(ctx context.Context, name, by string) error {
	flow := c.gen.Flows[name]
	switch {
	case flow == nil:
		return denied(DeniedTarget, "there is no flow %q", name)
	case c.callback != nil || c.placed != nil:
		return denied(DeniedState, "only who has called us can be sent into a flow")
	}
	c.dismissGuests(acd.SideAgent, CauseNormal())
	c.dropAgent(acd.SideAgent)
	c.lastWords()
	c.flow, c.flowName, c.session = flow, name, nil
	c.sw.cfg.Queue.Post(acd.CallRerouted{Call: c.id, Flow: name, By: by})
	c.begin(ctx)
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
	case refused.Code == acd.CodeCallFull:
		return denied(DeniedFull, "%s", refused.Reason)
	}
	return denied(DeniedTarget, "%s", refused.Reason)
}
