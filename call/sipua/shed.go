package sipua

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"github.com/emiago/sipgo/sip"
	"golang.org/x/sys/unix"

	"tierline/call/gate"
)

// shed refuses new work that the node can't do in time. What is going on comes
// by other ways and is never asked about. OPTIONS and phones that nobody knows
// yet go first, callers as far as the gate says; who takes the place of a
// running leg is no new call.
func (u *UA) shed(req *sip.Request, o origin) bool {
	var admitted bool
	switch string(req.Method) {
	case string(sip.INVITE):
		admitted = value(req, "Replaces") != "" || u.gate.Admit()
	case string(sip.REGISTER):
		admitted = !u.gate.Limited() || u.handler.Known(o.from, string(sip.OPTIONS), userOf(&req.From().Address))
	default:
		admitted = !u.gate.Limited()
	}
	if admitted {
		return false
	}
	u.counters.drop(dropOverload)
	res := u.response(req, sip.StatusServiceUnavailable, "Overload", u.calmTag(req))
	for _, h := range overloaded() {
		res.AppendHeader(h)
	}
	u.settle(req, o, res) // the same for a repetition, which may find the gate open
	return true
}

// The kernel notes when a datagram came (SO_TIMESTAMPNS): how long it waited
// for its reader is the first sign that there is too much.
const stampSize = 32 // a header of control data and a timespec, on 64-bit Linux

// stamp asks for these notes; a socket without them is only not measured.
func stamp(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
}

// stale is how old a request may be that begins something: by then it has been
// sent again, and what comes after it is younger.
const stale = 500 * time.Millisecond

// outdated tells whether the datagram that was read last is not worth a look: it
// begins something, waited too long, and will be there again. Bytes are cheap
// to look at; so a queue of such requests is short, however many there are.
func (e *endpoint) outdated(b []byte) bool {
	if e.waited < stale || !e.ua.gate.Running() {
		return false
	}
	method, _, _ := bytes.Cut(b[:min(len(b), shortest)], []byte(" "))
	switch string(method) {
	case string(sip.REGISTER), string(sip.OPTIONS):
		return true
	case string(sip.INVITE):
		return !inDialog(b)
	}
	return false
}

// inDialog tells whether To has a tag, as far as that can be seen from afar.
func inDialog(b []byte) bool {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch name = bytes.TrimSpace(name); {
		case len(name) == 0:
			return false // the end of the headers
		case len(name) == 1 && name[0]|0x20 == 't', len(name) == 2 && bytes.EqualFold(name, []byte("to")):
			return bytes.Contains(bytes.ToLower(value), []byte(";tag"))
		}
	}
	return false
}

// readStamped reads a datagram and tells the gate how long it waited.
func (e *endpoint) readStamped(buf []byte) (int, netip.AddrPort, error) {
	e.waited = 0
	n, k, _, from, err := e.fast.ReadMsgUDPAddrPort(buf, e.notes[:])
	if err == nil {
		if waited, ok := age(e.notes[:k], time.Now()); ok {
			e.ua.gate.Told(gate.Arrival, waited)
			e.waited = waited
		}
	}
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

// age reads control data. The clock may have been set meanwhile: nothing waits
// for less than nothing.
func age(b []byte, now time.Time) (time.Duration, bool) {
	if len(b) < stampSize || binary.NativeEndian.Uint32(b[8:]) != unix.SOL_SOCKET ||
		binary.NativeEndian.Uint32(b[12:]) != unix.SO_TIMESTAMPNS {
		return 0, false
	}
	at := time.Unix(int64(binary.NativeEndian.Uint64(b[16:])), int64(binary.NativeEndian.Uint64(b[24:])))
	return max(0, now.Sub(at)), true
}
