package phone

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/tone"
	"tierline/media/wav"
	"tierline/testdata/demo"
)

// hear plays samples to an ear as A-law packets.
func hear(e *Ear, pcm []int16, from time.Time) {
	for i := 0; i+frame <= len(pcm); i += frame {
		p := packet{payloadType: ptPCMA, seq: uint16(i / frame), timestamp: uint32(i), ssrc: 1, payload: make([]byte, frame)}
		for j := range p.payload {
			p.payload[j] = g711.EncodeA(pcm[i+j])
		}
		e.packet(p, 101, from.Add(time.Duration(i)*time.Second/rate))
	}
}

func all() (hz []int) {
	for f := 350; f <= 3300; f += 50 {
		hz = append(hz, f)
	}
	return hz
}

// TestPromptsAreNoTones: speech and hold music must not be taken for the
// voice of a phone.
func TestPromptsAreNoTones(t *testing.T) {
	err := fs.WalkDir(demo.Files(), "prompts", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".wav") {
			return err
		}
		b, err := fs.ReadFile(demo.Files(), path)
		if err != nil {
			return err
		}
		a, err := wav.Decode(b)
		if err != nil {
			return err
		}
		e := newEar(time.Time{}, all(), false)
		hear(e, a.Samples(), time.Time{})
		for _, f := range e.Heard(time.Time{}).Tones {
			if f.Hz >= 500 && f.For >= 500*time.Millisecond {
				t.Errorf("%s: %v of %d Hz", path, f.For, f.Hz)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEarTellsNeighbours(t *testing.T) {
	for _, hz := range all() {
		e := newEar(time.Time{}, all(), false)
		hear(e, tone.Make(time.Second, level, float64(hz)), time.Time{})
		got := e.Heard(time.Time{}).Tones
		if len(got) != 1 || got[0].Hz != hz || got[0].For < 900*time.Millisecond {
			t.Errorf("%d Hz heard as %v", hz, got)
		}
	}
}

func TestEarCountsPromptsAndSilence(t *testing.T) {
	const second = time.Second
	e := newEar(time.Time{}, nil, true)
	pcm := tone.Make(second, level, 440)
	pcm = append(pcm, make([]int16, rate)...)
	pcm = append(pcm, tone.Make(second, level, 880)...)
	hear(e, pcm, time.Time{})
	h := e.Heard(time.Time{}.Add(5 * second))
	if h.Prompts != 2 || h.Sound != 2*second || h.Silence < 2*second || h.Audio != 3*second {
		t.Errorf("heard %+v", h)
	}
	if len(e.Recording()) != 3*rate {
		t.Errorf("recorded %d samples", len(e.Recording()))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(packet{payloadType: 8, seq: 1, payload: make([]byte, 160)}.put(nil))
	f.Add([]byte{0xbf, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 9})
	f.Add([]byte{0xa0, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 99})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err == nil && len(p.payload) > len(b)-12 {
			t.Errorf("payload of %d from %d", len(p.payload), len(b))
		}
		newEar(time.Time{}, []int{600}, true).packet(p, 101, time.Time{})
	})
}
