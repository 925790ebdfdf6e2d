package call

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/prompt"
)

// featureLimit ends the call of a feature code, whatever its phone does.
const featureLimit = 15 * time.Second

// featureAnswer bounds the time from our 200 to its ACK.
const featureAnswer = 5 * time.Second

// feature serves a feature code that an agent dialled: *11 and its like. It
// returns false if the INVITE is an ordinary call.
func (s *Switch) feature(in Invite, gen *Generation) bool {
	if !isFeature(in.Number) {
		return false
	}
	if s.Draining() {
		s.refuse(in, 503, "draining")
		return true
	}
	agent, challenge, err := s.cfg.Registrar.Authenticate("INVITE", in.URI, in.Authorization, in.Source, in.UserAgent)
	switch {
	case len(challenge) > 0:
		_ = in.Reject(401, reasonPhrase(401), 0, map[string][]string{"WWW-Authenticate": challenge})
		return true
	case err != nil:
		s.refuse(in, 403, "feature_denied")
		return true
	}
	code, ok := gen.Feature(in.Number)
	if !ok {
		s.refuse(in, 404, "no_feature")
		return true
	}
	ctx, cancel := context.WithTimeout(s.root, featureLimit)
	defer cancel()
	said := code.Prompt
	_, _, err = s.cfg.Queue.Propose(ctx, acd.AgentCommanded{
		Agent: agent, Command: code.Command, Reason: code.Reason, By: "feature code " + in.Number,
	})
	var refused *acd.RefusedError
	switch {
	case errors.As(err, &refused):
		said = gen.FeatureRefused()
	case err != nil:
		s.refuse(in, 503, "not_committed")
		return true
	}
	s.cfg.Log.Info("feature code", "agent", agent, "code", in.Number, "refused", refused != nil)
	s.speakFeature(ctx, in, gen.Clips(said), gen.SRTP(agent))
	return true
}

// Clips returns a prompt in every language of the centre, one after another:
// which of them an agent speaks is not known.
func (g *Generation) Clips(id string) []*prompt.Clip {
	var out []*prompt.Clip
	for _, language := range g.Languages() {
		if c, ok := g.clips[clipKey{id, language}]; ok {
			out = append(out, c)
		}
	}
	return out
}

// speakFeature answers, says what the code did and hangs up.
func (s *Switch) speakFeature(ctx context.Context, in Invite, clips []*prompt.Clip, policy sdp.Policy) {
	events := make(chan any, 16)
	tell := func(ev any) {
		select {
		case events <- ev:
		default: // sixteen events in one announcement are no phone of ours
		}
	}
	leg, err := s.cfg.Media.Open(func(ev media.Event) { tell(ev) })
	if err != nil {
		s.refuse(in, 503, "no_ports")
		return
	}
	defer leg.Close()
	p := &party{media: leg, signal: in.Source.Addr(), local: sdp.LocalOptions{
		IP: s.cfg.Media.IP(), Port: leg.Port(), SessionID: s.newSessionID(), Version: 1,
		Codecs: sdp.DefaultCodecs(), Direction: sdp.SendRecv, Security: s.security(policy),
	}}
	body := sdp.Offer(p.local)
	if in.Offer != nil {
		if body, err = p.answer(in.Offer); err != nil {
			s.refuse(in, sdp.StatusOf(err), "bad_offer")
			return
		}
	}
	d, err := in.Answer(body, func(ev sipua.LegEvent) { tell(ev) })
	if err != nil {
		return
	}
	defer d.Hangup(16, "done")
	s.runFeature(ctx, p, events, clips, in.Offer == nil)
}

// runFeature waits for the ACK, plays and waits for the last sample.
func (s *Switch) runFeature(ctx context.Context, p *party, events <-chan any, clips []*prompt.Clip, late bool) {
	ctx, cancel := context.WithTimeout(ctx, featureAnswer+total(clips))
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return
		case ev := <-events:
			switch ev := ev.(type) {
			case sipua.Confirmed:
				if late && p.accept(ev.SDP) != nil {
					return
				}
				late = false
				if len(clips) == 0 {
					return
				}
				p.media.Play(1, clips)
			case sipua.Reinvited:
				p.local.Version++
				body, err := p.answer(ev.Offer)
				if err != nil {
					_ = ev.Reply(sdp.StatusOf(err), nil)
					continue
				}
				_ = ev.Reply(200, body)
			case media.Played, sipua.Hungup, sipua.NoAck, sipua.Failed:
				return
			}
		}
	}
}

func total(clips []*prompt.Clip) (d time.Duration) {
	for _, c := range clips {
		d += c.Duration()
	}
	return d
}
