package media

import (
	"net/netip"
	"testing"
	"time"
)

func TestSourceRule(t *testing.T) {
	remote := netip.MustParseAddrPort("10.0.0.9:4000") // behind a NAT whose outside is 192.0.2.1
	outside := netip.MustParseAddr("192.0.2.1")
	a, c := netip.AddrPortFrom(outside, 1024), netip.AddrPortFrom(outside, 1025)
	second := netip.MustParseAddrPort("10.0.0.9:4002")
	stranger := netip.MustParseAddrPort("203.0.113.7:4000")
	type step struct {
		at     int // ms
		from   netip.AddrPort
		accept bool
		to     netip.AddrPort // where we send then
	}
	for name, steps := range map[string][]step{
		"the negotiated address":          {{0, remote, true, remote}, {10, a, false, remote}, {20, second, false, remote}, {9999, a, false, remote}},
		"strangers never":                 {{0, stranger, false, remote}, {300, stranger, false, remote}, {310, remote, true, remote}},
		"a stranger does not close it":    {{0, stranger, false, remote}, {5000, a, true, a}},
		"NAT, latched once":               {{0, a, true, a}, {20, a, true, a}, {40, c, false, a}, {9999, c, false, a}, {9999, a, true, a}},
		"second port: heard, not sent to": {{0, second, true, remote}, {20, second, true, remote}, {9000, a, false, remote}},
		"the negotiated address in time":  {{0, a, true, a}, {150, remote, true, remote}, {160, a, false, remote}},
		"not while the latched one talks": {{0, a, true, a}, {190, a, true, a}, {250, remote, false, a}, {380, a, true, a}, {500, remote, false, a}},
		"a leftover that fell silent":     {{0, c, true, c}, {60, c, true, c}, {300, remote, true, remote}, {301, c, false, remote}},
	} {
		var s source
		s.configure(remote, outside)
		for i, k := range steps {
			if got := s.accept(k.from, time.Duration(k.at)*ms); got != k.accept || s.destination() != k.to {
				t.Errorf("%s, step %d: accepted %v, sending to %v", name, i, got, s.destination())
			}
		}
	}
}

func TestSourceKeepsWhatItLearntUntilTheAddressChanges(t *testing.T) {
	remote, outside := netip.MustParseAddrPort("10.0.0.9:4000"), netip.MustParseAddr("192.0.2.1")
	a, c := netip.AddrPortFrom(outside, 1024), netip.AddrPortFrom(outside, 1025)
	var s source
	s.configure(remote, outside)
	s.accept(a, 0)
	s.configure(remote, outside)
	if s.accept(c, time.Second) || !s.accept(a, time.Second) {
		t.Error("latched anew by a re-INVITE that changed nothing")
	}
	s.configure(netip.MustParseAddrPort("10.0.0.9:4004"), outside)
	if !s.accept(c, 2*time.Second) {
		t.Error("not latched anew after the address changed")
	}
	s.configure(netip.AddrPort{}, outside)
	if s.accept(c, 3*time.Second) || s.destination().IsValid() {
		t.Error("somebody may send although nothing was negotiated")
	}
}

// Without a signalling address (the zero Addr), only the remote's IP counts.
func TestSourceWithoutSignalling(t *testing.T) {
	var s source
	s.configure(netip.MustParseAddrPort("10.0.0.9:4000"), netip.Addr{})
	if s.accept(netip.MustParseAddrPort("192.0.2.1:4000"), 0) || s.accept(netip.AddrPort{}, 0) {
		t.Error("accepted from elsewhere")
	}
}

func TestStrangersAreCountedAndHarmless(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	one.say(160)
	two.heard()
	fd, _ := b.socket()
	for range 200 {
		one.rawFrom(fd, datagram(one.header(), make([]byte, 160)))
		one.rawFrom(fd, []byte("x"))
	}
	if n := len(two.heard()); n > 0 {
		t.Errorf("%d packets of a stranger were forwarded", n)
	}
	one.say(160)
	two.one()
	if q := one.leg.quality(); q.Strangers != 200 || q.Malformed != 200 || q.Received != 2 || q.Lost != 0 {
		t.Errorf("%+v", q)
	}
}

// What a stranger sends is not parsed: it is strange, well-formed or not.
func TestStrangersAreNotParsed(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	good := datagram(n.header(), make([]byte, 160))
	for _, d := range [][]byte{good, good[:9], laden(good, 0xBE, 0xDE)} {
		n.leg.rtpArrived(d, addrPort("192.0.2.1", 4000), b.now)
	}
	if q := n.leg.quality(); q.Strangers != 3 || q.Malformed != 0 || q.Received != 0 {
		t.Errorf("%+v", q)
	}
	p := talking(PCMA)
	p.Remote = addrPort("0.0.0.0", 4000) // on hold the old way: nobody may send
	if err := n.leg.Configure(p); err != nil {
		t.Fatal(err)
	}
	b.settle()
	for _, d := range [][]byte{good, good[:9]} {
		n.leg.rtpArrived(d, n.is, b.now)
	}
	if s := b.e.Stats(); s.Dropped[DropStranger] != 3 || s.Dropped[DropHeld] != 2 || s.Dropped[DropMalformed] != 0 {
		t.Errorf("%+v", s)
	}
}

func TestSecondPortIsHeardThroughTheLeg(t *testing.T) {
	b := newLab(t)
	one, two := b.peer(talking(PCMA)), b.peer(talking(PCMA))
	Bridge(one.leg, two.leg)
	fd, _ := b.socket()
	one.rawFrom(fd, datagram(one.header(), make([]byte, 160)))
	two.one()
	two.say(160)
	if n := len(one.heardOn(fd)); n > 0 {
		t.Error("we sent to a port that was not negotiated")
	}
	one.one()
}
