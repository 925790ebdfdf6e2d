package media

import (
	"testing"

	"tierline/media/rtp"
)

func BenchmarkTapePacket(b *testing.B) {
	t := &Tape{}
	p, sound := &tap{tape: t}, make([]byte, 160)
	for i := range sound {
		sound[i] = byte(i)
	}
	h, now := rtp.Header{SSRC: 1}, 20*ms
	b.ReportAllocs()
	for b.Loop() {
		p.take(h, sound, PCMA, now)
		now += 20 * ms
		h.Timestamp += 160
		if t.ready = samples(now); t.ready-t.start >= chunkSize {
			full, _, _, _ := t.pull()
			t.reuse(full)
		}
	}
}
