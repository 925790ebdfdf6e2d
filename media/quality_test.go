package media

import (
	"testing"
	"time"

	"tierline/media/rtcp"
)

// TestLegTellsHowItSounds: every five seconds or so, worse for one that loses
// packets, for us and, by the peer's report, for him.
func TestLegTellsHowItSounds(t *testing.T) {
	score := func(everyNthLost int) Quality {
		b := newLab(t)
		n := b.peer(talking(PCMA))
		for i := range 1000 {
			if i%everyNthLost == everyNthLost-1 {
				n.seq++
				n.ts += 160
			} else {
				n.say(160)
			}
			b.now += 20 * ms
			b.settle()
		}
		all := n.figures
		if len(all) < 2 || len(all) > 9 {
			t.Fatalf("told %d times in 20 s", len(all))
		}
		last := all[len(all)-1]
		if last.Received < all[0].Received || last.Codec != "PCMA" {
			t.Errorf("first %+v, last %+v", all[0], last)
		}
		return last
	}
	clean, lossy := score(1001), score(10)
	if clean.MOS < 430 || clean.MOS > 441 || clean.Lost != 0 || clean.RemoteMOS != 0 {
		t.Errorf("clean: %+v", clean)
	}
	if lossy.MOS < 300 || lossy.MOS > 370 || lossy.Lost < 20 { // 10 %: R 65, less for the delay
		t.Errorf("every tenth packet lost: %+v", lossy)
	}
}

func TestPeersReportIsScored(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	n.leg.out.packets = 100
	n.leg.control.heard(rtcp.Report{HasBlock: true, Block: rtcp.Block{Lost: 20, Jitter: 80}}, n.is, b.now)
	q := n.leg.quality()
	if q.RemoteMOS < 220 || q.RemoteMOS > 290 || q.MOS != 0 {
		t.Errorf("a fifth of what we sent is lost: %+v", q)
	}
	n.leg.control.heard(rtcp.Report{HasBlock: true}, n.is, b.now)
	if q = n.leg.quality(); q.RemoteMOS < 430 {
		t.Errorf("nothing is lost: %+v", q)
	}
	n.leg.control.roundTrip = 800 * time.Millisecond
	if got := n.leg.quality().RemoteMOS; got >= 400 {
		t.Errorf("far away it scores %d", got)
	}
}

func TestOvertakenPacketsAreCounted(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	for _, seq := range []uint16{10, 12, 11, 13, 13, 14} {
		n.seq = seq
		n.say(160)
		b.settle()
	}
	if q := n.leg.quality(); q.Late != 1 || q.Lost != 0 {
		t.Errorf("%+v", q)
	}
}
