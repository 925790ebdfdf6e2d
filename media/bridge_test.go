package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/media/g711"
	"tierline/media/rtp"
)

// bridged returns two peers whose legs are bridged.
func bridged(b *lab, pa, pb Params) (one, two *peer) {
	one, two = b.peer(pa), b.peer(pb)
	two.ssrc = 0x9999
	Bridge(one.leg, two.leg)
	b.settle()
	return one, two
}

func TestBridgeKeepsTheSendersSpacing(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	one.say(160)
	first := two.one()
	if !first.Marker || first.SSRC == one.ssrc {
		t.Errorf("first packet %+v", first.Header)
	}
	base := rtp.Header{Sequence: first.Sequence - one.seq + 1, Timestamp: first.Timestamp - one.ts + 160}
	for _, c := range []struct {
		what    string
		skip    uint16
		silence uint32
		size    int
		wait    time.Duration
	}{
		{"next", 0, 0, 160, 20 * ms},
		{"in a burst", 0, 0, 160, 0},
		{"10 ms packet", 0, 0, 80, 10 * ms},
		{"60 ms packet", 0, 0, 480, 60 * ms},
		{"after three lost", 3, 480, 160, 80 * ms},
		{"after a silence of 1.5 s", 0, 12000, 160, 1500 * ms},
	} {
		b.run(c.wait)
		one.seq += c.skip
		one.ts += c.silence
		seq, ts := one.seq, one.ts
		one.say(c.size)
		k := two.one()
		if k.Sequence != seq+base.Sequence || k.Timestamp != ts+base.Timestamp || k.SSRC != first.SSRC ||
			len(k.payload) != c.size || k.Marker {
			t.Errorf("%s: %+v with %d bytes, want sequence %d timestamp %d", c.what, k.Header, len(k.payload), seq+base.Sequence, ts+base.Timestamp)
		}
	}
	// Two that overtake each other keep their numbers.
	h := one.header()
	h.Sequence++
	h.Timestamp += 160
	one.raw(datagram(h, make([]byte, 160)))
	one.raw(datagram(one.header(), make([]byte, 160)))
	all := two.heard()
	if len(all) != 2 || all[0].Sequence != all[1].Sequence+1 || all[0].Timestamp != all[1].Timestamp+160 {
		t.Errorf("overtaking: %+v", all)
	}
}

func TestBridgeMarkerAndConversion(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMU))
	one.say(160)
	two.one()
	h := one.header()
	h.Marker = true
	sound := []byte{0x00, 0x55, 0xD5, 0xFF, 0x2A}
	one.raw(datagram(h, sound))
	k := two.one()
	want := bytes.Clone(sound)
	g711.ConvertAToU(want)
	if !k.Marker || k.PayloadType != 0 || !bytes.Equal(k.payload, want) {
		t.Errorf("%+v % x, want % x", k.Header, k.payload, want)
	}
	two.say(5)
	if k := one.one(); k.PayloadType != 8 || !bytes.Equal(k.payload, bytes.Repeat([]byte{g711.UToA(0)}, 5)) {
		t.Errorf("%+v % x", k.Header, k.payload)
	}
}

func TestBridgeStripsWhatTheHeaderCarries(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	d := datagram(one.header(), nil)
	d[0] |= 0x32 // two sources, extension, padding
	d = append(d, make([]byte, 8)...)
	d = append(d, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4)
	d = append(d, "sound"...)
	d = append(d, 0, 0, 3)
	one.raw(d)
	if k := two.one(); string(k.payload) != "sound" {
		t.Errorf("%q", k.payload)
	}
}

func TestBridgePassesKeys(t *testing.T) {
	b := newLab(t)
	pb := talking(PCMA)
	pb.EventPT = 97
	one, two := bridged(b, talking(PCMA), pb)
	one.say(160)
	sound := two.one()
	ts := one.ts
	for i := range 4 {
		b.run(20 * ms)
		one.key(7, ts, 160*(i+1), i == 3)
		k := two.one()
		if k.PayloadType != 97 || k.Timestamp != sound.Timestamp+160 || k.Sequence != sound.Sequence+1+uint16(i) || k.payload[0] != 7 {
			t.Errorf("event %d: %+v % x after %+v", i, k.Header, k.payload, sound.Header)
		}
	}
	one.ts += 640
	one.say(160)
	if k := two.one(); k.Timestamp != sound.Timestamp+160+640 || k.Sequence != sound.Sequence+5 {
		t.Errorf("sound after the key: %+v after %+v", k.Header, sound.Header)
	}
	if diff := cmp.Diff([]Event{Digit{Code: '7', DurationMS: 20}}, one.got); diff != "" {
		t.Error(diff)
	}
	if len(two.got) > 0 {
		t.Errorf("events of the wrong leg: %+v", two.got)
	}
}

// What is not forwarded must not look like loss to the other side.
func TestBridgeOmitsWithoutAGap(t *testing.T) {
	b := newLab(t)
	pb := talking(PCMA)
	pb.EventPT = 0
	one, two := bridged(b, talking(PCMA), pb)
	one.say(160)
	last := two.one()
	for i := range 3 {
		one.key(1, one.ts, 160*(i+1), false)
		h := one.header()
		h.PayloadType = 13 // comfort noise, not negotiated
		one.raw(datagram(h, []byte{60}))
		one.seq++
		one.raw(datagram(one.header(), nil)) // empty
		one.seq++
	}
	if got := two.heard(); len(got) > 0 {
		t.Errorf("%d packets went through", len(got))
	}
	one.ts += 3 * 160
	one.say(160)
	if k := two.one(); k.Sequence != last.Sequence+1 || k.Timestamp != last.Timestamp+4*160 {
		t.Errorf("%+v after %+v", k.Header, last.Header)
	}
	s := b.e.Stats()
	if s.Dropped[DropReplaced] != 3 || s.Dropped[DropUnwanted] != 6 {
		t.Errorf("dropped %v", s.Dropped)
	}
	if q := one.leg.quality(); q.Lost != 0 || q.DigitsHeard != 1 || q.Received != 11 {
		t.Errorf("%+v", q)
	}
}

func TestBridgeFollowsANewSource(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	one.say(160)
	last := two.one()
	for i, change := range []func(){
		func() { one.ssrc, one.seq, one.ts = 99, 17, 4711 }, // another device
		func() { one.ts += 1 << 30 },                        // a clock that jumps
	} {
		b.run(20 * ms)
		change()
		one.say(160)
		k := two.one()
		if !k.Marker || k.SSRC != last.SSRC || k.Sequence != last.Sequence+1 || k.Timestamp-last.Timestamp != 160 {
			t.Errorf("change %d: %+v after %+v", i, k.Header, last.Header)
		}
		last = k
	}
}

func TestBridgeSurvivesASequenceThatBeginsAnew(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	one.say(160)
	last := two.one()
	b.run(20 * ms)
	one.seq += 10000
	one.say(160)
	if got := two.heard(); len(got) > 0 {
		t.Error("a stray sequence number was believed")
	}
	b.run(20 * ms)
	one.say(160)
	k := two.one()
	if k.Sequence != last.Sequence+1 || k.Timestamp != last.Timestamp+320 {
		t.Errorf("%+v after %+v", k.Header, last.Header)
	}
	if s := b.e.Stats(); s.Dropped[DropUnsequenced] != 1 {
		t.Errorf("dropped %v", s.Dropped)
	}
}

func TestPromptReplacesTheBridge(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	talk := func(d time.Duration) {
		for end := b.now + d; b.now < end; {
			one.say(160)
			b.run(20 * ms)
		}
	}
	talk(100 * ms)
	before := two.heard()
	clip := beep(100*ms, 440)
	two.leg.Play(5, clips(clip))
	talk(100 * ms)
	during := two.heard()
	talk(100 * ms)
	after := two.heard()
	var sound []byte
	for _, k := range during {
		sound = append(sound, k.payload...)
	}
	if !bytes.Contains(sound, clip.ALaw()[:320]) || bytes.Contains(sound[:320], make([]byte, 160)) {
		t.Error("the prompt was not heard alone")
	}
	all := append(append(before, during...), after...)
	for i := 1; i < len(all); i++ {
		a, c := all[i-1].Header, all[i].Header
		step := c.Timestamp - a.Timestamp
		if c.SSRC != a.SSRC || c.Sequence != a.Sequence+1 || step < 160-80 || step > 160+160 {
			t.Errorf("packet %d: %+v after %+v", i, c, a)
		}
	}
	if span := all[len(all)-1].Timestamp - all[0].Timestamp; span < 270*8 || span > 300*8 {
		t.Errorf("300 ms of stream span %d samples", span)
	}
	if !cmp.Equal(two.got, []Event{Played{ID: 5}}) {
		t.Errorf("events %+v", two.got)
	}
	if s := b.e.Stats(); s.Dropped[DropReplaced] == 0 {
		t.Error("what the prompt replaced was not counted")
	}
}

func TestBridgeEndsMusicButNotPrompts(t *testing.T) {
	b := newLab(t)
	one, two := b.peer(talking(PCMA)), b.peer(talking(PCMA))
	one.leg.PlayMusic(NewMusic(beep(time.Second, 440), b.e))
	two.leg.Play(1, clips(beep(100*ms, 440)))
	b.run(50 * ms)
	one.heard()
	two.heard()
	Bridge(one.leg, two.leg)
	b.run(200 * ms)
	if n := len(one.heard()); n > 0 {
		t.Errorf("%d packets of music in a bridge", n)
	}
	if n := len(two.heard()); n != 2 && n != 3 {
		t.Errorf("%d packets of the prompt's end", n)
	}
}

func TestBridgeHoldAndResume(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	one.say(160)
	last := two.one()
	p := talking(PCMA)
	p.Remote, p.Send = two.is, false
	two.configure(p)
	for range 10 {
		b.run(20 * ms)
		one.say(160)
	}
	if n := len(two.heard()); n > 0 {
		t.Errorf("%d packets to a held leg", n)
	}
	p.Send, p.Receive = true, false
	two.configure(p)
	b.run(20 * ms)
	one.say(160)
	k := two.one()
	if k.Sequence != last.Sequence+1 || k.Timestamp-last.Timestamp != 11*160 || !k.Marker {
		t.Errorf("after the hold %+v, before %+v", k.Header, last.Header)
	}
	two.say(160)
	if n := len(one.heard()); n > 0 {
		t.Errorf("%d packets from a leg that may not talk", n)
	}
	if s := b.e.Stats(); s.Dropped[DropHeld] != 1 || s.Dropped[DropReplaced] != 10 {
		t.Errorf("dropped %v", s.Dropped)
	}
}

func TestBridgeMovesOn(t *testing.T) {
	b := newLab(t)
	caller, first := bridged(b, talking(PCMA), talking(PCMA))
	caller.say(160)
	first.one()
	second := b.peer(talking(PCMA))
	Bridge(caller.leg, second.leg)
	b.run(20 * ms)
	caller.say(160)
	second.one()
	first.say(160)
	if n := len(caller.heard()); n > 0 {
		t.Error("the first agent still talks to the caller")
	}
	if n := len(first.heard()); n > 0 {
		t.Error("the first agent still hears the caller")
	}
	Unbridge(caller.leg, first.leg) // late: must not part the new bridge
	b.run(20 * ms)
	caller.say(160)
	second.one()
	second.leg.Close()
	b.settle()
	caller.say(160)
	caller.say(160)
	if caller.leg.peer != nil {
		t.Error("bridged with a closed leg")
	}
}

// A packet from before the stream that is forwarded now has no place in it.
func TestBridgeDropsWhatIsOlderThanItsBeginning(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	for range 5 {
		one.say(160)
	}
	late := one.header()
	one.seq++
	one.ts += 160
	two.heard()
	two.leg.Play(1, clips(beep(40*ms, 440)))
	b.run(60 * ms)
	last := two.heard()
	one.say(160)
	k := two.one()
	if k.Sequence != last[len(last)-1].Sequence+1 {
		t.Errorf("%+v after %+v", k.Header, last[len(last)-1].Header)
	}
	one.raw(datagram(late, make([]byte, 160)))
	if got := two.heard(); len(got) > 0 {
		t.Errorf("%+v although %+v was sent", got[0].Header, k.Header)
	}
}

// The repeated ends of a key take time, too: what we play after them is as
// late as it sounds.
func TestPromptAfterAForwardedKey(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(PCMA), talking(PCMA))
	for i := range 6 {
		one.key(7, one.ts, min(160*(i+1), 640), i >= 3)
		b.run(20 * ms)
	}
	all := two.heard()
	two.leg.Play(1, clips(beep(40*ms, 440)))
	b.run(30 * ms)
	k := two.heard()[0]
	// The key had lasted 640 samples when its first end came, 60 ms ago.
	if gap := k.Timestamp - all[0].Timestamp; gap < 640+55*8 || gap > 640+65*8 || !k.Marker {
		t.Errorf("%+v after %+v", k.Header, all[len(all)-1].Header)
	}
}
