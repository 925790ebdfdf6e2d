package wav

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestDecodeWide(t *testing.T) {
	guid := "\x16\x00\x20\x00\x04\x00\x00\x00\x01\x00" + guidTail
	half := func(v float32) string {
		return string(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	for what, c := range map[string]struct {
		format, data string
		rate         int
		want         []float64
	}{
		"16 bits":             {describe(1, 1, 22050, 2, 16, ""), "\x00\x40\x00\xc0", 22050, []float64{0.5, -0.5}},
		"8 bits":              {describe(1, 1, 11025, 1, 8, ""), "\xc0\x40", 11025, []float64{0.5, -0.5}},
		"24 bits":             {describe(1, 1, 48000, 3, 24, ""), "\x00\x00\x40\x00\x00\xc0", 48000, []float64{0.5, -0.5}},
		"32 bits":             {describe(1, 1, 48000, 4, 32, ""), "\x00\x00\x00\x40", 48000, []float64{0.5}},
		"stereo":              {describe(1, 2, 44100, 4, 16, ""), "\x00\x40\x00\x00", 44100, []float64{0.25}},
		"floating point":      {describe(3, 1, 16000, 4, 32, ""), half(0.25) + half(float32(math.NaN())) + half(1e9), 16000, []float64{0.25, 0, 4}},
		"extensible":          {describe(0xFFFE, 1, 16000, 2, 16, guid), "\x00\x40", 16000, []float64{0.5}},
		"half a frame at end": {describe(1, 2, 44100, 4, 16, ""), "\x00\x40\x00\x40\x01", 44100, []float64{0.5}},
	} {
		w, err := DecodeWide(file("LIST", "odd", "fmt ", c.format, "data", c.data))
		if err != nil || w.Rate != c.rate || len(w.Samples) != len(c.want) {
			t.Errorf("%s: %+v, %v", what, w, err)
			continue
		}
		for i, v := range c.want {
			if math.Abs(w.Samples[i]-v) > 1e-6 {
				t.Errorf("%s: sample %d is %v, want %v", what, i, w.Samples[i], v)
			}
		}
	}
	a, err := DecodeWide(file("fmt ", describe(6, 1, 8000, 1, 8, ""), "data", "\xd5\xaa"))
	if err != nil || a.Samples[1] < 0.98 {
		t.Errorf("A-law: %+v, %v", a, err)
	}
}

// A program that writes into a pipe can't know how long its sound will be.
func TestDecodeWideOfAPipe(t *testing.T) {
	b := file("fmt ", describe(1, 1, 22050, 2, 16, ""), "data", "\x00\x40\x00\x40")
	binary.LittleEndian.PutUint32(b[4:], 0x7ffff024)
	binary.LittleEndian.PutUint32(b[40:], 0x7ffff000)
	if w, err := DecodeWide(b); err != nil || len(w.Samples) != 2 {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestDecodeWideRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		b    []byte
		says string
	}{
		"nothing":       {nil, "no RIFF/WAVE"},
		"a web page":    {[]byte("<html>there is no such voice</html>"), "no RIFF/WAVE"},
		"no data":       {file("fmt ", describe(1, 1, 8000, 2, 16, "")), "no samples"},
		"empty data":    {file("fmt ", describe(1, 1, 8000, 2, 16, ""), "data", ""), "no samples"},
		"no format":     {file("data", "abcd"), "data before its format"},
		"GSM":           {file("fmt ", describe(49, 1, 8000, 65, 0, ""), "data", "abcd"), "format 49"},
		"12 bits":       {file("fmt ", describe(1, 1, 8000, 2, 12, ""), "data", "abcd"), "12 bits"},
		"no channel":    {file("fmt ", describe(1, 0, 8000, 2, 16, ""), "data", "abcd"), "0 channels"},
		"100 channels":  {file("fmt ", describe(1, 100, 8000, 2, 16, ""), "data", "abcd"), "100 channels"},
		"0 Hz":          {file("fmt ", describe(1, 1, 0, 2, 16, ""), "data", "abcd"), "0 Hz"},
		"4 GHz":         {file("fmt ", describe(1, 1, 4_000_000_000, 2, 16, ""), "data", "abcd"), "4000000000 Hz"},
		"short format":  {file("fmt ", "abc", "data", "abcd"), "format chunk of 3 bytes"},
		"odd extension": {file("fmt ", describe(0xFFFE, 1, 8000, 2, 16, ""), "data", "abcd"), "extensible header"},
	} {
		_, err := DecodeWide(c.b)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
}

func FuzzDecodeWide(f *testing.F) {
	f.Add(encode(f, FromSamples([]int16{1, 2, 3})))
	f.Add(file("LIST", "odd", "fmt ", describe(1, 2, 44100, 6, 24, ""), "data", "abcdefabcdef"))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := DecodeWide(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if len(w.Samples) == 0 || len(w.Samples) > len(b) {
			t.Fatalf("%d samples of %d bytes", len(w.Samples), len(b))
		}
		for _, v := range w.Samples {
			if math.IsNaN(v) || math.Abs(v) > 4 {
				t.Fatalf("a sample of %v", v)
			}
		}
	})
}
