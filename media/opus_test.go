package media

import (
	"testing"
	"time"

	"tierline/media/prompt"
	"tierline/media/rtp"
)

func TestOpusPacketTimes(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		want    int // ms, times two
	}{
		{[]byte{0xf8, 1}, 40},
		{[]byte{0xe0, 1}, 5},
		{[]byte{0xf9, 1}, 80},
		{[]byte{0xfb, 3, 1}, 120},
		{[]byte{0x00}, 20},
		{[]byte{0x18}, 120},
		{[]byte{0x60}, 20},
		{[]byte{0x68}, 40},
		{[]byte{0x1b, 63}, 240},
		{nil, 0},
	} {
		if got := opusSamples(c.payload); got != c.want*4 {
			t.Errorf("% x: %d samples, want %d", c.payload, got, c.want*4)
		}
	}
}

// sing sends the next 20 ms of Opus.
func (n *peer) sing() []byte {
	payload := []byte{0xf8, byte(n.seq), 1, 2, 3}
	n.raw(datagram(n.header(), payload))
	n.seq++
	n.ts += 960
	return payload
}

func TestOpusPassesUntouched(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(Opus), talking(Opus))
	var last rtp.Header
	for i := range 500 { // long enough to drift if a clock were wrong
		b.now += 20 * ms
		sent := one.sing()
		k := two.one()
		if string(k.payload) != string(sent) || k.Marker != (i == 0) {
			t.Fatalf("packet %d: %+v with % x", i, k.Header, k.payload)
		}
		if i > 0 && (k.Sequence != last.Sequence+1 || k.Timestamp != last.Timestamp+960) {
			t.Fatalf("packet %d: %+v after %+v", i, k.Header, last)
		}
		last = k.Header
	}
	// After a silence the stream goes on in real time.
	b.now += time.Second
	one.ts += 48000
	one.sing()
	if k := two.one(); k.Timestamp != last.Timestamp+960+48000 {
		t.Errorf("%+v after %+v and a second", k.Header, last)
	}
	if q := one.leg.quality(); q.Codec != "opus" || q.Lost != 0 {
		t.Errorf("%+v", q)
	}
}

// What can't be made isn't sent, and what can't be understood goes nowhere.
func TestOpusIsNotMade(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(Opus), talking(PCMA))
	one.sing()
	two.say(160)
	if len(one.heard())+len(two.heard()) != 0 {
		t.Error("something passed between Opus and A-law")
	}
	one.leg.Play(1, []*prompt.Clip{prompt.Silence(60)})
	b.run(100 * ms)
	if len(one.heard()) != 0 || len(one.got) != 1 {
		t.Errorf("a prompt on a leg with Opus: %v", one.got)
	}
	m := b.e.NewMix()
	defer m.Close()
	m.Join(one.leg)
	m.Join(two.leg)
	m.Gain(two.leg, one.leg, unity)
	b.settle()
	for range 20 {
		one.sing()
		b.run(20 * ms)
	}
	if len(one.heard()) != 0 {
		t.Error("a mix is sent as Opus")
	}
	// Back to A-law, it is heard again.
	p := talking(PCMA)
	p.Remote = one.is
	one.configure(p)
	one.pt = PCMA.PayloadType()
	b.run(200 * ms)
	if len(one.heard()) == 0 {
		t.Error("the mix isn't heard in A-law")
	}
}
