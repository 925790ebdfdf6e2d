package wav

import (
	"encoding/binary"
	"fmt"
	"math"

	"tierline/media/g711"
)

// Wide is a sound as studios and speech engines deliver it: of any rate,
// mixed down to one channel.
type Wide struct {
	Rate    int
	Samples []float64 // -1 to 1
}

// MaxWide is the largest file that DecodeWide reads.
const MaxWide = 64 << 20

// Limits of a header that is believed.
const (
	minRate, maxRate = 4000, 384_000
	maxChannels      = 8
)

// DecodeWide reads PCM of 8, 16, 24 or 32 bits, floating point, A-law and
// µ-law of any rate with up to eight channels. It is lenient where speech
// engines are: sizes that nobody knew when the header was written mean the
// rest of the file.
func DecodeWide(b []byte) (Wide, error) {
	switch {
	case len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE":
		return Wide{}, fmt.Errorf("%w: no RIFF/WAVE header", ErrInvalid)
	case len(b) > MaxWide:
		return Wide{}, fmt.Errorf("%w: larger than %d MB", ErrInvalid, MaxWide>>20)
	}
	var f layout
	for rest := b[12:]; len(rest) >= 8; {
		name := string(rest[:4])
		size := min(int64(binary.LittleEndian.Uint32(rest[4:])), int64(len(rest)-8))
		body := rest[8 : 8+size]
		switch {
		case name == "fmt ":
			var err error
			if f, err = wideFormat(body); err != nil {
				return Wide{}, err
			}
		case name == "data" && f.format == 0:
			return Wide{}, fmt.Errorf("%w: data before its format", ErrInvalid)
		case name == "data":
			return f.decode(body)
		}
		rest = rest[min(8+size+size%2, int64(len(rest))):]
	}
	return Wide{}, fmt.Errorf("%w: no samples", ErrInvalid)
}

// float is the format of floating point, which is only read here.
const float = 3

// layout is how samples lie in a file.
type layout struct {
	format         uint16
	rate, channels int
	bytes          int // of one sample
}

func wideFormat(b []byte) (layout, error) {
	if len(b) < 16 {
		return layout{}, fmt.Errorf("%w: format chunk of %d bytes", ErrInvalid, len(b))
	}
	f := layout{
		format:   binary.LittleEndian.Uint16(b),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(binary.LittleEndian.Uint32(b[4:])),
		bytes:    int(binary.LittleEndian.Uint16(b[14:])) / 8,
	}
	if f.format == extensible {
		if len(b) < 40 || string(b[26:40]) != guidTail {
			return f, fmt.Errorf("%w: extensible header without a known format", ErrInvalid)
		}
		f.format = binary.LittleEndian.Uint16(b[24:])
	}
	switch bits := binary.LittleEndian.Uint16(b[14:]); {
	case !f.known() || bits%8 != 0:
		return f, fmt.Errorf("%w: %d bits of %v; PCM, floating point, A-law and µ-law are read",
			ErrInvalid, bits, Format(f.format))
	case f.channels < 1 || f.channels > maxChannels:
		return f, fmt.Errorf("%w: %d channels", ErrInvalid, f.channels)
	case f.rate < minRate || f.rate > maxRate:
		return f, fmt.Errorf("%w: %d Hz", ErrInvalid, f.rate)
	}
	return f, nil
}

// known tells whether samples of this width can be read.
func (f layout) known() bool {
	switch f.format {
	case uint16(PCM16):
		return f.bytes >= 1 && f.bytes <= 4
	case float:
		return f.bytes == 4 || f.bytes == 8
	case uint16(ALaw), uint16(MuLaw):
		return f.bytes == 1
	}
	return false
}

// decode mixes the channels down.
func (f layout) decode(b []byte) (Wide, error) {
	frame := f.bytes * f.channels
	w := Wide{Rate: f.rate, Samples: make([]float64, len(b)/frame)}
	if len(w.Samples) == 0 {
		return Wide{}, fmt.Errorf("%w: no samples", ErrInvalid)
	}
	for i := range w.Samples {
		for c := range f.channels {
			at := i*frame + c*f.bytes
			w.Samples[i] += f.sample(b[at : at+f.bytes])
		}
		w.Samples[i] /= float64(f.channels)
	}
	return w, nil
}

func (f layout) sample(b []byte) float64 {
	switch {
	case f.format == uint16(ALaw):
		return float64(g711.DecodeA(b[0])) / (1 << 15)
	case f.format == uint16(MuLaw):
		return float64(g711.DecodeU(b[0])) / (1 << 15)
	case f.format == float && f.bytes == 4:
		return sane(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case f.format == float:
		return sane(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case f.bytes == 1: // the only unsigned one
		return (float64(b[0]) - 128) / (1 << 7)
	}
	var v uint32
	for i, x := range b {
		v |= uint32(x) << (8 * (4 - len(b) + i))
	}
	return float64(int32(v)) / (1 << 31)
}

// sane keeps what isn't a number or out of all bounds from spreading.
func sane(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -4), 4)
}
