package dtmf

import (
	"encoding/binary"
	"time"
)

// Limits and default of a press that we send.
const (
	minPress     = 40 * time.Millisecond
	maxPress     = 8 * time.Second // what one duration field can tell, rounded down
	defaultPress = 100 * time.Millisecond
	endPackets   = 3
	volume       = 10 // -10 dBm0, usual
)

// Sender makes the packets of one press: the timestamp stays, the duration
// grows, the last packet is sent three times.
type Sender struct {
	code     uint8
	total    uint16 // samples
	duration uint16 // said so far
	first    bool
	ends     int
}

// NewSender prepares a press; 0 means the default of 100 ms. It reports false
// if there is no such key.
func NewSender(key rune, d time.Duration) (Sender, bool) {
	code, ok := Code(key)
	if !ok {
		return Sender{}, false
	}
	if d == 0 {
		d = defaultPress
	}
	d = min(max(d, minPress), maxPress)
	return Sender{code: code, total: uint16(d * 8000 / time.Second), first: true}, true
}

// Packet is one packet of a press.
type Packet struct {
	Marker   bool
	Payload  [PayloadSize]byte
	Duration uint32 // samples since the press began, at the end of this packet
	New      int    // samples that no packet before told; 0 for a repeated end
}

// Next returns the next packet, which covers step samples more; false when
// the press is over.
func (s *Sender) Next(step int) (Packet, bool) {
	if s.ends == endPackets {
		return Packet{}, false
	}
	before := s.duration
	s.duration = uint16(min(int(before)+step, int(s.total)))
	p := Packet{Marker: s.first, Duration: uint32(s.duration), New: int(s.duration - before)}
	s.first = false
	p.Payload = [PayloadSize]byte{s.code, volume}
	if s.duration == s.total {
		s.ends++
		p.Payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(p.Payload[2:], s.duration)
	return p, true
}
