package media

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"tierline/media/rtcp"
	"tierline/media/rtp"
)

// A function of the owner that panics ends that leg; the others go on.
func TestPanicEndsOneLeg(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	bad := b.peer(talking(PCMA))
	var got []Event
	bad.leg.on = func(ev Event) {
		got = append(got, ev)
		panic("a fault of the owner")
	}
	bad.leg.PlayMusic(NewMusic(beep(time.Second, 440), b.e))
	b.run(20 * ms)
	bad.heard()
	bad.key(1, 0, 160, false)
	b.run(100 * ms)
	if len(got) != 2 || got[1] != (Failed{Reason: "a fault of the owner"}) {
		t.Errorf("events %+v", got)
	}
	if n := len(bad.heard()); n > 0 {
		t.Errorf("%d packets of a broken leg", n)
	}
	bad.say(160)
	one.say(160)
	two.one()
	if s := b.e.Stats(); s.Faults != 2 || s.Dropped[DropFailed] != 1 || s.Legs != 3 {
		t.Errorf("%+v", s)
	}
	bad.leg.Close()
	b.settle()
	if s := b.e.Stats(); s.Legs != 2 || s.PortsUsed != 2 || s.PortsRest != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNothingBeforeConfigureAndAfterClose(t *testing.T) {
	b := newLab(t)
	n := &peer{lab: b}
	n.fd, n.is = b.socket()
	l, err := b.e.Open(func(ev Event) { n.got = append(n.got, ev) })
	if err != nil {
		t.Fatal(err)
	}
	n.leg = l
	n.pt = 8
	n.say(160)
	l.Play(1, clips(beep(40*ms, 440)))
	b.run(10 * time.Second)
	if s := b.e.Stats(); s.Dropped[DropEarly] != 1 || len(n.heard()) > 0 || s.PacketsIn != 1 {
		t.Errorf("%+v", s)
	}
	if len(n.got) != 1 { // time passes for a prompt nobody hears
		t.Errorf("events %+v", n.got)
	}
	p := talking(PCMA)
	p.Remote = n.is
	n.configure(p)
	l.Play(2, clips(beep(time.Second, 440)))
	b.run(30 * ms)
	n.heard()
	l.Close()
	l.Stop()
	l.Play(3, nil)
	l.SendDigit('1', 0)
	b.run(100 * ms)
	if got := n.heard(); len(got) > 0 || len(n.got) != 1 {
		t.Errorf("after Close: %d packets, events %+v", len(got), n.got)
	}
}

func TestNoEventOnceClosed(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	key := datagram(rtp.Header{PayloadType: 101, SSRC: 5}, []byte{1, 10, 0, 160})
	n.leg.Close()
	n.leg.rtpArrived(key, n.is, b.now) // the worker has not seen the Close yet
	if n.leg.heard != 1 || len(n.got) > 0 {
		t.Errorf("%d digits, events %+v", n.leg.heard, n.got)
	}
}

func TestSlotsAreUsedAgain(t *testing.T) {
	b := newLab(t)
	for range 100 {
		one, two := b.peer(talking(PCMA)), b.peer(talking(PCMA))
		one.say(160)
		one.leg.Close()
		two.leg.Close()
		b.settle()
	}
	if len(b.w.legs) != 2 || b.w.live != 0 {
		t.Errorf("%d slots, %d legs", len(b.w.legs), b.w.live)
	}
}

func TestEngineClosesEverything(t *testing.T) {
	e := newTestEngine(t, Config{Workers: 3})
	p := newPhone(t, e, talking(PCMA))
	p.leg.PlayMusic(NewMusic(beep(time.Second, 440), e))
	p.mustHear()
	e.Close()
	if _, err := e.Open(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	if q := p.leg.Quality(); q.Sent == 0 {
		t.Errorf("%+v", q)
	}
	p.leg.Stop()
	p.leg.Close()
	e.Close()
	if s := e.Stats(); s.Legs != 0 || s.PortsUsed != 0 {
		t.Errorf("%+v", s)
	}
}

// seedDatagrams are the worst of RTP: bad input 52 of the list.
func seedDatagrams(t testing.TB) [][]byte {
	t.Helper()
	good := datagram(rtp.Header{PayloadType: 8, Sequence: 1, Timestamp: 160, SSRC: 5}, make([]byte, 160))
	event := datagram(rtp.Header{PayloadType: 101, Sequence: 2, Timestamp: 160, SSRC: 5}, []byte{5, 0x8a, 0, 160})
	all := [][]byte{
		good, event,
		{},
		{0x80},
		good[:11], good[:12],
		append([]byte{0x00}, good[1:]...),                           // version 0
		append([]byte{0x8f}, good[1:30]...),                         // 15 sources that are not there
		append([]byte{0x90}, good[1:12]...),                         // extension that is not there
		append(append([]byte{0x90}, good[1:12]...), 0, 0, 255, 255), // … that is longer than a datagram
		append(append([]byte{0xa0}, good[1:12]...), 255),            // padding longer than the packet
		append(append([]byte{0xa0}, good[1:12]...), 0),              // padding of 0
		append(append([]byte{0xa0}, good[1:12]...), 1),              // nothing but padding
		laden(good, 0xBE, 0xDE), laden(event, 0x10, 0), laden(good, 1, 2),
		event[:14],
		compound(t, rtcp.Report{SSRC: 1, Sender: true, HasBlock: true}),
		{0x81, 200, 0, 1, 0, 0, 0, 0},
		{0x80, 203, 0xff, 0xff},
		{0xbf, 203, 0, 0},
	}
	return all
}

// laden returns the datagram with 15 sources and 64 extensions of a profile.
func laden(d []byte, profile ...byte) []byte {
	b := append([]byte{0x9f}, d[1:rtp.HeaderSize]...)
	b = append(append(b, make([]byte, 60)...), profile...)
	b = append(b, 0, 32)
	for range 64 {
		b = append(b, 0x10, 0)
	}
	return append(b, d[rtp.HeaderSize:]...)
}

// FuzzDatagram lets a bridge eat anything on both ports.
func FuzzDatagram(f *testing.F) {
	for _, d := range seedDatagrams(f) {
		f.Add(d, uint8(0))
		f.Add(d, uint8(1))
	}
	b := newLab(f)
	pb := talking(PCMU)
	pb.RTCPMux = true
	one, two := bridged(b, talking(PCMA), pb)
	f.Fuzz(func(t *testing.T, d []byte, where uint8) {
		b.t = t
		n := one
		if where&1 == 1 {
			n = two
		}
		faults := b.w.count.faults.Load()
		b.now += time.Duration(where) * ms
		if where&2 == 0 {
			n.raw(d)
		} else {
			to := makeSockaddr(n.controlled())
			transmit(n.fd, d, &to)
			b.settle()
		}
		for _, p := range []*peer{one, two} {
			p.t = t
			var buffer [3000]byte
			var from sockaddr
			for k := receive(p.fd, buffer[:], &from); k >= 0; k = receive(p.fd, buffer[:], &from) {
				if _, _, _, err := new(rtp.Reader).Parse(buffer[:k]); err != nil {
					t.Fatalf("% x became % x", d, buffer[:k])
				}
			}
			p.got = nil
		}
		if b.w.count.faults.Load() != faults {
			t.Fatalf("% x is a fault", d)
		}
	})
}

// allocations returns the mallocs of a function per call, made by anybody.
func allocations(times int, f func()) float64 {
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(times)
}

// The loop that moves packets allocates nothing: receive, count, forward,
// convert, play, with real sockets.
func TestPacketsAllocateNothing(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMU))
	alone := b.peer(talking(PCMA))
	music := b.peer(talking(PCMA))
	music.leg.PlayMusic(NewMusic(beep(time.Second, 440), b.e))
	prompt := b.peer(talking(PCMA))
	prompt.leg.Play(1, clips(beep(3*time.Minute, 440)))
	b.settle()
	d := datagram(rtp.Header{PayloadType: 8, SSRC: 5}, make([]byte, 160))
	key := datagram(rtp.Header{PayloadType: 101, SSRC: 5, Timestamp: 77}, []byte{200, 10, 0, 160})
	heavy, heavyKey := laden(d, 0xBE, 0xDE), laden(key, 0x10, 0)
	var seq uint16
	var ts uint32
	send := func(n *peer, d []byte, step uint32) {
		seq++
		ts += step
		first := d[0]
		rtp.Header{PayloadType: d[1] & 0x7f, Sequence: seq, Timestamp: ts, SSRC: 5}.Put(d)
		d[0] = first
		to := makeSockaddr(n.address())
		transmit(n.fd, d, &to)
	}
	forwards := map[string]bool{"forward": true, "event": true, "sources and extensions": true, "event of sources and extensions": true}
	var buffer [2000]byte
	var from sockaddr
	for name, f := range map[string]func(){
		"forward": func() { send(one, d, 160) },
		"event":   func() { send(one, key, 160) },
		"receive": func() { send(alone, d, 160) },
		"pace":    func() {},

		"sources and extensions":          func() { send(one, heavy, 160) },
		"event of sources and extensions": func() { send(one, heavyKey, 160) },
		"stray":                           func() { to := makeSockaddr(one.address()); transmit(alone.fd, key[:9], &to) },
	} {
		out := b.w.count.out.Load()
		if n := allocations(500, func() {
			b.now += 20 * ms
			f()
			b.w.pace(b.now)
			for in := b.w.count.in.Load(); ; in = b.w.count.in.Load() {
				_ = b.w.poll(0)
				if in == b.w.count.in.Load() {
					break
				}
			}
			for _, p := range []*peer{one, two, music, prompt} {
				for receive(p.fd, buffer[:], &from) >= 0 {
					continue
				}
			}
		}); n > 0.02 {
			t.Errorf("%s: %.2f allocations per packet", name, n)
		}
		if sent := b.w.count.out.Load() - out; sent < 1000 || forwards[name] && sent < 1500 {
			t.Errorf("%s: only %d packets went out", name, sent)
		}
	}
}

func (n *peer) address() netip.AddrPort { return netip.AddrPortFrom(loopback(), uint16(n.leg.Port())) }

func TestNames(t *testing.T) {
	for d := range DropCount {
		if s := d.String(); s == "unknown" || strings.ToLower(s) != s {
			t.Errorf("reason %d is called %q", d, s)
		}
	}
	if DropCount.String() != "unknown" || PCMA.Name() != "PCMA" || PCMU.Name() != "PCMU" || Codec(3).Name() != "codec 3" {
		t.Error("names")
	}
	if PCMA.PayloadType() != 8 || PCMU.PayloadType() != 0 || fmt.Sprint(PCMA) != "8" {
		t.Error("payload types")
	}
}
