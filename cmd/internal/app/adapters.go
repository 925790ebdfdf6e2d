package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call"
	"tierline/call/registrar"
	"tierline/call/registration"
	"tierline/call/resolve"
	"tierline/call/sipua"
	"tierline/media"
	"tierline/media/prompt"
)

// mediaPort is the media engine as calls see it.
type mediaPort struct {
	*media.Engine
	ip netip.Addr
}

// Open implements call.Media.
func (m mediaPort) Open(on func(media.Event)) (call.MediaLeg, error) {
	l, err := m.Engine.Open(on)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// OpenAt implements call.Media.
func (m mediaPort) OpenAt(at netip.AddrPort, on func(media.Event)) (call.MediaLeg, error) {
	l, err := m.Engine.OpenAt(at, on)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Bridge implements call.Media.
func (m mediaPort) Bridge(a, b call.MediaLeg) { join(media.Bridge, a, b) }

// Unbridge implements call.Media.
func (m mediaPort) Unbridge(a, b call.MediaLeg) { join(media.Unbridge, a, b) }

// Mix implements call.Media.
func (m mediaPort) Mix() call.Mix { return mixPort{m.NewMix()} }

// mixPort is a mix as calls see it.
type mixPort struct{ *media.Mix }

// Join implements call.Mix.
func (m mixPort) Join(l call.MediaLeg) { join(func(a, _ *media.Leg) { m.Mix.Join(a) }, l, l) }

// Leave implements call.Mix.
func (m mixPort) Leave(l call.MediaLeg) { join(func(a, _ *media.Leg) { m.Mix.Leave(a) }, l, l) }

// Gain implements call.Mix.
func (m mixPort) Gain(from, to call.MediaLeg, gain int) {
	join(func(a, b *media.Leg) { m.Mix.Gain(a, b, gain) }, from, to)
}

// Tape implements call.Media.
func (m mediaPort) Tape(path string, on func(media.Taped)) call.Tape {
	return tapePort{m.NewTape(path, on)}
}

// tapePort is a tape as calls see it.
type tapePort struct{ *media.Tape }

// Join implements call.Tape.
func (t tapePort) Join(l call.MediaLeg, side int) {
	join(func(a, _ *media.Leg) { t.Tape.Join(a, side) }, l, l)
}

// Leave implements call.Tape.
func (t tapePort) Leave(l call.MediaLeg) { join(func(a, _ *media.Leg) { t.Tape.Leave(a) }, l, l) }

// IP implements call.Media.
func (m mediaPort) IP() netip.Addr { return m.ip }

// Music implements call.Media.
func (m mediaPort) Music(c *prompt.Clip) *media.Music { return media.NewMusic(c, m.Engine) }

func join(f func(a, b *media.Leg), a, b call.MediaLeg) {
	x, okX := a.(*media.Leg)
	y, okY := b.(*media.Leg)
	if okX && okY {
		f(x, y)
	}
}

// phonePort is the SIP user agent as calls see it.
type phonePort struct{ ua *sipua.UA }

// Dial implements call.Signalling.
func (p phonePort) Dial(r sipua.DialRequest, on func(sipua.LegEvent)) (call.Dialog, error) {
	l, err := p.ua.Dial(r, on)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Ping implements call.Signalling.
func (p phonePort) Ping(target string, patience time.Duration, on func(sipua.Pong)) {
	p.ua.Ping(target, patience, on)
}

// Resolve implements call.Signalling.
func (p phonePort) Resolve(target string, on func([]resolve.Hop, error)) { p.ua.Resolve(target, on) }

// Enrol implements call.Signalling.
func (p phonePort) Enrol(ctx context.Context, r registration.Request) registration.Result {
	return p.ua.Enrol(ctx, r)
}

// Resume implements call.Signalling.
func (p phonePort) Resume(d sipua.Dialog, on func(sipua.LegEvent)) call.Dialog {
	return p.ua.Resume(d, on)
}

// ResumeInvite implements call.Signalling.
func (p phonePort) ResumeInvite(d sipua.Dialog, told bool) (call.Invitation, error) {
	in, err := p.ua.ResumeInvite(d, told)
	if err != nil {
		return nil, err
	}
	return invitation{in}, nil
}

// CancelInvite implements call.Signalling.
func (p phonePort) CancelInvite(d sipua.Dialog) error { return p.ua.CancelInvite(d) }

// Serves implements call.Signalling.
func (p phonePort) Serves(d sipua.Dialog) bool { return p.ua.Serves(d) }

// Adopt implements call.Signalling.
func (p phonePort) Adopt(listen, host string) error {
	transport, at, _ := strings.Cut(listen, ":")
	return p.ua.Adopt([]sipua.Listen{{Transport: transport, Addr: at}}, host)
}

// Leave implements call.Signalling.
func (p phonePort) Leave(at netip.Addr) { p.ua.Leave(at) }

// CancelGhost implements call.Signalling.
func (p phonePort) CancelGhost(r sipua.DialRequest) error { return p.ua.CancelGhost(r) }

// Report implements call.Signalling.
func (p phonePort) Report(addr netip.AddrPort, good bool) { p.ua.Report(addr, good) }

// invitation is an incoming INVITE as calls see it.
type invitation struct{ *sipua.Incoming }

// Answer implements call.Invitation.
func (i invitation) Answer(sdp []byte, on func(sipua.LegEvent)) (call.Dialog, error) {
	l, err := i.Incoming.Answer(sdp, on)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Dialog implements call.Invitation.
func (i invitation) Dialog() sipua.Dialog { return i.Leg().Dialog() }

// Abandon implements call.Invitation.
func (i invitation) Abandon() { i.Leg().Abandon() }

// sipHandler gives what peers ask to the parts that answer.
type sipHandler struct {
	sw       *call.Switch
	reg      *registrar.Registrar
	bindings bindings
}

// Invite implements sipua.Handler.
func (h sipHandler) Invite(in *sipua.Incoming) {
	h.sw.Invite(call.Invite{
		Invitation: invitation{in}, CallID: in.CallID, From: in.From, FromName: in.FromName, Identity: in.PAI,
		Withheld: in.Withheld, Number: in.RequestUser, To: in.To, Line: in.Line, Trunk: in.Trunk,
		URI: in.RequestURI, Source: in.Source, Local: in.Local, Transport: in.Transport,
		UserAgent: in.UserAgent, Authorization: in.Authorization, Offer: in.Offer,
		Replaces: in.Replaces,
	})
}

// Register implements sipua.Handler.
func (h sipHandler) Register(ctx context.Context, q registrar.Request) registrar.Response {
	return h.reg.Register(ctx, q)
}

// Gone implements sipua.Handler.
func (h sipHandler) Gone(transport string, remote netip.AddrPort) {
	h.bindings.drop(func(b acd.Binding) bool { return registrar.Lives(b, transport, remote) })
}

// Known implements sipua.Handler.
func (h sipHandler) Known(source netip.AddrPort, method, _ string) bool {
	return h.sw.Known(source, method)
}

// Prove implements sipua.Handler.
func (h sipHandler) Prove(p sipua.Proof) sipua.Verdict { return h.sw.Prove(p) }

// Options implements sipua.Handler.
func (h sipHandler) Options() (status, retryAfter int) { return h.sw.Options() }

// bindings keeps agents' contacts in the replicated state.
type bindings struct {
	log interface {
		Propose(ctx context.Context, ev acd.Event) (acd.Result, uint64, error)
		Read(view func(s *acd.State))
	}
	phones *phones
	node   string
	logger *slog.Logger
}

// Put implements registrar.Bindings.
func (b bindings) Put(ctx context.Context, agent string, k acd.Binding, ttl time.Duration) error {
	if err := b.propose(ctx, acd.PhoneRegistered{Agent: agent, Binding: k, TTL: ttl.Milliseconds()}); err != nil {
		return err
	}
	b.phones.add(k)
	return nil
}

// Remove implements registrar.Bindings. To take back what was never bound is
// no mistake: phones do it at every start.
func (b bindings) Remove(ctx context.Context, agent, contact string) error {
	err := b.propose(ctx, acd.PhoneUnregistered{Agent: agent, Contact: contact})
	if _, refused := errors.AsType[*acd.RefusedError](err); refused {
		return nil
	}
	return err
}

// dropWait bounds how long it may take to say that a phone is gone.
const dropWait = 10 * time.Second

// drop takes away the bindings of this node that f picks.
func (b bindings) drop(f func(acd.Binding) bool) {
	var gone []acd.PhoneUnregistered
	b.log.Read(func(s *acd.State) {
		for _, a := range s.Agents() {
			for _, k := range a.Bindings {
				if k.Node == b.node && f(k) {
					gone = append(gone, acd.PhoneUnregistered{Agent: a.ID, Contact: k.Contact})
				}
			}
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), dropWait)
	defer cancel()
	for _, ev := range gone {
		if err := b.propose(ctx, ev); err != nil {
			b.logger.Warn("phone is gone and that can't be written", "agent", ev.Agent, "err", err)
		}
	}
}

func (b bindings) propose(ctx context.Context, ev acd.Event) error {
	if _, _, err := b.log.Propose(ctx, ev); err != nil {
		return fmt.Errorf("write binding: %w", err)
	}
	return nil
}

// Of implements registrar.Bindings.
func (b bindings) Of(agent string) (out []acd.Binding) {
	b.log.Read(func(s *acd.State) { out = s.BindingsOf(agent) })
	return out
}

var errNoService = errors.New(
	"no service documents are published: start with --service DIR or run `tierline apply DIR`")
