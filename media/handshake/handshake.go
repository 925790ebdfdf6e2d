package handshake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v4/packetio"

	"tierline/media/keying"
	"tierline/media/srtp"
)

// Options say with whom and how to agree.
type Options struct {
	Client      bool          // we begin
	Peer        []Fingerprint // its certificate has one of them
	Certificate *Certificate
	Send        func(datagram []byte)          // must not block
	Done        func(send, receive keying.Key) // the keys; not called after Close
	Failed      func(err error)                // not called after Close
}

// Equal tells whether a handshake with these options is the same one.
func (o *Options) Equal(client bool, peer []Fingerprint) bool {
	return o.Client == client && slices.EqualFunc(o.Peer, peer, func(a, b Fingerprint) bool {
		return a.Hash == b.Hash && slices.Equal(a.Sum, b.Sum)
	})
}

const (
	limit    = 10 * time.Second // for the whole of it
	interval = 200 * time.Millisecond
	queue    = 16 << 10 // bytes of datagrams that wait
)

// errStranger says that the peer has another certificate than its SDP said.
var errStranger = errors.New("the peer's certificate is not that of its SDP")

// Is tells DTLS from what else comes on a port (RFC 7983).
func Is(b []byte) bool { return len(b) > 0 && b[0] >= 20 && b[0] <= 63 }

// Handshake is a handshake under way or done. It must be closed.
type Handshake struct {
	options Options
	in      *packetio.Buffer
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu     sync.Mutex // guards closed, and is held while a result is told
	closed bool
}

// Begin starts a handshake.
func Begin(o Options) *Handshake {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	h := &Handshake{options: o, in: packetio.NewBuffer(), cancel: cancel}
	h.in.SetLimitSize(queue)
	h.done.Go(func() { h.run(ctx) })
	return h
}

// Is tells whether it is the handshake that the SDP asks for.
func (h *Handshake) Is(client bool, peer []Fingerprint) bool { return h.options.Equal(client, peer) }

// Packet hands in a datagram; what finds no room is lost, as on any network.
func (h *Handshake) Packet(b []byte) { _, _ = h.in.Write(b) }

// Close ends it. It does not wait: nothing is told any more, and its goroutines
// end soon.
func (h *Handshake) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	_ = h.in.Close()
}

// tell passes a result on unless nobody wants it any more.
func (h *Handshake) tell(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		what()
	}
}

func (h *Handshake) run(ctx context.Context) {
	defer h.cancel()
	defer func() {
		if v := recover(); v != nil {
			h.tell(func() { h.options.Failed(fmt.Errorf("DTLS fault: %v\n%s", v, debug.Stack())) })
		}
	}()
	c, err := h.agree(ctx)
	if err != nil {
		h.tell(func() { h.options.Failed(err) })
		return
	}
	// The last flight may have to be sent again, and the peer may say goodbye:
	// the connection lives as long as the leg. Nothing but that is read.
	b := make([]byte, srtp.MaxSize)
	for {
		if _, err := c.Read(b); err != nil {
			_ = c.Close()
			return
		}
	}
}

// agree shakes hands and tells the keys.
func (h *Handshake) agree(ctx context.Context) (*dtls.Conn, error) {
	p := &port{Handshake: h}
	var c *dtls.Conn
	var err error
	if h.options.Client {
		c, err = dtls.ClientWithOptions(p, p.LocalAddr(), clientOptions(h)...)
	} else {
		c, err = dtls.ServerWithOptions(p, p.LocalAddr(), serverOptions(h)...)
	}
	if err != nil {
		return nil, fmt.Errorf("begin DTLS: %w", err)
	}
	if err = c.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("DTLS handshake: %w", err), ignore(c.Close()))
	}
	send, receive, err := keys(c, h.options.Client)
	if err != nil {
		return nil, errors.Join(err, ignore(c.Close()))
	}
	h.tell(func() { h.options.Done(send, receive) })
	return c, nil
}

// ignore is for errors that add nothing to the one there is.
func ignore(error) error { return nil }

// verify holds the peer's certificate against its SDP.
func (h *Handshake) verify(state *dtls.State) error {
	if len(state.PeerCertificates) > 0 {
		for _, f := range h.options.Peer {
			if f.of(state.PeerCertificates[0]) {
				return nil
			}
		}
	}
	return errStranger
}

// common is what both roles need. Chains are not verified: the SDP names the
// certificate itself.
func common(h *Handshake) []dtls.Option {
	return []dtls.Option{
		dtls.WithCertificates(h.options.Certificate.tls),
		dtls.WithSRTPProtectionProfiles(
			dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true),
		dtls.WithVerifyConnection(h.verify),
		dtls.WithFlightInterval(interval),
	}
}

func clientOptions(h *Handshake) (out []dtls.ClientOption) {
	for _, o := range common(h) {
		out = append(out, o)
	}
	return out
}

func serverOptions(h *Handshake) (out []dtls.ServerOption) {
	for _, o := range common(h) {
		out = append(out, o)
	}
	return append(out, dtls.WithClientAuth(dtls.RequireAnyClientCert))
}

// keys takes the keys of both directions out of a finished handshake.
func keys(c *dtls.Conn, client bool) (send, receive keying.Key, err error) {
	chosen, ok := c.SelectedSRTPProtectionProfile()
	if !ok {
		return send, receive, errors.New("DTLS without use_srtp")
	}
	suite := suiteOf(chosen)
	size, salt := suite.Sizes()
	state, ok := c.ConnectionState()
	if !ok {
		return send, receive, errors.New("DTLS without a state")
	}
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(size+salt))
	if err != nil {
		return send, receive, fmt.Errorf("take keys out of DTLS: %w", err)
	}
	// RFC 5764 §4.2: the client's key, the server's, the client's salt, the server's.
	of := func(i int) keying.Key {
		master := slices.Concat(b[i*size:(i+1)*size], b[2*size+i*salt:2*size+(i+1)*salt])
		return keying.Key{Suite: suite, Master: master}
	}
	if client {
		return of(0), of(1), nil
	}
	return of(1), of(0), nil
}

// suiteOf is a suite by the name that DTLS has for it.
func suiteOf(p dtls.SRTPProtectionProfile) keying.Suite {
	switch p { //nolint:exhaustive // the ones we offer
	case dtls.SRTP_AEAD_AES_128_GCM:
		return keying.AEADAES128GCM
	case dtls.SRTP_AEAD_AES_256_GCM:
		return keying.AEADAES256GCM
	default:
		return keying.AESCM128SHA80
	}
}

// port makes a leg's datagrams look like a connection.
type port struct{ *Handshake }

// ReadFrom implements net.PacketConn.
func (p *port) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.in.Read(b)
	return n, p.LocalAddr(), err
}

// WriteTo implements net.PacketConn.
func (p *port) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.options.Send(b)
	return len(b), nil
}

// Close implements net.PacketConn.
func (p *port) Close() error { return p.in.Close() }

// LocalAddr implements net.PacketConn.
func (p *port) LocalAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline implements net.PacketConn.
func (p *port) SetDeadline(t time.Time) error { return p.in.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *port) SetReadDeadline(t time.Time) error { return p.in.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn; sending never waits.
func (p *port) SetWriteDeadline(time.Time) error { return nil }
