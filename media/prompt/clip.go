package prompt

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"tierline/media/g711"
	"tierline/media/wav"
)

// Clip is a piece of sound in both codecs, exact to the sample: fragments of a
// reading are joined without a gap.
type Clip struct {
	alaw, mulaw []byte
}

// ALaw returns the clip in A-law; it must not be changed.
func (c *Clip) ALaw() []byte { return c.alaw }

// MuLaw returns the clip in µ-law; it must not be changed.
func (c *Clip) MuLaw() []byte { return c.mulaw }

// Duration returns how long the sound is.
func (c *Clip) Duration() time.Duration { return time.Duration(len(c.alaw)) * time.Second / wav.Rate }

// size is what the clip takes in memory.
func (c *Clip) size() int { return len(c.alaw) + len(c.mulaw) }

// LoadClip reads a WAV file: A-law, µ-law or 16-bit PCM, 8 kHz, mono.
func LoadClip(r io.Reader) (*Clip, error) {
	a, err := wav.Read(r)
	if err != nil {
		return nil, fmt.Errorf("load prompt: %w", err)
	}
	return newClip(a), nil
}

// NewClip encodes linear samples.
func NewClip(samples []int16) *Clip { return newClip(wav.FromSamples(samples)) }

// Silence returns a clip of silence.
func Silence(ms int) *Clip {
	n := max(ms, 0) * wav.Rate / 1000
	return newClip(wav.Audio{Format: wav.ALaw, Data: bytes.Repeat([]byte{g711.IdleA}, n)})
}

func newClip(a wav.Audio) *Clip {
	n := a.Len()
	c := &Clip{alaw: make([]byte, n), mulaw: make([]byte, n)}
	switch a.Format {
	case wav.ALaw:
		copy(c.alaw, a.Data)
		copy(c.mulaw, a.Data)
		g711.ConvertAToU(c.mulaw)
	case wav.MuLaw:
		copy(c.mulaw, a.Data)
		copy(c.alaw, a.Data)
		g711.ConvertUToA(c.alaw)
	case wav.PCM16:
		for i, s := range a.Samples() {
			c.alaw[i], c.mulaw[i] = g711.EncodeA(s), g711.EncodeU(s)
		}
	}
	return c
}
