package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/media"
)

var errNoSound = errors.New("no sound was agreed on")

// restore makes a party of a leg that the log has kept. If the peer sends to
// us already, nothing is said: it notices a short silence. Else it is told where
// we are by a re-INVITE; so it is if the keys of its sound were made by a
// handshake, which must be made again.
func (c *Call) restore(leg []byte, p *party) (*party, error) {
	var d sipua.Dialog
	if err := d.UnmarshalBinary(leg); err != nil {
		return p, err
	}
	ours, err := sdp.Parse(d.LocalSDP)
	if err != nil {
		return p, fmt.Errorf("our side of the leg: %w", err)
	}
	if ours.Audio == nil {
		return p, errNoSound
	}
	p.signal, p.stored = d.Peer.Addr(), leg
	p.digits(c.digits)
	stays, err := c.restoreMedia(p, ours.Audio, c.sw.cfg.UA.Serves(d))
	if err != nil {
		return p, err
	}
	p.local.Codecs, p.local.Direction = codecsIn(ours.Audio), sdp.SendRecv
	p.local.Security = c.sw.security(c.policy(p))
	p.local.SessionID, p.local.Version = originOf(ours.Origin)
	secure := encrypted(d.LocalSDP)
	p.local.Security.Private, p.resumed = secure, true
	if keyed(d) {
		p.local.Security.Secret = [32]byte(d.Secret)
	}
	stays = stays && (!secure || keyed(d))
	p.local.Security.Browser = bytes.Contains(d.RemoteSDP, []byte("a=ice-ufrag:"))
	if len(d.Invite) > 0 {
		return p, c.resumeInvite(d, p, stays)
	}
	if stays {
		if err = p.agreeAgain(d); err != nil {
			return p, fmt.Errorf("the peer's side of the leg: %w", err)
		}
	}
	c.attach(p, c.sw.cfg.UA.Resume(d, c.signals(p)))
	if stays {
		c.after(lifeSign, func() { c.stillThere(p) })
	} else {
		p.gone = true
		c.reclaim(p, time.Now().Add(comeAgain))
	}
	return p, nil
}

// policy is what is said of the encryption of somebody's leg.
func (c *Call) policy(p *party) sdp.Policy {
	switch {
	case p.agent != "":
		return c.gen.SRTP(p.agent)
	case p.far == nil:
		return c.srtp
	case p.far.trunk == "":
		return sdp.Optional
	}
	t, _ := c.gen.Trunks.Trunk(p.far.trunk) // one that is gone had no special wishes
	return policyOf(t)
}

// restoreMedia opens the leg's ports, the same as before if the peer is to go on
// sending there; stays says whether that came true.
func (c *Call) restoreMedia(p *party, was *sdp.Media, same bool) (stays bool, err error) {
	on := func(ev media.Event) { _ = c.Post(heard{from: p, ev: ev}) }
	if same {
		at := netip.AddrPortFrom(was.Addr, uint16(was.Port)) //nolint:gosec // a port
		if p.media, err = c.sw.cfg.Media.OpenAt(at, on); err == nil {
			p.local.IP, p.local.Port = was.Addr, was.Port
			return true, nil
		}
		c.log.Warn("the leg's ports are taken, it gets others", "err", err)
	}
	if p.media, err = c.sw.cfg.Media.OpenAt(c.home.rtp(), on); err != nil {
		return false, err
	}
	p.local.IP, p.local.Port = c.home.ip(c.sw.cfg.Media.IP()), p.media.Port()
	return false, nil
}

// lifeSign is how soon a peer that sends to us already must be heard.
const lifeSign = 3 * time.Second

// stillThere asks a peer whether it lives that isn't heard: it may have hung up
// while nobody listened.
func (c *Call) stillThere(p *party) {
	if !p.dead && !p.replaced && p.agreed.Receive && p.media.Quality().Received == 0 {
		c.reclaim(p, time.Now().Add(comeAgain))
	}
}

// encrypted tells whether a body of ours speaks of keys.
func encrypted(body []byte) bool {
	return bytes.Contains(body, []byte("/SAVP")) || bytes.Contains(body, []byte("a=crypto:")) ||
		bytes.Contains(body, []byte("a=fingerprint:"))
}

// codecsIn returns those of a body that we can make.
func codecsIn(m *sdp.Media) (out []uint8) {
	for _, f := range m.Formats {
		if f.PT == sdp.PCMA || f.PT == sdp.PCMU || f.PT == sdp.G722 {
			out = append(out, f.PT)
		}
	}
	if len(out) == 0 {
		return sdp.DefaultCodecs() // it was in Opus
	}
	return out
}

// originOf reads session id and version of an o= line of ours.
func originOf(o string) (id, version uint64) {
	f := strings.Fields(o)
	if len(f) < 3 {
		return 1, 1
	}
	id, _ = strconv.ParseUint(f[1], 10, 64)
	version, _ = strconv.ParseUint(f[2], 10, 64)
	return id, version
}

const (
	// comeAgain is how long we wait for a phone whose connection has died with the
	// node: only it can make another one.
	comeAgain = 30 * time.Second
	// askAgain is how often we look whether it is there.
	askAgain = 500 * time.Millisecond
)

// reclaim tells the peer of a leg where we are, until a certain time.
func (c *Call) reclaim(p *party, until time.Time) {
	p.local.Version++
	p.sip.Reinvite(sdp.Offer(p.local), func(status int, body []byte) {
		c.later(func() {
			if status == 503 && time.Now().Before(until) && !p.dead && !p.replaced {
				c.after(askAgain, func() { c.reclaim(p, until) })
				return
			}
			c.reclaimed(p, status, body)
		})
	})
}

// reclaimed takes the peer's answer. One that doesn't know the call any more or
// is gone comes as Hungup.
func (c *Call) reclaimed(p *party, status int, body []byte) {
	err := errNoAnswer
	if status/100 == 2 {
		err = p.accept(body)
	}
	if err != nil {
		c.log.Warn("a leg can't be taken over", "agent", p.agent, "status", status, "err", err)
		if status != 481 && status != 408 {
			p.sip.Hangup(41, "cannot go on")
			c.onSignal(c.sw.root, p, sipua.Hungup{Q850: 41, Reason: "cannot go on", Lost: true})
		}
		return
	}
	p.gone = false
	c.keepLeg(p)
	c.holdChanged(p)
}

// goOn sets the call to where it was.
func (c *Call) goOn(ctx context.Context, in inherited) {
	var actions []ivr.Action
	now := time.Now()
	c.recordings = recordingsBefore(in.view.Arrived, now)
	if c.flow == nil {
		c.regain(ctx, in)
		return
	}
	s, err := ivr.Resume(c.flow, in.legs.Menu)
	if err != nil {
		if len(in.legs.Menu) > 0 {
			c.log.Warn("the menu begins anew", "err", err)
		}
		s, actions = ivr.Start(c.flow, c.profile, now)
	}
	c.session = s
	c.recordCall()
	queued := in.view.Phase == acd.PhaseWaiting || in.view.Phase == acd.PhaseOffered
	if queued {
		c.wait = &wait{queued: true, event: acd.CallQueued{Call: c.id, Queue: in.view.Queue}}
	}
	switch away, byMenu := in.isAway(); {
	case err != nil:
		c.do(ctx, actions)
	case in.view.Phase == acd.PhaseTalking:
		c.rejoin(ctx, in)
	case away:
		c.rejoinAway(ctx, in, byMenu)
	case in.alone:
		c.menu(ctx, ivr.AgentConnected{})
		c.resumed, c.queue = false, in.view.Queue
		c.abandoned(ctx)
	case in.view.Phase == acd.PhaseAfter || in.view.Phase == acd.PhaseDirected:
		c.menu(ctx, ivr.AgentConnected{}) // the menu may not know yet that there was an agent,
		c.do(ctx, s.Restart(now))         // or be somewhere else already
		c.menu(ctx, ivr.AgentDone{})
	default:
		c.do(ctx, s.Restart(now))
	}
	if queued && c.wait != nil {
		c.recordWait(in.view.Queue)
	}
}

// recordingsBefore is the number after which those of a call's recordings go on
// that another process began, which may have made some: it grows with the call's
// age, so that none ever gets the name of another.
func recordingsBefore(arrived int64, now time.Time) int {
	const most = 99_999_999 // of the nine digits that a name has
	return int(min(max(now.Sub(time.UnixMilli(arrived))/(100*time.Millisecond), 1), most))
}
