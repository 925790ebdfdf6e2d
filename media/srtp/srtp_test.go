package srtp

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tierline/media/keying"
	"tierline/media/rtcp"
	"tierline/media/rtp"
)

func testKey(s keying.Suite, salt byte) keying.Key {
	return keying.Key{Suite: s, Master: bytes.Repeat([]byte{salt}, s.Size())}
}

func suites() (out []keying.Suite) {
	for s := keying.Suite(1); s.Size() > 0; s++ {
		out = append(out, s)
	}
	return out
}

// pair returns both ends of one direction.
func pair(t testing.TB, k keying.Key) (*Sealer, *Opener) {
	t.Helper()
	s, err := NewSealer(k)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func packet(sequence uint16) []byte {
	b := make([]byte, rtp.HeaderSize+160)
	rtp.Header{PayloadType: 8, Sequence: sequence, Timestamp: uint32(sequence) * 160, SSRC: 5}.Put(b)
	for i := range b[rtp.HeaderSize:] {
		b[rtp.HeaderSize+i] = byte(i)
	}
	return b
}

func TestSealedPacketsAreOpened(t *testing.T) {
	for _, suite := range suites() {
		for _, mki := range [][]byte{nil, {0, 0, 0, 1}} {
			k := testKey(suite, 7)
			k.MKI = mki
			s, o := pair(t, k)
			for i := range 70_000 { // over the end of the sequence numbers
				if i > 10 && i < 65_400 {
					continue
				}
				plain := packet(uint16(i))
				sealed, err := s.RTP(plain)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(sealed, plain[rtp.HeaderSize:]) {
					t.Fatal("the payload goes out readable")
				}
				opened, err := o.RTP(bytes.Clone(sealed))
				if err != nil || !bytes.Equal(opened, plain) {
					t.Fatalf("suite %d, packet %d: %v", suite, i, err)
				}
			}
			report, err := rtcp.Marshal(rtcp.Report{SSRC: 5, Sender: true}, "x@y")
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := s.RTCP(report)
			if err != nil {
				t.Fatal(err)
			}
			if opened, err := o.RTCP(bytes.Clone(sealed)); err != nil || !bytes.Equal(opened, report) {
				t.Errorf("suite %d, RTCP: %v", suite, err)
			}
		}
	}
}

func TestForgedPacketsAreRefused(t *testing.T) {
	for _, suite := range suites() {
		s, o := pair(t, testKey(suite, 7))
		sealed, err := s.RTP(packet(1))
		if err != nil {
			t.Fatal(err)
		}
		sealed = bytes.Clone(sealed)
		for i := range sealed {
			forged := bytes.Clone(sealed)
			forged[i] ^= 0x10
			if _, err := o.RTP(forged); !errors.Is(err, ErrForged) {
				t.Fatalf("suite %d: byte %d changed, and nobody minds", suite, i)
			}
		}
		for i := range sealed {
			if _, err := o.RTP(bytes.Clone(sealed[:i])); err == nil {
				t.Fatalf("suite %d: cut to %d bytes, and nobody minds", suite, i)
			}
		}
		if _, err := o.RTP(bytes.Clone(sealed)); err != nil {
			t.Fatalf("suite %d: what is good is refused after forgeries: %v", suite, err)
		}
		if _, err := o.RTP(bytes.Clone(sealed)); !errors.Is(err, ErrForged) {
			t.Errorf("suite %d: a replay is taken", suite)
		}
	}
}

func TestUnusableKeys(t *testing.T) {
	for _, k := range []keying.Key{
		{},
		{Suite: keying.AESCM128SHA80},
		{Suite: keying.AESCM128SHA80, Master: make([]byte, 29)},
		{Suite: 99, Master: make([]byte, 30)},
		{Suite: keying.AEADAES256GCM, Master: make([]byte, 30)},
	} {
		if _, err := NewSealer(k); !errors.Is(err, ErrKey) {
			t.Errorf("%d bytes for suite %d: %v", len(k.Master), k.Suite, err)
		}
		if _, err := NewOpener(k); !errors.Is(err, ErrKey) {
			t.Errorf("%d bytes for suite %d: %v", len(k.Master), k.Suite, err)
		}
	}
	a, b := testKey(keying.AESCM128SHA80, 1), testKey(keying.AESCM128SHA80, 2)
	if a.Equal(b) || !a.Equal(testKey(keying.AESCM128SHA80, 1)) || a.Equal(keying.Key{Suite: keying.AESCM128SHA32, Master: a.Master}) {
		t.Error("keys are taken for one another")
	}
}

func TestPathOfAPacketAllocatesNothing(t *testing.T) {
	for _, suite := range suites() {
		s, o := pair(t, testKey(suite, 7))
		buffer := make([]byte, 0, MaxSize)
		plain := packet(0)
		sequence := uint16(0)
		if n := testing.AllocsPerRun(1000, func() {
			sequence++
			rtp.Header{PayloadType: 8, Sequence: sequence, SSRC: 5}.Put(plain)
			sealed, err := s.RTP(plain)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = o.RTP(append(buffer, sealed...)); err != nil {
				t.Fatal(err)
			}
		}); n > 0 && !raceDetector {
			t.Errorf("suite %d: %v allocations a packet", suite, n)
		}
	}
}

// FuzzOpen: whatever comes, it is an error or a packet of ours, and never a panic.
func FuzzOpen(f *testing.F) {
	s, _ := NewSealer(testKey(keying.AESCM128SHA80, 7))
	sealed, _ := s.RTP(packet(1))
	f.Add(bytes.Clone(sealed))
	f.Add([]byte{0x90, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0xbe, 0xde, 0, 1, 1, 2, 3, 4})
	f.Add([]byte{0x80, 200, 0, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, suite := range suites() {
			_, o := pair(t, testKey(suite, 9))
			if _, err := o.RTP(bytes.Clone(b)); !errors.Is(err, ErrForged) {
				t.Fatalf("suite %d took RTP %x", suite, b)
			}
			if _, err := o.RTCP(bytes.Clone(b)); !errors.Is(err, ErrForged) {
				t.Fatalf("suite %d took RTCP %x", suite, b)
			}
		}
	})
}

func BenchmarkPacket(b *testing.B) {
	for _, suite := range suites() {
		b.Run(fmt.Sprint(suite), func(b *testing.B) {
			s, o := pair(b, testKey(suite, 7))
			buffer := make([]byte, 0, MaxSize)
			plain := packet(0)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				rtp.Header{PayloadType: 8, Sequence: uint16(i), SSRC: 5}.Put(plain)
				sealed, err := s.RTP(plain)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = o.RTP(append(buffer, sealed...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A process that goes on with a stream knows neither how often its numbers began
// anew, nor who else sends there meanwhile.
func TestAStreamThatOthersBeganIsOpened(t *testing.T) {
	for _, suite := range suites() {
		for _, before := range []int{10, 70_000, 200_000} {
			k := testKey(suite, 7)
			s, _ := pair(t, k)
			for i := 0; i < before; i += 20_000 {
				if _, err := s.RTP(packet(uint16(i))); err != nil {
					t.Fatal(err)
				}
			}
			o, err := ResumeOpener(k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = o.RTP(bytes.Repeat([]byte{0x80}, 180)); !errors.Is(err, ErrForged) {
				t.Errorf("a forged packet: %v", err)
			}
			for i := before; i < before+70_000; i += 5_000 { // and over the next end
				plain := packet(uint16(i))
				sealed, err := s.RTP(plain)
				if err != nil {
					t.Fatal(err)
				}
				got, err := o.RTP(bytes.Clone(sealed))
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%s after %d packets: packet %d: %v", suite, before, i, err)
				}
			}
		}
	}
}

func TestTheSearchForAStreamEnds(t *testing.T) {
	k := testKey(keying.AESCM128SHA80, 7)
	s, _ := pair(t, k)
	o, err := ResumeOpener(k)
	if err != nil {
		t.Fatal(err)
	}
	for range mostTries {
		if _, err = o.RTP(packet(9)); !errors.Is(err, ErrForged) {
			t.Fatal(err)
		}
	}
	sealed, err := s.RTP(packet(10))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = o.RTP(sealed); err != nil || o.tries != 0 {
		t.Errorf("a stream that begins: %v, %d tries left", err, o.tries)
	}
}
