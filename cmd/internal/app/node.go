package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tierline/acd"
	"tierline/acd/report/cursor"
	"tierline/acd/report/store"
	"tierline/call"
	"tierline/call/certs"
	"tierline/call/gate"
	"tierline/call/registrar"
	"tierline/call/resolve"
	"tierline/call/sipua"
	"tierline/call/trace"
	"tierline/cluster"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/publish"
	"tierline/cmd/internal/spread"
	"tierline/ivr/backend"
	"tierline/media"
	"tierline/media/prompt"
	"tierline/media/speech"
)

// Node is a running node.
type Node struct {
	settings config.Settings
	log      *slog.Logger

	ground ground

	library   *prompt.Library
	sound     call.Media
	most      int           // calls that there are ports for
	media     *media.Engine // nil in a simulation
	cluster   *cluster.Node
	lease     atomic.Pointer[cluster.Node] // the same, for those who run before there is one
	services  *call.Services
	sw        *call.Switch
	phones    *phones
	certs     *certs.Keeper
	registrar *registrar.Registrar
	ua        *sipua.UA
	closeUA   func()
	out       atomic.Bool // for maintenance, see Drain
	store     *store.Store
	cursor    *cursor.Cursor
	backend   *backend.Backend
	speaker   *speech.Speaker
	measured  measured
	archive   *call.Archive
	shipper   *call.Shipper // nil: recordings stay here
	gate      *gate.Gate
	traces    *trace.Store

	publisher *publish.Publisher
	spreader  *spread.Spreader
	version   string
	httpAddr  string

	up      atomic.Bool        // the start is over
	stop    context.CancelFunc // ends what runs beside
	beside  sync.WaitGroup
	stopped []func() // in the order of the start; undone in reverse
}

// Start brings a node up. When it returns, calls are taken (if service
// documents are published).
func Start(ctx context.Context, s config.Settings, version string, log *slog.Logger) (*Node, error) {
	n := newNode(s, version, log)
	err := n.start(ctx, []part{
		{"TLS", n.startTLS},
		{"media", n.startMedia},
		{"sources", n.startBackend},
		{"speech", n.startSpeech},
		{"log", n.startLog},
		{"records", n.startRecords},
		{"service documents", n.startService},
		{"SIP", n.startSIP},
		{"HTTP", n.startHTTP},
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

func newNode(s config.Settings, version string, log *slog.Logger) *Node {
	return &Node{settings: s, log: log, version: version, gate: gate.New(log.With("part", "gate"))}
}

// part of a node, and how it is started. What it does until the node ends has
// root.
type part struct {
	name string
	run  func(ctx, root context.Context) error
}

// ground is what a node stands on. The zero value is the machine; a simulation
// has its own.
type ground struct {
	network  cluster.Network                           // between nodes
	socket   func(addr string) (net.PacketConn, error) // for SIP
	fenced   func()                                    // see Node.fenced
	applying func(done bool)                           // see cluster.Config
	records  func(cursor.Store) cursor.Store           // around where records are written
}

// start starts the parts one after the other, and ends them all if one fails.
func (n *Node) start(ctx context.Context, parts []part) error {
	root, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	for _, p := range parts {
		if err := p.run(ctx, root); err != nil {
			n.close()
			return fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	n.up.Store(true)
	return nil
}

func (n *Node) startMedia(_, _ context.Context) (err error) {
	r := n.settings.RTP
	n.media, err = media.NewEngine(media.Config{
		IP: r.IP, PortMin: r.PortMin, PortMax: r.PortMax, Logger: n.log.With("part", "media"),
		Shared: n.shared(), Stall: r.CheckAfter, Reserve: os.Getenv("GOMAXPROCS") == "", May: n.may,
	})
	if err != nil {
		return err
	}
	n.undo(n.media.Close)
	// Every caller is left a second pair of ports, for an agent's leg: who can
	// never be connected is better refused at once.
	n.sound, n.most = mediaPort{n.media, r.IP}, n.media.Stats().Ports/2
	return n.openLibrary()
}

func (n *Node) openLibrary() (err error) {
	n.library, err = prompt.OpenLibrary(filepath.Join(n.settings.DataDir, "prompts"))
	return err
}

// startLog makes the switch first: it gets the effects of the log.
func (n *Node) startLog(ctx, root context.Context) (err error) {
	n.services = call.NewServices(n.log, n.sound, n.library, n.bundle)
	if err = n.openRecordings(); err != nil {
		return err
	}
	accounts, err := readAccounts(n.settings.Accounts)
	if err != nil {
		return err
	}
	if err = n.startTraces(root); err != nil {
		return err
	}
	known := &phones{}
	n.sw = call.New(root, call.Config{
		Node: n.settings.Node, Log: n.log.With("part", "call"), Media: n.sound, Services: n.services, Known: known.has,
		MaxCalls: n.maxCalls(), Backend: n.backend, Messages: n.archive.Messages, Tapes: n.archive.Tapes, Speech: n.speaker,
		Accounts: accounts, Trace: n.traces, Addresses: addresses{n.settings.Takeover.Command},
	})
	members, err := readMembers(n.settings)
	if err != nil {
		return err
	}
	keys, err := readKeys(n.settings)
	if err != nil {
		return err
	}
	n.cluster, err = cluster.Open(ctx, cluster.Config{
		Members: members, Network: n.ground.network,
		Health: n.health, Takeover: n.settings.Takeover.Mode, Fenced: n.fenced,
		Node: n.settings.Node, Dir: logDir(n.settings), LogStore: n.settings.Raft.LogStore, Keys: keys,
		Logger: n.log.With("part", "cluster"), Effects: n.sw.Effects, CommitTime: n.measured.committed,
		Applying: n.ground.applying,
	})
	if err != nil {
		return err
	}
	n.lease.Store(n.cluster)
	n.undo(func() { n.closed("log", n.cluster.Close()) })
	known.log = n.cluster
	n.phones = known
	n.publisher = publish.New(n.cluster, publish.Service{}, sounds{n.library}.Has, n.log)
	n.spreadSounds(root)
	n.sw.Bind(n.cluster)
	n.keepRecordings(root)
	return nil
}

func (n *Node) maxCalls() int {
	if limit := n.settings.SIP.MaxCalls; limit > 0 {
		return min(n.most, limit)
	}
	return n.most
}

// realm is that of the current documents.
func (n *Node) realm() string {
	if g := n.services.Current(); g != nil {
		return g.Realm
	}
	return ""
}

func (n *Node) bundle(generation uint64) (b acd.Bundle, ok bool) {
	n.cluster.Read(func(s *acd.State) { b, ok = s.GenerationBundle(generation) })
	return b, ok
}

// startService publishes the directory of the settings, or takes up the
// generation that was current before.
func (n *Node) startService(ctx, root context.Context) error {
	if n.settings.ServiceDir != "" {
		if err := n.publish(ctx, n.settings.ServiceDir); err != nil {
			return err
		}
	}
	if g := n.generation(); g > 0 {
		if err := n.services.Load(g); err != nil {
			return err
		}
	} else {
		n.log.Warn("not ready", "err", errNoService)
	}
	n.missingSources()
	n.missingAccounts()
	n.beside.Go(func() { n.services.Run(root.Done()) })
	return nil
}

func (n *Node) generation() (g uint64) {
	n.cluster.Read(func(s *acd.State) { g = s.Generation() })
	return g
}

func (n *Node) startSIP(ctx, root context.Context) (err error) {
	kept := bindings{n.cluster, n.phones, n.settings.Node, n.log.With("part", "registrar")}
	n.registrar = registrar.New(registrar.Config{
		Realm: n.realm, Node: n.settings.Node, Accounts: n.services,
		Bindings: kept, Logger: n.log.With("part", "registrar"), LogTime: n.cluster.Now,
		LivingExpires: n.livingExpires(),
	})
	kept.drop(acd.Binding.Lives) //nolint:contextcheck // has a limit of its own
	listen := make([]sipua.Listen, len(n.settings.SIP.Listen))
	for i, l := range n.settings.SIP.Listen {
		listen[i] = sipua.Listen{Transport: l.Transport, Addr: l.Address.String()}
	}
	if err = n.announce(ctx); err != nil {
		return err
	}
	n.ua, err = n.openUA(ctx, sipua.Config{
		UserAgent: "tierline", Listen: listen, Advertise: n.settings.SIP.Advertise,
		Resolver: resolve.New(resolve.Config{Servers: n.settings.DNS.Servers}),
		Watch:    n.watcher(),
		Borrow:   n.borrower(),
		Logger:   n.log.With("part", "sip"), Handler: sipHandler{n.sw, n.registrar, kept}, Gate: n.gate,
		Shared: n.shared(), Origins: n.settings.SIP.Origins, ConnsPerSource: n.settings.SIP.PerSource,
		ServerTLS: n.certs.Server(clientAuth(n.settings.TLS.ClientCertificates)), ClientTLS: n.clientTLS,
		Socket: n.ground.socket, May: n.may,
	})
	if err != nil {
		return err
	}
	n.closeUA = sync.OnceFunc(n.ua.Close)
	n.undo(n.closeUA)
	n.sw.Attach(phonePort{n.ua}, n.registrar)
	n.run(root, "targets", n.sw.Watch)
	if n.cluster.Lines() != nil {
		n.run(root, "phones for other nodes", n.lend)
	}
	n.admit(root)
	return nil
}

// SIPAddrs are where SIP is heard, as transport:address.
func (n *Node) SIPAddrs() []string {
	var out []string
	for _, transport := range []string{sipua.UDP, sipua.TCP, sipua.TLS, sipua.WS, sipua.WSS} {
		if at := n.ua.Addr(transport); at.IsValid() {
			out = append(out, transport+":"+at.String())
		}
	}
	return out
}

// HTTPAddr is where the API listens.
func (n *Node) HTTPAddr() string { return n.httpAddr }

// Ready says why the node takes no new calls, or returns nil.
func (n *Node) Ready() error {
	switch {
	case n.out.Load():
		return errOut
	case n.sw.Draining():
		return errors.New("draining: the node was told to stop")
	case n.services.Current() == nil:
		return errNoService
	}
	return n.cluster.Ready()
}

// health is what other nodes are told of this one. It may be asked before the
// start is over.
func (n *Node) health() cluster.Health {
	h := cluster.Health{Release: n.version, Calls: n.sw.Live()}
	switch {
	case !n.up.Load():
		h.Trouble = "starting"
	default:
		if err := n.Ready(); err != nil {
			h.Trouble = err.Error()
		}
	}
	return h
}

// Shutdown takes no new calls, lets the running ones finish within the drain
// limit, and stops the node.
func (n *Node) Shutdown(ctx context.Context) {
	n.log.Info("draining", "calls", n.sw.Live(), "limit", n.settings.Drain.Timeout)
	began := time.Now()
	n.rehome(ctx)
	n.resign(ctx)
	n.sw.Unregister(ctx)
	if cut := n.sw.Drain(ctx, n.settings.Drain.Timeout); cut > 0 {
		n.log.Warn("calls had to be ended", "calls", cut)
	}
	n.log.Info("drained", "took", time.Since(began).Round(time.Millisecond))
	n.close()
}

func (n *Node) undo(f func()) { n.stopped = append(n.stopped, f) }

func (n *Node) close() {
	n.stop()
	n.beside.Wait()
	if n.sw != nil {
		n.sw.Wait()
	}
	for _, stop := range slices.Backward(n.stopped) {
		stop()
	}
	n.stopped = nil
}

func (n *Node) closed(part string, err error) {
	if err != nil {
		n.log.Warn("did not close cleanly", "part", part, "err", err)
	}
}
