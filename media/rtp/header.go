package rtp

import (
	"encoding/binary"
	"errors"
	"fmt"

	pion "github.com/pion/rtp"
)

// HeaderSize is the size of the header without sources and extension, the
// only kind we write.
const HeaderSize = 12

const version = 2

// ErrMalformed says that a datagram is not RTP.
var ErrMalformed = errors.New("malformed RTP")

// Header is the part of an RTP header that a switch uses. Unlike the
// library's it keeps nothing of the datagram alive.
type Header struct {
	Marker      bool
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
}

// Reader parses datagrams one after the other, in the same memory: sources and
// extensions of the next overwrite those of the one before. The zero value is
// ready.
type Reader struct {
	packet pion.Packet
}

// Parse checks a whole datagram and returns its header and where the payload
// lies: b[from:to], padding excluded. from is never less than HeaderSize. A
// panic in the library is an error like any other: what came from outside
// must not end a leg.
func (r *Reader) Parse(b []byte) (h Header, from, to int, err error) {
	defer survive(&err)
	p := &r.packet
	if !bounded(b) || p.Unmarshal(b) != nil {
		return Header{}, 0, 0, ErrMalformed // it is counted; nobody asks for the reason
	}
	to = len(b) - int(p.Header.PaddingSize)
	return Header{
		Marker:      p.Marker,
		PayloadType: p.PayloadType,
		Sequence:    p.SequenceNumber,
		Timestamp:   p.Timestamp,
		SSRC:        p.SSRC,
	}, to - len(p.Payload), to, nil
}

// bounded reports whether the version is right and everything before the
// payload lies within the datagram.
func bounded(b []byte) bool {
	if len(b) < HeaderSize || b[0]>>6 != version {
		return false
	}
	end := HeaderSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 { // header extension
		if end+4 > len(b) {
			return false
		}
		end += 4 + 4*int(binary.BigEndian.Uint16(b[end+2:]))
	}
	return end <= len(b)
}

// survive is deferred around the library.
func survive(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", ErrMalformed, v)
	}
}

// Put writes the header into the first HeaderSize bytes of b.
func (h Header) Put(b []byte) {
	// Without sources and extension it fails only for want of room, and then
	// the slicing does first.
	_, _ = pion.Header{
		Version: version, Marker: h.Marker, PayloadType: h.PayloadType,
		SequenceNumber: h.Sequence, Timestamp: h.Timestamp, SSRC: h.SSRC,
	}.MarshalTo(b[:HeaderSize])
}
