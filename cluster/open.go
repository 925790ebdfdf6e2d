package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// settings are what tests replace.
type settings struct {
	open   func(which, dir string, log *bridge) (store, error)
	snaps  func(dir string, log *slog.Logger) (raft.SnapshotStore, error)
	wall   func() time.Time
	mono   func() time.Duration
	decide func(s *acd.State, at int64) []acd.Event
	reads  func(k *kinds) // what the release knows
	timing timing
}

func defaults() settings {
	start := time.Now()
	return settings{
		open:   openStore,
		snaps:  newSnapshots,
		wall:   time.Now,
		mono:   func() time.Duration { return time.Since(start) },
		decide: acd.Decide,
		reads:  func(*kinds) {},
		timing: timing{
			// A node alone has nobody to wait for: these are the pauses before it
			// elects itself.
			heartbeat: 50 * time.Millisecond,
			together:  250 * time.Millisecond,
			wires:     500 * time.Millisecond,
			// A stall of a second is what virtual machines do; a caller who waits with
			// a 100 in his hand is better served than one who is refused.
			propose:  4 * time.Second,
			slow:     2 * time.Second,
			watch:    time.Second,
			watchdog: time.Second,
			snapshot: 5 * time.Second,
			drain:    2 * time.Second,
			shutdown: 5 * time.Second,
			backlog:  maxBacklog,
		},
	}
}

// Open starts a node. On an empty data directory it begins a cluster of one;
// otherwise it goes on with what is there. It returns when the node leads, the
// log is applied, and, on later starts, the log says that this node began anew.
func Open(ctx context.Context, c Config) (*Node, error) { return open(ctx, c, defaults()) }

func open(ctx context.Context, c Config, s settings) (*Node, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Network == nil {
		c.Network = tcp{}
	}
	if c.Effects == nil {
		c.Effects = func([]acd.Effect) {}
	}
	changed := make(chan struct{}, 1)
	n := &Node{
		node:   c.Node,
		log:    c.Logger,
		health: c.Health,
		clock:  &clock{mono: s.mono},
		tape:   &tape{keep: keepStories},
		timing: s.timing,
		wall:   s.wall,
		lessee: newLessee(s.mono, nil, nil),
	}
	if c.Members != nil {
		n.timing.heartbeat = n.timing.together
	}
	n.fsm = &fsm{
		log: c.Logger, clock: n.clock, tape: n.tape, effects: outlet{carry: c.Effects}, state: acd.NewState(),
		changed: changed, applying: c.Applying,
	}
	n.fsm.fenced = func() { n.fence(c.Fenced) }
	old, start, err := n.load(c, s) //nolint:contextcheck // the wires outlive the opening
	if err != nil {
		if n.carrier != nil {
			n.hangUp()
		}
		return nil, errors.Join(fmt.Errorf("open node %s: %w", c.Node, err), n.release())
	}
	if err := n.begin(ctx, c, s, old, start); err != nil {
		return nil, fmt.Errorf("open node %s: %w", c.Node, err)
	}
	return n, nil
}

func (c *Config) validate() error {
	var errs []error
	if c.Node == "" {
		errs = append(errs, errors.New("node: empty"))
	}
	switch c.LogStore {
	case StoreWAL, StoreBolt:
		if c.Dir == "" {
			errs = append(errs, errors.New("data directory: empty"))
		}
	case StoreMemory:
		c.Dir = ""
	default:
		errs = append(errs, fmt.Errorf("log store %q: not one of %s, %s, %s", c.LogStore, StoreWAL, StoreBolt, StoreMemory))
	}
	if c.SnapshotEvery < 0 {
		errs = append(errs, fmt.Errorf("snapshot every %d entries: negative", c.SnapshotEvery))
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 8192
	}
	if c.Members != nil {
		errs = append(errs, c.Members.validate(c.Node))
	}
	return errors.Join(errs...)
}

// connect makes the wires between nodes. A node alone talks to itself.
// Addresses are node names, so that the log's membership doesn't change when
// a node moves.
func (n *Node) connect(c Config, s settings) error {
	if c.Members == nil {
		_, n.carrier = raft.NewInmemTransport(raft.ServerAddress(c.Node))
		return nil
	}
	var err error
	if n.wires, err = newWires(c.Node, c.Members, c.Network, s.timing.wires, c.Logger); err != nil {
		return err
	}
	n.wires.written = n.fsm.newest.Load
	s.reads(n.wires.kinds)
	n.fsm.own = newOwnEntries(c.Node)
	n.relay = &relay{node: n, wall: s.wall, open: map[net.Conn]struct{}{}}
	n.lessee, n.pace = newLessee(s.mono, n.Others(), &n.guard.verdicts.accused), newPace(s.mono)
	n.steward = newSteward(n, s.timing.propose)
	n.carrier = n.newCarrier(c, s.timing)
	n.fsm.news = n.herald.wake
	n.visits, n.lines = newVisits(c.Node, s.timing.wires), newVisits(c.Node, s.timing.wires)
	n.wires.serve = map[purpose]func(context.Context, string, net.Conn){
		forEvents: n.relay.serve, forStatus: n.tell, forVisits: n.visits.receive,
		forPhones: n.lines.receive, forMembers: n.steward.serve,
		forPulse: func(ctx context.Context, peer string, c net.Conn) { n.pulses.answer(ctx, peer, c) },
	}
	return nil
}

// hangUp ends Raft's connections.
func (n *Node) hangUp() {
	if t, ok := n.carrier.(raft.WithClose); ok {
		_ = t.Close() // there is nothing left to do about it
	}
}

// resume lets log time go on where an earlier process stopped, if this one is
// the first to write. Who has seen others write has their time.
func (n *Node) resume() {
	n.resumed.Do(func() {
		if last := n.fsm.position(); last.Index <= n.stored {
			n.clock.resume(last.At, last.Wall, n.wall().UnixMilli())
		}
	})
}

// load opens and checks what is on the disk, and starts Raft on it. It says
// whether there was anything, and which process of the node this is.
func (n *Node) load(c Config, s settings) (old bool, start uint64, err error) {
	seen, err := n.claim(c)
	if err != nil {
		return false, 0, err
	}
	c.Members = n.dir.joined(c.Members)
	reopen := func() (store, error) { return n.seal(s.open(c.LogStore, c.Dir, newBridge(c.Logger))) }
	st, err := reopen()
	if err != nil {
		return false, 0, err
	}
	if n.guard, err = newGuard(st, reopen, s.timing.slow, c.Logger); err != nil {
		return false, 0, errors.Join(err, st.Close())
	}
	snaps, err := s.snaps(c.Dir, c.Logger)
	if err != nil {
		return false, 0, err
	}
	snaps = sealSnapshots(snaps, n.vault)
	r := recovery{dir: c.Dir, log: n.guard, snaps: snaps, fsm: n.fsm, verdicts: &n.guard.verdicts}
	if n.stored, err = r.run(seen); err != nil {
		return false, 0, err
	}
	n.fsm.liveFrom.Store(n.stored)
	if c.Members != nil {
		n.fsm.liveFrom.Store(math.MaxUint64) // until it has caught up
	}
	conf := raftConfig(c, n.timing)
	if old, err = n.bootstrap(c, conf, snaps); err != nil {
		return false, 0, err
	}
	if start, err = n.countStart(); err != nil {
		return false, 0, err
	}
	if err = n.connect(c, s); err != nil {
		return false, 0, err
	}
	if old, start, err = n.reckon(old, start); err != nil {
		return false, 0, err
	}
	if n.fsm.own != nil {
		n.fsm.own.start = start
		n.fsm.verdicts = n.guard.verdicts.serve(c.Node, start)
	}
	if n.raft, err = n.startRaft(conf, snaps); err != nil {
		return false, 0, err
	}
	n.fsm.raft.Store(n.raft)
	n.guard.starting.Store(false)
	return old, start, nil
}

// claim takes the data directory and returns the mark in it.
func (n *Node) claim(c Config) (seen uint64, err error) {
	if c.LogStore == StoreMemory {
		return 0, nil
	}
	if n.dir, err = openDirectory(c.Dir, c.Node, c.Members.name(), c.LogStore); err != nil {
		return 0, err
	}
	if n.vault, err = c.openVault(); err != nil {
		return 0, err
	}
	n.mark, seen, err = openMark(c.Dir)
	return seen, err
}

// startRaft makes an error of the panics NewRaft has for unreadable files.
func (n *Node) startRaft(conf *raft.Config, snaps raft.SnapshotStore) (r *raft.Raft, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("start Raft: %v", p)
		}
	}()
	entries, err := n.entries()
	if err != nil {
		return nil, err
	}
	r, err = raft.NewRaft(conf, n.fsm, entries, n.guard, snaps, n.carrier)
	if err != nil {
		return nil, fmt.Errorf("start Raft: %w", err)
	}
	return r, nil
}

// begin starts the goroutines and waits until the node can work.
func (n *Node) begin(ctx context.Context, c Config, s settings, old bool, start uint64) error {
	n.route = &route{
		log: c.Logger, raft: n.raft, wires: n.wires, own: n.fsm.own, resume: n.resume,
		written: func(seq uint64) bool { return n.fsm.written(origin{Node: c.Node, Start: start, Seq: seq}) },
		stamp: func(o origin, k kind, body []byte) []byte {
			return encode(n.clock.now(), s.wall().UnixMilli(), o, k, body)
		},
	}
	n.proposer = &proposer{
		log: c.Logger, route: n.route, origin: origin{Node: c.Node, Start: start},
		healthy: n.able, observe: c.CommitTime, kinds: n.kinds(),
		wake: make(chan struct{}, 1), flights: make(chan flight, window),
	}
	n.decider = &decider{
		log: c.Logger, clock: n.clock, fsm: n.fsm, proposer: n.proposer, limit: s.timing.propose,
		leading: func() bool { return n.raft.State() == raft.Leader }, decide: s.decide, wake: n.fsm.changed,
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	feeding, starve := context.WithCancel(context.WithoutCancel(ctx))
	n.stop, n.starve = stop, starve
	n.landing.Go(n.proposer.collect)
	n.feeding.Go(func() { n.proposer.feed(feeding) })
	meet := n.lead
	if n.wires != nil {
		n.pulses = newPulses(n, start)
		n.pulses.urge = n.urge
		n.wires.run()
		n.herald.raft = n.raft
		n.watching.Go(func() { n.herald.run(watching) })
		n.watching.Go(func() { n.pulses.run(watching) })
		n.watching.Go(func() { n.watch(watching) })
		meet = n.join
	}
	if err := meet(ctx, c, old); err != nil {
		return errors.Join(err, n.Close())
	}
	if n.wires == nil {
		n.watching.Go(func() { n.watch(watching) })
	}
	n.watching.Go(func() { n.decider.run(watching) })
	if n.wires != nil {
		w := &warden{
			node: c.Node, mode: cmp.Or(c.Takeover, TakeNothing), log: c.Logger, raft: n.raft, pulses: n.pulses, fsm: n.fsm,
			proposer: n.proposer, limit: n.timing.propose,
			heard: map[string]time.Duration{}, silent: map[string]time.Duration{},
		}
		n.watching.Go(func() { w.run(watching) })
		n.watching.Go(func() { n.steward.run(watching) })
	}
	return nil
}

// lead waits until this node leads and has applied the log.
func (n *Node) lead(ctx context.Context, c Config, old bool) error {
	for n.raft.State() != raft.Leader {
		select {
		case <-n.raft.LeaderCh():
		case <-ctx.Done():
			return fmt.Errorf("wait for leadership: %w", errors.Join(ctx.Err(), n.guard.stuck()))
		}
	}
	if err := n.raft.Barrier(0).Error(); err != nil {
		return fmt.Errorf("apply the log: %w", err)
	}
	n.resume()
	if !old {
		return nil
	}
	it, err := n.proposer.submit(n.restarted(c))
	if err != nil {
		return fmt.Errorf("record the restart: %w", err)
	}
	select {
	case o := <-it.done: // refused if the node had no calls
		if errors.Is(o.err, ErrNoQuorum) {
			return fmt.Errorf("record the restart: %w", o.err)
		}
		n.log.Info("log applied", "last_index", n.stored, "restarted_at", o.index)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("record the restart: %w", errors.Join(ctx.Err(), n.guard.stuck()))
	}
}
