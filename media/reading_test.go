package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/media/g711"
	"tierline/media/prompt"
	"tierline/media/tone"
)

// TestReadingIsContinuousToTheSample: a value is read from many short clips of
// any length; what is sent is their sound and nothing else, at any packet time.
func TestReadingIsContinuousToTheSample(t *testing.T) {
	whole := tone.Make(6*time.Second, -10, 440)
	var fragments []*prompt.Clip
	for rest, n := whole, 1; len(fragments) < 30; n = n*7%1511 + 1 {
		fragments = append(fragments, prompt.NewClip(rest[:n]))
		rest = rest[n:]
	}
	fragments[11] = prompt.NewClip(nil) // a fragment without sound
	for _, codec := range []Codec{PCMA, PCMU} {
		var want []byte
		for _, f := range fragments {
			want = append(want, encoded(codec, f.ALaw(), f.MuLaw())...)
		}
		for _, ptime := range []int{10, 20, 30, 60} {
			b := newLab(t)
			p := talking(codec)
			p.Ptime = ptime
			n := b.peer(p)
			n.leg.Play(9, fragments)
			b.run(duration(len(want)) + 200*ms)
			all := n.heard()
			checkStream(t, all, uint32(ptime*8))
			var got []byte
			for _, k := range all {
				got = append(got, k.payload...)
			}
			step := ptime * 8
			idle := byte(g711.IdleU)
			if codec == PCMA {
				idle = g711.IdleA
			}
			filled := append(bytes.Clone(want), bytes.Repeat([]byte{idle}, (step-len(want)%step)%step)...)
			if !bytes.Equal(got, filled) {
				t.Errorf("%s, %d ms: %d samples, want %d; the first difference at %d",
					codec.Name(), ptime, len(got), len(filled), differs(got, filled))
			}
			if diff := cmp.Diff([]Event{Played{ID: 9}}, n.got); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// BenchmarkReading is the cost of a second of reading: 50 packets across a
// dozen fragments.
func BenchmarkReading(b *testing.B) {
	fragments := make([]*prompt.Clip, 12)
	for i := range fragments {
		fragments[i] = beep(83*ms, 440)
	}
	var p player
	var frame [160]byte
	b.ReportAllocs()
	for b.Loop() {
		p.clips, p.offset = fragments, 0
		for range 50 {
			p.fill(frame[:], PCMA, 0)
		}
	}
}
