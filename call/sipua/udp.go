package sipua

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// endpoint is a socket we serve, with the name peers know it by.
type endpoint struct {
	ua      *UA
	network string
	local   netip.AddrPort
	host    string // in Via and Contact
	contact string
	pc      net.PacketConn // UDP
	fast    *net.UDPConn   // the same, if it is one
	notes   [64]byte       // of the kernel about the last datagram
	waited  time.Duration  // of the last datagram
	ln      net.Listener   // streams
	tls     *tls.Config    // put over them, of TLS and WSS
	adopted bool           // another one's, in whose place we serve
}

// outward is an endpoint for connections that we make, at the address of e:
// nobody can connect to it, so its peers are told to use the connection that is
// there (RFC 5626 §5.4).
func (e *endpoint) outward(network string) *endpoint {
	o := &endpoint{ua: e.ua, network: network, local: netip.AddrPortFrom(e.local.Addr(), 0), host: e.host}
	host := e.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	o.contact = "sip:tierline@" + host + ";transport=" + network + ";ob"
	return o
}

// origin is where a message came from.
type origin struct {
	ep   *endpoint
	conn *conn
	from netip.AddrPort
	raw  []byte // the message as it came, while it is being handled; nil: it came in a stream
}

const readBuffer = 4 << 20

func (e *endpoint) prepare() {
	e.contact = "sip:tierline@" + e.hostport()
	if e.network != UDP {
		e.contact += ";transport=" + uriParam(e.network)
	}
	if c, ok := e.pc.(*net.UDPConn); ok {
		e.fast = c
		_ = c.SetReadBuffer(readBuffer) // a burst; the kernel may allow less
		stamp(c)
	}
}

// hostport is what Via and Contact say.
func (e *endpoint) hostport() string {
	return net.JoinHostPort(e.host, strconv.Itoa(int(e.local.Port())))
}

// contactFor is our Contact for a peer that uses a scheme: sips stays sips
// (RFC 3261 §12.1.1).
func (e *endpoint) contactFor(scheme string) string {
	if scheme == "sips" {
		return strings.Replace(e.contact, "sip:", "sips:", 1)
	}
	return e.contact
}

func (e *endpoint) close() {
	if e.pc != nil {
		_ = e.pc.Close() // nothing is buffered
	}
	if e.ln != nil {
		_ = e.ln.Close()
	}
}

// via returns the Via of a request of ours.
func (e *endpoint) via(branch string) *sip.ViaHeader {
	return &sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(e.network),
		Host: e.host, Port: int(e.local.Port()),
		Params: sip.HeaderParams{{K: "branch", V: branch}, {K: "rport"}},
	}
}

const pause = 5 * time.Millisecond // after a failed read

// serve reads datagrams until the socket is closed. One reader per socket
// keeps messages in order.
func (e *endpoint) serve() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := e.read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			e.ua.log.Warn("read from SIP socket", "err", err)
			time.Sleep(pause)
			continue
		}
		if e.outdated(buf[:n]) {
			e.ua.counters.drop(dropOverload)
			continue
		}
		e.ua.guarded("datagram", func() { e.datagram(buf[:n], origin{ep: e, from: from}) })
	}
}

func (e *endpoint) read(buf []byte) (int, netip.AddrPort, error) {
	if e.fast != nil {
		return e.readStamped(buf)
	}
	n, addr, err := e.pc.ReadFrom(buf)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	u, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, netip.AddrPort{}, ErrTransport
	}
	from := u.AddrPort()
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), nil
}

func (e *endpoint) writeTo(b []byte, dst netip.AddrPort) (err error) {
	if e.fast != nil {
		_, err = e.fast.WriteToUDPAddrPort(b, dst)
		return err
	}
	_, err = e.pc.WriteTo(b, net.UDPAddrFromAddrPort(dst))
	return err
}

// datagram takes what came in one piece: by UDP, or in a WebSocket.
func (e *endpoint) datagram(b []byte, o origin) {
	ping := string(b) == doubleCRLF
	b = bytes.TrimLeft(b, "\r\n")
	if len(b) == 0 {
		if ping && o.conn != nil {
			o.conn.pong()
		}
		return // keep-alive
	}
	if !e.ua.looksLikeSIP(b) {
		e.ua.counters.drop(dropNotSIP)
		return
	}
	m, err := e.ua.parser.ParseSIP(b)
	if err != nil {
		e.ua.counters.drop(dropBroken)
		e.ua.broken(m, b, o, err)
		return
	}
	if o.conn != nil {
		o.conn.proved.Store(true)
	}
	o.raw = b
	e.ua.receive(m, o)
}

const (
	shortest  = 32   // no SIP message is shorter
	longStart = 4096 // a start line longer than this is nobody's
)

// looksLikeSIP is the filter before the parser: STUN, RTP, scans with other
// protocols and responses to requests we never sent go no further.
func (u *UA) looksLikeSIP(b []byte) bool {
	if len(b) < shortest {
		return false
	}
	end := bytes.IndexByte(b[:min(len(b), longStart)], '\r')
	if end < 0 {
		return false
	}
	line := b[:end]
	if bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		return bytes.Contains(b, []byte(u.cookie)) || bytes.Contains(b, []byte(ghostCookie))
	}
	i := bytes.LastIndexByte(line, ' ')
	return b[0] > ' ' && b[0] < 0x7f && i > 0 && len(line) > i+4 && bytes.EqualFold(line[i+1:i+5], []byte("SIP/"))
}
