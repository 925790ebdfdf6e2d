package media

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tierline/media/handshake"
)

// Config is what an engine needs.
type Config struct {
	IP         netip.Addr // the address of every socket
	PortMin    int        // even ports from here …
	PortMax    int        // … to here carry RTP, the odd ones after them RTCP
	Logger     *slog.Logger
	Workers    int           // 0 = one for every two processors
	Reserve    bool          // a processor of Go's scheduler for each worker, beside those that the program has
	Shared     bool          // others take over our ports while we may still hold them, and we theirs
	Quarantine time.Duration // how long a closed port rests, so that a late peer does not talk into a new call; 0 = 3 s
	Stall      time.Duration // after so long without a packet of the peer Stalled is told; 0 = never

	// May is asked before each batch of packets whether anything may leave at all;
	// nil: always. It must be quick. When it has said no for some seconds, sound goes
	// to those peers again who still send theirs here.
	May func() bool
}

const defaultQuarantine = 3 * time.Second

// Engine owns the RTP ports and workers of a node.
type Engine struct {
	ip     netip.Addr
	log    *slog.Logger
	shared bool
	keep   bool                 // workers have a processor each; see Config.Reserve
	clock  func() time.Duration // since the engine's start; never goes back
	cname  string
	stall  time.Duration // 0 = never
	may    func() bool   // nil = always
	hush   hush

	certificate *handshake.Certificate

	ports   *ports
	workers []*worker
	create  func(path string, channels int) (recording, error)
	turn    atomic.Uint32
	legs    atomic.Int64

	writers sync.WaitGroup // of recordings

	mu     sync.RWMutex // guards closed; read-held by Open and Record, so that Close comes after it
	closed bool
}

// NewEngine starts the workers.
func NewEngine(c Config) (*Engine, error) {
	if !c.IP.IsValid() || c.IP.IsUnspecified() {
		return nil, fmt.Errorf("start media: the RTP address must be one that peers can send to, not %q", c.IP)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Quarantine == 0 {
		c.Quarantine = defaultQuarantine
	}
	if c.Workers == 0 {
		c.Workers = (runtime.GOMAXPROCS(0) + 1) / 2
	}
	p, err := newPorts(c.PortMin, c.PortMax, c.Quarantine)
	if err != nil {
		return nil, fmt.Errorf("start media: %w", err)
	}
	certificate, err := handshake.NewCertificate()
	if err != nil {
		return nil, fmt.Errorf("start media: %w", err)
	}
	var name [8]byte
	if _, err := rand.Read(name[:]); err != nil {
		return nil, fmt.Errorf("start media: %w", err)
	}
	start := time.Now()
	e := &Engine{
		ip: c.IP.Unmap(), log: c.Logger, ports: p, shared: c.Shared, stall: c.Stall, may: c.May,
		keep:   c.Reserve,
		create: createRecording,
		clock:  func() time.Duration { return time.Since(start) }, certificate: certificate,
		cname: hex.EncodeToString(name[:]) + "@" + c.IP.String(),
	}
	for range c.Workers {
		w, err := newWorker(e)
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("start media: %w", err)
		}
		e.workers = append(e.workers, w)
		e.reserve(1)
		go w.run()
	}
	return e, nil
}

// Open reserves a pair of ports and returns a leg on it. Nothing is sent or
// accepted before Configure. Events go to on, which must not block.
func (e *Engine) Open(on func(Event)) (*Leg, error) { return e.OpenAt(netip.AddrPort{}, on) }

// OpenAt is Open at an address that may be another machine's, of which this one
// has taken over the calls, and at a given port. Without an address it is the
// engine's own, with port 0 any.
func (e *Engine) OpenAt(at netip.AddrPort, on func(Event)) (*Leg, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	ip := at.Addr().Unmap()
	if !ip.IsValid() {
		ip = e.ip
	}
	if port := int(at.Port()); port != 0 {
		pooled := ip == e.ip && e.ports.claim(port)
		return e.open(ip, port, pooled, on)
	}
	for tries := e.ports.count(); tries > 0; tries-- {
		port, ok := e.ports.take(e.clock())
		if !ok {
			return nil, ErrNoPorts
		}
		l, err := e.open(ip, port, true, on)
		if !errors.Is(err, errTaken) {
			return l, err
		}
	}
	return nil, ErrNoPorts
}

// open binds a pair of ports; pooled says that it is to be given back.
func (e *Engine) open(ip netip.Addr, port int, pooled bool, on func(Event)) (*Leg, error) {
	rtpFD, rtcpFD, err := openPair(ip, port, e.shared)
	if err != nil {
		if pooled {
			e.ports.release(port, e.clock())
		}
		return nil, fmt.Errorf("open RTP port %d of %s: %w", port, ip, err)
	}
	w := e.workers[int(e.turn.Add(1))%len(e.workers)]
	l := newLeg(e, w, port, rtpFD, rtcpFD, on)
	l.pooled = pooled
	e.legs.Add(1)
	w.post(func() { w.attach(l) })
	return l, nil
}

// heed looks whether anything may leave.
func (e *Engine) heed() {
	if e.may == nil {
		return
	}
	e.hush.set(e.may(), e.clock)
}

// Close closes all legs, stops the workers and waits until recordings are on
// the disk.
func (e *Engine) Close() {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.mu.Unlock()
	if was {
		return
	}
	for _, w := range e.workers {
		w.post(func() { w.stopping = true })
	}
	for _, w := range e.workers {
		<-w.done
	}
	e.reserve(-len(e.workers))
	e.writers.Wait()
}

// reserve makes room for workers that keep their processors, or gives it back.
func (e *Engine) reserve(workers int) {
	if e.keep {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + workers)
	}
}
