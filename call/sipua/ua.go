package sipua

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"tierline/call/gate"
	"tierline/call/resolve"
)

// Listen is a socket to open.
type Listen struct {
	Transport string // UDP, TCP, TLS, WS or WSS
	Addr      string // host:port; port 0 chooses one
}

// Listener is a socket for streams that was opened elsewhere.
type Listener struct {
	net.Listener
	Transport string // TCP if empty
}

// Config is what a UA is made of.
type Config struct {
	UserAgent      string
	Listen         []Listen
	PacketConns    []net.PacketConn  // sockets opened elsewhere, UDP
	Listeners      []Listener        // the same for streams; TLS is put over them here
	Advertise      string            // host in Contact and Via; default: the address listened on
	ConnsPerSource int               // streams one address may hold; default 64
	Conns          int               // and all together; default 4096
	Resolver       *resolve.Resolver // finds the hosts of URIs; nil: one that asks the machine's DNS servers
	Gate           *gate.Gate        // says when new work is too much; nil: never
	Logger         *slog.Logger
	Handler        Handler
	Shared         bool     // others adopt our sockets while we may still hold them, and we theirs
	Roaming        bool     // a phone's: its switch may go on with a call from another address
	Origins        []string // web pages that may open a WebSocket; "*": all; none: those of the host they connect to

	adopted bool // the sockets are another one's; see UA.Adopt

	// Socket opens what Listen names of UDP; nil: the kernel does.
	Socket func(addr string) (net.PacketConn, error)

	// Borrow finds connections of phones that other nodes of ours have; nil: there
	// are no others.
	Borrow Borrow

	// May is asked before each message whether anything may leave; nil: always.
	// While it may not, messages are lost as on a bad network, but for refusals of
	// new calls with 503.
	May func() bool

	// Watch sees the messages of those we know; nil: nobody watches.
	Watch func(Sighting)

	// ServerTLS is what TLS and WSS are served with. ClientTLS is asked for each
	// TLS connection that we make: it names whom to trust and who we are, and the
	// domain that the peer has to prove, if it is another than the one called;
	// nil stands for the certificates of the system, and for no TLS at all
	// unless it is served. Names are checked here.
	ServerTLS *tls.Config
	ClientTLS func(called string) (c *tls.Config, domain string)
}

// Errors callers test for.
var (
	ErrOver      = errors.New("sipua: the leg is over")
	ErrReplied   = errors.New("sipua: already answered")
	ErrTransport = errors.New("sipua: no such transport")
	ErrInput     = errors.New("sipua: unusable value")
)

// UA is a SIP user agent.
type UA struct {
	log       *slog.Logger
	quiet     *slog.Logger // for sipgo, which logs what strangers send as errors
	verbose   bool         // debugging
	handler   Handler
	gate      *gate.Gate
	watch     func(Sighting)
	borrow    Borrow
	may       func() bool // nil: always
	userAgent string
	cookie    string
	secret    [32]byte
	parser    *sip.Parser
	sockets   sockets
	shared    bool
	roaming   bool
	config    Config // what more sockets are opened with
	streams   *connections
	clientTLS func(called string) (c *tls.Config, domain string)
	outward   map[string]*endpoint // by transport: what we call over where we don't serve it
	origins   []string
	table     *table
	resolver  *resolve.Resolver
	strangers *meter // challenges by UDP
	counters  counters
	bufs      sync.Pool
	registers chan struct{}                                             // a slot for each REGISTER in work
	limited   func(time.Duration) (context.Context, context.CancelFunc) // ends with the UA
	stop      context.CancelFunc
	wg        sync.WaitGroup
}

const (
	registersAtOnce  = 256
	registerPatience = 5 * time.Second
)

// Open opens the sockets and starts to serve.
func Open(c Config) (*UA, error) {
	if c.Handler == nil || c.Logger == nil {
		return nil, fmt.Errorf("open user agent: handler and logger: %w", ErrInput)
	}
	u := newUA(c)
	added, err := u.listen(c)
	if err != nil {
		u.Close()
		return nil, err
	}
	u.reach(added[0])
	u.serve(u.endpoints())
	return u, nil
}

func newUA(c Config) *UA {
	if c.Gate == nil {
		c.Gate = gate.New(c.Logger)
	}
	u := &UA{
		gate: c.Gate, log: c.Logger, quiet: slog.New(slog.DiscardHandler), handler: c.Handler, userAgent: c.UserAgent,
		parser: newParser(), registers: make(chan struct{}, registersAtOnce),
		origins: c.Origins, shared: c.Shared, roaming: c.Roaming, watch: c.Watch, borrow: c.Borrow,
		may:    c.May,
		config: Config{ServerTLS: c.ServerTLS, Socket: c.Socket},
	}
	if c.Logger.Enabled(context.Background(), slog.LevelDebug) {
		u.quiet, u.verbose = c.Logger, true
	}
	u.table, u.strangers = newTable(), newMeter()
	if u.resolver = c.Resolver; u.resolver == nil {
		u.resolver = resolve.New(resolve.Config{})
	}
	u.streams, u.clientTLS = newConnections(u, c.ConnsPerSource, c.Conns), c.ClientTLS
	u.bufs.New = func() any { return new(bytes.Buffer) }
	var start [4]byte
	_, _ = rand.Read(start[:]) // documented never to fail
	_, _ = rand.Read(u.secret[:])
	u.cookie = cookie + hex.EncodeToString(start[:]) + "."
	base, stop := context.WithCancel(context.Background())
	u.stop = stop
	u.limited = func(d time.Duration) (context.Context, context.CancelFunc) { return context.WithTimeout(base, d) }
	return u
}

// listen opens sockets and returns them; they aren't served yet.
func (u *UA) listen(c Config) ([]*endpoint, error) {
	lc := net.ListenConfig{Control: u.share}
	for _, l := range c.Listen {
		transport := strings.ToLower(l.Transport)
		switch transport {
		case UDP:
			pc, err := c.socket(lc, l.Addr)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("listen for SIP on udp %s: %w", l.Addr, err), c.abandon())
			}
			c.PacketConns = append(c.PacketConns, pc)
		case TCP, TLS, WS, WSS:
			ln, err := lc.Listen(context.Background(), "tcp", l.Addr)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("listen for SIP on %s %s: %w", transport, l.Addr, err), c.abandon())
			}
			c.Listeners = append(c.Listeners, Listener{ln, transport})
		default:
			return nil, errors.Join(fmt.Errorf("listen for SIP on %s: %w", l.Transport, ErrTransport), c.abandon())
		}
	}
	var errs []error
	before := len(u.endpoints())
	for _, pc := range c.PacketConns {
		errs = append(errs, u.add(&endpoint{network: UDP, pc: pc, adopted: c.adopted}, pc.LocalAddr(), c.Advertise))
	}
	for _, ln := range c.Listeners {
		errs = append(errs, u.addStreams(ln, c))
	}
	added := u.endpoints()[before:]
	if len(added) == 0 {
		errs = append(errs, fmt.Errorf("listen for SIP: no socket: %w", ErrInput))
	}
	if err := errors.Join(errs...); err != nil {
		return added, err
	}
	return added, nil
}

// reach makes the endpoints for connections that we make, at the address of the
// first that is served.
func (u *UA) reach(first *endpoint) {
	u.outward = map[string]*endpoint{TCP: first.outward(TCP)}
	if u.clientTLS != nil {
		u.outward[TLS] = first.outward(TLS)
	}
}

func (c *Config) socket(lc net.ListenConfig, addr string) (net.PacketConn, error) {
	if c.Socket != nil {
		return c.Socket(addr)
	}
	return lc.ListenPacket(context.Background(), "udp", addr)
}

// addStreams puts TLS over a listener whose transport needs it.
func (u *UA) addStreams(l Listener, c Config) error {
	ep := &endpoint{network: TCP, ln: l.Listener, adopted: c.adopted}
	if l.Transport != "" {
		ep.network = l.Transport
	}
	if secure(ep.network) {
		if c.ServerTLS == nil {
			_ = l.Close() // nobody knows it
			return fmt.Errorf("listen for SIP on %s %s: no certificate: %w", ep.network, l.Addr(), ErrInput)
		}
		ep.tls = serving(c.ServerTLS, ep.network)
	}
	return u.add(ep, l.Addr(), c.Advertise)
}

func (u *UA) add(ep *endpoint, at net.Addr, advertise string) error {
	ep.ua = u
	u.sockets.add(ep)
	local, err := netip.ParseAddrPort(at.String())
	if err != nil {
		return fmt.Errorf("listen for SIP: %w", err)
	}
	ep.local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	ep.host = strings.Trim(advertise, "[]")
	if ep.host == "" {
		ep.host = ep.local.Addr().String()
		if ep.local.Addr().IsUnspecified() {
			return fmt.Errorf("listen for SIP on %s: say which host peers shall see (advertise): %w", at, ErrInput)
		}
	}
	if !plain(ep.host) || strings.ContainsAny(ep.host, " <>\"@;") {
		return fmt.Errorf("advertise %q: %w", ep.host, ErrInput)
	}
	ep.prepare()
	return nil
}

// Close stops serving. Calls are left as they are: another process may go on
// with them.
func (u *UA) Close() {
	u.stop()
	for _, ep := range u.endpoints() {
		ep.close()
	}
	u.streams.close()
	u.table.close()
	u.wg.Wait()
}

// Addr returns the first address listened on with a transport.
func (u *UA) Addr(transport string) netip.AddrPort {
	if ep := u.endpoint(transport); ep != nil && ep != u.outward[ep.network] {
		return ep.local
	}
	return netip.AddrPort{}
}

// endpoint returns the first endpoint of a transport, or nil. Ours come before
// those that were adopted.
func (u *UA) endpoint(transport string) *endpoint {
	transport = strings.ToLower(transport)
	for _, ep := range u.endpoints() {
		if ep.network == transport {
			return ep
		}
	}
	return u.outward[transport]
}

// guarded runs f and survives its panic. It reports whether f returned.
func (u *UA) guarded(what string, f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			u.fault(what, p)
			ok = false
		}
	}()
	f()
	return true
}
