package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tierline/media/g711"
)

// Rate is the only sampling rate, in Hz.
const Rate = 8000

// MaxSize is the largest file that is read: half an hour of 16-bit samples.
const MaxSize = 30 << 20

// ErrInvalid is what every error about a file's contents wraps.
var ErrInvalid = errors.New("not a usable WAV file")

// Format is how samples are encoded; the values are those of the file.
type Format uint16

// Formats.
const (
	PCM16 Format = 1
	ALaw  Format = 6
	MuLaw Format = 7
)

const extensible = 0xFFFE

// String names the format as people do.
func (f Format) String() string {
	switch f {
	case PCM16:
		return "16-bit PCM"
	case ALaw:
		return "A-law"
	case MuLaw:
		return "µ-law"
	}
	return fmt.Sprintf("format %d", uint16(f))
}

func (f Format) bytes() int {
	if f == PCM16 {
		return 2
	}
	return 1
}

// Audio is the contents of a file.
type Audio struct {
	Format Format
	Data   []byte // little-endian for PCM16
}

// Len returns the number of samples.
func (a Audio) Len() int { return len(a.Data) / a.Format.bytes() }

// Samples returns the sound as linear samples.
func (a Audio) Samples() []int16 {
	s := make([]int16, a.Len())
	for i := range s {
		switch a.Format {
		case ALaw:
			s[i] = g711.DecodeA(a.Data[i])
		case MuLaw:
			s[i] = g711.DecodeU(a.Data[i])
		case PCM16:
			s[i] = int16(binary.LittleEndian.Uint16(a.Data[2*i:]))
		}
	}
	return s
}

// FromSamples returns linear samples as PCM16 audio.
func FromSamples(s []int16) Audio {
	data := make([]byte, 0, 2*len(s))
	for _, v := range s {
		data = binary.LittleEndian.AppendUint16(data, uint16(v))
	}
	return Audio{Format: PCM16, Data: data}
}

// Read reads one file.
func Read(r io.Reader) (Audio, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return Audio{}, fmt.Errorf("read WAV: %w", err)
	}
	if len(b) > MaxSize {
		return Audio{}, fmt.Errorf("%w: larger than %d MB", ErrInvalid, MaxSize>>20)
	}
	return Decode(b)
}

// Decode is Read for a file in memory; the audio shares its bytes.
func Decode(b []byte) (Audio, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return Audio{}, fmt.Errorf("%w: no RIFF/WAVE header", ErrInvalid)
	}
	size := int64(binary.LittleEndian.Uint32(b[4:])) + 8
	if size < 12 || size > int64(len(b)) {
		return Audio{}, fmt.Errorf("%w: header says %d bytes, the file has %d", ErrInvalid, size, len(b))
	}
	var a Audio
	for rest := b[12:size]; len(rest) > 0; {
		name, body, after, err := chunk(rest)
		if err == nil {
			a, err = a.with(name, body)
		}
		if err != nil {
			return Audio{}, err
		}
		rest = after
	}
	switch {
	case a.Format == 0:
		return Audio{}, fmt.Errorf("%w: no format chunk", ErrInvalid)
	case len(a.Data) == 0:
		return Audio{}, fmt.Errorf("%w: no samples", ErrInvalid)
	case len(a.Data)%a.Format.bytes() != 0:
		return Audio{}, fmt.Errorf("%w: half a sample at the end", ErrInvalid)
	}
	return a, nil
}

// with adds what a chunk says; those of other names say nothing to us.
func (a Audio) with(name string, body []byte) (_ Audio, err error) {
	switch {
	case name == "fmt " && a.Format != 0, name == "data" && a.Data != nil:
		return a, fmt.Errorf("%w: two %q chunks", ErrInvalid, name)
	case name == "fmt ":
		a.Format, err = format(body)
		return a, err
	case name == "data" && a.Format == 0:
		return a, fmt.Errorf("%w: data before its format", ErrInvalid)
	case name == "data":
		a.Data = body
	}
	return a, nil
}

// chunk splits the first chunk off; a chunk of odd size is followed by a pad
// byte, which only the very last may lack.
func chunk(b []byte) (name string, body, rest []byte, err error) {
	if len(b) < 8 {
		return "", nil, nil, fmt.Errorf("%w: %d stray bytes after the last chunk", ErrInvalid, len(b))
	}
	name = string(b[:4])
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	if size > int64(len(b)) {
		return "", nil, nil, fmt.Errorf("%w: chunk %q says %d bytes, %d are left", ErrInvalid, name, size, len(b))
	}
	body, rest = b[:size:size], b[size:]
	if size%2 == 1 && len(rest) > 0 {
		rest = rest[1:]
	}
	return name, body, rest, nil
}

// guidTail is what follows the format in an extensible header's GUID.
const guidTail = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"

func format(b []byte) (Format, error) {
	if len(b) < 16 {
		return 0, fmt.Errorf("%w: format chunk of %d bytes", ErrInvalid, len(b))
	}
	tag := binary.LittleEndian.Uint16(b)
	channels := binary.LittleEndian.Uint16(b[2:])
	rate := binary.LittleEndian.Uint32(b[4:])
	align := binary.LittleEndian.Uint16(b[12:])
	bits := binary.LittleEndian.Uint16(b[14:])
	if tag == extensible {
		if len(b) < 40 || string(b[26:40]) != guidTail {
			return 0, fmt.Errorf("%w: extensible header without a known format", ErrInvalid)
		}
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	f := Format(tag)
	switch {
	case f != PCM16 && f != ALaw && f != MuLaw:
		return 0, fmt.Errorf("%w: %v; 16-bit PCM, A-law and µ-law are played", ErrInvalid, f)
	case channels != 1:
		return 0, fmt.Errorf("%w: %d channels; one is needed", ErrInvalid, channels)
	case rate != Rate:
		return 0, fmt.Errorf("%w: %d Hz; 8000 Hz is needed", ErrInvalid, rate)
	case int(bits) != 8*f.bytes() || int(align) != f.bytes():
		return 0, fmt.Errorf("%w: %v with %d bits in %d bytes", ErrInvalid, f, bits, align)
	}
	return f, nil
}

// Header returns what stands before n samples of each channel, and how many
// bytes of padding come after them.
func Header(f Format, channels, n int) (header []byte, pad int) {
	size := channels * f.bytes()
	length := n * size
	pad = length % 2
	b := make([]byte, 0, 58)
	b = append(b, "RIFF\x00\x00\x00\x00WAVEfmt "...)
	if f == PCM16 {
		b = binary.LittleEndian.AppendUint32(b, 16)
	} else {
		b = binary.LittleEndian.AppendUint32(b, 18)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(f))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, Rate)
	b = binary.LittleEndian.AppendUint32(b, uint32(Rate*size))
	b = binary.LittleEndian.AppendUint16(b, uint16(size))
	b = binary.LittleEndian.AppendUint16(b, uint16(8*f.bytes()))
	if f != PCM16 { // other formats have an extension, here empty, and a count
		b = append(b, 0, 0)
		b = append(b, "fact\x04\x00\x00\x00"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8+length+pad))
	return b, pad
}

// Channels returns how many channels a header of ours is for.
func Channels(header []byte) int {
	if len(header) < 24 {
		return 1
	}
	return max(1, int(binary.LittleEndian.Uint16(header[22:])))
}

// Write writes a file.
func Write(w io.Writer, a Audio) error {
	b, pad := Header(a.Format, 1, a.Len())
	b = append(append(b, a.Data...), make([]byte, pad)...)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	return nil
}
