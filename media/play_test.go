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

const ms = time.Millisecond

func clips(c ...*prompt.Clip) []*prompt.Clip { return c }

// checkStream fails unless the packets are one stream without a gap.
func checkStream(t *testing.T, all []packet, step uint32) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		a, b := all[i-1].Header, all[i].Header
		if b.SSRC != a.SSRC || b.Sequence != a.Sequence+1 || b.Timestamp != a.Timestamp+step || b.Marker {
			t.Errorf("packet %d: %+v after %+v", i, b, a)
		}
	}
}

func TestPlayPacesEveryPtime(t *testing.T) {
	for _, ptime := range []int{0, 10, 20, 30, 40, 60} {
		b := newLab(t)
		p := talking(PCMU)
		p.Ptime = ptime
		n := b.peer(p)
		n.leg.Play(1, clips(beep(600*ms, 440), beep(600*ms, 1000)))
		if ptime == 0 {
			ptime = 20
		}
		b.run(25 * ms)
		if got := len(n.heard()); got < 1 || got > 25/ptime+1 {
			t.Errorf("ptime %d: %d packets in the first 25 ms", ptime, got)
		}
		b.run(300 * ms)
		all := n.heard()
		if got, want := len(all), 300/ptime; got != want && got != want+1 {
			t.Errorf("ptime %d: %d packets in 300 ms", ptime, got)
		}
		b.run(time.Second)
		all = append(all, n.heard()...)
		checkStream(t, all, uint32(ptime*8))
		if diff := cmp.Diff([]Event{Played{ID: 1}}, n.got); diff != "" {
			t.Errorf("ptime %d: %s", ptime, diff)
		}
	}
}

func TestPlaySpeaksTheNegotiatedCodec(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		b := newLab(t)
		n := b.peer(talking(codec))
		clip := beep(30*ms, 440)
		n.leg.Play(1, clips(clip))
		b.run(100 * ms)
		var sound []byte
		for _, k := range n.heard() {
			if k.PayloadType != uint8(codec) {
				t.Errorf("%s with payload type %d", codec.Name(), k.PayloadType)
			}
			sound = append(sound, k.payload...)
		}
		want, idle := clip.ALaw(), byte(g711.IdleA)
		if codec == PCMU {
			want, idle = clip.MuLaw(), g711.IdleU
		}
		if !bytes.Equal(sound, append(bytes.Clone(want), bytes.Repeat([]byte{idle}, 80)...)) {
			t.Errorf("%s: not the clip's own bytes", codec.Name())
		}
	}
}

func TestPlayReplaces(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	n.leg.Play(1, clips(beep(time.Second, 440)))
	b.run(99 * ms)
	n.leg.Play(2, clips(beep(100*ms, 1000)))
	b.run(200 * ms)
	all := n.heard()
	checkStream(t, all, 160)
	d := tone.NewDetector(440, 1000)
	for _, k := range all {
		d.Feed(decode(8, k.payload))
	}
	if h := d.Heard(); h[0].Duration != 100*ms || h[1].Duration != 100*ms {
		t.Errorf("heard %+v", h)
	}
	if diff := cmp.Diff([]Event{Played{ID: 2}}, n.got); diff != "" {
		t.Error(diff)
	}
}

func TestStopLeavesNoLateFrame(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	for range 20 { // a barge-in at every place within a frame
		n.leg.Play(1, clips(beep(time.Second, 440)))
		b.run(101 * ms)
		n.heard()
		n.leg.Stop()
		b.run(100 * ms)
		if late := n.heard(); len(late) > 0 {
			t.Fatalf("%d packets after Stop", len(late))
		}
	}
	if len(n.got) > 0 {
		t.Errorf("events %+v for stopped prompts", n.got)
	}
}

func TestSilenceBetweenPromptsIsElapsedTime(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	n.leg.Play(1, clips(beep(40*ms, 440)))
	b.run(60 * ms)
	first := n.heard()
	n.leg.Play(2, clips(beep(40*ms, 440)))
	began := b.now
	b.run(60 * ms)
	second := n.heard()
	if len(first) != 2 || len(second) != 2 {
		t.Fatalf("%d and %d packets", len(first), len(second))
	}
	a, c := first[1].Header, second[0].Header
	if !c.Marker || c.Sequence != a.Sequence+1 || c.SSRC != a.SSRC {
		t.Errorf("%+v after %+v", c, a)
	}
	// The first frame left at once, two frames in 40 ms, the next after 60 ms.
	if gap := c.Timestamp - a.Timestamp; gap < 160+20*8 || gap > 160+20*8+8 {
		t.Errorf("timestamp went on by %d after %v", gap, began)
	}
}

func TestPromptFollowsPromptWithoutAGap(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	began := b.now
	for id := range uint64(5) {
		n.leg.Play(id, clips(beep(60*ms, 440)))
		for len(n.got) <= int(id) {
			b.run(ms)
		}
	}
	if took := b.now - began; took < 280*ms || took > 300*ms {
		t.Errorf("300 ms of prompts took %v", took)
	}
	b.run(50 * ms)
	all := n.heard()
	if len(all) != 15 {
		t.Errorf("%d packets", len(all))
	}
	checkStream(t, all, 160)
}

func TestStallMakesNoBurst(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	n.leg.Play(1, clips(beep(200*ms, 440)))
	b.run(41 * ms)
	before := n.heard()
	b.now += 333 * ms
	b.settle()
	burst := n.heard()
	if len(burst) > 2 {
		t.Errorf("burst of %d frames after a stall", len(burst))
	}
	if c, a := burst[0].Header, before[len(before)-1].Header; !c.Marker || c.Timestamp-a.Timestamp < 330*8 || c.Sequence != a.Sequence+1 {
		t.Errorf("%+v after %+v: the stall must show in the timestamp only", c, a)
	}
	b.run(300 * ms)
	if total := len(before) + len(burst) + len(n.heard()); total != 10 {
		t.Errorf("%d frames of 10 were played", total)
	}
	if s := b.e.Stats(); s.LatenessMax < 300*ms || s.Lateness[LatenessBuckets] != 1 {
		t.Errorf("lateness %v %v", s.LatenessMax, s.Lateness)
	}
	// 25 ms late: caught up at once, without a jump.
	n.leg.Play(2, clips(beep(200*ms, 440)))
	b.run(45 * ms)
	n.heard()
	b.now += 24 * ms
	b.run(60 * ms)
	checkStream(t, n.heard(), 160)
}

func TestMusicHasOnePosition(t *testing.T) {
	b := newLab(t)
	noise := make([]int16, 170*8)
	for i := range noise {
		noise[i] = int16(i * i * 7919)
	}
	melody := prompt.NewClip(noise)
	m := NewMusic(melody, b.e)
	period := len(melody.ALaw())
	first := b.peer(talking(PCMA))
	first.leg.PlayMusic(m)
	b.run(93 * ms)
	second := b.peer(talking(PCMA))
	second.leg.PlayMusic(m)
	b.run(time.Second)
	all, late := first.heard(), second.heard()
	if len(all) < 50 || len(late) < 49 {
		t.Fatalf("%d and %d packets", len(all), len(late))
	}
	checkStream(t, all, 160)
	position := func(k packet) int {
		return bytes.Index(append(append([]byte(nil), melody.ALaw()...), melody.ALaw()...), k.payload)
	}
	for _, one := range [][]packet{all, late} {
		for i := 1; i < len(one); i++ {
			if position(one[i]) != (position(one[i-1])+160)%period {
				t.Fatalf("packet %d is at %d after %d", i, position(one[i]), position(one[i-1]))
			}
		}
	}
	// The last packets of both were sent within 20 ms of each other.
	lead := (position(all[len(all)-1]) - position(late[len(late)-1]) + period) % period
	if lead > 160 && lead < period-160 {
		t.Errorf("listeners are %d samples apart", lead)
	}
	if position(late[0]) == 0 {
		t.Error("the music began anew for the second listener")
	}
}

func TestMusicOfNothingIsSilence(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	n.leg.PlayMusic(NewMusic(prompt.Silence(0), b.e))
	b.run(50 * ms)
	for _, k := range n.heard() {
		if !bytes.Equal(k.payload, bytes.Repeat([]byte{g711.IdleA}, 160)) {
			t.Errorf("% x", k.payload)
		}
	}
	n.leg.Play(9, clips(prompt.Silence(0)))
	n.leg.Play(10, nil)
	b.settle()
	if diff := cmp.Diff([]Event{Played{ID: 9}, Played{ID: 10}}, n.got); diff != "" {
		t.Error(diff)
	}
}

func TestPromptGoesOnWhileHeld(t *testing.T) {
	for name, held := range map[string]Params{
		"sendonly":  {Codec: PCMA, Receive: true, Send: false},
		"no remote": {Codec: PCMA, Receive: true, Send: true},
	} {
		b := newLab(t)
		n := b.peer(talking(PCMA))
		if name != "no remote" {
			held.Remote = n.is
		}
		n.leg.Play(3, clips(beep(200*ms, 440)))
		b.run(50 * ms)
		before := n.heard()
		n.configure(held)
		b.run(100 * ms)
		if got := n.heard(); len(got) > 0 {
			t.Errorf("%s: %d packets while held", name, len(got))
		}
		p := talking(PCMA)
		p.Remote = n.is
		n.configure(p)
		b.run(200 * ms)
		after := n.heard()
		if len(before)+len(after) != 5 {
			t.Errorf("%s: %d+%d packets of 200 ms with 100 ms held", name, len(before), len(after))
		}
		a, c := before[len(before)-1].Header, after[0].Header
		if c.Sequence != a.Sequence+1 || c.Timestamp-a.Timestamp != 6*160 || !c.Marker {
			t.Errorf("%s: %+v after %+v", name, c, a)
		}
		if diff := cmp.Diff([]Event{Played{ID: 3}}, n.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSendersAreSpread(t *testing.T) {
	b := newLab(t)
	m := NewMusic(beep(time.Second, 440), b.e)
	for range 60 {
		b.peer(talking(PCMA)).leg.PlayMusic(m)
	}
	b.run(5 * ms)
	for phase, n := range b.w.wheel.phases {
		if n > 4 {
			t.Errorf("%d of 60 senders in phase %d", n, phase)
		}
	}
	if b.w.wheel.senders != 60 {
		t.Errorf("%d senders", b.w.wheel.senders)
	}
}

func TestSendDigit(t *testing.T) {
	b := newLab(t)
	n := b.peer(talking(PCMA))
	m := NewMusic(beep(time.Second, 440), b.e)
	n.leg.PlayMusic(m)
	b.run(41 * ms)
	before := n.heard()
	n.leg.SendDigit('5', 90)
	n.leg.SendDigit('#', 40)
	n.leg.SendDigit('x', 40)
	b.run(400 * ms)
	all := n.heard()
	var events, audio []packet
	for i, k := range all {
		if k.Sequence != before[len(before)-1].Sequence+1+uint16(i) {
			t.Fatalf("sequence %d at %d", k.Sequence, i)
		}
		if k.PayloadType == 101 {
			events = append(events, k)
		} else {
			audio = append(audio, k)
		}
	}
	if len(events) != 5+2+2+2 {
		t.Fatalf("%d event packets", len(events))
	}
	began := before[len(before)-1].Timestamp + 160
	for i, want := range []struct {
		code     byte
		duration int
		end      bool
	}{
		{5, 160, false},
		{5, 320, false},
		{5, 480, false},
		{5, 640, false},
		{5, 720, true},
		{5, 720, true},
		{5, 720, true},
		{11, 160, false},
		{11, 320, true},
		{11, 320, true},
		{11, 320, true},
	} {
		k := events[i]
		if i == 7 {
			if gap := k.Timestamp - began; gap < 720+160 || gap > 9*160 {
				t.Errorf("second press begins %d after the first", gap)
			}
			began = k.Timestamp
		}
		if k.Timestamp != began || k.Marker != (i == 0 || i == 7) || k.payload[0] != want.code ||
			int(k.payload[2])<<8|int(k.payload[3]) != want.duration || k.payload[1]&0x80 != 0 != want.end {
			t.Errorf("event %d: %+v % x", i, k.Header, k.payload)
		}
	}
	// Sound goes on as if the key had been sound all the time.
	last := audio[len(audio)-1]
	elapsed := uint32(len(all)+len(before)-1) * 160
	if d := int32(last.Timestamp - before[0].Timestamp - elapsed); d != 0 {
		t.Errorf("timestamps are %d samples off after the keys", d)
	}
}

func TestSendDigitNeedsAPayloadType(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.EventPT = 0
	n := b.peer(p)
	n.leg.SendDigit('5', 0)
	b.run(200 * ms)
	if got := n.heard(); len(got) > 0 {
		t.Errorf("%d packets", len(got))
	}
}
