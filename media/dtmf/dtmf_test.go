package dtmf

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/media/rtp"
)

const ms = time.Millisecond

// ev is one event packet as a table writes it.
type ev struct {
	at       int // ms since the one before
	ssrc     uint32
	seq      uint16
	ts       uint32
	code     uint8
	duration uint16
	end      bool
	marker   bool
}

func (e ev) header() rtp.Header {
	return rtp.Header{Marker: e.marker, PayloadType: 101, Sequence: e.seq, Timestamp: e.ts, SSRC: e.ssrc}
}

func (e ev) payload() []byte {
	b := []byte{e.code, 10, byte(e.duration >> 8), byte(e.duration)}
	if e.end {
		b[1] |= 0x80
	}
	return b
}

func listen(r *Receiver, at time.Duration, packets ...ev) (keys string) {
	for _, e := range packets {
		at += time.Duration(e.at) * ms
		if p, ok := r.Packet(e.header(), e.payload(), at); ok {
			keys += string(p.Key)
		}
	}
	return keys
}

func TestReceiver(t *testing.T) {
	for _, c := range []struct {
		what string
		in   []ev
		want string
	}{
		{"an ordinary press", []ev{
			{0, 1, 1, 800, 5, 160, false, true},
			{20, 1, 2, 800, 5, 320, false, false},
			{20, 1, 3, 800, 5, 480, false, false},
			{20, 1, 4, 800, 5, 640, true, false},
			{0, 1, 5, 800, 5, 640, true, false},
			{0, 1, 6, 800, 5, 640, true, false},
		}, "5"},
		{"no marker", []ev{{0, 1, 1, 800, 5, 160, false, false}, {20, 1, 2, 800, 5, 320, true, false}}, "5"},
		{"marker on every packet", []ev{{0, 1, 1, 800, 5, 160, false, true}, {20, 1, 2, 800, 5, 320, false, true}, {20, 1, 3, 800, 5, 480, true, true}}, "5"},
		{"only the ends arrive", []ev{{0, 1, 4, 800, 5, 640, true, false}, {0, 1, 5, 800, 5, 640, true, false}, {0, 1, 6, 800, 5, 640, true, false}}, "5"},
		{"one end of three", []ev{{0, 1, 6, 800, 5, 640, true, false}}, "5"},
		{"ends lost, next key", []ev{{0, 1, 1, 800, 5, 160, false, true}, {20, 1, 2, 800, 5, 320, false, false}, {300, 1, 20, 4000, 6, 160, false, true}}, "56"},
		{"ends lost, same key again", []ev{{0, 1, 1, 800, 5, 160, false, true}, {300, 1, 20, 4000, 5, 160, false, true}}, "55"},
		{"ends lost, same key again at once", []ev{{0, 1, 1, 800, 5, 160, false, true}, {40, 1, 20, 1200, 5, 160, false, true}}, "55"},
		{"a long key with gaps is one", []ev{
			{0, 1, 1, 800, 5, 160, false, true},
			{500, 1, 2, 800, 5, 4160, false, true},
			{900, 1, 3, 800, 5, 11360, false, true},
			{200, 1, 4, 800, 5, 12960, true, false},
			{300, 1, 5, 800, 5, 12960, true, false},
		}, "5"},
		{"duration 0", []ev{{0, 1, 1, 800, 5, 0, false, true}, {20, 1, 2, 800, 5, 0, false, false}, {20, 1, 3, 800, 5, 0, true, false}}, "5"},
		{"duration 65535", []ev{{0, 1, 1, 800, 5, 65535, true, true}}, "5"},
		{"no key: flash, 17, 255", []ev{{0, 1, 1, 800, 16, 160, true, true}, {90, 1, 2, 1600, 17, 160, true, true}, {90, 1, 3, 2400, 255, 160, true, true}}, ""},
		{"all keys", []ev{
			{0, 1, 1, 1000, 0, 160, true, true},
			{90, 1, 2, 2000, 9, 160, true, true},
			{90, 1, 3, 3000, 10, 160, true, true},
			{90, 1, 4, 4000, 11, 160, true, true},
			{90, 1, 5, 5000, 12, 160, true, true},
			{90, 1, 6, 6000, 15, 160, true, true},
		}, "09*#AD"},
		{"replayed as a whole", []ev{
			{0, 1, 1, 800, 5, 160, false, true},
			{20, 1, 2, 800, 5, 320, true, false},
			{90, 1, 3, 2400, 6, 160, true, true},
			{20, 1, 1, 800, 5, 160, false, true},
			{20, 1, 2, 800, 5, 320, true, false},
			{0, 1, 3, 2400, 6, 160, true, true},
		}, "56"},
		{"end overtakes the beginning", []ev{{0, 1, 3, 800, 5, 480, true, false}, {1, 1, 1, 800, 5, 160, false, true}, {1, 1, 2, 800, 5, 320, false, false}}, "5"},
		{"old end after the next key", []ev{{0, 1, 1, 800, 5, 160, false, true}, {90, 1, 9, 2400, 6, 160, false, true}, {1, 1, 4, 800, 5, 640, true, false}}, "56"},
		{"old key of which nothing was heard", []ev{{0, 1, 9, 2400, 6, 160, false, true}, {1, 1, 4, 800, 5, 640, true, false}}, "6"},
		{"the clock begins anew", []ev{{0, 1, 1, 1 << 31, 5, 160, true, true}, {90, 1, 9, 160, 6, 160, true, true}}, "56"},
		{"the clock begins anew, a little back", []ev{{0, 1, 1, 8000, 5, 160, true, true}, {90, 1, 9, 160, 5, 160, true, true}}, "55"},
		{"the sequence begins anew", []ev{{0, 1, 1000, 800, 5, 160, true, true}, {90, 1, 500, 8000, 6, 160, true, true}}, "56"},
		{"an end repeated after the next key", []ev{
			{0, 1, 1, 800, 5, 160, true, true}, {90, 1, 9, 2400, 6, 160, false, true}, {1, 1, 10, 800, 5, 160, true, false},
		}, "56"},
		{"another source", []ev{{0, 1, 1, 800, 5, 160, true, true}, {90, 2, 1, 800, 5, 160, true, true}}, "55"},
		{"replayed under another source, then late under the first", []ev{
			{0, 1, 1, 800, 5, 160, false, true},
			{20, 1, 2, 800, 5, 320, true, false},
			{90, 2, 1, 800, 5, 160, false, true},
			{20, 2, 2, 800, 5, 320, true, false},
			{20, 1, 1, 800, 5, 160, false, true},
			{20, 1, 3, 800, 5, 320, true, false},
			{20, 2, 2, 800, 5, 320, true, false},
		}, "55"},
		{"timestamps wrap", []ev{{0, 1, 65535, 1<<32 - 400, 5, 160, true, true}, {90, 1, 0, 400, 6, 160, true, true}}, "56"},
		{"two codes at one timestamp", []ev{{0, 1, 1, 800, 5, 160, true, true}, {90, 1, 2, 800, 6, 160, true, true}}, "56"},
		{"segments of a very long key", []ev{
			{0, 1, 1, 800, 5, 160, false, true},
			{50, 1, 400, 800, 5, 65535, false, false},
			{20, 1, 401, 800 + 65535, 5, 160, false, false},
			{20, 1, 402, 800 + 65535, 5, 320, true, false},
		}, "5"},
		{"the same key after a very long one", []ev{
			{0, 1, 1, 800, 5, 65535, true, true}, {20, 1, 401, 800 + 65535, 5, 160, false, true},
		}, "55"},
	} {
		if got := listen(new(Receiver), time.Hour, c.in...); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func TestReceiverTellsTheDuration(t *testing.T) {
	var r Receiver
	e := ev{seq: 1, ts: 800, code: 3, duration: 640, end: true}
	if p, ok := r.Packet(e.header(), e.payload(), 0); !ok || p != (Press{Key: '3', Duration: 80 * ms}) {
		t.Errorf("%+v, %v", p, ok)
	}
	for n := range PayloadSize {
		if p, ok := r.Packet(rtp.Header{Timestamp: 99}, e.payload()[:n], 0); ok {
			t.Errorf("%d bytes are %+v", n, p)
		}
	}
}

func TestFloodIsBounded(t *testing.T) {
	var r Receiver
	heard := 0
	for i := range 10_000 { // 1,000 presses a second for 10 s
		e := ev{seq: uint16(i), ts: uint32(i) * 8, code: uint8(i % 16), duration: 8, end: true}
		if _, ok := r.Packet(e.header(), e.payload(), time.Duration(i)*ms); ok {
			heard++
		}
	}
	if heard > burst+200 || heard < 200 {
		t.Errorf("%d presses heard", heard)
	}
	// What people and machines do is not limited: 12 a second.
	r = Receiver{}
	heard = 0
	for i := range 120 {
		e := ev{seq: uint16(i), ts: uint32(i) * 640, code: 1, duration: 320, end: true}
		if _, ok := r.Packet(e.header(), e.payload(), time.Hour+time.Duration(i)*80*ms); ok {
			heard++
		}
	}
	if heard != 120 {
		t.Errorf("%d of 120 presses heard", heard)
	}
}

// TestAnyNetworkCountsOnce: however packets of a number are lost, doubled and
// mixed within a press, each key is heard once and in order, unless all of it
// was lost.
func TestAnyNetworkCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Receiver
		want, got := "", ""
		seq, ts, now := rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts"), time.Hour
		for range rapid.IntRange(1, 12).Draw(t, "keys") {
			code := rapid.Uint8Range(0, 15).Draw(t, "code")
			s, _ := NewSender(rune(keys[code]), time.Duration(rapid.IntRange(40, 400).Draw(t, "ms"))*ms)
			var packets []ev
			for k, ok := s.Next(160); ok; k, ok = s.Next(160) {
				packets = append(packets, ev{seq: seq, ts: ts, code: code, duration: uint16(k.Duration), end: k.Payload[1]&0x80 != 0, marker: k.Marker})
				seq++
			}
			arrive := rapid.SliceOfN(rapid.SampledFrom(packets), 1, 20).Draw(t, "arrive")
			want += string(keys[code])
			for _, e := range arrive {
				now += 5 * ms
				if p, ok := r.Packet(e.header(), e.payload(), now); ok {
					got += string(p.Key)
				}
			}
			now += 100 * ms
			ts += uint32(rapid.IntRange(3840, 80_000).Draw(t, "pause"))
		}
		if got != want {
			t.Fatalf("heard %q of %q", got, want)
		}
	})
}

func FuzzReceiver(f *testing.F) {
	f.Add(uint32(1), uint32(800), uint16(1), []byte{5, 0x8a, 0, 160})
	f.Add(uint32(1), uint32(0), uint16(65535), []byte{255, 0, 255, 255, 0})
	f.Add(uint32(0), uint32(0), uint16(0), []byte{})
	var r Receiver
	now := time.Duration(0)
	f.Fuzz(func(t *testing.T, ssrc, ts uint32, seq uint16, payload []byte) {
		now += ms
		p, ok := r.Packet(rtp.Header{SSRC: ssrc, Timestamp: ts, Sequence: seq}, payload, now)
		if !ok {
			return
		}
		if code, known := Code(p.Key); !known || len(payload) < PayloadSize || code != payload[0] {
			t.Fatalf("% x is %+v", payload, p)
		}
		if again, ok := r.Packet(rtp.Header{SSRC: ssrc, Timestamp: ts, Sequence: seq}, payload, now); ok {
			t.Fatalf("counted twice: %+v", again)
		}
	})
}

func TestSender(t *testing.T) {
	s, ok := NewSender('#', 50*ms)
	if !ok {
		t.Fatal("no such key")
	}
	var got []Packet
	for k, ok := s.Next(160); ok; k, ok = s.Next(160) {
		got = append(got, k)
	}
	want := []Packet{
		{true, [4]byte{11, 10, 0, 160}, 160, 160},
		{false, [4]byte{11, 10, 1, 64}, 320, 160},
		{false, [4]byte{11, 0x8a, 1, 144}, 400, 80},
		{false, [4]byte{11, 0x8a, 1, 144}, 400, 0},
		{false, [4]byte{11, 0x8a, 1, 144}, 400, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSenderLimits(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want uint16
	}{{0, 800}, {-5, 320}, {1, 320}, {40 * ms, 320}, {8 * time.Second, 64000}, {time.Hour, 64000}} {
		s, ok := NewSender('A', c.d)
		if !ok || s.total != c.want {
			t.Errorf("%v: %d samples", c.d, s.total)
		}
	}
	for _, key := range "0123456789*#ABCD" {
		code, ok := Code(key)
		if back, known := Key(code); !ok || !known || back != key {
			t.Errorf("key %c is %d is %c", key, code, back)
		}
	}
	for _, key := range "xa \x00é" {
		if _, ok := NewSender(key, 0); ok {
			t.Errorf("%q is a key", key)
		}
	}
}
