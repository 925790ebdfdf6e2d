package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func encode(t testing.TB, a Audio) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file puts chunks together: name, contents, and so on.
func file(chunks ...string) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	for i := 0; i < len(chunks); i += 2 {
		b = append(b, chunks[i]...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(chunks[i+1])))
		b = append(b, chunks[i+1]...)
		if len(chunks[i+1])%2 == 1 {
			b = append(b, 0)
		}
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func describe(tag, channels uint16, rate uint32, align, bits uint16, more string) string {
	var b []byte
	b = binary.LittleEndian.AppendUint16(b, tag)
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate*uint32(align))
	b = binary.LittleEndian.AppendUint16(b, align)
	b = binary.LittleEndian.AppendUint16(b, bits)
	return string(b) + more
}

func TestWriteIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Audio{Format: rapid.SampledFrom([]Format{PCM16, ALaw, MuLaw}).Draw(t, "format")}
		want.Data = rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "data")
		if want.Format == PCM16 {
			want.Data = append(want.Data, want.Data...)
		}
		var b bytes.Buffer
		if err := Write(&b, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestSamples(t *testing.T) {
	s := []int16{0, 1, -1, math.MaxInt16, math.MinInt16}
	a := FromSamples(s)
	if diff := cmp.Diff(s, a.Samples()); diff != "" || a.Len() != 5 {
		t.Error(diff)
	}
	if got := (Audio{Format: ALaw, Data: []byte{0xD5, 0xAA}}).Samples(); got[0] != 8 || got[1] != 32256 {
		t.Errorf("A-law %v", got)
	}
	if got := (Audio{Format: MuLaw, Data: []byte{0xFF, 0x80}}).Samples(); got[0] != 0 || got[1] != 32124 {
		t.Errorf("µ-law %v", got)
	}
}

func TestReadAccepts(t *testing.T) {
	pcm, alaw := describe(1, 1, 8000, 2, 16, ""), describe(6, 1, 8000, 1, 8, "")
	guid := "\x16\x00\x08\x00\x04\x00\x00\x00"
	for what, b := range map[string][]byte{
		"plain":                    file("fmt ", pcm, "data", "abcd"),
		"extension of size 0":      file("fmt ", alaw+"\x00\x00", "data", "abcd"),
		"other chunks":             file("LIST", "odd", "fmt ", alaw, "fact", "\x04\x00\x00\x00", "data", "abcd", "id3 ", "x"),
		"odd size without padding": func() []byte { b := file("fmt ", alaw, "data", "abc"); b[4]--; return b[:len(b)-1] }(),
		"rubbish after the RIFF":   append(file("fmt ", alaw, "data", "abcd"), "rubbish"...),
		"extensible":               file("fmt ", describe(0xFFFE, 1, 8000, 1, 8, guid+"\x06\x00"+guidTail), "data", "abcd"),
	} {
		a, err := Decode(b)
		if err != nil || !strings.HasPrefix("abcd", string(a.Data)) || a.Format != ALaw && what != "plain" {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	pcm, alaw := describe(1, 1, 8000, 2, 16, ""), describe(6, 1, 8000, 1, 8, "")
	good := file("fmt ", alaw, "data", "abcd")
	lying := func(at int, size uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], size)
		return b
	}
	guid := "\x16\x00\x08\x00\x04\x00\x00\x00"
	for what, c := range map[string]struct {
		b    []byte
		says string
	}{
		"nothing":                     {nil, "no RIFF/WAVE header"},
		"no RIFF":                     {append([]byte("RIFX"), good[4:]...), "no RIFF/WAVE header"},
		"an MP3":                      {[]byte("ID3\x04somethinglong"), "no RIFF/WAVE header"},
		"RIFF longer than the file":   {lying(4, 5000), "header says 5008 bytes, the file has 48"},
		"RIFF of 4 GB":                {lying(4, 0xffffffff), "header says 4294967303 bytes"},
		"RIFF shorter than itself":    {lying(4, 3), "header says 11 bytes"},
		"format longer than the file": {lying(16, 5000), `chunk "fmt " says 5000 bytes, 28 are left`},
		"data of 4 GB":                {lying(40, 0xffffffff), `chunk "data" says 4294967295 bytes, 4 are left`},
		"data shorter than there is":  {lying(40, 1), "stray bytes"},
		"no format":                   {file("data", "abcd"), "data before its format"},
		"no data":                     {file("fmt ", pcm), "no samples"},
		"empty data":                  {file("fmt ", pcm, "data", ""), "no samples"},
		"no chunk at all":             {file(), "no format chunk"},
		"two formats":                 {file("fmt ", pcm, "fmt ", alaw, "data", "abcd"), "two \"fmt \" chunks"},
		"two data":                    {file("fmt ", pcm, "data", "abcd", "data", "abcd"), "two \"data\" chunks"},
		"half a sample":               {file("fmt ", pcm, "data", "abc"), "half a sample"},
		"short format":                {file("fmt ", pcm[:14], "data", "abcd"), "format chunk of 14 bytes"},
		"stereo":                      {file("fmt ", describe(1, 2, 8000, 4, 16, ""), "data", "abcd"), "2 channels; one is needed"},
		"CD rate":                     {file("fmt ", describe(1, 1, 44100, 2, 16, ""), "data", "abcd"), "44100 Hz; 8000 Hz is needed"},
		"8-bit PCM":                   {file("fmt ", describe(1, 1, 8000, 1, 8, ""), "data", "abcd"), "16-bit PCM with 8 bits"},
		"float":                       {file("fmt ", describe(3, 1, 8000, 4, 32, ""), "data", "abcd"), "format 3;"},
		"GSM":                         {file("fmt ", describe(49, 1, 8000, 65, 0, ""), "data", "abcd"), "format 49;"},
		"wrong alignment":             {file("fmt ", describe(6, 1, 8000, 2, 8, ""), "data", "abcd"), "A-law with 8 bits in 2 bytes"},
		"extensible, cut":             {file("fmt ", describe(0xFFFE, 1, 8000, 1, 8, guid), "data", "abcd"), "extensible header"},
		"extensible, unknown":         {file("fmt ", describe(0xFFFE, 1, 8000, 1, 8, guid+"\x06\x00"+strings.Repeat("x", 14)), "data", "abcd"), "extensible header"},
	} {
		_, err := Decode(c.b)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestReadIsBounded(t *testing.T) {
	if _, err := Read(endless{}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "larger than 30 MB") {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, FromSamples([]int16{1, 2, 3})))
	f.Add(encode(f, Audio{Format: ALaw, Data: []byte("abc")}))
	f.Add(file("LIST", "odd", "fmt ", describe(6, 1, 8000, 1, 8, ""), "data", "abcd"))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Decode(b)
		runtime.ReadMemStats(&after)
		if after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Fatalf("%d bytes allocated for %d", after.TotalAlloc-before.TotalAlloc, len(b))
		}
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := Decode(encode(t, a))
		if err != nil || !cmp.Equal(a, again) || a.Len() == 0 || len(a.Samples()) != a.Len() {
			t.Fatalf("%+v became %+v, %v", a, again, err)
		}
	})
}
