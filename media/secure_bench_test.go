package media

import (
	"bytes"
	"net/netip"
	"testing"

	"tierline/media/keying"
)

// BenchmarkSealedBridge is a packet on its way from one peer to the other: both
// legs plain, or both sealed. What the peers do to seal is not counted, the
// system calls of both are.
func BenchmarkSealedBridge(b *testing.B) {
	for _, c := range []struct {
		name  string
		suite keying.Suite
		size  int
	}{
		{"plain", keying.None, 0},
		{"AEAD_AES_128_GCM", keying.AEADAES128GCM, 28},
		{"AEAD_AES_256_GCM", keying.AEADAES256GCM, 44},
		{"AES_CM_128_HMAC_SHA1_80", keying.AESCM128SHA80, 30},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLab(b)
			one, two := bridged(l, talking(PCMA), talking(PCMA))
			seal := func(p []byte) []byte { return p }
			if c.suite != keying.None {
				k := func(fill byte) keying.Key {
					return keying.Key{Suite: c.suite, Master: bytes.Repeat([]byte{fill}, c.size)}
				}
				s := one.protect(b, talking(PCMA), k(1), k(2))
				two.protect(b, talking(PCMA), k(3), k(4))
				seal = func(p []byte) []byte {
					sealed, err := s.sealer.RTP(p)
					if err != nil {
						b.Fatal(err)
					}
					return bytes.Clone(sealed)
				}
			}
			to := makeSockaddr(netip.AddrPortFrom(loopback(), uint16(one.leg.Port())))
			var d [2000]byte
			var from sockaddr
			packets := make([][]byte, b.N)
			for i := range packets {
				packets[i] = seal(datagram(one.header(), make([]byte, 160)))
				one.seq++
				one.ts += 160
			}
			b.ReportAllocs()
			b.ResetTimer()
			for _, p := range packets {
				if !transmit(one.fd, p, &to) {
					b.Fatal("can't send")
				}
				if err := l.w.poll(0); err != nil {
					b.Fatal(err)
				}
				if receive(two.fd, d[:], &from) < 0 {
					b.Fatal("lost")
				}
			}
		})
	}
}
