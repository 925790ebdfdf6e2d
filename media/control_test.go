package media

import (
	"testing"
	"time"

	"tierline/media/rtcp"
)

func TestReports(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	rtpFD, rtcpFD, is := b.pair()
	n.fd, n.is = rtpFD, is
	p := talking(PCMA)
	p.Remote = is
	n.configure(p)
	other := b.peer(talking(PCMA))
	Bridge(n.leg, other.leg)
	other.say(160)
	for i := range 10 {
		n.say(160)
		if i%3 == 2 {
			n.seq++ // lost
			n.ts += 160
		}
		b.run(20 * ms)
	}
	got := b.firstReport(rtcpFD, n.ssrc)
	if len(got) != 1 {
		t.Fatalf("%d reports in the first 4 s", len(got))
	}
	r := got[0]
	if !r.Sender || r.Packets != 1 || r.Octets != 160 || r.SSRC != n.leg.out.ssrc || !r.HasBlock || r.Bye {
		t.Errorf("%+v", r)
	}
	if k := r.Block; k.Lost != 3 || k.Fraction != 3*256/13 || uint16(k.Highest) != n.seq-1 || k.LastSR != 0 {
		t.Errorf("%+v", k)
	}
	n.heard()

	// The peer reports; half a second later we tell it how long ago that was.
	ntp := rtcp.NTP(time.Now())
	b.control(n, rtcpFD, rtcp.Report{
		SSRC: n.ssrc, Sender: true, NTP: ntp, HasBlock: true,
		Block: rtcp.Block{
			SSRC: n.leg.out.ssrc, Lost: 17, Jitter: 96,
			LastSR: rtcp.Middle(rtcp.NTP(time.Now().Add(-130 * ms))), Delay: 50 << 16 / 1000,
		},
	})
	q := n.leg.quality()
	if q.RemoteLost != 17 || q.RemoteJitter != 12 || q.RoundTripMS < 79 || q.RoundTripMS > 2000 {
		t.Errorf("%+v", q)
	}
	heard := b.now
	for len(got) < 3 {
		b.run(100 * ms)
		got = append(got, b.reports(rtcpFD, n.ssrc)...)
	}
	for i, r := range got[1:] {
		if r.Sender || r.Block.LastSR != rtcp.Middle(ntp) || r.Block.Fraction != 0 || r.Block.Lost != 3 {
			t.Errorf("later report %d: %+v", i, r)
		}
	}
	if d := time.Duration(got[1].Block.Delay) * time.Second >> 16; d <= 0 || d > b.now-heard {
		t.Errorf("delay since the last report %v", d)
	}
	n.leg.Close()
	b.settle()
	if got := b.reports(rtcpFD, n.ssrc); len(got) != 1 || !got[0].Bye {
		t.Errorf("goodbye %+v", got)
	}
}

// firstReport waits for it no longer than four seconds. The next one may come
// that early, too.
func (b *lab) firstReport(fd int, ours uint32) (got []rtcp.Report) {
	b.t.Helper()
	for i := 0; i < 40 && len(got) == 0; i++ {
		b.run(100 * ms)
		got = b.reports(fd, ours)
	}
	return got
}

func (b *lab) control(n *peer, fd int, r rtcp.Report) {
	b.t.Helper()
	to := makeSockaddr(n.controlled())
	if !transmit(fd, compound(b.t, r), &to) {
		b.t.Fatal("cannot send")
	}
	b.settle()
}

func TestReportIntervals(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	_, rtcpFD, is := b.pair()
	p := talking(PCMA)
	p.Remote = is
	n.configure(p)
	last, n0 := b.now, 0
	for b.now < last+300*time.Second {
		b.now += 50 * ms
		b.settle()
		for range b.reports(rtcpFD, 0) {
			n0++
		}
	}
	if n0 < 45 || n0 > 85 { // 60 on average
		t.Errorf("%d reports in 300 s", n0)
	}
	for range 1000 {
		if d := reportAfter(false); d < 2500*ms || d >= 7500*ms {
			t.Fatalf("interval %v", d)
		}
		if d := reportAfter(true); d < 1250*ms || d >= 3750*ms {
			t.Fatalf("first interval %v", d)
		}
	}
}

func TestReportsOnTheRTPPort(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.RTCPMux = true
	n := b.peer(p)
	n.say(160)
	n.raw(compound(t, rtcp.Report{SSRC: 1, HasBlock: true, Block: rtcp.Block{SSRC: n.leg.out.ssrc, Lost: 5}}))
	if q := n.leg.quality(); q.RemoteLost != 5 || q.Received != 1 || q.Malformed != 0 {
		t.Errorf("%+v", q)
	}
	if got := b.firstReport(n.fd, n.ssrc); len(got) != 1 || got[0].Sender || got[0].Block.Highest != uint32(n.seq-1) {
		t.Errorf("%+v", got)
	}
	// Not negotiated: not taken for sound nor for a report.
	two := b.peer(talking(PCMA))
	two.raw(compound(t, rtcp.Report{SSRC: 1, HasBlock: true, Block: rtcp.Block{SSRC: two.leg.out.ssrc, Lost: 5}}))
	if q := two.leg.quality(); q.RemoteLost != 0 || q.Received != 0 {
		t.Errorf("%+v", q)
	}
}

func TestBadControlIsDropped(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	to := makeSockaddr(n.controlled())
	bad := [][]byte{
		{},
		{0x80},
		{0x80, 200, 0, 1},
		{0x81, 201, 0, 1, 0, 0, 0, 1},
		make([]byte, 1500), make([]byte, 2100),
		{0x80, 207, 0xff, 0xff, 1, 2, 3, 4},
		{0x83, 206, 0xff, 0xff, 1, 2, 3, 4},
		{0x81, 203, 0xff, 0xff, 1, 2, 3, 4},
	}
	for _, d := range bad {
		if !transmit(n.fd, append(d, 0)[:len(d)], &to) {
			t.Fatal("cannot send")
		}
	}
	b.settle()
	if q := n.leg.quality(); q.Malformed != uint64(len(bad)) {
		t.Errorf("%+v", q)
	}
	p := talking(PCMA) // now somebody else's IP is negotiated
	p.Remote = n.is
	p.Remote = addrPort("127.0.0.2", 4000)
	n.configure(p)
	if !transmit(n.fd, compound(t, rtcp.Report{}), &to) {
		t.Fatal("cannot send")
	}
	b.settle()
	if q := n.leg.quality(); q.Strangers != 1 {
		t.Errorf("%+v", q)
	}
}
