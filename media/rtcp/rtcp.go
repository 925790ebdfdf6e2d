package rtcp

import (
	"errors"
	"fmt"
	"time"

	pion "github.com/pion/rtcp"
)

// Size limits of what is heard: nothing said in less, and no packet that goes
// through a network in one piece is larger.
const (
	minSize = 8
	maxSize = 1500
)

const headerSize = 4

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

// Marshal returns a compound packet: the report, the canonical name, and a BYE
// if the report says so.
func Marshal(r Report, cname string) ([]byte, error) {
	var blocks []pion.ReceptionReport
	if r.HasBlock {
		k := r.Block
		blocks = []pion.ReceptionReport{{
			SSRC: k.SSRC, FractionLost: k.Fraction, TotalLost: uint32(k.Lost) & 0xffffff,
			LastSequenceNumber: k.Highest, Jitter: k.Jitter, LastSenderReport: k.LastSR, Delay: k.Delay,
		}}
	}
	var first pion.Packet = &pion.ReceiverReport{SSRC: r.SSRC, Reports: blocks}
	if r.Sender {
		first = &pion.SenderReport{
			SSRC: r.SSRC, NTPTime: r.NTP, RTPTime: r.RTPTime,
			PacketCount: r.Packets, OctetCount: r.Octets, Reports: blocks,
		}
	}
	all := []pion.Packet{first, pion.NewCNAMESourceDescription(r.SSRC, cname)}
	if r.Bye {
		all = append(all, &pion.Goodbye{Sources: []uint32{r.SSRC}})
	}
	b, err := pion.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write RTCP: %w", err)
	}
	return b, nil
}

// Parse walks a compound packet and returns what it says to us: the report
// block about our SSRC is taken, others are skipped. A panic in the library is
// an error like any other: what came from outside must not end a leg.
func Parse(b []byte, ours uint32) (r Report, err error) {
	defer survive(&err)
	if len(b) < minSize || len(b) > maxSize {
		return Report{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	for len(b) > 0 {
		var h pion.Header
		if err := h.Unmarshal(b); err != nil {
			return Report{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		size := headerSize + 4*int(h.Length)
		if size > len(b) {
			return Report{}, fmt.Errorf("%w: packet of %d bytes in %d", ErrMalformed, size, len(b))
		}
		if err := r.read(h.Type, b[:size], ours); err != nil {
			return Report{}, fmt.Errorf("%w: %s: %w", ErrMalformed, h.Type, err)
		}
		b = b[size:]
	}
	return r, nil
}

// read takes one packet of a compound.
func (r *Report) read(kind pion.PacketType, b []byte, ours uint32) error {
	switch kind {
	case pion.TypeSenderReport:
		var s pion.SenderReport
		if err := s.Unmarshal(b); err != nil {
			return err
		}
		r.Sender, r.SSRC, r.NTP, r.RTPTime = true, s.SSRC, s.NTPTime, s.RTPTime
		r.Packets, r.Octets = s.PacketCount, s.OctetCount
		r.take(s.Reports, ours)
	case pion.TypeReceiverReport:
		var s pion.ReceiverReport
		if err := s.Unmarshal(b); err != nil {
			return err
		}
		r.SSRC = s.SSRC
		r.take(s.Reports, ours)
	case pion.TypeGoodbye:
		var s pion.Goodbye
		if err := s.Unmarshal(b); err != nil {
			return err
		}
		r.Bye = true
	case pion.TypeSourceDescription, pion.TypeApplicationDefined, pion.TypeTransportSpecificFeedback,
		pion.TypePayloadSpecificFeedback, pion.TypeExtendedReport: // nothing to us, so it may be wrong
	}
	return nil
}

func (r *Report) take(blocks []pion.ReceptionReport, ours uint32) {
	for _, k := range blocks {
		if k.SSRC != ours {
			continue
		}
		r.HasBlock = true
		r.Block = Block{
			SSRC: ours, Fraction: k.FractionLost, Lost: int32(k.TotalLost<<8) >> 8,
			Highest: k.LastSequenceNumber, Jitter: k.Jitter, LastSR: k.LastSenderReport, Delay: k.Delay,
		}
	}
}

// survive is deferred around the library.
func survive(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", ErrMalformed, v)
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
