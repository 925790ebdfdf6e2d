package call

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tierline/acd"
	"tierline/media/prompt"
	"tierline/media/tone"
)

// What a supervisor may want beside acd's modes.
const (
	TakeOver = "take_over" // he serves the call from now on, in place of the agent
	Leave    = "leave"
)

// Oversight is a wish of a supervisor. Neither agent nor call: the one he is in.
type Oversight struct {
	Supervisor string
	Agent      string // whose call
	Call       string
	Do         string // a mode of acd, TakeOver or Leave
	By         string // who asks, if it isn't he
}

// DeniedSupervisor is a DeniedError's code: he may not listen to that agent.
const DeniedSupervisor = "not_supervisor"

// overseen is a wish on its way to the call.
type overseen struct {
	Oversight
	reply func(error)
}

func (overseen) isMsg() {}

// Supervise brings a supervisor into a call, or changes what he does there. It
// returns when that has begun or is refused: whether he answers is told by
// events.
func (s *Switch) Supervise(ctx context.Context, w Oversight) error {
	w.By = cmp.Or(w.By, w.Supervisor)
	c, err := s.callFor(w)
	if err == nil {
		err = c.wish(ctx, func(reply func(error)) msg { return overseen{Oversight: w, reply: reply} })
	}
	s.countControl(Action("supervise_"+w.Do), err)
	return err
}

// callFor finds the call that a supervisor means.
func (s *Switch) callFor(w Oversight) (*Call, error) {
	if w.Agent != "" {
		return s.callOf(w.Agent)
	}
	id, offer := w.Call, uint64(0)
	var v acd.CallView
	var known bool
	s.cfg.Queue.Read(func(st *acd.State) {
		if id == "" {
			a, _ := st.Agent(w.Supervisor)
			id = a.Call
		}
		v, known = st.Call(id)
		offer = v.Offer
	})
	switch {
	case !known:
		return nil, denied(DeniedNoCall, "there is no such call")
	case v.Node != s.cfg.Node:
		return nil, denied(DeniedNode, "the call is on node %s: ask there", v.Node)
	}
	c := s.find(id, offer)
	if c == nil {
		return nil, denied(DeniedNoCall, "the call is over")
	}
	return c, nil
}

// modeOf returns the mode that a word means. Who takes a call over listens until
// he has it.
func modeOf(word string) (mode, bool) {
	switch word {
	case acd.ModeListen, TakeOver:
		return modeListen, true
	case acd.ModeWhisper:
		return modeWhisper, true
	case acd.ModeBarge:
		return modeBarge, true
	}
	return 0, false
}

// word is what the log calls a mode.
func (m mode) word() string {
	switch m {
	case modeWhisper:
		return acd.ModeWhisper
	case modeBarge:
		return acd.ModeBarge
	case modeListen:
	}
	return acd.ModeListen
}

// supervisor finds one who is in the call, or rings.
func (c *Call) supervisor(agent string) *guest {
	for _, g := range c.watchers {
		if g.agent == agent {
			return g
		}
	}
	return nil
}

// oversee grants a supervisor's wish or says why not.
func (c *Call) oversee(ctx context.Context, m overseen) {
	g := c.supervisor(m.Supervisor)
	how, known := modeOf(m.Do)
	switch {
	case g == nil && m.Do == Leave:
		m.reply(denied(DeniedNoCall, "%s is not in the call", m.Supervisor))
	case m.Do == Leave:
		c.dismissGuest(g, acd.SideAgent, CauseNormal())
		m.reply(nil)
	case !known:
		m.reply(denied(DeniedState, "%q is nothing that supervisors do", m.Do))
	case g == nil:
		c.callSupervisor(ctx, m, how)
	default:
		m.reply(c.change(ctx, g, m.Do, m.By))
	}
}

// callSupervisor rings his phone. Whether he may, the log says.
func (c *Call) callSupervisor(ctx context.Context, m overseen, how mode) {
	switch {
	case c.agent == nil || c.callback != nil && !c.callback.talking:
		m.reply(denied(DeniedState, "nobody serves the call"))
		return
	case len(c.guests)+len(c.watchers)+2 >= mostParties:
		m.reply(denied(DeniedFull, "a call has %d parties at most", mostParties))
		return
	}
	g := &guest{role: acd.RoleSupervisor, by: m.By, mode: how, takesOver: m.Do == TakeOver}
	c.log.Info("supervisor called", "supervisor", m.Supervisor, "mode", m.Do, "by", m.By)
	c.callAgent(ctx, g, []string{m.Supervisor}, m.reply)
}

// change lets a supervisor take part in another way.
func (c *Call) change(ctx context.Context, g *guest, do, by string) error {
	how, _ := modeOf(do)
	g.takesOver = do == TakeOver
	switch {
	case g.party == nil: // his phone rings
		g.mode = how
		return nil
	case g.takesOver:
		return c.stepIn(ctx, g, by)
	}
	c.setMode(g, how, by)
	return nil
}

// setMode says who hears a supervisor from now on. He hears as many beeps as the
// key that does it has.
func (c *Call) setMode(g *guest, how mode, by string) {
	m := c.member(g.party)
	if m == nil {
		return
	}
	c.log.Info("supervision changed", "supervisor", g.agent, "mode", how.word(), "by", by)
	if m.mode != how {
		c.sw.cfg.Queue.Post(acd.SupervisionChanged{Offer: g.offer, Mode: how.word(), By: by})
	}
	g.mode, m.mode = how, how
	c.regroup()
	g.media.Play(0, []*prompt.Clip{beeps(int(how))})
}

// beeps are what a supervisor's mode sounds like to himself.
func beeps(n int) *prompt.Clip {
	const level = -18 // dBm0
	beep, between := tone.Make(80*time.Millisecond, level, 620), make([]int16, 8*80)
	var all []int16
	for range n {
		all = append(append(all, beep...), between...)
	}
	return prompt.NewClip(all)
}

// supervisorIn is a supervisor who has picked up.
func (c *Call) supervisorIn(ctx context.Context, g *guest, p *party) {
	g.party = p
	asked := g.mode
	if c.agent == nil { // he has nobody to look after any more
		c.dismissGuest(g, acd.SideSwitch, CauseNormal())
		return
	}
	c.enter(p, roleSupervisor)
	c.member(p).mode = modeListen
	if g.asked != asked {
		c.sw.cfg.Queue.Post(acd.SupervisionChanged{Offer: g.offer, Mode: asked.word(), By: g.agent})
	}
	if g.takesOver {
		if err := c.stepIn(ctx, g, g.by); err != nil {
			c.log.Info("call not taken over", "supervisor", g.agent, "err", err)
			g.takesOver = false
		}
		return
	}
	c.member(p).mode = asked
	c.regroup()
	c.log.Info("call supervised", "supervisor", g.agent, "mode", asked.word())
}

// stepIn lets a supervisor serve the call; the agent goes on with his work
// after it. Who was asked, or rings, was the agent's business.
func (c *Call) stepIn(ctx context.Context, g *guest, by string) error {
	switch {
	case c.agent == nil:
		return denied(DeniedState, "nobody serves the call")
	case c.aside != nil:
		return denied(DeniedState, "the caller answers questions")
	}
	c.log.Info("call taken over", "supervisor", g.agent, "agent", c.agent.agent, "by", by)
	for _, other := range slices.Clone(c.guests) {
		if other.role != acd.RoleMember || other.party == nil {
			c.dismissGuest(other, acd.SideAgent, CauseNormal())
		}
	}
	g.by = by
	c.handOver(ctx, g, acd.SideAgent)
	return nil
}

// dismissWatchers sends the supervisors away: there is no agent any more.
func (c *Call) dismissWatchers(by acd.Side) {
	for len(c.watchers) > 0 {
		c.dismissGuest(c.watchers[0], by, CauseNormal())
	}
}

// supervisorKey is a key of a supervisor's phone: *1 listen, *2 whisper, *3
// barge, *4 take over.
func (c *Call) supervisorKey(ctx context.Context, g *guest, key rune) {
	starred := g.starred
	g.starred = key == '*'
	i := int(key - '1')
	words := []string{acd.ModeListen, acd.ModeWhisper, acd.ModeBarge, TakeOver}
	if !starred || i < 0 || i >= len(words) {
		return
	}
	err := c.change(ctx, g, words[i], g.agent)
	c.sw.countControl(Action("supervise_"+words[i]), err)
	if err != nil {
		c.log.Info("key of a supervisor refused", "supervisor", g.agent, "key", fmt.Sprintf("*%c", key), "err", err)
	}
}

// watcherAt finds the supervisor of a leg.
func (c *Call) watcherAt(leg MediaLeg) *guest {
	for _, g := range c.watchers {
		if g.party != nil && g.media == leg {
			return g
		}
	}
	return nil
}
