package media

import (
	"testing"
	"time"

	"tierline/media/rtcp"
)

func (p *peer) stalls() (n int) {
	for _, ev := range p.got {
		if s, ok := ev.(Stalled); ok && s.For == 3*time.Second {
			n++
		}
	}
	return n
}

// Only who should send and doesn't is told of, again and again.
func TestWhoFallsSilentIsToldOf(t *testing.T) {
	held := talking(PCMA)
	held.Receive = false
	for what, c := range map[string]struct {
		params Params
		every  time.Duration // a packet
		report bool          // of RTCP
		want   int
	}{
		"talks":                   {talking(PCMA), 100 * ms, false, 0},
		"pauses, as with a VAD":   {talking(PCMA), 2900 * ms, false, 0},
		"is muted, but reports":   {talking(PCMA), 500 * ms, true, 0},
		"is dead":                 {talking(PCMA), time.Hour, false, 4},
		"speaks every 4.5 s only": {talking(PCMA), 4500 * ms, false, 3},
		"holds us":                {held, time.Hour, false, 0},
	} {
		b := newLab(t)
		b.e.stall = 3 * time.Second
		p := b.peer(c.params)
		for at := 100 * ms; at <= 13*time.Second; at += 100 * ms {
			b.run(100 * ms)
			if at%c.every != 0 {
				continue
			}
			if c.report {
				r, err := rtcp.Marshal(rtcp.Report{SSRC: 7, NTP: rtcp.NTP(time.Now())}, "x")
				if err != nil {
					t.Fatal(err)
				}
				p.leg.do(func() { p.leg.rtcpArrived(r, p.leg.params.Remote, b.now) })
				b.settle()
				continue
			}
			p.ts = uint32(samples(b.now))
			p.say(160)
		}
		if got := p.stalls(); got != c.want {
			t.Errorf("who %s: told %d times, not %d", what, got, c.want)
		}
	}
}

func TestNobodyIsToldOfUnlessAsked(t *testing.T) {
	b := newLab(t)
	p := b.peer(talking(PCMA))
	b.run(10 * time.Second)
	if p.stalls() != 0 {
		t.Error("told of")
	}
}
