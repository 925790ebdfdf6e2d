package sipua

import (
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
)

// How long a connection may be silent.
const (
	firstWait    = 10 * time.Second // until the first whole message
	wholeWait    = 30 * time.Second // for the rest of a message
	strangerWait = time.Minute      // between two looks at who is there; nobody else may stay
	pingedWait   = 5 * time.Minute  // of a peer that pings: it does so every two minutes or more often
	idleWait     = time.Hour        // registrations are refreshed more often
)

// watch says how long a connection is read from. Places are few: whoever takes
// one and is nobody we know loses it, whatever he sends to keep it.
type watch struct {
	c      *conn
	first  time.Time // when the first message must have come
	begun  time.Time // of a message that is half read; zero: none
	heard  time.Time
	looked time.Time // at who it is
	pinged bool      // the peer keeps the connection alive, and is gone if it stops to
}

func (c *conn) watch() *watch {
	now := time.Now()
	return &watch{c: c, first: now.Add(firstWait), heard: now, looked: now}
}

// deadline is until when to read, at most until later.
func (w *watch) deadline(now, later time.Time) time.Time {
	switch {
	case !w.c.proved.Load():
		return w.first
	case !w.begun.IsZero():
		return w.begun.Add(wholeWait)
	}
	if look := w.looked.Add(strangerWait); look.After(now) && look.Before(later) {
		return look
	}
	return later
}

// hear notes that something came.
func (w *watch) hear(whole bool) {
	w.heard = time.Now()
	switch {
	case whole:
		w.begun = time.Time{}
	case w.begun.IsZero():
		w.begun = w.heard
	}
}

// over tells whether the connection has no right to its place any more, after
// a deadline or something that came.
func (w *watch) over(now time.Time) bool {
	limit := idleWait
	if w.pinged {
		limit = pingedWait
	}
	switch {
	case !w.c.proved.Load():
		return !now.Before(w.first)
	case !w.begun.IsZero() && now.Sub(w.begun) >= wholeWait, now.Sub(w.heard) >= limit:
		return true
	case now.Sub(w.looked) < strangerWait:
		return false
	}
	w.looked = now
	return !w.c.wanted()
}

// wanted tells whether a connection serves somebody: we made it, a phone has
// registered or a call goes over it, or its peer is known by address.
func (c *conn) wanted() bool {
	u := c.set.ua
	return c.ours || c.set.isHome(c) || u.handler.Known(c.remote, string(sip.BYE), "") || u.table.speaks(c.remote)
}

func (s *connections) isHome(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(c.homes) > 0
}

// speaks tells whether a leg's peer is at an address.
func (t *table) speaks(at netip.AddrPort) bool {
	t.mu.Lock()
	legs := make([]*Leg, 0, len(t.legs))
	for _, l := range t.legs {
		legs = append(legs, l)
	}
	t.mu.Unlock()
	for _, l := range legs { // a leg's lock comes before the table's
		if l.isAt(at) {
			return true
		}
	}
	return false
}

func (l *Leg) isAt(at netip.AddrPort) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.d.Peer == at || l.d.Flow == at
}
