package phone

import (
	"encoding/binary"
	"errors"
)

const (
	ptPCMU = 0
	ptPCMA = 8
	keys   = "0123456789*#ABCD" // by RFC 4733 event code
)

// packet is what the phones need of an RTP packet.
type packet struct {
	payloadType uint8
	marker      bool
	seq         uint16
	timestamp   uint32
	ssrc        uint32
	payload     []byte
}

var errNotRTP = errors.New("not an RTP packet")

// parse reads an RTP packet; the payload points into b.
func parse(b []byte) (packet, error) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return packet{}, errNotRTP
	}
	p := packet{
		payloadType: b[1] & 0x7f, marker: b[1]&0x80 != 0, seq: binary.BigEndian.Uint16(b[2:]),
		timestamp: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]),
	}
	at, end := 12+4*int(b[0]&0x0f), len(b)
	if b[0]&0x10 != 0 { // header extension
		if at+4 > end {
			return packet{}, errNotRTP
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if b[0]&0x20 != 0 { // padding, its length in the last octet
		end -= int(b[len(b)-1])
	}
	if at > end {
		return packet{}, errNotRTP
	}
	p.payload = b[at:end]
	return p, nil
}

// put appends the packet to b.
func (p packet) put(b []byte) []byte {
	second := p.payloadType
	if p.marker {
		second |= 0x80
	}
	b = append(b, 0x80, second)
	b = binary.BigEndian.AppendUint16(b, p.seq)
	b = binary.BigEndian.AppendUint32(b, p.timestamp)
	b = binary.BigEndian.AppendUint32(b, p.ssrc)
	return append(b, p.payload...)
}
