package g722

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"tierline/media/tone"
)

// noise is loud and quiet, tones and noise: what adapts must adapt.
func noise() []int16 {
	out := make([]int16, 16000)
	x := 1
	for i := range out {
		x = (x*1103515245 + 12345) & 0x7fffffff
		amp := []int{8000, 300, 32767, 40}[i/4000]
		out[i] = int16(((i*i/7)%amp*2 - amp + (x>>15)%(amp+1) - amp/2) >> 1)
	}
	return out
}

// The sums are of what spandsp 0.0.6 makes of the same input at 8 kHz.
func TestAgainstAnotherImplementation(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	var codes, decoded []byte
	for _, s := range noise() {
		c := e.Encode(s)
		codes = append(codes, c)
		decoded = binary.LittleEndian.AppendUint16(decoded, uint16(d.Decode(c)))
	}
	var wild []byte
	d = NewDecoder()
	for x, i := 7, 0; i < 16000; i++ {
		x = (x*1103515245 + 12345) & 0x7fffffff
		wild = binary.LittleEndian.AppendUint16(wild, uint16(d.Decode(byte(x>>16))))
	}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"encoded", codes, "1b3d261d4bc992c6d392c446302964943b31a3f82ca3887486910685c7fdca96"},
		{"decoded", decoded, "725c8835b83cb471b1c72747d03d283396f77df286716aafb39ca85521179405"},
		{"any codes decoded", wild, "2c76cc20be70c596a636caca6547435fdb5399dbd5d2f9daae1f4394a4e2bcba"},
	} {
		if sum := sha256.Sum256(c.got); hex.EncodeToString(sum[:]) != c.want {
			t.Errorf("%s: %x…", c.what, c.got[:32])
		}
	}
}

// A tone comes out as loud as it went in, whenever the decoder joins.
func TestTonesKeepTheirLevel(t *testing.T) {
	const hz, level = 1004, -16
	e := NewEncoder()
	var codes []byte
	for _, s := range tone.Make(time.Second, level, hz) {
		codes = append(codes, e.Encode(s))
	}
	for _, from := range []int{0, 1234} {
		d := NewDecoder()
		ear := tone.NewDetector(hz, hz+200)
		var out []int16
		for _, c := range codes[from:] {
			out = append(out, d.Decode(c))
		}
		ear.Feed(out)
		if heard := ear.Heard(); heard[0].Longest < 800*time.Millisecond || heard[1].Longest > 100*time.Millisecond {
			t.Errorf("from %d: heard %+v", from, heard)
		}
		power := 0.0
		for _, s := range out[400:] {
			power += float64(s) * float64(s)
		}
		want := 0.0
		for _, s := range tone.Make(time.Second, level, hz)[:len(out)-400] {
			want += float64(s) * float64(s)
		}
		if ratio := power / want; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("from %d: %.2f times the power", from, ratio)
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	e, d := NewEncoder(), NewDecoder()
	in := noise()[:160]
	for b.Loop() {
		for _, s := range in {
			d.Decode(e.Encode(s))
		}
	}
}
