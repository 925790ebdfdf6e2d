package g711

import (
	"math"
	"testing"
)

// The decoder output values of G.711 tables 1a and 2a at the segment ends, in
// the recommendation's own scale (13 bits for A-law, 14 bits for µ-law).
func TestRecommendationValues(t *testing.T) {
	for _, c := range []struct {
		code byte
		want int // table's y × 8 or × 4
	}{
		{0xD5, 1 * 8},
		{0x55, -1 * 8},
		{0xD4, 3 * 8},
		{0xC5, 33 * 8},
		{0xF5, 66 * 8},
		{0xAA, 4032 * 8},
		{0x2A, -4032 * 8},
		{0xBA, 2016 * 8},
		{0xA5, 2112 * 8},
	} {
		if got := DecodeA(c.code); int(got) != c.want {
			t.Errorf("DecodeA(%#x) = %d, want %d", c.code, got, c.want)
		}
	}
	for _, c := range []struct {
		code byte
		want int
	}{
		{0xFF, 0}, {0x7F, 0}, {0xFE, 2 * 4}, {0xF0, 30 * 4}, {0xEF, 33 * 4}, {0x80, 8031 * 4}, {0x00, -8031 * 4}, {0x8F, 4191 * 4}, {0x90, 3999 * 4},
	} {
		if got := DecodeU(c.code); int(got) != c.want {
			t.Errorf("DecodeU(%#x) = %d, want %d", c.code, got, c.want)
		}
	}
}

func TestEncodeInvertsDecode(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		if got := EncodeA(DecodeA(c)); got != c {
			t.Errorf("A-law %#x decodes to %d and back to %#x", c, DecodeA(c), got)
		}
		want := c
		if c == 0x7F {
			want = 0xFF // negative zero
		}
		if got := EncodeU(DecodeU(c)); got != want {
			t.Errorf("µ-law %#x decodes to %d and back to %#x, want %#x", c, DecodeU(c), got, want)
		}
	}
}

// TestEncodeIsNearest: no other code stands for a sample closer than half a
// step of its segment.
func TestEncodeIsNearest(t *testing.T) {
	for s := math.MinInt16; s <= math.MaxInt16; s++ {
		x := int16(s)
		if d, limit := distance(DecodeA(EncodeA(x)), x), 8+abs(s)/32; d > limit {
			t.Fatalf("A-law of %d is %d away, limit %d", x, d, limit)
		}
		if d, limit := distance(DecodeU(EncodeU(x)), x), 4+abs(s)/31+644*(abs(s)/32125); d > limit {
			t.Fatalf("µ-law of %d is %d away, limit %d", x, d, limit)
		}
	}
}

// TestDirectTables holds the direct conversion to the nearest neighbour:
// where it differs from decode-then-encode, both are equally far.
func TestDirectTables(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		if got, via := DecodeU(AToU(c)), DecodeU(EncodeU(DecodeA(c))); got != via &&
			distance(got, DecodeA(c)) > distance(via, DecodeA(c))+124 {
			t.Errorf("AToU(%#x): %d, via linear %d, of %d", c, got, via, DecodeA(c))
		}
		if got, via := DecodeA(UToA(c)), DecodeA(EncodeA(DecodeU(c))); got != via &&
			distance(got, DecodeU(c)) > distance(via, DecodeU(c))+8 {
			t.Errorf("UToA(%#x): %d, via linear %d, of %d", c, got, via, DecodeU(c))
		}
		if DecodeA(c) > 0 != (c >= 0x80) || AToU(c)>>7 != c>>7 || UToA(c)>>7 != c>>7 {
			t.Errorf("%#x changes its sign", c)
		}
	}
}

// Spot values of G.711 tables 3 and 4 (decoder numbers), with the corrections
// of the 1988 edition at µ 80 and A 80.
func TestConversionTableVectors(t *testing.T) {
	for _, v := range [][2]int{{0, 1}, {7, 4}, {8, 5}, {15, 8}, {16, 9}, {32, 25}, {33, 27}, {48, 46}, {64, 64}, {79, 79}, {80, 80}, {81, 82}, {127, 128}} {
		if got := UToA(0xFF ^ byte(v[0])); got != 0xD5^byte(v[1]-1) {
			t.Errorf("µ decoder value %d: %#x, want A value %d", v[0], got, v[1])
		}
	}
	for _, v := range [][2]int{{1, 1}, {2, 3}, {8, 15}, {9, 16}, {25, 32}, {26, 32}, {33, 36}, {46, 48}, {47, 49}, {64, 64}, {80, 80}, {81, 80}, {82, 81}, {128, 127}} {
		if got := AToU(0xD5 ^ byte(v[0]-1)); got != 0xFF^byte(v[1]) {
			t.Errorf("A decoder value %d: %#x, want µ value %d", v[0], got, v[1])
		}
	}
}

func TestConvertInPlace(t *testing.T) {
	frame := []byte{IdleA, 0x00, 0xFF}
	ConvertAToU(frame)
	if frame[0] != AToU(IdleA) || frame[1] != AToU(0) || frame[2] != AToU(0xFF) {
		t.Errorf("A to µ: % x", frame)
	}
	ConvertUToA(frame)
	if frame[0] != IdleA {
		t.Errorf("idle A-law comes back as %#x", frame[0])
	}
}

func distance(a, b int16) int { return abs(int(a) - int(b)) }

func abs(x int) int { return max(x, -x) }

func BenchmarkConvertAToU(b *testing.B) {
	frame := make([]byte, 160)
	for b.Loop() {
		ConvertAToU(frame)
	}
}
