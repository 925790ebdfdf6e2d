package rtp

import (
	"encoding/binary"
	"errors"
)

// HeaderSize is the size of the header without sources and extension, the
// only kind we write.
const HeaderSize = 12

// ErrMalformed says that a datagram is not RTP.
var ErrMalformed = errors.New("malformed RTP")

// Header is the part of an RTP header that a switch uses.
type Header struct {
	Marker      bool
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
}

// Parse checks a whole datagram and returns its header and where the payload
// lies: b[from:to], padding excluded. from is never less than HeaderSize.
func Parse(b []byte) (h Header, from, to int, err error) {
	if len(b) < HeaderSize || b[0]>>6 != 2 {
		return Header{}, 0, 0, ErrMalformed
	}
	from, to = HeaderSize+4*int(b[0]&0x0f), len(b)
	if from > to {
		return Header{}, 0, 0, ErrMalformed
	}
	if b[0]&0x10 != 0 { // header extension
		if from+4 > to {
			return Header{}, 0, 0, ErrMalformed
		}
		from += 4 + 4*int(binary.BigEndian.Uint16(b[from+2:]))
		if from > to {
			return Header{}, 0, 0, ErrMalformed
		}
	}
	if b[0]&0x20 != 0 { // padding; its last byte counts itself
		padding := int(b[to-1])
		if padding == 0 || from+padding > to {
			return Header{}, 0, 0, ErrMalformed
		}
		to -= padding
	}
	return Header{
		Marker:      b[1]&0x80 != 0,
		PayloadType: b[1] & 0x7f,
		Sequence:    binary.BigEndian.Uint16(b[2:]),
		Timestamp:   binary.BigEndian.Uint32(b[4:]),
		SSRC:        binary.BigEndian.Uint32(b[8:]),
	}, from, to, nil
}

// Put writes the header into the first HeaderSize bytes of b.
func (h Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	b[0] = 0x80
	b[1] = h.PayloadType
	if h.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.Sequence)
	binary.BigEndian.PutUint32(b[4:], h.Timestamp)
	binary.BigEndian.PutUint32(b[8:], h.SSRC)
}
