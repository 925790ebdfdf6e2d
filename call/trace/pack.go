package trace

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"
)

// packed is an entry as it is kept: a tenth of the calls' memory was the room
// around what entries say. What data holds depends on the kind.
type packed struct {
	seq  uint64
	at   int64 // ns since 1970
	data []byte
	leg  int16
	kind kindCode
}

// kindCode is a Kind.
type kindCode uint8

const (
	codeSIP kindCode = iota
	codeRTP
	codeRTPFinal
	codeKey
	codeEvent
	codeLog
	codeLines // a message that is told by another; see lines.go
)

// packedSize is what a packed entry takes beside its data.
const packedSize = 48

// never is the time of an entry that has none.
const never = math.MinInt64

func (p *packed) size() int { return packedSize + len(p.data) }

// passing tells whether an entry is the first to go when a call has too many.
func (p *packed) passing() bool { return p.kind == codeRTP }

// pack makes an entry small. What it points to isn't needed any more.
func pack(e *Entry) packed {
	p := packed{seq: e.Seq, at: never, leg: int16(e.Leg)} //nolint:gosec // maxLegs at most
	if !e.At.IsZero() {
		p.at = e.At.UnixNano()
	}
	switch e.Kind {
	case KindSIP:
		p.kind, p.data = codeSIP, packMessage(e.SIP)
	case KindRTP:
		p.kind, p.data = codeRTP, packSound(e.RTP)
		if e.RTP.Final {
			p.kind = codeRTPFinal
		}
	case KindKey:
		b := appendText(make([]byte, 0, 16), e.Key.Source)
		b = binary.AppendVarint(b, int64(e.Key.Digit))
		p.kind, p.data = codeKey, binary.AppendVarint(b, int64(e.Key.Held))
	case KindEvent:
		p.kind, p.data = codeEvent, e.Event
	case KindLog:
		b := appendText(make([]byte, 0, 1+len(e.Log.Level)+len(e.Log.Text)), e.Log.Level)
		p.kind, p.data = codeLog, append(b, e.Log.Text...)
	}
	return p
}

// entry is the inverse of pack.
func (p *packed) entry() Entry {
	e := Entry{Seq: p.seq, Leg: int(p.leg)}
	if p.at != never {
		e.At = time.Unix(0, p.at)
	}
	r := unpacker{p.data}
	switch p.kind {
	case codeSIP:
		e.Kind, e.SIP = KindSIP, r.message()
	case codeRTP, codeRTPFinal:
		e.Kind, e.RTP = KindRTP, r.sound()
		e.RTP.Final = p.kind == codeRTPFinal
	case codeKey:
		e.Kind = KindKey
		e.Key = &Key{Source: r.text(), Digit: rune(r.number()), Held: time.Duration(r.number())} //nolint:gosec // was one
	case codeEvent:
		e.Kind, e.Event = KindEvent, p.data
	case codeLines: // never: see whole
	case codeLog:
		e.Kind = KindLog
		e.Log = &Line{Level: r.text(), Text: string(r.rest)}
	}
	return e
}

func packMessage(m *Message) []byte {
	const around = 64 // two addresses and a transport, at most
	b := make([]byte, 0, around)
	out := int64(0)
	if m.Out {
		out = 1
	}
	b = binary.AppendVarint(b, out)
	b = appendText(b, m.Transport)
	b = appendAddress(b, m.Local)
	b = appendAddress(b, m.Remote)
	all := make([]byte, 0, len(b)+len(m.Text))
	return append(append(all, b...), m.Text...)
}

func (r *unpacker) message() *Message {
	return &Message{
		Out: r.number() != 0, Transport: r.text(), Local: r.address(), Remote: r.address(), Text: r.rest,
	}
}

func packSound(s *Sound) []byte {
	var room [128]byte
	b := appendText(room[:0], s.Codec)
	b = appendAddress(b, s.Local)
	b = appendAddress(b, s.Remote)
	for _, n := range [...]uint64{s.Sent, s.Received, s.Lost, s.Late} {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range [...]int64{
		s.RemoteLost, int64(s.Jitter), int64(s.RemoteShake), int64(s.MaxGap), int64(s.RoundTrip), s.MOS, s.RemoteMOS,
	} {
		b = binary.AppendVarint(b, n)
	}
	return append([]byte(nil), b...)
}

func (r *unpacker) sound() *Sound {
	s := &Sound{Codec: r.text(), Local: r.address(), Remote: r.address()}
	for _, n := range [...]*uint64{&s.Sent, &s.Received, &s.Lost, &s.Late} {
		*n = r.count()
	}
	s.RemoteLost = r.number()
	for _, d := range [...]*time.Duration{&s.Jitter, &s.RemoteShake, &s.MaxGap, &s.RoundTrip} {
		*d = time.Duration(r.number())
	}
	s.MOS, s.RemoteMOS = r.number(), r.number()
	return s
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendAddress writes no address as an empty one.
func appendAddress(b []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(b, 0)
	}
	at := len(b)
	b, _ = a.AppendBinary(append(b, 0)) // documented never to fail
	b[at] = byte(len(b) - at - 1)
	return b
}

// unpacker reads what pack wrote, from the front.
type unpacker struct{ rest []byte }

func (r *unpacker) count() uint64 {
	n, used := binary.Uvarint(r.rest)
	r.rest = r.rest[used:]
	return n
}

func (r *unpacker) number() int64 {
	n, used := binary.Varint(r.rest)
	r.rest = r.rest[used:]
	return n
}

func (r *unpacker) bytes(n uint64) (b []byte) {
	b, r.rest = r.rest[:n:n], r.rest[n:]
	return b
}

func (r *unpacker) text() string { return string(r.bytes(r.count())) }

func (r *unpacker) address() (a netip.AddrPort) {
	_ = a.UnmarshalBinary(r.bytes(r.count())) // an empty one stays invalid
	return a
}
