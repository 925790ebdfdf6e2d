package sipua

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// sockets are the endpoints that are served. The list is never changed, only
// replaced: whoever has it may go through it.
type sockets struct {
	mu   sync.RWMutex
	list []*endpoint
}

func (s *sockets) all() []*endpoint {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list
}

func (s *sockets) add(ep *endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(slices.Clip(s.list), ep)
}

// remove takes out what is at an address and returns it.
func (s *sockets) remove(at netip.Addr) (gone []*endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stay []*endpoint
	for _, ep := range s.list {
		if ep.adopted && ep.local.Addr() == at {
			gone = append(gone, ep)
		} else {
			stay = append(stay, ep)
		}
	}
	s.list = stay
	return gone
}

func (u *UA) endpoints() []*endpoint { return u.sockets.all() }

// endpointAt returns an endpoint of a transport at one of our addresses; without
// an address, or if there is none, the first of the transport, or nil.
func (u *UA) endpointAt(transport string, at netip.Addr) *endpoint {
	for _, ep := range slices.Backward(u.endpoints()) { // adopted ones are asked for by their address only
		if ep.network == strings.ToLower(transport) && ep.local.Addr() == at {
			return ep
		}
	}
	return u.endpoint(transport)
}

// heir returns the endpoint that goes on with a dialog: the one whose Contact
// its peer has, if we serve that, else one of ours.
func (u *UA) heir(d *Dialog) *endpoint {
	var ours *endpoint
	for _, ep := range u.endpoints() {
		scheme, _, _ := strings.Cut(d.Contact, ":")
		switch {
		case ep.network != strings.ToLower(d.Transport):
		case ep.contactFor(scheme) == d.Contact:
			return ep
		case ours == nil:
			ours = ep
		}
	}
	if ours == nil {
		ours = u.outward[strings.ToLower(d.Transport)]
	}
	if ours == nil {
		return u.endpoints()[0]
	}
	return ours
}

// Serves reports whether we are what a dialog's peer knows as our address, and
// can be reached there.
func (u *UA) Serves(d Dialog) bool {
	scheme, _, _ := strings.Cut(d.Contact, ":")
	ep := u.heir(&d)
	return ep != u.outward[ep.network] && ep.network == strings.ToLower(d.Transport) && ep.contactFor(scheme) == d.Contact
}

// Adopt also serves another user agent's sockets, in whose place we are.
func (u *UA) Adopt(listen []Listen, advertise string) error {
	c := u.config
	c.Listen, c.Advertise, c.adopted = listen, advertise, true
	added, err := u.listen(c)
	u.serve(added)
	return err
}

// Leave gives up an address that was adopted. Legs there are left as they are.
func (u *UA) Leave(at netip.Addr) {
	for _, ep := range u.sockets.remove(at) {
		ep.close()
	}
}

// serve reads from sockets.
func (u *UA) serve(list []*endpoint) {
	for _, ep := range list {
		if ep.ln != nil {
			u.wg.Go(func() { u.streams.accept(ep) })
		} else {
			u.wg.Go(ep.serve)
		}
	}
}

// share lets several processes have one UDP address; the newest gets what
// comes. One that stands still would else keep its place for ever.
func (u *UA) share(network, _ string, c syscall.RawConn) error {
	if !u.shared || !strings.HasPrefix(network, "udp") {
		return nil
	}
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) //nolint:gosec // a descriptor
	})
	return errors.Join(err, failed)
}

// abandon closes what was opened for nothing.
func (c *Config) abandon() error {
	var errs []error
	for _, pc := range c.PacketConns {
		errs = append(errs, pc.Close())
	}
	for _, ln := range c.Listeners {
		errs = append(errs, net.Listener(ln).Close())
	}
	return errors.Join(errs...)
}

// Abandon forgets a leg without a word to its peer: somebody else goes on with
// it. No event follows.
func (l *Leg) Abandon() {
	l.silence()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cli != nil && l.cli.tx != nil {
		l.cli.tx.silence()
	}
	if s := l.srv; s != nil && s.req != nil {
		s.req = nil
		l.ua.table.finish(s.tx, nil)
	}
	l.forget()
}
