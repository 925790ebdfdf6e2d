package call

import (
	"context"
	"fmt"
	"net/netip"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/dtmf"
)

// party is one side of a call: a SIP leg, its media and what was negotiated.
type party struct {
	invite   Invitation // a caller that is not answered yet
	body     []byte     // our SDP for him
	sip      Dialog
	callID   string // of its dialog
	media    MediaLeg
	local    sdp.LocalOptions
	agreed   sdp.Negotiated
	signal   netip.Addr // where its SIP comes from: media may latch to it
	agent    string     // "" for the caller
	offer    uint64
	inband   bool   // keys may be tones in its sound
	codes    bool   // an agent's, whose keys may be codes
	far      *far   // a leg that we called outside
	resumed  bool   // another process had it
	moved    bool   // he has still to learn where his sound goes
	late     bool   // our offer stands in a 2xx, its answer comes with the ACK
	dead     bool   // the peer hung up or the leg failed
	lost     bool   // … without a word
	replaced bool   // another one took its place
	gone     bool   // its sound stopped with another node, and its peer doesn't know yet where we are
	stored   []byte // the leg as the log has it, if it has changed
	name     string // of it in the log, if it has one
	tuning   tuning
	keys     *dtmf.Merger // of an agent's; nil: he has pressed none
}

// openParty reserves media for a leg and prepares our side of its SDP.
func (c *Call) openParty(codecs []uint8, policy sdp.Policy) (*party, error) {
	p := &party{}
	leg, err := c.sw.cfg.Media.OpenAt(c.home.rtp(), func(ev media.Event) { _ = c.Post(heard{from: p, ev: ev}) })
	if err != nil {
		return nil, fmt.Errorf("open media: %w", err)
	}
	p.media = leg
	p.local = sdp.LocalOptions{
		IP: c.home.ip(c.sw.cfg.Media.IP()), Port: leg.Port(), SessionID: c.sw.newSessionID(), Version: 1,
		Codecs: codecs, Direction: sdp.SendRecv, Security: c.sw.security(policy),
	}
	return p, nil
}

// answer negotiates a peer's offer and returns our answer.
func (p *party) answer(offer []byte) ([]byte, error) {
	s, err := sdp.Parse(offer)
	if err != nil {
		return nil, err
	}
	body, agreed, err := sdp.Answer(s, p.local)
	if err != nil {
		return nil, err
	}
	return body, p.agree(agreed)
}

// accept takes a peer's answer to our own offer.
func (p *party) accept(answer []byte) error {
	s, err := sdp.Parse(answer)
	if err != nil {
		return err
	}
	agreed, err := sdp.Accept(s, p.local)
	if err != nil {
		return err
	}
	return p.agree(agreed)
}

func (p *party) agree(n sdp.Negotiated) error {
	p.agreed = n
	p.keep(n.Protection)
	p.tuning.speaks = p.tuning.speaks || n.Opus
	err := p.media.Configure(media.Params{
		Remote: n.Remote, Signalling: p.signal, RTCPMux: n.RTCPMux, Codec: media.Codec(n.Codec), PT: n.PT,
		EventPT: n.EventPT, Ptime: n.Ptime, Send: n.Send, Receive: n.Receive,
		Inband: p.inband && n.EventPT == 0, Codes: p.codes, Security: protection(n.Protection, p.resumed),
	})
	if err != nil {
		return fmt.Errorf("configure media: %w", err)
	}
	return nil
}

// quality says what RTP and RTCP told of the leg.
func (p *party) quality() *acd.Quality {
	if p == nil || p.media == nil {
		return nil
	}
	q := acd.Quality(p.media.Quality())
	return &q
}

func (p *party) closeMedia() {
	if p != nil && p.media != nil {
		p.media.Close()
	}
}

// reinvited answers the peer's re-INVITE: hold, resume, a new address.
func (c *Call) reinvited(p *party, ev sipua.Reinvited) {
	p.local.Version++
	if ev.Offer == nil {
		p.late = true
		_ = ev.Reply(200, sdp.Offer(p.local)) // the answer comes with the ACK
		return
	}
	body, err := p.answer(ev.Offer)
	if err != nil {
		c.log.Info("re-invite refused", "err", err)
		_ = ev.Reply(sdp.StatusOf(err), nil)
		return
	}
	_ = ev.Reply(200, body)
	p.gone = false
	c.keepLeg(p)
	c.holdChanged(p)
}

// refreshed takes the answer to an offer that the leg repeated by itself.
func (c *Call) refreshed(p *party, ev sipua.Refreshed) {
	if err := p.accept(ev.SDP); err != nil {
		c.log.Info("answer to a refresh is unusable, what was agreed stays", "err", err)
		return
	}
	c.keepLeg(p)
	c.holdChanged(p)
}

// holdChanged looks who is left alone and hears music.
func (c *Call) holdChanged(p *party) {
	if c.member(p) != nil {
		c.regroup()
	}
}

// signals sends what happens to a leg into the mailbox.
func (c *Call) signals(p *party) func(sipua.LegEvent) {
	return func(ev sipua.LegEvent) { _ = c.Post(signalled{from: p, ev: ev}) }
}

// onAnySignal handles what any peer may bring, whoever it is. It returns false
// if it is something else.
func (c *Call) onAnySignal(ctx context.Context, p *party, ev sipua.LegEvent) bool {
	switch ev := ev.(type) {
	case sipua.Reinvited:
		c.reinvited(p, ev)
	case sipua.ReferredIn:
		c.referredIn(ctx, p, ev)
	case sipua.Refreshed:
		c.refreshed(p, ev)
	default:
		return false
	}
	return true
}

func (c *Call) onSignal(ctx context.Context, p *party, ev sipua.LegEvent) {
	if p.replaced {
		return
	}
	if c.onAnySignal(ctx, p, ev) {
		return
	}
	if p.far != nil {
		c.onFarSignal(ctx, p, ev)
		return
	}
	if p.agent != "" {
		c.onAgentSignal(ctx, p, ev)
		return
	}
	switch ev := ev.(type) {
	case sipua.Confirmed:
		c.confirmed(ctx, p, ev)
	case sipua.NoAck:
		p.dead = true
		c.end(endBy(acd.SideCaller, 102, "no_ack"))
	case sipua.Hungup:
		p.dead = true
		c.end(hungUp(ev))
	case sipua.Failed:
		p.dead = true
		c.end(endBy(acd.SideCaller, 41, "leg_failed"))
	case sipua.Info:
		c.infoDigit(ctx, ev)
	case sipua.Referred:
		c.referred(ctx, ev)
	case sipua.Pracked:
		c.pracked(ctx, p, ev)
	case sipua.Ringing, sipua.Answered, sipua.Reinvited, sipua.ReferredIn, sipua.Refreshed:
		// Not for a leg that called us, or done above.
	}
}

// hungUp is why a caller's leg ended. One that was lost is no caller who hung
// up.
func hungUp(ev sipua.Hungup) error {
	if !ev.Lost {
		return nil
	}
	return endBy(acd.SideSwitch, ev.Q850, "lost")
}

// confirmed starts the menu: the caller has acknowledged our answer.
func (c *Call) confirmed(ctx context.Context, p *party, ev sipua.Confirmed) {
	if len(ev.SDP) > 0 && p.late {
		p.late = false
		if err := p.accept(ev.SDP); err != nil {
			c.end(&EndError{Cause: Cause{SIP: 488, Q850: 88, Side: acd.SideCaller, Reason: "bad_answer"}, Err: err})
			return
		}
		c.keepLeg(p)
	}
	if c.session != nil {
		c.holdChanged(p) // the ACK of a re-INVITE
		return
	}
	c.begin(ctx)
}
