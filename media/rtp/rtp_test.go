package rtp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func packet(first byte, rest ...byte) []byte {
	b := []byte{first, 0x88, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8}
	return append(b, rest...)
}

func TestParse(t *testing.T) {
	var r Reader
	for _, c := range []struct {
		what     string
		b        []byte
		from, to int // 0 = malformed
	}{
		{"plain", packet(0x80, 9, 9), 12, 14},
		{"empty payload", packet(0x80), 12, 12},
		{"two sources", packet(0x82, 0, 0, 0, 1, 0, 0, 0, 2, 9), 20, 21},
		{"extension", packet(0x90, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 9), 20, 21},
		{"empty extension", packet(0x90, 0xBE, 0xDE, 0, 0, 9), 16, 17},
		{"extensions of the long kind", packet(0x90, 0x10, 0, 0, 2, 1, 2, 3, 4, 2, 0, 3, 0, 9), 24, 25},
		{"extension of a kind of its own", packet(0x90, 1, 2, 0, 1, 0xff, 0xff, 0xff, 0xff, 9), 20, 21},
		{"padding", packet(0xa0, 9, 0, 0, 3), 12, 13},
		{"nothing but padding", packet(0xa0, 1), 12, 12},
		{"nothing", nil, 0, 0},
		{"11 bytes", packet(0x80)[:11], 0, 0},
		{"version 0", packet(0x00, 9), 0, 0},
		{"version 1 (STUN looks so)", packet(0x40, 9), 0, 0},
		{"version 3", packet(0xc0, 9), 0, 0},
		{"sources missing", packet(0x8f, 9), 0, 0},
		{"extension missing", packet(0x90), 0, 0},
		{"extension header cut", packet(0x90, 1, 2, 0), 0, 0},
		{"extension too long", packet(0x90, 0xBE, 0xDE, 0xff, 0xff, 9), 0, 0},
		{"extension that lies inside", packet(0x90, 0xBE, 0xDE, 0, 1, 0x1f, 2, 3, 4, 9), 0, 0},
		{"long extension without its length", packet(0x90, 0x10, 0, 0, 1, 0, 0, 0, 4, 9), 0, 0},
		{"padding of 0", packet(0xa0, 9, 0), 0, 0},
		{"padding of nothing", packet(0xa0), 0, 0},
		{"padding longer than the payload", packet(0xa0, 9, 9, 4), 0, 0},
	} {
		h, from, to, err := r.Parse(c.b)
		if (err != nil) != (c.to == 0) || from != c.from || to != c.to {
			t.Errorf("%s: %d to %d, %v", c.what, from, to, err)
		}
		if want := (Header{Marker: true, PayloadType: 8, Sequence: 0x1234, Timestamp: 0x01020304, SSRC: 0x05060708}); err == nil && h != want {
			t.Errorf("%s: %+v", c.what, h)
		}
	}
}

func TestPutIsParsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Header{
			Marker: rapid.Bool().Draw(t, "marker"), PayloadType: rapid.Uint8Range(0, 127).Draw(t, "pt"),
			Sequence: rapid.Uint16().Draw(t, "seq"), Timestamp: rapid.Uint32().Draw(t, "ts"), SSRC: rapid.Uint32().Draw(t, "ssrc"),
		}
		b := bytes.Repeat([]byte{0xff}, HeaderSize)
		want.Put(b)
		if got, _, _, err := new(Reader).Parse(b); err != nil || got != want {
			t.Errorf("%+v became %+v, %v", want, got, err)
		}
	})
}

// laden has 15 sources, and as many extensions as there is room for.
func laden(profile ...byte) []byte {
	b := append(packet(0x9f, make([]byte, 60)...), profile...)
	b = append(b, 0, 250)
	for range 500 {
		b = append(b, 0x10, 0) // kind 1, the shortest there is in either profile
	}
	return append(b, make([]byte, 160)...)
}

func TestParseAllocatesNothing(t *testing.T) {
	var r Reader
	all := [][]byte{
		packet(0x80, make([]byte, 160)...), packet(0xa0, 9, 0, 0, 3), packet(0x82, 0, 0, 0, 1, 0, 0, 0, 2, 9),
		packet(0x90, 0xBE, 0xDE, 0, 1, 0x10, 0x80, 0, 0, 9), laden(0xBE, 0xDE), laden(0x10, 0), laden(1, 2),
		{},
		packet(0x00, 9), packet(0x8f, 9), packet(0x90), packet(0x90, 0xBE, 0xDE, 0xff, 0xff, 9), packet(0xa0, 9, 0),
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, b := range all {
			_, _, _, _ = r.Parse(b)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
	for _, b := range [][]byte{laden(0xBE, 0xDE), laden(0x10, 0)} {
		if _, from, to, err := r.Parse(b); err != nil || to-from != 160 || len(r.packet.Extensions) != 500 {
			t.Errorf("%d to %d with %d extensions, %v", from, to, len(r.packet.Extensions), err)
		}
	}
}

func TestPanicIsMalformed(t *testing.T) {
	err := func() (err error) {
		defer survive(&err)
		panic("a fault of the library")
	}()
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "a fault of the library") {
		t.Error(err)
	}
}

// FuzzParse: the payload lies within the datagram, nothing is written to it,
// and what the reader has seen before makes no difference.
func FuzzParse(f *testing.F) {
	f.Add(packet(0x80, 1, 2, 3))
	f.Add(packet(0xb2, 0, 0, 0, 1, 0, 0, 0, 2, 0xBE, 0xDE, 0, 1, 1, 2, 3, 4, 9, 0, 0, 3))
	f.Add(packet(0x90, 0x10, 0, 0, 1, 1, 1, 2, 0))
	f.Add(laden(0xBE, 0xDE))
	var used Reader
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		h, from, to, err := used.Parse(b)
		if !bytes.Equal(before, b) {
			t.Fatalf("% x became % x", before, b)
		}
		fresh, begin, end, again := new(Reader).Parse(b)
		if h != fresh || from != begin || to != end || (err == nil) != (again == nil) {
			t.Fatalf("%+v %d to %d %v, but afresh %+v %d to %d %v", h, from, to, err, fresh, begin, end, again)
		}
		if err != nil {
			if strings.Contains(err.Error(), "runtime error") {
				t.Fatalf("the library panics: %v", err)
			}
			return
		}
		if from < HeaderSize || to < from || to > len(b) {
			t.Fatalf("payload %d to %d of %d", from, to, len(b))
		}
		plain := make([]byte, HeaderSize)
		h.Put(plain)
		if !bytes.Equal(plain[1:], b[1:HeaderSize]) {
			t.Fatalf("header % x written as % x", b[:HeaderSize], plain)
		}
	})
}

type arrival struct {
	seq  uint16
	ok   bool
	ssrc uint32
}

func TestReceptionCounts(t *testing.T) {
	for _, c := range []struct {
		what     string
		in       []arrival
		received uint64
		lost     uint64
	}{
		{"in order", []arrival{{1, true, 1}, {2, true, 1}, {3, true, 1}}, 3, 0},
		{"lost", []arrival{{1, true, 1}, {5, true, 1}}, 2, 3},
		{"wraps", []arrival{{65534, true, 1}, {65535, true, 1}, {1, true, 1}}, 3, 1},
		{"overtaken", []arrival{{1, true, 1}, {3, true, 1}, {2, true, 1}, {4, true, 1}}, 4, 0},
		{"twice", []arrival{{1, true, 1}, {1, true, 1}, {2, true, 1}}, 3, 0},
		{"twice hides no loss below zero", []arrival{{1, true, 1}, {1, true, 1}, {1, true, 1}, {3, true, 1}}, 4, 0},
		{"stray", []arrival{{1, true, 1}, {40000, false, 1}, {2, true, 1}, {3, true, 1}}, 4, 0},
		{"begins anew", []arrival{{1, true, 1}, {40000, false, 1}, {40001, true, 1}, {40003, true, 1}}, 4, 0},
		{"another source", []arrival{{1, true, 1}, {4, true, 1}, {900, true, 2}, {902, true, 2}}, 4, 3},
		{"very late", []arrival{{1000, true, 1}, {1001, true, 1}, {900, false, 1}, {1002, true, 1}}, 4, 0},
	} {
		var r Reception
		for i, a := range c.in {
			if ok := r.Packet(Header{Sequence: a.seq, SSRC: a.ssrc}, time.Duration(i)*20*time.Millisecond, false); ok != a.ok {
				t.Errorf("%s: packet %d: %v", c.what, i, ok)
			}
		}
		if r.Received() != c.received || r.Lost() != c.lost {
			t.Errorf("%s: received %d, lost %d, want %d and %d", c.what, r.Received(), r.Lost(), c.received, c.lost)
		}
	}
}

func TestReceptionIntervals(t *testing.T) {
	var r Reception
	seq := uint16(65500)
	feed := func(n, losing int) (fraction uint8, lost int32) {
		for i := range n {
			seq++
			if i >= losing {
				r.Packet(Header{Sequence: seq}, 0, false)
			}
		}
		return r.Interval()
	}
	r.Packet(Header{Sequence: seq}, 0, false)
	type said struct {
		Fraction uint8
		Lost     int32
	}
	var got []said
	for _, losing := range []int{0, 25, 0, 50} {
		f, l := feed(100, losing)
		got = append(got, said{f, l})
	}
	want := []said{{0, 0}, {64, 25}, {0, 25}, {128, 75}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Highest() != 65500+400 || r.current() != 401 {
		t.Errorf("highest %d, expected %d", r.Highest(), r.current())
	}
}

// TestReceptionJitter follows RFC 3550 A.8 by floating point.
func TestReceptionJitter(t *testing.T) {
	var r Reception
	want, before := 0.0, 0
	for i := range 200 {
		late := i * 7919 % 13 // ms
		r.Packet(Header{Sequence: uint16(i), Timestamp: uint32(i*160) - 5000}, time.Duration(20*i+late)*time.Millisecond, true)
		if i > 0 {
			want += (float64(max(late-before, before-late)*8) - want) / 16
		}
		before = late
	}
	if got := float64(r.Jitter()); got < want-2 || got > want+2 {
		t.Errorf("jitter %v, want %.1f", got, want)
	}
	// Events have another clock; a sender's clock that jumps is no jitter.
	steady := r.Jitter()
	r.Packet(Header{Sequence: 200, Timestamp: 0}, 4*time.Second, false)
	r.Packet(Header{Sequence: 201, Timestamp: 1 << 31}, 4020*time.Millisecond, true)
	if r.Jitter() != steady {
		t.Errorf("jitter jumped from %d to %d", steady, r.Jitter())
	}
}

func TestReceptionGap(t *testing.T) {
	var r Reception
	for i, at := range []int{0, 20, 360, 380} {
		r.Packet(Header{Sequence: uint16(i)}, time.Duration(at)*time.Millisecond, true)
	}
	r.Pause()
	r.Packet(Header{Sequence: 4}, time.Minute, true)
	if r.Gap() != 340*time.Millisecond {
		t.Errorf("gap %v", r.Gap())
	}
}

func BenchmarkReception(b *testing.B) {
	var r Reception
	var reader Reader
	d := packet(0x80, make([]byte, 160)...)
	for i := 0; b.Loop(); i++ {
		Header{PayloadType: 8, Sequence: uint16(i), Timestamp: uint32(i * 160)}.Put(d)
		h, _, _, err := reader.Parse(d)
		if err != nil {
			b.Fatal(err)
		}
		r.Packet(h, time.Duration(i)*20*time.Millisecond, true)
	}
}
