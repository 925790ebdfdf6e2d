package sipua

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Dialog is everything another process needs to go on with a leg: it is
// written to the log, so it holds no pointers, and no secrets but that of its sound.
//
//nolint:recvcheck // decoding needs a pointer; a value just got from a leg must be encodable
type Dialog struct {
	CallID     string
	LocalTag   string
	RemoteTag  string
	LocalURI   string // From or To of ours, without tag
	RemoteURI  string
	Target     string         // the peer's Contact
	Routes     []string       // route set, the nearest first
	LocalCSeq  uint32         // of the last request we sent
	RemoteCSeq uint32         // of the last request the peer sent; 0 = none yet
	Caller     bool           // we sent the INVITE, so the Call-ID is ours
	Transport  string         // UDP, TCP …
	Contact    string         // our Contact
	Peer       netip.AddrPort // where the INVITE came from or went to
	Flow       netip.AddrPort // if valid and without a route set, requests go here, whatever Target says
	ServerName string         // over TLS: what the peer proved to be when we called; empty: it came to us
	LocalSDP   []byte
	RemoteSDP  []byte
	Session    Session // its timer
	Updates    bool    // the peer takes UPDATE
	Invite     []byte  // without a final answer yet: what that, or a CANCEL, needs of it
	Secret     []byte  // what our keys for its sound are made of; who opened it knows
}

// ErrDialog tells that bytes are no encoded dialog.
var ErrDialog = errors.New("sipua: not an encoded dialog")

// The encoding: a version, then the fields in order, strings and lists with
// their length in front. Limits keep a damaged length from costing memory.
const (
	dialogVersion = 4 // 1 knew no ServerName, 2 no session timer, 3 neither Invite nor Secret
	maxField      = 1 << 16
	maxRoutes     = 64
)

// MarshalBinary implements encoding.BinaryMarshaler.
func (d Dialog) MarshalBinary() ([]byte, error) {
	if len(d.Routes) > maxRoutes {
		return nil, fmt.Errorf("encode dialog: %d routes", len(d.Routes))
	}
	b := make([]byte, 0, 512+len(d.LocalSDP)+len(d.RemoteSDP))
	b = append(b, dialogVersion)
	var long int
	text := func(s string) {
		long = max(long, len(s))
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, s := range []string{
		d.CallID, d.LocalTag, d.RemoteTag, d.LocalURI, d.RemoteURI, d.Target, d.Transport, d.Contact,
		addrText(d.Peer), addrText(d.Flow), string(d.LocalSDP), string(d.RemoteSDP),
	} {
		text(s)
	}
	b = binary.AppendUvarint(b, uint64(d.LocalCSeq))
	b = binary.AppendUvarint(b, uint64(d.RemoteCSeq))
	b = appendFlag(b, d.Caller)
	b = binary.AppendUvarint(b, uint64(len(d.Routes)))
	for _, r := range d.Routes {
		text(r)
	}
	text(d.ServerName)
	b = appendSession(b, d.Session)
	b = appendFlag(b, d.Updates)
	text(string(d.Invite))
	text(string(d.Secret))
	if long > maxField {
		return nil, fmt.Errorf("encode dialog: a field of %d bytes", long)
	}
	return b, nil
}

func appendFlag(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendSession(b []byte, s Session) []byte {
	for _, n := range []uint32{s.Want, s.Min, s.Interval} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return appendFlag(b, s.Ours)
}

func addrText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (d *Dialog) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] < 1 || b[0] > dialogVersion {
		return fmt.Errorf("%w: unknown version", ErrDialog)
	}
	r := reader{b: b[1:]}
	var peer, flow, local, remote string
	var out Dialog
	for _, s := range []*string{
		&out.CallID, &out.LocalTag, &out.RemoteTag, &out.LocalURI, &out.RemoteURI, &out.Target, &out.Transport,
		&out.Contact, &peer, &flow, &local, &remote,
	} {
		*s = r.text()
	}
	out.LocalCSeq, out.RemoteCSeq = r.number(), r.number()
	out.Caller = r.flag()
	n := r.number()
	if n > maxRoutes {
		r.bad = true
	}
	for range n {
		if r.bad {
			break
		}
		out.Routes = append(out.Routes, r.text())
	}
	if b[0] > 1 {
		out.ServerName = r.text()
	}
	if b[0] > 2 {
		out.Session, out.Updates = r.session(), r.flag()
	}
	if b[0] > 3 {
		out.Invite, out.Secret = r.bytes(), r.bytes()
	}
	out.Peer, out.Flow = r.addr(peer), r.addr(flow)
	out.LocalSDP, out.RemoteSDP = optional(local), optional(remote)
	if r.bad || len(r.b) != 0 {
		return ErrDialog
	}
	*d = out
	return nil
}

// reader takes fields off the front of b; after the first bad one it returns
// zero values.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	n, k := binary.Uvarint(r.b)
	if r.bad || k <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[k:]
	return n
}

func (r *reader) number() uint32 {
	n := r.uvarint()
	if n > 1<<32-1 {
		r.bad = true
		return 0
	}
	return uint32(n)
}

func (r *reader) text() string {
	n := r.uvarint()
	if r.bad || n > maxField || n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) bytes() []byte { return optional(r.text()) }

func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func (r *reader) flag() bool {
	if r.bad || len(r.b) == 0 || r.b[0] > 1 {
		r.bad = true
		return false
	}
	v := r.b[0] == 1
	r.b = r.b[1:]
	return v
}

func (r *reader) session() (s Session) {
	for _, n := range []*uint32{&s.Want, &s.Min, &s.Interval} {
		*n = min(r.number(), longInterval)
	}
	s.Ours = r.flag()
	return s
}

func (r *reader) addr(s string) netip.AddrPort {
	if s == "" {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		r.bad = true
	}
	return a
}

// clone returns a copy that shares nothing that changes.
func (d *Dialog) clone() Dialog {
	c := *d
	c.Routes = slices.Clone(d.Routes)
	c.LocalSDP = slices.Clone(d.LocalSDP)
	c.RemoteSDP = slices.Clone(d.RemoteSDP)
	c.Invite = slices.Clone(d.Invite)
	c.Secret = slices.Clone(d.Secret)
	return c
}
