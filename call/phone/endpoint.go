package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/diago"
	"github.com/emiago/diago/media"
	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// Config describes one user agent.
type Config struct {
	User      string // user part of From and Contact
	Password  string // for digest; empty: challenges are not answered
	Domain    string // host part of From; empty: the listening address
	Listen    string // "127.0.0.1:0" when empty; a port of 0 lets the kernel choose
	Transport string // "udp" (default) or "tcp"
	Logger    *slog.Logger
}

// Endpoint is one SIP user agent.
type Endpoint struct {
	cfg    Config
	log    *slog.Logger
	ua     *sipgo.UserAgent
	dg     *diago.Diago
	socket io.Closer
	addr   netip.AddrPort
	ready  chan struct{}      // closed when the socket is being read
	served chan struct{}      // closed when it no longer is
	cancel context.CancelFunc // ends the registration
	kept   sync.WaitGroup     // the registration's goroutine

	handlers sync.WaitGroup // requests being handled

	mu      sync.Mutex
	closed  bool
	answer  func(*Ringing) // nil: busy
	binding *diago.RegisterTransaction
}

// Open binds the endpoint's socket and starts to serve it.
func Open(ctx context.Context, c Config) (*Endpoint, error) {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Transport == "" {
		c.Transport = "udp"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Endpoint{cfg: c, log: c.Logger.With("phone", c.User), served: make(chan struct{}), ready: make(chan struct{})}
	serve, err := e.bind(ctx)
	if err != nil {
		return nil, err
	}
	if err = e.build(); err != nil {
		return nil, errors.Join(err, e.socket.Close())
	}
	srv, err := sipgo.NewServer(e.ua, sipgo.WithServerLogger(e.log))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make SIP server: %w", err), e.socket.Close())
	}
	e.dg = e.diago(srv)
	go func() {
		defer close(e.served)
		if err := serve(srv); err != nil && !errors.Is(err, net.ErrClosed) {
			e.log.Warn("phone stopped listening", "err", err)
		}
	}()
	<-e.ready
	return e, nil
}

// bind opens the socket and returns what serves it. The sockets are ours and
// not diago's, because its ephemeral ports are known only after a race.
func (e *Endpoint) bind(ctx context.Context) (func(*sipgo.Server) error, error) {
	var lc net.ListenConfig
	if e.cfg.Transport == "tcp" {
		l, err := lc.Listen(ctx, "tcp", e.cfg.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen for SIP: %w", err)
		}
		e.socket, e.addr = l, netip.MustParseAddrPort(l.Addr().String())
		waiting := &readyListener{Listener: l, ready: sync.OnceFunc(func() { close(e.ready) })}
		return func(s *sipgo.Server) error { return s.ServeTCP(waiting) }, nil
	}
	p, err := lc.ListenPacket(ctx, "udp", e.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for SIP: %w", err)
	}
	e.socket, e.addr = p, netip.MustParseAddrPort(p.LocalAddr().String())
	waiting := &readyConn{PacketConn: p, ready: sync.OnceFunc(func() { close(e.ready) })}
	return func(s *sipgo.Server) error { return s.ServeUDP(waiting) }, nil
}

// readyConn tells when sipgo begins to read: only then does it know the socket
// as its own and sends from it.
type readyConn struct {
	net.PacketConn
	ready func()
}

// ReadFrom implements net.PacketConn.
func (c *readyConn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.ready()
	return c.PacketConn.ReadFrom(b)
}

// readyListener is readyConn for TCP.
type readyListener struct {
	net.Listener
	ready func()
}

// Accept implements net.Listener.
func (l *readyListener) Accept() (net.Conn, error) {
	l.ready()
	return l.Listener.Accept()
}

func (e *Endpoint) build() error {
	domain := e.cfg.Domain
	if domain == "" {
		domain = e.addr.Addr().String()
	}
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgent(e.cfg.User), // diago makes it the user of the Contact
		sipgo.WithUserAgentHostname(domain),
		sipgo.WithUserAgentTransportLayerOptions(
			sip.WithTransportLayerLogger(e.log), sip.WithTransportLayerReadFilter(e.filter),
		),
		sipgo.WithUserAgentTransactionLayerOptions(
			sip.WithTransactionLayerLogger(e.log),
			sip.WithTransactionLayerUnhandledResponseHandler(func(r *sip.Response) {
				// Mostly a 100 that was overtaken by the final answer.
				e.log.Debug("stray response", "status", r.StatusCode)
			}),
		),
	)
	if err != nil {
		return fmt.Errorf("make user agent: %w", err)
	}
	e.ua = ua
	return nil
}

func (e *Endpoint) diago(srv *sipgo.Server) *diago.Diago {
	dg := diago.NewDiago(e.ua,
		diago.WithLogger(e.log),
		diago.WithServer(srv),
		diago.WithServerRequestMiddleware(e.guard),
		diago.WithMediaConfig(diago.MediaConfig{Codecs: codecs()}),
		diago.WithTransport(diago.Transport{
			Transport: e.cfg.Transport, BindHost: e.addr.Addr().String(), BindPort: int(e.addr.Port()),
		}),
	)
	dg.HandleFunc(e.incoming)
	return dg
}

func codecs() []media.Codec {
	return []media.Codec{media.CodecAudioAlaw, media.CodecAudioUlaw, media.CodecTelephoneEvent8000}
}

// Addr is where the endpoint listens.
func (e *Endpoint) Addr() netip.AddrPort { return e.addr }

// Close takes the registration back and closes the socket. Calls must have
// ended before: it waits for their handlers.
func (e *Endpoint) Close(ctx context.Context) error {
	err := e.unregister(ctx)
	// Whoever sends while the user agent closes makes sipgo open a new socket
	// that nobody would ever close. So nothing more is read, handlers are waited
	// for, and what was read just before, each in a goroutine of sipgo's own
	// that nobody can wait for, gets a moment.
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.handlers.Wait()
	time.Sleep(settle)
	err = errors.Join(err, e.ua.Close())
	if cerr := e.socket.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	<-e.served
	return err
}

// settle is the moment that messages read before the end get.
const settle = 20 * time.Millisecond

// filter lets nothing through once the endpoint is closing.
func (e *Endpoint) filter(_ sip.TransportReadProps, data []byte) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil
	}
	return data, nil
}

// begin counts a handler, unless the endpoint is closing.
func (e *Endpoint) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.handlers.Add(1)
	}
	return !e.closed
}

// guard keeps malformed requests from diago's handlers, which assume headers
// that need not be there, and catches what they panic on all the same.
func (e *Endpoint) guard(next sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		if !e.begin() {
			return
		}
		defer e.handlers.Done()
		defer func() {
			if r := recover(); r != nil {
				e.log.Error("phone handler panicked", "method", req.Method.String(), "panic", r)
			}
		}()
		needsType := req.Method == sip.INFO || req.Method == sip.NOTIFY
		if req.From() == nil || req.To() == nil || req.CallID() == nil || req.CSeq() == nil ||
			needsType && req.ContentType() == nil {
			e.log.Warn("malformed request", "method", req.Method.String())
			return
		}
		next(req, tx)
	}
}
