package sipua

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// home is a contact that somebody has registered over a connection. When a
// phone loses its connection in a call and registers the same contact over
// another one, its dialogs move there.
type home struct{ user, contact string }

// homeOf names a contact: its parameters may differ from message to message, and
// so may its port where a phone gives that of its connection.
func homeOf(user string, contact *sip.Uri, conn netip.AddrPort) home {
	host := contact.HostPort()
	if contact.Port == int(conn.Port()) {
		host = contact.Host
	}
	return home{user, contact.User + "@" + strings.ToLower(host)}
}

// homesMost is how many contacts may live on one connection and move from it.
const homesMost = 1024

// settle notes over which connection contacts live from now on. Should the
// connection be closed already, whoever registered is told of.
func (s *connections) settle(c *conn, homes []home) {
	s.mu.Lock()
	lost := s.conns[c.connKey] != c && !s.closed
	for _, h := range homes {
		if !lost && (len(c.homes) < homesMost || c.homes[h]) {
			c.homes[h] = true
			s.homes[h] = c
		}
	}
	s.mu.Unlock()
	if lost && len(homes) > 0 {
		s.gone(c)
	}
}

// leave forgets what lived on a connection, and says whether anything did. mu
// is held.
func (s *connections) leave(c *conn) bool {
	for h := range c.homes {
		if s.homes[h] == c {
			delete(s.homes, h)
		}
	}
	return len(c.homes) > 0
}

func (s *connections) gone(c *conn) {
	go s.ua.guarded("gone", func() { s.ua.handler.Gone(c.transport, c.remote) })
}

// home returns the connection that the phone of a dialog registered over last,
// or nil.
func (s *connections) home(d *Dialog) *conn {
	var party, contact sip.Uri
	if sip.ParseUri(d.RemoteURI, &party) != nil || sip.ParseUri(d.Target, &contact) != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := d.Flow
	if !at.IsValid() {
		at = d.Peer
	}
	return s.homes[homeOf(userOf(&party), &contact, at)]
}

// moved returns the flow to a phone that has come back over another connection,
// or nil. The old one may still look open: who leaves a network doesn't hang up.
func (u *UA) moved(d *Dialog, ep *endpoint) *flow {
	if ep.network == UDP || d.ServerName != "" {
		return nil
	}
	c := u.streams.home(d)
	if c == nil {
		return nil
	}
	for _, at := range []netip.AddrPort{d.Flow, d.Peer} {
		if old := u.streams.existing(connKey{ep.network, at, ""}); old != nil && old.number >= c.number {
			return nil // the call has a connection of its own, or nothing has changed
		}
	}
	return &flow{ep: c.ep, conn: c, dst: c.remote}
}

// homes are the contacts of a REGISTER that came over a connection.
func homes(req *sip.Request, conn netip.AddrPort) (out []home) {
	user := userOf(&req.To().Address)
	for _, h := range req.Headers() {
		if c, ok := h.(*sip.ContactHeader); ok && !c.Address.Wildcard {
			out = append(out, homeOf(user, &c.Address, conn))
		}
	}
	return out
}
