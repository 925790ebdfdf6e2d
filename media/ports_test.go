package media

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestPortsGoRoundAndRest(t *testing.T) {
	p, err := newPorts(4001, 4008, time.Second) // 4002/3, 4004/5, 4006/7
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for range 3 {
		port, ok := p.take(0)
		if !ok || port%2 != 0 || port < 4002 || port > 4006 || seen[port] {
			t.Fatalf("port %d, %v after %v", port, ok, seen)
		}
		seen[port] = true
	}
	if port, ok := p.take(0); ok {
		t.Errorf("port %d of an empty range", port)
	}
	p.release(4004, time.Minute)
	p.release(4006, time.Minute+500*ms)
	if busy, resting := p.used(time.Minute + 500*ms); busy != 1 || resting != 2 {
		t.Errorf("%d busy, %d resting", busy, resting)
	}
	if port, ok := p.take(time.Minute + 1200*ms); !ok || port != 4004 {
		t.Errorf("port %d, %v, want the one that has rested", port, ok)
	}
	if port, ok := p.take(time.Minute + 1200*ms); !ok || port != 4006 {
		t.Errorf("port %d, %v, want the resting one when no other is free", port, ok)
	}
	if port, ok := p.take(time.Minute + 1200*ms); ok {
		t.Errorf("port %d of an empty range", port)
	}
}

func TestPortsAreUsedAgainAsLateAsPossible(t *testing.T) {
	p, err := newPorts(4000, 4199, 0)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := p.take(0)
	p.release(first, 0)
	for range 99 {
		port, ok := p.take(0)
		if !ok || port == first {
			t.Fatalf("port %d again", port)
		}
		p.release(port, 0)
	}
	if port, _ := p.take(0); port != first {
		t.Errorf("port %d instead of %d after a round", port, first)
	}
}

func TestPortRanges(t *testing.T) {
	for _, r := range []struct {
		low, high, pairs int
	}{{0, 100, -1}, {5000, 5000, -1}, {5001, 5002, -1}, {5001, 5003, 1}, {5000, 5001, 1}, {65534, 65535, 1}, {65534, 65536, -1}, {9000, 8000, -1}} {
		p, err := newPorts(r.low, r.high, 0)
		if (err != nil) != (r.pairs < 0) || err == nil && p.count() != r.pairs {
			t.Errorf("%+v: %v, %+v", r, err, p)
		}
	}
}

// freeRange finds a small range that nobody uses just now.
func freeRange(t *testing.T, pairs int) int {
	t.Helper()
	for range 100 {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		low := c.LocalAddr().(*net.UDPAddr).Port + 1
		_ = c.Close()
		low += low % 2
		if low+2*pairs > 65535 {
			continue
		}
		free := true
		for port := low; port < low+2*pairs && free; port++ {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			if free = err == nil; free {
				_ = c.Close()
			}
		}
		if free {
			return low
		}
	}
	t.Fatal("no free range")
	return 0
}

func TestExhaustionAndReuse(t *testing.T) {
	low := freeRange(t, 3)
	// Somebody else has an odd port in the middle: that pair is passed over.
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: low + 3})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	e := newTestEngine(t, Config{PortMin: low, PortMax: low + 5, Quarantine: 50 * ms})
	one, err := e.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := e.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.Port() == two.Port() || one.Port() == low+2 || two.Port() == low+2 {
		t.Errorf("ports %d and %d", one.Port(), two.Port())
	}
	if _, err = e.Open(nil); !errors.Is(err, ErrNoPorts) {
		t.Errorf("error %v", err)
	}
	if s := e.Stats(); s.Legs != 2 || s.PortsUsed != 2 || s.Ports != 3 {
		t.Errorf("%+v", s)
	}
	port := one.Port()
	one.Close()
	one.Close()
	for deadline := time.Now().Add(5 * time.Second); ; {
		l, err := e.Open(nil)
		if err == nil {
			if l.Port() != port {
				t.Errorf("port %d instead of %d", l.Port(), port)
			}
			break
		}
		if !errors.Is(err, ErrNoPorts) || time.Now().After(deadline) {
			t.Fatal(err)
		}
		one.Quality() // gives the worker time
	}
}

func TestEngineRefusesBadConfiguration(t *testing.T) {
	for name, c := range map[string]Config{
		"no address":  {PortMin: 20000, PortMax: 20100},
		"any address": {IP: netip.IPv4Unspecified(), PortMin: 20000, PortMax: 20100},
		"no ports":    {IP: loopback(), PortMin: 20000, PortMax: 20000},
	} {
		c.Logger = slog.New(slog.DiscardHandler)
		if _, err := NewEngine(c); err == nil {
			t.Error(name, "accepted")
		}
	}
}

func TestConfigureRefusesBadParams(t *testing.T) {
	good := Params{Remote: addrPort("10.0.0.1", 4000), Codec: PCMA, PT: 8, EventPT: 101}
	for name, change := range map[string]func(*Params){
		"codec":                func(p *Params) { p.Codec = 18 },
		"payload type":         func(p *Params) { p.PT = 128 },
		"event payload type":   func(p *Params) { p.EventPT = 200 },
		"twice the same":       func(p *Params) { p.EventPT = 8 },
		"packet time":          func(p *Params) { p.Ptime = 25 },
		"long packet time":     func(p *Params) { p.Ptime = 100 },
		"negative":             func(p *Params) { p.Ptime = -20 },
		"other address family": func(p *Params) { p.Remote = addrPort("2001:db8::1", 4000) },
	} {
		p := good
		change(&p)
		if _, err := p.normal(loopback()); !errors.Is(err, ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Params){
		"good":                 func(*Params) {},
		"mapped":               func(p *Params) { p.Remote = addrPort("::ffff:10.0.0.1", 4000) },
		"event PT 0 with PCMU": func(p *Params) { p.Codec, p.PT, p.EventPT = PCMU, 0, 0 },
	} {
		p := good
		change(&p)
		p, err := p.normal(loopback())
		if err != nil || p.Remote != good.Remote || p.Ptime != 20 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for _, nowhere := range []netip.AddrPort{{}, addrPort("0.0.0.0", 4000), addrPort("10.0.0.1", 0), addrPort("::", 9)} {
		p := good
		p.Remote = nowhere
		if got, err := p.normal(loopback()); err != nil || got.Remote.IsValid() {
			t.Errorf("%v: %+v, %v", nowhere, got, err)
		}
	}
}

// Two legs that were told each other's ports would talk in a circle.
func TestALegDoesNotTalkToAnother(t *testing.T) {
	b := newLab(t)
	var legs [2]*Leg
	for i := range legs {
		l, err := b.e.Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		legs[i] = l
	}
	p := Params{Codec: PCMA, PT: 8, Send: true, Receive: true}
	for _, port := range []int{legs[1].Port(), legs[1].Port() + 1, legs[0].Port()} {
		p.Remote = netip.AddrPortFrom(loopback(), uint16(port))
		if err := legs[0].Configure(p); !errors.Is(err, ErrParams) {
			t.Errorf("port %d: %v", port, err)
		}
	}
	for _, port := range []uint16{31001, 41002, 20000} {
		p.Remote = netip.AddrPortFrom(loopback(), port)
		if err := legs[0].Configure(p); err != nil {
			t.Errorf("port %d: %v", port, err)
		}
	}
}
