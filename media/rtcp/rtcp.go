package rtcp

import (
	"encoding/binary"
	"errors"
	"time"
)

// Packet types of RFC 3550 §12.1.
const (
	typeSenderReport   = 200
	typeReceiverReport = 201
	typeDescription    = 202
	typeGoodbye        = 203
)

// MaxSize is more than Append ever writes for a name of up to 64 bytes.
const MaxSize = 160

// ErrMalformed says that a datagram is not RTCP.
var ErrMalformed = errors.New("malformed RTCP")

// Is reports whether a datagram on a port shared with RTP is RTCP (RFC 5761
// §4: packet types 192 to 223 instead of a payload type).
func Is(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }

// Block is one reception report.
type Block struct {
	SSRC     uint32 // whose packets it is about
	Fraction uint8  // lost since the previous report, of 256
	Lost     int32  // cumulative, 24 bits signed
	Highest  uint32 // extended highest sequence number
	Jitter   uint32 // timestamp units
	LastSR   uint32 // middle 32 bits of the last sender report's NTP time
	Delay    uint32 // since then, in 1/65536 s
}

// Report is what we say or hear.
type Report struct {
	SSRC     uint32 // who reports
	Sender   bool   // NTP, RTPTime, Packets and Octets are there
	NTP      uint64
	RTPTime  uint32
	Packets  uint32
	Octets   uint32
	HasBlock bool
	Block    Block
	Bye      bool
}

// Append adds a compound packet to b: the report, the canonical name, and a
// BYE if the report says so.
func Append(b []byte, r Report, cname string) []byte {
	kind, blocks, words := byte(typeReceiverReport), byte(0), uint16(1)
	if r.Sender {
		kind, words = typeSenderReport, 6
	}
	if r.HasBlock {
		blocks, words = 1, words+6
	}
	b = append(b, 0x80|blocks, kind)
	b = binary.BigEndian.AppendUint16(b, words)
	b = binary.BigEndian.AppendUint32(b, r.SSRC)
	if r.Sender {
		b = binary.BigEndian.AppendUint64(b, r.NTP)
		b = binary.BigEndian.AppendUint32(b, r.RTPTime)
		b = binary.BigEndian.AppendUint32(b, r.Packets)
		b = binary.BigEndian.AppendUint32(b, r.Octets)
	}
	if r.HasBlock {
		b = appendBlock(b, r.Block)
	}
	b = appendName(b, r.SSRC, cname)
	if r.Bye {
		b = append(b, 0x81, typeGoodbye, 0, 1)
		b = binary.BigEndian.AppendUint32(b, r.SSRC)
	}
	return b
}

func appendBlock(b []byte, k Block) []byte {
	b = binary.BigEndian.AppendUint32(b, k.SSRC)
	b = binary.BigEndian.AppendUint32(b, uint32(k.Fraction)<<24|uint32(k.Lost)&0xffffff)
	b = binary.BigEndian.AppendUint32(b, k.Highest)
	b = binary.BigEndian.AppendUint32(b, k.Jitter)
	b = binary.BigEndian.AppendUint32(b, k.LastSR)
	return binary.BigEndian.AppendUint32(b, k.Delay)
}

func appendName(b []byte, ssrc uint32, cname string) []byte {
	cname = cname[:min(len(cname), 64)]
	// Chunk: SSRC, item type 1, length, text, at least one zero up to a whole word.
	words := 1 + (2+len(cname))/4 + 1
	b = append(b, 0x81, typeDescription, 0, byte(words))
	end := len(b) + 4*words
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, 1, byte(len(cname)))
	b = append(b, cname...)
	for len(b) < end {
		b = append(b, 0)
	}
	return b
}

// Parse walks a compound packet and returns what it says to us: the report
// block about our SSRC is taken, others are skipped.
func Parse(b []byte, ours uint32) (Report, error) {
	var r Report
	if len(b) < 8 {
		return r, ErrMalformed
	}
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 {
			return r, ErrMalformed
		}
		size := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if size > len(b) {
			return r, ErrMalformed
		}
		if err := r.read(b[1], int(b[0]&0x1f), b[4:size], ours); err != nil {
			return r, err
		}
		b = b[size:]
	}
	return r, nil
}

// read takes one packet of a compound: count is from its header, body what
// follows the header.
func (r *Report) read(kind byte, count int, body []byte, ours uint32) error {
	switch kind {
	case typeSenderReport:
		if len(body) < 24+24*count {
			return ErrMalformed
		}
		r.Sender, r.SSRC = true, binary.BigEndian.Uint32(body)
		r.NTP = binary.BigEndian.Uint64(body[4:])
		r.RTPTime = binary.BigEndian.Uint32(body[12:])
		r.Packets = binary.BigEndian.Uint32(body[16:])
		r.Octets = binary.BigEndian.Uint32(body[20:])
		r.readBlocks(body[24:], count, ours)
	case typeReceiverReport:
		if len(body) < 4+24*count {
			return ErrMalformed
		}
		r.SSRC = binary.BigEndian.Uint32(body)
		r.readBlocks(body[4:], count, ours)
	case typeGoodbye:
		if len(body) < 4*count {
			return ErrMalformed
		}
		r.Bye = true
	}
	return nil
}

func (r *Report) readBlocks(b []byte, count int, ours uint32) {
	for ; count > 0; count-- {
		if binary.BigEndian.Uint32(b) == ours {
			lost := binary.BigEndian.Uint32(b[4:])
			r.HasBlock = true
			r.Block = Block{
				SSRC:     ours,
				Fraction: uint8(lost >> 24),
				Lost:     int32(lost<<8) >> 8,
				Highest:  binary.BigEndian.Uint32(b[8:]),
				Jitter:   binary.BigEndian.Uint32(b[12:]),
				LastSR:   binary.BigEndian.Uint32(b[16:]),
				Delay:    binary.BigEndian.Uint32(b[20:]),
			}
		}
		b = b[24:]
	}
}

// NTP returns a time as 64-bit NTP time stamp.
func NTP(t time.Time) uint64 {
	const toUnix = 2_208_988_800 // seconds from 1900 to 1970
	seconds := uint64(t.Unix() + toUnix)
	return seconds<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}

// Middle returns the 32 bits of an NTP time stamp that reports carry.
func Middle(ntp uint64) uint32 { return uint32(ntp >> 16) }

// RoundTrip computes the round-trip time from a block that arrived at now
// (middle bits of its NTP time); false if the block tells none or nonsense.
func (k Block) RoundTrip(now uint32) (time.Duration, bool) {
	if k.LastSR == 0 {
		return 0, false
	}
	units := int32(now - k.LastSR - k.Delay)
	if units < 0 || units > 60<<16 { // clocks that disagree, or more than a minute
		return 0, false
	}
	return time.Duration(units) * time.Second >> 16, true
}
