package sdp

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func genOptions(t *rapid.T, label string) LocalOptions {
	codecs := rapid.SampledFrom([][]uint8{{PCMA, PCMU}, {PCMU, PCMA}, {PCMA}, {PCMU}})
	return LocalOptions{
		IP:        netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, label+"-ip")}),
		Port:      rapid.IntRange(1024, 65535).Draw(t, label+"-port"),
		SessionID: rapid.Uint64().Draw(t, label+"-session"),
		Version:   rapid.Uint64().Draw(t, label+"-version"),
		Codecs:    codecs.Draw(t, label+"-codecs"),
		EventPT:   uint8(rapid.IntRange(96, 127).Draw(t, label+"-event")),
		Direction: Direction(rapid.IntRange(0, 3).Draw(t, label+"-direction")),
	}
}

// What an offer says is what a reader gets.
func TestParseReadsWhatOfferWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := genOptions(t, "o")
		s, err := Parse(Offer(o))
		if err != nil {
			t.Fatal(err)
		}
		m := s.Audio
		if s.Lines != 1 || m == nil || m.Addr != o.IP || m.Port != o.Port || m.Direction != o.Direction ||
			m.Ptime != 20 || m.eventPT() != o.EventPT || len(m.Formats) != len(o.Codecs)+1 {
			t.Fatalf("read %+v", m)
		}
		for i, c := range o.Codecs {
			if m.Formats[i] != static(c) {
				t.Fatalf("format %d is %+v", i, m.Formats[i])
			}
		}
	})
}

// Offerer and answerer come to the same result, each from its side.
func TestBothSidesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genOptions(t, "a"), genOptions(t, "b")
		if a.IP == b.IP {
			return
		}
		offer, err := Parse(Offer(a))
		if err != nil {
			t.Fatal(err)
		}
		body, theirs, err := Answer(offer, b)
		common := len(a.Codecs) == 2 || len(b.Codecs) == 2 || a.Codecs[0] == b.Codecs[0]
		if (err == nil) != common {
			t.Fatalf("codecs %v and %v: %v", a.Codecs, b.Codecs, err)
		}
		if err != nil {
			return
		}
		answer, err := Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := Accept(answer, a)
		if err != nil {
			t.Fatal(err)
		}
		if mine.Codec != theirs.Codec || mine.PT != theirs.PT || mine.EventPT != theirs.EventPT {
			t.Fatalf("formats differ: %+v, %+v", mine, theirs)
		}
		if mine.Send != theirs.Receive || mine.Receive != theirs.Send {
			t.Fatalf("directions differ: %+v, %+v", mine, theirs)
		}
		if mine.Remote != netip.AddrPortFrom(b.IP, uint16(b.Port)) || theirs.Remote != netip.AddrPortFrom(a.IP, uint16(a.Port)) {
			t.Fatalf("addresses differ: %v, %v", mine.Remote, theirs.Remote)
		}
	})
}
