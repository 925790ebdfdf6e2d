package media

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tierline/media/g711"
	"tierline/media/prompt"
	"tierline/media/rtp"
	"tierline/media/tone"
)

func TestMain(m *testing.M) {
	if os.Getenv(generatorEnv) != "" {
		generate()
		return
	}
	goleak.VerifyTestMain(m)
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// newTestEngine starts an engine on its own part of the unprivileged ports.
func newTestEngine(t testing.TB, c Config) *Engine {
	t.Helper()
	c.IP, c.Logger = loopback(), slog.New(slog.DiscardHandler)
	if c.PortMin == 0 {
		c.PortMin, c.PortMax = 21000, 31000
	}
	if c.Quarantine == 0 {
		c.Quarantine = time.Millisecond
	}
	e, err := NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// phone is a peer: a socket that sends and hears RTP.
type phone struct {
	t      testing.TB
	c      *net.UDPConn
	to     netip.AddrPort
	codec  Codec
	ssrc   uint32
	seq    uint16
	ts     uint32
	events chan Event
	leg    *Leg
}

func newPhone(t testing.TB, e *Engine, p Params) *phone {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ph := &phone{t: t, c: c, codec: p.Codec, ssrc: 7, seq: 65530, ts: 1<<32 - 800, events: make(chan Event, 1000)}
	ph.leg, err = e.Open(func(ev Event) { ph.events <- ev })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ph.leg.Close)
	ph.to = netip.AddrPortFrom(loopback(), uint16(ph.leg.Port()))
	p.Remote = ph.address()
	p.PT = p.Codec.PayloadType()
	if err := ph.leg.Configure(p); err != nil {
		t.Fatal(err)
	}
	ph.leg.Quality() // the worker has it
	return ph
}

func (p *phone) address() netip.AddrPort {
	a := p.c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func talking(c Codec) Params {
	return Params{Codec: c, EventPT: 101, Send: true, Receive: true}
}

func (p *phone) raw(b []byte) {
	p.t.Helper()
	if _, err := p.c.WriteToUDPAddrPort(b, p.to); err != nil {
		p.t.Fatal(err)
	}
}

// say sends one packet of the next 160 samples.
func (p *phone) say(payload []byte) {
	b := make([]byte, 12, 12+len(payload))
	rtp.Header{PayloadType: uint8(p.codec), Sequence: p.seq, Timestamp: p.ts, SSRC: p.ssrc}.Put(b)
	p.raw(append(b, payload...))
	p.seq++
	p.ts += uint32(len(payload))
}

type packet struct {
	rtp.Header
	payload []byte
	at      time.Time
	from    netip.AddrPort
}

// hear returns the next packet, or false after the time.
func (p *phone) hear(d time.Duration) (packet, bool) {
	p.t.Helper()
	b := make([]byte, 2000)
	if err := p.c.SetReadDeadline(time.Now().Add(d)); err != nil {
		p.t.Fatal(err)
	}
	n, from, err := p.c.ReadFromUDPAddrPort(b)
	if err != nil {
		return packet{}, false
	}
	h, begin, end, err := new(rtp.Reader).Parse(b[:n])
	if err != nil {
		p.t.Fatalf("we sent % x: %v", b[:n], err)
	}
	return packet{Header: h, payload: b[begin:end], at: time.Now(), from: from}, true
}

func (p *phone) mustHear() packet {
	p.t.Helper()
	k, ok := p.hear(5 * time.Second)
	if !ok {
		p.t.Fatal("nothing to hear")
	}
	return k
}

func (p *phone) event() Event {
	p.t.Helper()
	select {
	case ev := <-p.events:
		return ev
	case <-time.After(5 * time.Second):
		p.t.Fatal("no event")
		return nil
	}
}

func decode(pt uint8, b []byte) []int16 {
	s := make([]int16, len(b))
	for i, c := range b {
		if pt == 8 {
			s[i] = g711.DecodeA(c)
		} else {
			s[i] = g711.DecodeU(c)
		}
	}
	return s
}

func beep(d time.Duration, hz float64) *prompt.Clip {
	return prompt.NewClip(tone.Make(d, -10, hz))
}

func TestPlayIsHeard(t *testing.T) {
	e := newTestEngine(t, Config{})
	for _, codec := range []Codec{PCMA, PCMU} {
		p := newPhone(t, e, talking(codec))
		p.leg.Play(42, []*prompt.Clip{beep(110*time.Millisecond, 440), beep(100*time.Millisecond, 1000)})
		d := tone.NewDetector(440, 1000)
		var last packet
		for i := range 11 {
			k := p.mustHear()
			if i > 0 && (k.Sequence != last.Sequence+1 || k.Timestamp-last.Timestamp < 160 || k.SSRC != last.SSRC) {
				t.Errorf("packet %d: %+v after %+v", i, k.Header, last.Header)
			}
			// More than 160, with a marker, if the machine had a stall.
			if k.Marker != (i == 0 || k.Timestamp != last.Timestamp+160) || k.PayloadType != uint8(codec) || len(k.payload) != 160 {
				t.Errorf("packet %d: %+v with %d bytes", i, k.Header, len(k.payload))
			}
			d.Feed(decode(k.PayloadType, k.payload))
			last = k
		}
		if ev := p.event(); ev != (Played{ID: 42}) {
			t.Errorf("event %+v", ev)
		}
		h := d.Heard()
		if h[0].Duration != 120*time.Millisecond && h[0].Duration != 100*time.Millisecond || h[1].Duration != 100*time.Millisecond {
			t.Errorf("heard %+v", h)
		}
		if k, ok := p.hear(50 * time.Millisecond); ok {
			t.Errorf("%+v after the end", k.Header)
		}
	}
}

func TestBridgeBothWays(t *testing.T) {
	for name, c := range map[string]Config{"plain": {Workers: 2}, "reserved": {Workers: 2, Reserve: true}} {
		t.Run(name, func(t *testing.T) { hearEachOther(t, newTestEngine(t, c)) })
	}
}

// hearEachOther has two phones talk while memory is collected, which needs all
// processors for a moment.
func hearEachOther(t *testing.T, e *Engine) {
	t.Helper()
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case <-over:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for _, codecs := range [][2]Codec{{PCMA, PCMA}, {PCMA, PCMU}, {PCMU, PCMA}} {
		a, b := newPhone(t, e, talking(codecs[0])), newPhone(t, e, talking(codecs[1]))
		Bridge(a.leg, b.leg)
		a.leg.Quality()
		b.leg.Quality()
		ca, cb := beep(200*time.Millisecond, 600), beep(200*time.Millisecond, 1500)
		da, db := tone.NewDetector(600, 1500), tone.NewDetector(600, 1500)
		for i := 0; i < 1600; i += 160 {
			a.say(encoded(a.codec, ca.ALaw(), ca.MuLaw())[i : i+160])
			b.say(encoded(b.codec, cb.ALaw(), cb.MuLaw())[i : i+160])
			ka, kb := a.mustHear(), b.mustHear()
			if ka.PayloadType != uint8(a.codec) || kb.PayloadType != uint8(b.codec) {
				t.Fatalf("payload types %d and %d", ka.PayloadType, kb.PayloadType)
			}
			da.Feed(decode(ka.PayloadType, ka.payload))
			db.Feed(decode(kb.PayloadType, kb.payload))
		}
		if h := da.Heard(); h[0].Duration != 0 || h[1].Duration != 200*time.Millisecond {
			t.Errorf("%v: A hears %+v", codecs, h)
		}
		if h := db.Heard(); h[0].Duration != 200*time.Millisecond || h[1].Duration != 0 {
			t.Errorf("%v: B hears %+v", codecs, h)
		}
		Unbridge(a.leg, b.leg)
		a.leg.Quality()
		a.say(make([]byte, 160))
		if k, ok := b.hear(30 * time.Millisecond); ok {
			t.Errorf("heard %+v after Unbridge", k.Header)
		}
	}
}

func TestReservedProcessorsAreGivenBack(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	e := newTestEngine(t, Config{Workers: 2, Reserve: true})
	if got := runtime.GOMAXPROCS(0); got != before+2 {
		t.Errorf("%d processors for two workers beside %d", got, before)
	}
	e.Close()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors after the end, %d before", got, before)
	}
}
