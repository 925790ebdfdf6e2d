package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/routing/trunk"
)

const (
	// inheritRate is how many calls a second are taken over at most: each may cost
	// a re-INVITE and its answer.
	inheritRate = 300
	// adoptAgain is how often a socket of another node is tried that is still taken.
	adoptAgain = 100 * time.Millisecond
)

// estate is what this node has of others, and what it is told of it. Effects
// are carried out one after the other, on a goroutine of their own: addresses
// before the calls that live there.
type estate struct {
	wake chan struct{}

	mu     sync.Mutex // guards what follows
	todo   []acd.Effect
	taking map[string][]acd.Effect // calls being taken, and what they are told meanwhile
	homes  map[string]home         // other nodes' addresses that we have
	late   []lateSocket
}

// lateSocket is one that is still taken by another process.
type lateSocket struct{ of, listen, host string }

func newEstate() estate {
	return estate{
		wake: make(chan struct{}, 1), taking: map[string][]acd.Effect{}, homes: map[string]home{},
	}
}

// put keeps an effect that is the estate's business, and whatever is for a call
// that is being taken. It returns false for others.
func (e *estate) put(ef acd.Effect, call string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch ef := ef.(type) {
	case acd.TakeCall:
		if _, already := e.taking[call]; !already {
			e.taking[call] = nil
		}
	case acd.HoldAddress, acd.FreeAddress, acd.GiveAddress, acd.StopGhost, acd.EndLeg, acd.DropCall:
	case acd.RingAgent, acd.StopRinging, acd.ConnectAgent, acd.ReleaseAgent, acd.LeaveQueue:
		rest, taken := e.taking[call]
		if taken {
			e.taking[call] = append(rest, ef)
		}
		return taken
	case acd.GenerationChanged, acd.NodeLost:
		return false
	}
	e.todo = append(e.todo, ef)
	select {
	case e.wake <- struct{}{}:
	default:
	}
	return true
}

func (e *estate) next() acd.Effect {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.todo) == 0 {
		return nil
	}
	ef := e.todo[0]
	e.todo = e.todo[1:]
	return ef
}

// taken ends the taking of a call and returns what it was told meanwhile.
func (e *estate) taken(call string) []acd.Effect {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.taking[call]
	delete(e.taking, call)
	return rest
}

func (e *estate) retry(of, listen, host string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late = append(e.late, lateSocket{of, listen, host})
}

func (e *estate) retries() []lateSocket {
	e.mu.Lock()
	defer e.mu.Unlock()
	var due []lateSocket
	for _, l := range e.late {
		if _, ours := e.homes[l.of]; ours {
			due = append(due, l)
		}
	}
	e.late = nil
	return due
}

// inherit carries out what the log says of other processes' calls, until the
// node stops.
func (s *Switch) inherit() {
	again := time.NewTicker(adoptAgain)
	defer again.Stop()
	for {
		select {
		case <-s.root.Done():
			return
		case <-again.C:
			for _, l := range s.estate.retries() {
				s.adopt(l.of, l.listen, l.host)
			}
			continue
		case <-s.estate.wake:
		}
		for ef := s.estate.next(); ef != nil; ef = s.estate.next() {
			s.settleEstate(ef)
		}
	}
}

func (s *Switch) settleEstate(ef acd.Effect) {
	defer func() {
		if r := recover(); r != nil {
			s.stats.faults.Add(1)
			s.cfg.Log.Error("take-over panicked", "panic", fmt.Sprint(r))
		}
	}()
	switch ef := ef.(type) {
	case acd.HoldAddress:
		s.hold(ef)
	case acd.FreeAddress:
		s.free(ef)
	case acd.GiveAddress:
		s.cfg.Queue.Post(acd.AddressMoved{Home: ef.Home, From: ef.Node, To: ef.Home})
	case acd.StopGhost:
		s.stopGhost(ef)
	case acd.EndLeg:
		s.endLeg(ef)
	case acd.DropCall:
		s.drop(ef.Call)
	case acd.TakeCall:
		s.take(ef)
	case acd.RingAgent, acd.StopRinging, acd.ConnectAgent, acd.ReleaseAgent, acd.LeaveQueue, acd.GenerationChanged,
		acd.NodeLost:
	}
}

// drop lets go of a call that another node goes on with, and waits until its
// ports are free.
func (s *Switch) drop(id string) {
	if c := s.find(id, 0); c != nil && c.Post(ordered{run: func(context.Context) { c.abandon() }}) == nil {
		<-c.done
	}
}

// abandon ends the call here without a word to anybody.
func (c *Call) abandon() {
	c.ending = true
	c.stopTimers()
	c.sayParting() // whoever he is, he is free
	for _, cancel := range c.lookups {
		cancel()
	}
	for _, o := range c.offers {
		for _, p := range o.ringing {
			p.sip.Hangup(16, "moved")
		}
		o.media.Close()
	}
	if f := c.dialledCustomer(); f != nil { // the other node dials anew
		c.closeFar(f, CauseNormal())
	}
	c.endTape()
	for _, p := range c.everybody() {
		switch {
		case p.dead:
		case p.sip != nil:
			p.sip.Abandon()
		case p.invite != nil:
			p.invite.Abandon()
		}
		c.sw.seats.free(p)
		p.closeMedia()
		if p.far != nil {
			p.far.over = true
			p.far.release()
		}
	}
	c.sw.ended(c, Cause{Reason: "moved"})
	c.log.Info("call goes on at another node")
}

// everybody is all whose legs are up, each once.
func (c *Call) everybody() (all []*party) {
	add := func(p *party) {
		if p != nil && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	add(c.caller)
	if c.placed != nil && !c.answered {
		add(c.placed.party)
	}
	if c.agent != nil {
		add(c.agent.party)
	}
	for _, g := range c.invited() {
		add(g.party)
		add(g.line)
		if g.party == nil && g.far != nil { // it rings: the other node doesn't know of it
			c.closeFar(g.far, CauseNormal())
		}
	}
	if t := c.away; t != nil && t.far != nil {
		if t.bridged {
			add(t.far.party)
		} else {
			c.closeFar(t.far, CauseNormal())
		}
	}
	return all
}

var errNotOurs = errors.New("the call is another node's")

// take goes on with a call that another process held.
func (s *Switch) take(e acd.TakeCall) {
	id, began := e.Call, time.Now()
	c, first, err := s.heir(id)
	first.alone = e.Alone
	switch {
	case errors.Is(err, errNotOurs):
		s.estate.taken(id)
		return
	case err != nil:
		s.estate.taken(id)
		s.cfg.Log.Error("call can't be taken over", "call", id, "err", err)
		s.cfg.Queue.Post(acd.CallEnded{Call: id, Cause: "node_lost", By: acd.SideSwitch})
		return
	}
	_ = c.Post(ordered{run: func(ctx context.Context) { c.resume(ctx, first) }}) // the first in its mailbox
	for _, ef := range s.estate.taken(id) {
		_ = c.Post(asked{effect: ef})
	}
	c.run()
	time.Sleep(time.Second/inheritRate - time.Since(began))
}

// inherited is what another process has left of a call.
type inherited struct {
	view  acd.CallView
	legs  acd.Legs
	alone bool      // nobody is there any more who was to serve the caller
	rings []keptLeg // whom an agent was calling outside
}

// heir makes the call that goes on with another one's.
func (s *Switch) heir(id string) (*Call, inherited, error) {
	var in inherited
	var known bool
	s.cfg.Queue.Read(func(st *acd.State) {
		if in.view, known = st.Call(id); known {
			in.legs, known = st.Legs(id)
		}
	})
	if !known || in.view.Node != s.cfg.Node {
		return nil, in, errNotOurs
	}
	v := in.view
	gen, err := s.cfg.Services.Get(v.Generation)
	if err != nil {
		return nil, in, err
	}
	flow := gen.Flows[v.Flow]
	if flow == nil && v.Flow != "" {
		return nil, in, fmt.Errorf("generation %d has no flow %q", v.Generation, v.Flow)
	}
	t, _ := gen.Trunks.Trunk(v.Trunk) // one that is gone had no special wishes
	c := &Call{
		id: id, sw: s, gen: gen, flow: flow, from: v.From, to: v.To, trunk: v.Trunk, flowName: v.Flow,
		codecs: codecsOf(t), srtp: policyOf(t), digits: t.Digits, timer: timerOf(t), keys: listenFor(t.Digits),
		home: s.homeOf(in.legs.Home), answered: true, release: func() {},
	}
	c.prime(id)
	c.origin(in)
	c.identify(gen, v.SIPCallID)
	c.customer = v.Customer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[c.key] != nil {
		return nil, in, errNotOurs
	}
	if flow != nil {
		l := s.trunkState(v.Trunk)
		l.Admit(trunk.Caps{}, false, time.Now())
		c.release = func() { l.Release(false) }
	}
	s.calls[c.key] = c
	return c, in, nil
}

// endLeg hangs up a leg that nobody needs any more.
func (s *Switch) endLeg(e acd.EndLeg) {
	var d sipua.Dialog
	err := d.UnmarshalBinary(e.Leg)
	switch {
	case err != nil:
	case len(d.Invite) == 0:
		s.cfg.UA.Resume(d, func(sipua.LegEvent) {}).Hangup(16, "node lost")
	case d.Caller:
		err = s.cfg.UA.CancelInvite(d)
	default:
		err = s.refuseInherited(d)
	}
	if err != nil {
		s.cfg.Log.Warn("leg of a dead node can't be ended", "err", err)
	}
}

// refuseInherited answers somebody whom nobody can serve: he can call again at
// once.
func (s *Switch) refuseInherited(d sipua.Dialog) error {
	in, err := s.cfg.UA.ResumeInvite(d, false)
	if err != nil {
		return err //nolint:wrapcheck // says what and where
	}
	return in.Reject(503, reasonPhrase(503), retryAfter(), nil) //nolint:wrapcheck // the same
}

// resume goes on where another process stopped. What the caller hears begins
// anew; his place and his agent are what they were.
func (c *Call) resume(ctx context.Context, in inherited) {
	c.log.Info("call goes on here", "phase", in.view.Phase.String(), "from_home", in.legs.Home)
	in.rings = c.stopDialled(&in.legs)
	if c.dialAgain(ctx, in) {
		return
	}
	c.caller = c.callerOf(in)
	p, err := c.restore(in.legs.Caller, c.caller)
	if err != nil {
		c.caller.dead = true
		c.end(lostWithNode(err))
		return
	}
	if p.agent != "" {
		c.sw.seats.take(p)
	}
	c.resumed = true
	if !c.answered && !c.stillEarly(p, in) {
		return
	}
	c.goOn(ctx, in)
	c.resumed = false
	if c.agent != nil {
		c.callAgain(ctx, in.rings)
	}
}

func lostWithNode(err error) error {
	return &EndError{Cause: Cause{Q850: 41, Side: acd.SideSwitch, Reason: "node_lost"}, Err: err}
}
