package media

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"tierline/media/handshake"
	"tierline/media/keying"
	"tierline/media/prompt"
)

// couple is two legs of two nodes that are to shake hands.
type couple struct {
	engines [2]*Engine
	legs    [2]*Leg
	events  chan Event
}

func newCouple(t *testing.T) *couple {
	t.Helper()
	c := &couple{events: make(chan Event, 10)}
	for i := range c.legs {
		e, err := NewEngine(Config{IP: loopback(), PortMin: 43002 + 1000*i, PortMax: 44001 + 1000*i})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		l, err := e.Open(func(ev Event) { c.events <- ev })
		if err != nil {
			t.Fatal(err)
		}
		c.engines[i], c.legs[i] = e, l
	}
	return c
}

// configure has a leg expect a certificate.
func (c *couple) configure(t *testing.T, i int, of handshake.Fingerprint) {
	t.Helper()
	p := talking(PCMA)
	p.PT, p.RTCPMux = 8, true
	p.Remote = netip.AddrPortFrom(loopback(), uint16(c.legs[1-i].Port()))
	p.Security.DTLS = &DTLS{Client: i == 0, Peer: []handshake.Fingerprint{of}}
	if err := c.legs[i].Configure(p); err != nil {
		t.Fatal(err)
	}
}

// hear waits until both have heard so many packets.
func (c *couple) hear(t *testing.T, packets uint64) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for c.legs[0].Quality().Received < packets || c.legs[1].Quality().Received < packets {
		select {
		case ev := <-c.events:
			t.Fatalf("%+v", ev)
		case <-deadline:
			t.Fatalf("nothing is heard: %+v", c.legs[0].Quality())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestLegsAgreeByHandshake(t *testing.T) {
	c := newCouple(t)
	for i, l := range c.legs {
		c.configure(t, i, c.engines[1-i].Fingerprint())
		l.PlayMusic(NewMusic(prompt.Silence(1000), c.engines[i]))
	}
	c.hear(t, 5)
	for i := range c.legs { // a re-INVITE that changes nothing goes on with the same keys
		c.configure(t, i, c.engines[1-i].Fingerprint())
	}
	c.hear(t, c.legs[0].Quality().Received+10)
	if q := c.legs[0].Quality(); q.Strangers != 0 {
		t.Errorf("%d strangers", q.Strangers)
	}
}

func TestHandshakeWithAStrangerBreaksTheLeg(t *testing.T) {
	c := newCouple(t)
	for i := range c.legs {
		c.configure(t, i, handshake.Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)})
	}
	if ev, ok := (<-c.events).(Failed); !ok || ev.Reason == "" {
		t.Errorf("event %v", ev)
	}
}

// A phone behind a NAT shakes hands from another address than its SDP says.
func TestHandshakeGoesBackToWhereItCameFrom(t *testing.T) {
	b := newLab(t)
	c, err := handshake.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	b.e.certificate = c
	n := b.peer(talking(PCMA))
	p := talking(PCMA)
	p.PT, p.Remote, p.Signalling = 8, netip.MustParseAddrPort("127.0.0.2:5555"), loopback()
	p.Security.DTLS = &DTLS{Peer: []handshake.Fingerprint{c.Fingerprint()}}
	if err := n.leg.Configure(p); err != nil {
		t.Fatal(err)
	}
	n.settle()
	from := handshake.Begin(handshake.Options{
		Client: true, Peer: []handshake.Fingerprint{c.Fingerprint()}, Certificate: c,
		Send: func(d []byte) {
			to := makeSockaddr(netip.AddrPortFrom(loopback(), uint16(n.leg.Port())))
			transmit(n.fd, d, &to)
		},
		Done: func(_, _ keying.Key) {}, Failed: func(error) {},
	})
	defer from.Close()
	var d [2000]byte
	var by sockaddr
	for limit := time.Now().Add(10 * time.Second); receive(n.fd, d[:], &by) < 0; runtime.Gosched() {
		if n.settle(); time.Now().After(limit) {
			t.Fatal("no answer where the handshake came from")
		}
	}
	if !handshake.Is(d[:]) {
		t.Errorf("answered with % x", d[:20])
	}
}
