package handshake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tierline/media/keying"
	"tierline/media/srtp"
)

// side is one of two that shake hands.
type side struct {
	certificate *Certificate
	hands       *Handshake
	agreed      chan [2]keying.Key
	failed      chan error
}

func newSide(t *testing.T) *side {
	t.Helper()
	c, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return &side{certificate: c, agreed: make(chan [2]keying.Key, 1), failed: make(chan error, 1)}
}

// begin starts the handshake of a side; what it sends goes to a function.
func (s *side) begin(t *testing.T, client bool, send func([]byte), peer ...Fingerprint) {
	t.Helper()
	s.hands = Begin(Options{
		Client: client, Peer: peer, Certificate: s.certificate, Send: send,
		Done:   func(send, receive keying.Key) { s.agreed <- [2]keying.Key{send, receive} },
		Failed: func(err error) { s.failed <- err },
	})
	t.Cleanup(func() { s.hands.Close(); s.hands.done.Wait() })
}

// shake lets two sides shake hands over a way that may lose packets.
func shake(t *testing.T, a, b *side, lose func(n int) bool, toA, toB Fingerprint) {
	t.Helper()
	type parcel struct {
		to *side
		b  []byte
	}
	way := make(chan parcel, 1000)
	begun, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		<-begun
		for n := 0; ; n++ {
			select {
			case p := <-way:
				if !lose(n) {
					p.to.hands.Packet(p.b)
				}
			case <-over:
				return
			}
		}
	}()
	post := func(to *side) func([]byte) {
		return func(d []byte) { way <- parcel{to, append([]byte(nil), d...)} }
	}
	a.begin(t, true, post(b), toA)
	b.begin(t, false, post(a), toB)
	close(begun)
}

func TestHandshakeYieldsTheSameKeys(t *testing.T) {
	for what, lose := range map[string]func(int) bool{
		"a good way":       func(int) bool { return false },
		"one that loses":   func(n int) bool { return n%3 == 0 && n < 12 },
		"nothing at first": func(n int) bool { return n < 2 },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			a, b := newSide(t), newSide(t)
			shake(t, a, b, lose, b.certificate.Fingerprint(), a.certificate.Fingerprint())
			ours, theirs := <-a.agreed, <-b.agreed
			if !ours[0].Equal(theirs[1]) || !ours[1].Equal(theirs[0]) || ours[0].Equal(ours[1]) {
				t.Error("the keys differ")
			}
			if _, err := srtp.NewSealer(ours[0]); err != nil {
				t.Error(err)
			}
			if a.hands.Is(true, []Fingerprint{a.certificate.Fingerprint()}) || !a.hands.Is(true, []Fingerprint{b.certificate.Fingerprint()}) {
				t.Error("taken for another handshake")
			}
		})
	}
}

func TestPeerWithAnotherCertificateGetsNoKeys(t *testing.T) {
	t.Parallel()
	a, b, c := newSide(t), newSide(t), newSide(t)
	shake(t, a, b, func(int) bool { return false }, b.certificate.Fingerprint(), c.certificate.Fingerprint())
	if err := <-b.failed; !errors.Is(err, errStranger) && !strings.Contains(err.Error(), errStranger.Error()) {
		t.Error(err)
	}
	select {
	case <-b.agreed:
		t.Error("keys for a stranger")
	default:
	}
}

func TestNothingIsToldAfterClose(t *testing.T) {
	t.Parallel()
	a := newSide(t)
	a.begin(t, true, func([]byte) {}, Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)})
	a.hands.Packet([]byte{22, 254, 253})
	a.hands.Close()
	a.hands.done.Wait()
	select {
	case err := <-a.failed:
		t.Errorf("told %v", err)
	case <-a.agreed:
		t.Error("agreed with nobody")
	case <-time.After(time.Millisecond):
	}
}

func TestFingerprints(t *testing.T) {
	c, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	der := c.tls.Certificate[0]
	if f := c.Fingerprint(); !f.of(der) || f.of(der[1:]) || (Fingerprint{Hash: "md5", Sum: f.Sum}).of(der) {
		t.Error("a fingerprint is not judged right")
	}
}
