package call

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"tierline/call/registration"
	"tierline/call/resolve"
	"tierline/routing/trunk"
)

// keepRegistered has the trunks registered that the documents want. While we
// drain nothing begins anew.
func (s *Switch) keepRegistered() {
	gen := s.cfg.Services.Current()
	if gen == nil || s.Draining() {
		return
	}
	var lines []registration.Line
	for _, t := range gen.Trunks.Registering() {
		lines = append(lines, s.lines(t)...)
	}
	s.keeper.Want(lines)
}

// lines are the registrations of one trunk.
func (s *Switch) lines(t trunk.Trunk) (out []registration.Line) {
	a := s.cfg.Accounts[t.Outward.Account]
	user := cmp.Or(t.Register.User, a.Username)
	if user == "" {
		return nil // the node's settings lack the account; said at the start
	}
	for _, r := range t.Register.Registrars {
		out = append(out, registration.Line{
			Trunk: t.Name, Registrar: r.String(), Domain: cmp.Or(t.Register.Domain, r.Host), User: user,
			Token: lineToken(s.cfg.Node, t.Name, r.String()), Expires: t.Register.Expires,
			Realm: a.Realm, Username: a.Username, Password: a.Password,
		})
	}
	return out
}

// lineToken is the same after a restart, so that the registrar replaces the
// contact of before. It is no secret: calls by it come from the registrar's
// hosts only.
func lineToken(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write(append([]byte(p), 0)) // documented never to fail
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// trunkOf finds the trunk that a call belongs to: by the registration that it
// comes by, else by its source.
func (s *Switch) trunkOf(gen *Generation, source netip.AddrPort, line string) (trunk.Trunk, bool) {
	if line != "" {
		if name, ok := s.keeper.Match(source.Addr(), line); ok {
			if t, found := gen.Trunks.Trunk(name); found {
				return t, true
			}
		}
	}
	if t, ok := gen.Trunks.Match(source); ok {
		return t, true
	}
	name, ok := s.keeper.Match(source.Addr(), line)
	if !ok {
		return trunk.Trunk{}, false
	}
	return gen.Trunks.Trunk(name)
}

// Unregister takes all registrations back: no more calls shall come.
func (s *Switch) Unregister(ctx context.Context) { s.keeper.Close(ctx) }

// client is the user agent of a switch, which comes later than its keeper.
type client struct{ s *Switch }

// Enrol implements registration.Client.
func (c client) Enrol(ctx context.Context, r registration.Request) registration.Result {
	return c.s.cfg.UA.Enrol(ctx, r)
}

// Resolve implements registration.Client.
func (c client) Resolve(target string, on func([]resolve.Hop, error)) { c.s.cfg.UA.Resolve(target, on) }

// Report implements registration.Client.
func (c client) Report(addr netip.AddrPort, good bool) { c.s.cfg.UA.Report(addr, good) }
