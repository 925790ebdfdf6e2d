package media

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"tierline/media/ice"
	"tierline/media/keying"
	"tierline/media/prompt"
	"tierline/media/rtcp"
	"tierline/media/rtp"
	"tierline/media/srtp"
)

func gcm(fill byte) keying.Key {
	return keying.Key{Suite: keying.AEADAES128GCM, Master: bytes.Repeat([]byte{fill}, 28)}
}

// safe is a peer that seals and opens.
type safe struct {
	*peer
	sealer *srtp.Sealer
	opener *srtp.Opener
}

// protect agrees on keys with a peer, from its side.
func (n *peer) protect(t testing.TB, p Params, send, receive keying.Key) *safe {
	t.Helper()
	p.Remote = n.is
	p.Security.Send, p.Security.Receive = receive, send
	n.configure(p)
	s, err := srtp.NewSealer(send)
	if err != nil {
		t.Fatal(err)
	}
	o, err := srtp.NewOpener(receive)
	if err != nil {
		t.Fatal(err)
	}
	return &safe{peer: n, sealer: s, opener: o}
}

// seal makes the next packet of 20 ms.
func (s *safe) seal() []byte {
	s.t.Helper()
	b, err := s.sealer.RTP(datagram(s.header(), bytes.Repeat([]byte{0x2a}, 160)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.seq++
	s.ts += 160
	return b
}

// opened returns the payloads that have arrived.
func (s *safe) opened() (all [][]byte) {
	s.t.Helper()
	var b [2000]byte
	var from sockaddr
	for {
		n := receive(s.fd, b[:], &from)
		if n < 0 {
			return all
		}
		plain, err := s.opener.RTP(b[:n])
		if err != nil {
			s.t.Fatalf("we sent what can't be opened: % x", b[:n])
		}
		all = append(all, bytes.Clone(plain[rtp.HeaderSize:]))
	}
}

func TestSealedLegAndPlainLegHearEachOther(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMU))
	s := one.protect(t, talking(PCMA), gcm(1), gcm(2))
	s.raw(s.seal())
	if k := two.one(); len(k.payload) != 160 || k.payload[0] == 0x2a {
		t.Errorf("heard % x", k.payload)
	}
	if a, b := one.leg.quality().Cipher, two.leg.quality().Cipher; a != "AEAD_AES_128_GCM" || b != "" {
		t.Errorf("ciphers %q and %q", a, b)
	}
	two.say(160)
	if got := s.opened(); len(got) != 1 || len(got[0]) != 160 {
		t.Errorf("heard %d packets", len(got))
	}
	one.leg.Play(1, []*prompt.Clip{prompt.Silence(100)})
	b.run(120 * ms)
	if got := s.opened(); len(got) != 5 {
		t.Errorf("a prompt of 100 ms came in %d packets", len(got))
	}
}

func TestPlainAndForgedPacketsAreStrangers(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	s := one.protect(t, talking(PCMA), gcm(1), gcm(2))
	sealed := bytes.Clone(s.seal())
	one.say(160)
	forged := bytes.Clone(sealed)
	forged[20] ^= 1
	one.raw(forged)
	if got := two.heard(); len(got) != 0 {
		t.Errorf("%d packets went on", len(got))
	}
	one.raw(bytes.Clone(sealed))
	one.raw(bytes.Clone(sealed))
	if got := two.heard(); len(got) != 1 {
		t.Errorf("%d packets went on, want the one that wasn't forged or played again", len(got))
	}
	if q := one.leg.quality(); q.Strangers != 3 || q.Received != 1 {
		t.Errorf("%d strangers, %d received", q.Strangers, q.Received)
	}
}

// A re-INVITE with the same keys goes on counting, one with others begins anew.
func TestNewKeysInAReinvite(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	s := one.protect(t, talking(PCMA), gcm(1), gcm(2))
	old := bytes.Clone(s.seal())
	s.raw(bytes.Clone(old))
	again := one.params(gcm(1), gcm(2))
	one.configure(again)
	s.raw(bytes.Clone(old)) // a replay still
	two.say(160)
	if len(two.heard()) != 1 || len(s.opened()) != 1 {
		t.Error("the same keys don't go on")
	}
	fresh := one.protect(t, talking(PCMA), gcm(3), gcm(4))
	fresh.raw(fresh.seal())
	s.raw(s.seal()) // by the old key
	two.say(160)
	if len(two.heard()) != 1 || len(fresh.opened()) != 1 {
		t.Error("new keys aren't used")
	}
	one.configure(one.params(keying.Key{}, keying.Key{}))
	one.say(160)
	two.say(160)
	if len(two.heard()) != 1 || len(one.heard()) != 1 {
		t.Error("plain RTP does not come back")
	}
}

// params are those of a leg whose peer seals with send.
func (n *peer) params(send, receive keying.Key) Params {
	p := talking(PCMA)
	p.Remote = n.is
	p.Security.Send, p.Security.Receive = receive, send
	return p
}

func TestReportsAreSealed(t *testing.T) {
	b := newLab(t)
	one := b.peer(talking(PCMA))
	p := talking(PCMA)
	p.RTCPMux = true
	s := one.protect(t, p, gcm(1), gcm(2))
	report, err := rtcp.Marshal(rtcp.Report{SSRC: one.ssrc, HasBlock: true, Block: rtcp.Block{SSRC: one.leg.out.ssrc, Lost: 7}}, "peer")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.sealer.RTCP(report)
	if err != nil {
		t.Fatal(err)
	}
	one.raw(bytes.Clone(report)) // plain
	if q := one.leg.quality(); q.RemoteLost != 0 || q.Strangers != 1 {
		t.Errorf("a plain report counts: %+v", q)
	}
	one.raw(sealed)
	if q := one.leg.quality(); q.RemoteLost != 7 {
		t.Errorf("remote loss %d", q.RemoteLost)
	}
	one.leg.PlayMusic(NewMusic(prompt.Silence(1000), b.e))
	b.run(8 * time.Second)
	var d [2000]byte
	var from sockaddr
	reports := 0
	for {
		n := receive(one.fd, d[:], &from)
		if n < 0 {
			break
		}
		if rtcp.Is(d[:n]) {
			plain, err := s.opener.RTCP(d[:n])
			if err != nil {
				t.Fatal("a report that can't be opened")
			}
			if _, err = rtcp.Parse(plain, one.ssrc); err != nil {
				t.Error(err)
			}
			reports++
		}
	}
	if reports == 0 {
		t.Error("no report was sent")
	}
}

func TestUnusableKeysBreakTheLeg(t *testing.T) {
	b := newLab(t)
	one := b.peer(talking(PCMA))
	one.configure(one.params(keying.Key{Suite: 99}, keying.Key{Suite: keying.AESCM128SHA80}))
	if len(one.got) != 1 {
		t.Fatalf("events %v", one.got)
	}
	if _, ok := one.got[0].(Failed); !ok {
		t.Errorf("event %v", one.got[0])
	}
}

func TestSealedBridgeAllocatesNothing(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	s := one.protect(t, talking(PCMA), gcm(1), gcm(2))
	r := two.protect(t, talking(PCMA), gcm(3), gcm(4))
	to := makeSockaddr(netip.AddrPortFrom(loopback(), uint16(one.leg.Port())))
	var d [2000]byte
	var from sockaddr
	heard := 0
	plain := datagram(s.header(), make([]byte, 160))
	if n := testing.AllocsPerRun(500, func() {
		s.seq++
		s.header().Put(plain)
		sealed, err := s.sealer.RTP(plain)
		if err != nil || !transmit(s.fd, sealed, &to) {
			t.Fatal("can't send")
		}
		if err := b.w.poll(0); err != nil {
			t.Fatal(err)
		}
		if n := receive(r.fd, d[:], &from); n > 0 {
			heard++
		}
	}); n > 0 || heard < 500 {
		t.Errorf("%v allocations a packet, %d heard", n, heard)
	}
}

// browserCheck is what a browser sends.
func browserCheck(t *testing.T, c ice.Credentials, nominate bool) []byte {
	t.Helper()
	use := stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.Ufrag + ":" + c.RemoteUfrag), use}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(c.Password), stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestPeerIsFoundByItsChecks(t *testing.T) {
	b := newLab(t)
	c := ice.Credentials{Ufrag: "abcd", Password: "0123456789abcdef01234567", RemoteUfrag: "wxyz"}
	one := b.peer(talking(PCMA))
	p := one.params(gcm(1), gcm(2))
	p.Remote, p.Security.ICE = netip.AddrPort{}, &c
	one.configure(p)
	s, err := srtp.NewSealer(gcm(1))
	if err != nil {
		t.Fatal(err)
	}
	o, err := srtp.NewOpener(gcm(2))
	if err != nil {
		t.Fatal(err)
	}
	n := &safe{peer: one, sealer: s, opener: o}
	one.leg.PlayMusic(NewMusic(prompt.Silence(1000), b.e))
	b.run(100 * ms)
	if got := n.opened(); len(got) != 0 {
		t.Error("something was sent before the peer was found")
	}
	one.raw(browserCheck(t, c, true))
	var d [2000]byte
	var from sockaddr
	k := receive(one.fd, d[:], &from)
	if k < 0 || !stun.IsMessage(d[:k]) {
		t.Fatal("the check was not answered")
	}
	b.run(100 * ms)
	if got := n.opened(); len(got) < 4 {
		t.Errorf("%d packets after the peer was found", len(got))
	}
	one.raw(n.seal())
	if q := one.leg.quality(); q.Received != 1 || q.Strangers != 0 {
		t.Errorf("%+v", q)
	}
	b.run(ice.Consent)
	n.opened()
	b.run(time.Second)
	if got := n.opened(); len(got) != 0 {
		t.Errorf("%d packets without consent", len(got))
	}
	// It comes back from another port.
	moved, _ := b.socket()
	one.rawFrom(moved, browserCheck(t, c, true))
	b.run(100 * ms)
	if k = receive(moved, d[:], &from); k < 0 {
		t.Fatal("the check from elsewhere was not answered")
	}
	if k = receive(moved, d[:], &from); k < 0 {
		t.Error("the sound does not follow the peer")
	}
	one.raw([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	if q := one.leg.quality(); q.Strangers != 1 {
		t.Errorf("%d strangers", q.Strangers)
	}
}
