package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
	"tierline/cluster/vault"
)

// Config says how a node runs.
type Config struct {
	Node     string // its name; never changes for a data directory
	Dir      string // data directory; unused with StoreMemory
	LogStore string // StoreWAL, StoreBolt or StoreMemory
	Logger   *slog.Logger

	// Effects carries out what entries demand. It is called on the goroutine
	// that applies entries, from before Open returns, and must not block. It
	// never sees the effects of entries that were in the log when Open began.
	Effects func([]acd.Effect)

	// Applying, if set, is called right before a batch of entries is applied and,
	// with done, once their effects were handed over. It says where a process
	// stands; it must not block.
	Applying func(done bool)

	// CommitTime, if set, is told how long each event took from Propose or
	// Post until it was applied. It must not block.
	CommitTime func(time.Duration)

	SnapshotEvery int // entries between two snapshots, default 8192

	// Keys seal what is stored, the first of them what is new; the others open
	// what is old. None: it is stored as it is.
	Keys []vault.Key

	// Members, if not nil, makes the node one of several.
	Members *Members
	// Network is what the members reach one another by; nil: TCP.
	Network Network
	// Takeover says what becomes of calls of a node that is down (TakeAddress, …;
	// empty: TakeNothing) and of one's own after a restart.
	Takeover string
	// Fenced is called when the others have taken this node for dead and gone on
	// with its calls. It must end the process's doings at once, and not block.
	Fenced func()
	// Health, if set, is what other members are told of this one. It must not
	// block.
	Health func() Health
}

// Node is one node of the cluster.
type Node struct {
	node     string
	log      *slog.Logger
	health   func() Health
	raft     *raft.Raft
	fsm      *fsm
	tape     *tape
	guard    *guard
	clock    *clock
	proposer *proposer
	decider  *decider
	timing   timing
	lessee   *lessee
	pace     *pace    // nil: alone
	pulses   *pulses  // nil: alone
	herald   *herald  // nil: alone
	relay    *relay   // nil: alone
	steward  *steward // nil: alone

	dir     *directory   // nil in memory
	vault   *vault.Vault // nil: nothing is sealed
	mark    *mark        // nil in memory
	wires   *wires       // nil: alone
	visits  *visits      // nil: alone
	lines   *visits      // the same for phones that others call
	carrier raft.Transport
	route   *route
	stored  uint64 // the last index that was in the log when this process began
	resumed sync.Once
	wall    func() time.Time

	watching sync.WaitGroup // watch and decider
	stop     context.CancelFunc
	feeding  sync.WaitGroup
	starve   context.CancelFunc
	landing  sync.WaitGroup
	closing  sync.Once
	closeErr error
}

// keepStories is how many of the latest stories followers can go back to.
// Stories that nobody has acknowledged are all kept, in memory and in each
// snapshot; with more than maxBacklog of them no new calls are taken.
const (
	keepStories = 1 << 16
	maxBacklog  = 1 << 19
)

// Propose puts an event into the log and returns what applying it gave. The
// error is ErrNoQuorum if it can't be committed now, a *acd.RefusedError if
// the core refused it, or the context's. After any other error than a refusal
// the event may still be applied later.
func (n *Node) Propose(ctx context.Context, ev acd.Event) (acd.Result, uint64, error) {
	return n.proposer.propose(ctx, ev, n.timing.propose)
}

// Post is Propose without waiting. It never blocks. The event comes after
// everything its goroutine proposed or posted before, and it stays until it is
// in the log, also through a full disk; only the end of the process loses it,
// which NodeRestarted makes up for. Refusals are counted.
func (n *Node) Post(ev acd.Event) { n.proposer.post(ev) }

// Read calls view with the state between two entries. View must be quick and
// must keep nothing of it.
func (n *Node) Read(view func(s *acd.State)) { n.fsm.read(view) }

// Follow returns the stories after an index, and waits for new ones. It ends
// with an error: ErrCompacted if stories after the index are no longer kept,
// ErrClosed, or the context's.
func (n *Node) Follow(ctx context.Context, after uint64) iter.Seq2[Story, error] {
	return n.tape.follow(ctx, after)
}

// StoryWall returns the Unix time in ms of the story of an entry, 0 if the entry
// has none; known is false while it can't be said.
func (n *Node) StoryWall(index uint64) (at int64, known bool) { return n.tape.wall(index) }

// Acknowledge says that the story store has everything up to index durably.
// Until then stories stay in memory and in snapshots, so somebody must.
func (n *Node) Acknowledge(index uint64) { n.tape.acknowledge(index) }

// Now is the log time of this moment, in ms: that of a next entry.
func (n *Node) Now() int64 { return n.clock.now() }

// May reports whether this node may act for its calls now. If not, others may
// have gone on with them, and not a word of it may go to anybody. It is cheap:
// whoever sends asks each time.
func (n *Node) May() bool { return n.lessee.good() }

// fence ends this process's right to act: the others have what it had.
func (n *Node) fence(then func()) {
	n.lessee.lost.Store(true)
	if then != nil {
		then()
	}
}

// errCutOff says that this node can't know whether others have its calls.
var errCutOff = errors.New("cut off from the other nodes")

// Ready says why no new calls can be taken, or returns nil.
func (n *Node) Ready() error {
	if err := cmp.Or(n.healthy(), n.guard.crawled()); err != nil {
		return err
	}
	if w := n.proposer.waiting(); w > postLimit/2 {
		return fmt.Errorf("%d events wait for the log", w)
	}
	if _, unacked := n.tape.lengths(); unacked > n.timing.backlog {
		return fmt.Errorf("the story store is %d entries behind", unacked)
	}
	return nil
}

// healthy says why nothing can be committed now.
func (n *Node) healthy() error {
	if err := n.guard.stuck(); err != nil {
		return err
	}
	if !n.lessee.good() {
		return errCutOff
	}
	if n.raft.State() == raft.Leader {
		return nil
	}
	if _, leader := n.raft.LeaderWithID(); n.wires == nil || leader == "" {
		return errNoLeader
	}
	return nil
}

// able says why nothing that is proposed now can be committed before its time
// runs out. Members of a cluster are without a leader for a moment when one
// fails; who has a call in hand waits for the next.
func (n *Node) able() error {
	if n.wires == nil {
		return n.healthy()
	}
	return n.guard.stuck()
}

// Stats are a node's figures for metrics.
type Stats struct {
	Leader    bool
	Term      uint64
	Applied   uint64 // index of the last entry applied
	LastIndex uint64 // of the log
	LogBytes  int64  // on disk

	Proposals     uint64 // events proposed, the leader's decisions included
	Posts         uint64
	Refused       uint64 // by the core
	Failed        uint64 // proposals that ended with ErrNoQuorum
	Again         uint64 // posted events that had to be sent again
	Dropped       uint64 // posted events that were lost because too many waited
	Faults        uint64 // entries the core panicked over
	WriteFailures uint64 // of the log

	Waiting        int // posted events not yet in the log
	Stories        int // kept for followers
	Unacknowledged int // of these, not yet acknowledged
}

// Stats returns the node's figures.
func (n *Node) Stats() Stats {
	c := &n.proposer.count
	s := Stats{
		Leader:    n.raft.State() == raft.Leader,
		Term:      n.raft.CurrentTerm(),
		Applied:   n.fsm.position().Index,
		LastIndex: n.raft.LastIndex(),

		Proposals: c.proposals.Load(), Posts: c.posts.Load(), Refused: c.refused.Load(), Failed: c.failed.Load(),
		Again: c.again.Load(), Dropped: c.dropped.Load(), Faults: n.fsm.faults.Load(),
		WriteFailures: n.guard.failures(),
		Waiting:       n.proposer.waiting(),
	}
	s.Stories, s.Unacknowledged = n.tape.lengths()
	if n.dir != nil {
		s.LogBytes = n.dir.size()
	}
	return s
}

// watch notices what nothing else tells: that leadership changed, and that a
// disk that crawled may have recovered. It also moves the mark.
func (n *Node) watch(ctx context.Context) {
	t := time.NewTicker(n.timing.watch)
	defer t.Stop()
	seen := make(chan raft.Observation, 16)
	observer := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)
	var handed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-seen:
			_, leader := n.raft.LeaderWithID()
			n.route.changed(string(leader))
			nudge(n.proposer.wake)
		case leads := <-n.raft.LeaderCh():
			n.log.Info("leadership changed", "leads", leads, "term", n.raft.CurrentTerm())
			nudge(n.proposer.wake)
			nudge(n.decider.wake)
		case <-t.C:
			n.moveMark()
			handed = n.watchdog(handed)
			if n.guard.crawled() != nil {
				n.raft.Barrier(n.timing.propose) // a write to measure; its outcome is seen by the guard
			}
		}
	}
}

func (n *Node) moveMark() {
	if n.mark == nil {
		return
	}
	if err := n.mark.set(n.fsm.position().Index); err != nil {
		n.log.Warn("mark not moved", "err", err)
	}
}

// unload stops feeding Raft and takes its answers while it can give them: what
// comes to it at its last moment it never answers. The channel is closed at the
// end, which a disk that hangs may keep it from for now.
func (n *Node) unload() <-chan struct{} {
	n.starve()
	if n.fsm.own != nil {
		n.fsm.own.close()
	}
	n.route.close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if n.relay != nil {
			n.relay.stop()
		}
		n.feeding.Wait()
		n.route.close()
		close(n.proposer.flights)
		n.landing.Wait()
	}()
	n.landed(done)
	return done
}

// landed waits for that, but not for ever.
func (n *Node) landed(done <-chan struct{}) bool {
	t := time.NewTimer(n.timing.drain)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// Close commits what was posted, if it can within a moment, and ends the node.
func (n *Node) Close() error {
	n.closing.Do(func() { n.closeErr = n.shutdown() })
	return n.closeErr
}

func (n *Node) shutdown() error {
	n.proposer.drain(n.timing.drain)
	n.stop()
	n.guard.stop()
	unloaded := n.unload()
	var errs []error
	down := make(chan error, 1)
	go func() { down <- n.raft.Shutdown().Error() }()
	t := time.NewTimer(n.timing.shutdown)
	defer t.Stop()
	select {
	case err := <-down:
		errs = append(errs, err)
	case <-t.C:
		// A write that hangs in the kernel: nothing here can end it, and closing
		// files under it would be worse.
		return errors.Join(fmt.Errorf("close node: Raft did not stop within %v", n.timing.shutdown), n.guard.stuck())
	}
	n.watching.Wait()
	n.fsm.effects.close()
	if !n.landed(unloaded) {
		n.log.Warn("an event that came to Raft while it stopped is never answered")
	}
	n.proposer.abandon()
	n.tape.close()
	n.moveMark()
	errs = append(errs, n.release())
	return errors.Join(errs...)
}

// release gives back files.
func (n *Node) release() error {
	var errs []error
	if n.wires != nil {
		errs = append(errs, n.wires.Close())
	}
	if n.guard != nil {
		errs = append(errs, n.guard.close())
	}
	if n.mark != nil {
		errs = append(errs, n.mark.close())
	}
	if n.dir != nil {
		errs = append(errs, n.dir.close())
	}
	return errors.Join(errs...)
}
