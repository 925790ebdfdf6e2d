package media

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/media/dtmf"
	"tierline/media/g711"
	"tierline/media/tone"
)

// press returns one key's tones and the pause after it, in packets of 20 ms.
func press(codec Codec, low, high float64) (packets [][]byte) {
	linear := append(tone.Make(60*ms, -12, low, high), make([]int16, 480)...)
	for ; len(linear) > 0; linear = linear[160:] {
		p := make([]byte, 160)
		for i, v := range linear[:160] {
			if p[i] = g711.EncodeA(v); codec == PCMU {
				p[i] = g711.EncodeU(v)
			}
		}
		packets = append(packets, p)
	}
	return packets
}

func inbandKey(k rune) Event { return Digit{Source: dtmf.Inband, Code: k, DurationMS: 30} }

func TestInbandKeys(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		b := newLab(t)
		p := talking(codec)
		n := b.peer(p)
		send := func(packets [][]byte, mark func(i int) bool) {
			for i, k := range packets {
				if mark(i) {
					n.raw(datagram(n.header(), k))
				}
				n.seq++
				n.ts += 160
			}
		}
		all := func(int) bool { return true }
		send(press(codec, 697, 1209), all) // nobody listens yet
		p.Inband, p.Remote = true, n.is
		n.configure(p)
		send(press(codec, 770, 1336), all)                                // 5
		send(press(codec, 770, 1336), all)                                // 5
		send(press(codec, 941, 1477), func(i int) bool { return i != 1 }) // #, of which a third is lost: nothing
		send(press(codec, 852, 1477), func(i int) bool { return i < 3 })  // 9; its pause is not sent …
		n.seq -= 3                                                        // … and not numbered
		send(press(codec, 852, 1477), all)                                // 9
		n.raw(datagram(n.header(), nil))
		p.Inband = false
		n.configure(p)
		send(press(codec, 697, 1209), all)
		want := []Event{inbandKey('5'), inbandKey('5'), inbandKey('9'), inbandKey('9')}
		if diff := cmp.Diff(want, n.got); diff != "" {
			t.Errorf("%s: %s", codec.Name(), diff)
		}
		if q := n.leg.quality(); q.DigitsHeard != 4 {
			t.Errorf("%d digits counted", q.DigitsHeard)
		}
	}
}

// A key that goes on through a lost packet, a repeated one and one that comes
// late is one key.
func TestInbandKeyOnABadLine(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.Inband = true
	n := b.peer(p)
	long := press(PCMA, 697, 1477)[:3]
	long = append(append(long, long...), long...) // the phase leaps, as after a loss
	for i, k := range long {
		h := n.header()
		if i != 4 {
			n.raw(datagram(h, k))
			n.raw(datagram(h, k))
		}
		if i == 6 {
			h.Sequence -= 4
			h.Timestamp -= 640
			n.raw(datagram(h, make([]byte, 160)))
		}
		n.seq++
		n.ts += 160
	}
	if diff := cmp.Diff([]Event{inbandKey('3')}, n.got); diff != "" {
		t.Error(diff)
	}
}
