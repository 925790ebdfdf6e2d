package call

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/media/dtmf"
)

// offer is this call ringing at one agent, on all of the agent's phones. Those
// of a ring group have one id.
type offer struct {
	id      uint64
	agent   string
	ringing []*party // one per contact; they share their media and our offer
	media   MediaLeg
	picked  *party // the phone that answered first
	rang    bool
	role    acd.Role // 0: a queue has made it
}

// talk is the conversation with an agent.
type talk struct {
	*party
	offer uint64
	agent string
	wish  wish
	asks  string // whom his phone shows in place of the customer: whom he asks
}

func (c *Call) onEffect(ctx context.Context, e acd.Effect) {
	switch e := e.(type) {
	case acd.RingAgent:
		c.ring(ctx, e)
	case acd.StopRinging:
		if o := c.offerTo(e.Offer, e.Agent); o != nil {
			c.dropOffer(o, causeOfStop(e.Outcome))
			if g := c.guestWho(o.id); g != nil {
				c.guestFailed(ctx, g, statusOfStop(e.Outcome))
			}
		}
	case acd.ConnectAgent:
		c.connect(ctx, e)
	case acd.ReleaseAgent:
		c.released(ctx, e)
	case acd.LeaveQueue:
		c.leftQueue(ctx, e)
	case acd.GenerationChanged, acd.HoldAddress, acd.FreeAddress, acd.GiveAddress, acd.TakeCall, acd.DropCall,
		acd.StopGhost, acd.EndLeg, acd.NodeLost:
		// For the switch, not for a call: a call keeps its generation.
	}
}

// causeOfStop is what a phone that stops ringing is told: one that lost the race
// doesn't show a missed call.
func causeOfStop(out acd.Outcome) Cause {
	if out == acd.LostRace {
		return Cause{Q850: 26, Side: acd.SideSwitch, Reason: "answered elsewhere"}
	}
	return CauseNormal()
}

// statusOfStop is how a phone that is told to stop has answered, so to speak.
func statusOfStop(out acd.Outcome) int {
	if out == acd.NoAnswer {
		return 408
	}
	return 480
}

// offerTo finds the running offer to an agent, nil if there is none.
func (c *Call) offerTo(id uint64, agent string) *offer {
	for _, o := range c.offers {
		if o.id == id && o.agent == agent {
			return o
		}
	}
	return nil
}

// forget takes an offer off the list; false if it wasn't there any more.
func (c *Call) forget(o *offer) bool {
	i := slices.Index(c.offers, o)
	if i >= 0 {
		c.offers = slices.Delete(c.offers, i, i+1)
	}
	return i >= 0
}

// ring sends INVITE to every phone of the agent. Offers of another id are old.
func (c *Call) ring(ctx context.Context, e acd.RingAgent) {
	for _, o := range slices.Clone(c.offers) {
		if o.id != e.Offer && o.role == 0 && e.Role == 0 {
			c.dropOffer(o, CauseNormal())
		}
	}
	o := &offer{id: e.Offer, agent: e.Agent, role: e.Role}
	if o.role != 0 && c.guestFor(o) == nil { // taken back before it was made
		c.sw.cfg.Queue.Post(acd.OfferFailed{Offer: o.id, Agent: o.agent, Outcome: acd.CallerLeft})
		return
	}
	c.offers = append(c.offers, o)
	busy := c.sw.seats.busy(e.Agent)
	if busy == nil {
		c.invite(ctx, o, e)
		return
	}
	c.beside(func() func() {
		select {
		case <-busy:
		case <-time.After(hangupTime):
		}
		return func() {
			if slices.Contains(c.offers, o) {
				c.invite(ctx, o, e)
			}
		}
	})
}

// invite calls every phone of the agent.
func (c *Call) invite(ctx context.Context, o *offer, e acd.RingAgent) {
	policy := c.gen.SRTP(e.Agent)
	first, err := c.openParty(c.forAgents(), policy)
	if err != nil {
		c.log.Warn("cannot ring the agent", "agent", e.Agent, "err", err)
		c.offerFailed(ctx, o, acd.SwitchFailed, 0)
		return
	}
	o.media = first.media
	_, _, codes := c.gen.InCall("*")
	for _, b := range e.Contacts {
		p := &party{media: first.media, signal: sourceOf(b), agent: e.Agent, offer: e.Offer, codes: codes}
		p.local = c.sw.forPhone(first.local, policy, b)
		d, dialErr := c.sw.cfg.UA.Dial(c.fromHome(c.dialRequest(e, b, sdp.Offer(p.local)), e.Offer), c.signals(p))
		if dialErr != nil {
			c.log.Warn("cannot dial the agent", "agent", e.Agent, "err", dialErr)
			continue
		}
		c.attach(p, d)
		o.ringing = append(o.ringing, p)
	}
	if len(o.ringing) == 0 {
		c.offerFailed(ctx, o, acd.Unreachable, 0)
	}
}

// sourceOf is where a phone's SIP comes from: one behind NAT names another
// address in its SDP than its sound has.
func sourceOf(b acd.Binding) netip.Addr {
	at, err := netip.ParseAddrPort(b.Received)
	if err != nil {
		return netip.Addr{} // a fixed contact: its SDP must be right
	}
	return at.Addr().Unmap()
}

// phoneSession is how long an agent's phone may go without a sign of life, if it
// knows session timers.
const phoneSession = 30 * time.Minute

func (c *Call) onAgentSignal(ctx context.Context, p *party, ev sipua.LegEvent) {
	switch ev := ev.(type) {
	case sipua.Ringing:
		if o := c.offerTo(p.offer, p.agent); o != nil && !o.rang {
			o.rang = true
			c.sw.cfg.Queue.Post(acd.OfferRang{Offer: o.id, Agent: o.agent})
			c.guestRings(o.id)
		}
	case sipua.Answered:
		c.picked(ctx, p, ev)
	case sipua.Failed:
		p.dead = true
		c.sw.seats.free(p)
		c.phoneFailed(ctx, p, ev.Status)
	case sipua.Confirmed:
		c.lateAnswer(p, ev)
	case sipua.Hungup:
		p.dead, p.lost = true, ev.Lost
		c.sw.seats.free(p)
		c.agentHungUp(ctx, p)
	case sipua.NoAck:
		p.dead = true
		c.sw.seats.free(p)
		c.agentHungUp(ctx, p)
	case sipua.Info:
		c.agentPressed(ctx, p, dtmf.Stroke{Source: dtmf.Info, Key: ev.Key, At: time.Now(), Held: ev.Held})
	case sipua.Referred, sipua.Reinvited, sipua.ReferredIn, sipua.Refreshed, sipua.Pracked:
		// onSignal does it.
	}
}

// lateAnswer takes the answer to an offer that stood in our 2xx.
func (c *Call) lateAnswer(p *party, ev sipua.Confirmed) {
	if !p.late || len(ev.SDP) == 0 {
		return
	}
	p.late = false
	if err := p.accept(ev.SDP); err != nil {
		c.log.Info("late answer refused", "agent", p.agent, "err", err)
	}
	c.holdChanged(p)
}

// picked is a phone that answered. The first one of an offer is told to the
// log; the bridge comes with ConnectAgent if the answer was in time.
func (c *Call) picked(ctx context.Context, p *party, ev sipua.Answered) {
	o := c.offerTo(p.offer, p.agent)
	if o == nil || o.picked != nil {
		p.sip.Hangup(26, "answered elsewhere") // Q.850 26: non-selected user clearing
		return
	}
	if err := p.accept(ev.SDP); err != nil {
		c.log.Warn("agent's answer is unusable", "agent", p.agent, "err", err)
		p.sip.Hangup(88, "incompatible media")
		p.dead = true
		c.phoneFailed(ctx, p, 488)
		return
	}
	o.picked = p
	c.sw.seats.take(p)
	for _, other := range o.ringing {
		if other != p && !other.dead {
			other.sip.Hangup(26, "answered elsewhere")
		}
	}
	leg, err := p.storedLeg(p.sip.Dialog())
	if err != nil {
		c.log.Warn("agent's dialog can't be stored", "err", err)
	}
	c.beside(func() func() {
		_, _, err := c.sw.cfg.Queue.Propose(ctx, acd.OfferAnswered{Offer: o.id, Agent: o.agent, Leg: leg})
		if _, refused := errors.AsType[*acd.RefusedError](err); !refused {
			// ConnectAgent comes as an effect. Without an answer of the log it may
			// still come; if not, the offer's expiry stops the phone.
			return nil
		}
		return func() { c.answerRefused(o, err) }
	})
}

func (c *Call) answerRefused(o *offer, err error) {
	c.log.Info("answer came too late", "agent", o.agent, "err", err)
	c.dropOffer(o, CauseNormal())
}

// phoneFailed is one phone that will not answer. When it was the last one the
// offer has failed.
func (c *Call) phoneFailed(ctx context.Context, p *party, status int) {
	o := c.offerTo(p.offer, p.agent)
	if o == nil {
		return
	}
	for _, other := range o.ringing {
		if !other.dead {
			return
		}
	}
	c.offerFailed(ctx, o, outcomeOf(status), status)
}

func (c *Call) offerFailed(ctx context.Context, o *offer, out acd.Outcome, status int) {
	c.forget(o)
	if o.media != nil {
		o.media.Close()
	}
	c.sw.cfg.Queue.Post(acd.OfferFailed{Offer: o.id, Agent: o.agent, Outcome: out, SIP: status})
	if g := c.guestWho(o.id); g != nil {
		c.guestFailed(ctx, g, status)
	}
	c.idle()
}

// outcomeOf sorts the final status of an agent's phone (RFC 3261 §21).
func outcomeOf(status int) acd.Outcome {
	switch status {
	case 486, 600:
		return acd.Busy
	case 603, 403, 488, 606:
		return acd.Rejected
	case 487:
		return acd.NoAnswer
	default:
		return acd.Unreachable
	}
}

// dropOffers stops all phones that ring.
func (c *Call) dropOffers(cause Cause) {
	for _, o := range slices.Clone(c.offers) {
		c.dropOffer(o, cause)
	}
}

// dropOffer stops an agent's phones.
func (c *Call) dropOffer(o *offer, cause Cause) {
	if !c.forget(o) {
		return
	}
	for _, p := range o.ringing {
		if !p.dead {
			p.sip.Hangup(cause.Q850, cause.Reason)
		}
		c.sw.seats.free(p)
	}
	if o.media != nil {
		o.media.Close()
	}
	c.idle()
}
