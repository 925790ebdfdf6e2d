package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
)

// forPulse is a connection on which a member asks again and again.
const forPulse purpose = "pulse"

const (
	// beat is how often each member is asked.
	beat = 50 * time.Millisecond
	// hush is after how long without a word of the leader a node follows nobody,
	// as far as others are concerned: such a leader has no majority any more.
	hush = 300 * time.Millisecond
	// stranger is how long a member that won't talk to us is left in peace.
	stranger = time.Second
)

// question is what one member asks another, and answer what it is told.
type (
	question struct {
		Start uint64 `json:"start"` // which process of the node asks
	}
	answer struct {
		Stand stand  `json:"stand"`
		Index uint64 `json:"index"` // the end of the log
		// Applied is how far the log has been applied.
		Applied uint64 `json:"applied,omitempty"`

		Vouched []string `json:"vouched,omitempty"` // see peer
	}
)

// pulses ask all members, again and again, what we are to them, and answer the
// same. That gives a node its lease, tells the warden who is silent, and proves
// within a moment that a process is gone: its connection ends and no other can
// be made.
type pulses struct {
	node   string
	start  uint64
	log    *slog.Logger
	wires  *wires
	raft   *raft.Raft
	fsm    *fsm
	lessee *lessee
	pace   *pace
	urge   func(node string) // makes a member stand for election at once

	began   time.Duration
	gone    chan struct{} // capacity 1: somebody's process is gone
	others  chan struct{} // capacity 1: the roster has changed
	urged   atomic.Uint64 // the term in which somebody was urged
	asking  sync.WaitGroup
	mu      sync.Mutex               // guards what follows
	asked   map[string]*neighbour    // the other members
	vouched map[string]time.Duration // when each member was last told that it may act, as far as we are concerned
	vowed   time.Duration            // when a member was last told that we follow it

	dooms  sync.Map // members and the term in which they are being declared down
	lapsed bool     // as it was logged; owned by mind
}

// neighbour is a member that is asked again and again.
type neighbour struct {
	name  string
	hurry chan struct{} // capacity 1: ask at once
	stop  context.CancelFunc
}

func newPulses(n *Node, start uint64) *pulses {
	return &pulses{
		node: n.node, start: start, log: n.log, wires: n.wires, raft: n.raft, fsm: n.fsm, lessee: n.lessee, pace: n.pace,
		lapsed: true, began: n.lessee.now(), gone: make(chan struct{}, 1),
		others: make(chan struct{}, 1), asked: map[string]*neighbour{},
		vouched: map[string]time.Duration{}, vowed: -time.Hour,
	}
}

// run asks until ctx ends.
func (p *pulses) run(ctx context.Context) {
	p.wires.roster.note(p.raft.GetConfiguration().Configuration())
	p.meet(ctx)
	p.mind(ctx)
	p.asking.Wait()
}

// meet asks whoever is a member now, and nobody else any more.
func (p *pulses) meet(ctx context.Context) {
	others := p.wires.roster.others()
	p.lessee.seat(p.wires.roster.seated(), others)
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, a := range p.asked {
		if _, member := others[name]; !member {
			a.stop()
			delete(p.asked, name)
		}
	}
	for name := range others {
		if p.asked[name] != nil {
			continue
		}
		asking, stop := context.WithCancel(ctx)
		a := &neighbour{name: name, hurry: make(chan struct{}, 1), stop: stop}
		p.asked[name] = a
		p.asking.Go(func() { p.follow(asking, a) })
	}
}

// mind notices who comes and goes, and when this process stood still, and says
// in the log when the node falls silent and when it speaks again.
func (p *pulses) mind(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.others:
			p.meet(ctx)
			continue
		case <-t.C:
		}
		p.pace.tick()
		if p.wires.roster.note(p.raft.GetConfiguration().Configuration()) {
			p.log.Info("the members are others now", "members", p.wires.roster.names())
			p.meet(ctx)
		}
		switch good := p.lessee.good(); {
		case good == !p.lapsed:
		case good:
			p.lapsed = false
			p.log.Info("the others know of this node: it may act")
		default:
			p.lapsed = true
			p.log.Error("cut off: others may have gone on with what this node holds, so it says nothing to anybody")
		}
	}
}

// follow asks one member.
func (p *pulses) follow(ctx context.Context, a *neighbour) {
	why := ""
	for {
		asked := p.lessee.now()
		talked, err := p.converse(ctx, a)
		rest := beat
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			p.noteGone(a.name, asked)
		case errors.Is(err, errRefused):
			rest = stranger
			if why != err.Error() {
				why = err.Error()
				p.log.Warn("another node wants nothing to do with this one", "node", a.name, "err", err)
			}
		case talked:
			rest = beat / 10 // a process that ends takes a moment to close its listener, too
		}
		if pause(ctx, rest) != nil {
			return
		}
	}
}

// converse asks until the connection ends; talked says whether it was answered
// at all.
func (p *pulses) converse(ctx context.Context, with *neighbour) (talked bool, err error) {
	c, err := p.wires.dial(ctx, with.name, forPulse)
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }() // it has ended
	for {
		asked := p.lessee.now()
		if err := c.SetDeadline(time.Now().Add(lease)); err != nil {
			return talked, err
		}
		if err := writeJSON(c, question{Start: p.start}); err != nil {
			return talked, err
		}
		var a answer
		if err := readJSON(c, &a); err != nil {
			return talked, err
		}
		talked = true
		p.lessee.answered(with.name, asked, a)
		if a.Stand == standFenced && p.fsm.fenced != nil {
			p.fsm.fenced()
		}
		p.succeed()
		t := time.NewTimer(beat)
		select {
		case <-t.C:
		case <-with.hurry:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return talked, ctx.Err()
		}
	}
}

// noteGone is told that nobody listens where a member should be. Whoever leads
// can say that it is down; if it led itself, the others elect another at once.
func (p *pulses) noteGone(name string, asked time.Duration) {
	before := p.lessee.known()[name].stand
	p.lessee.answered(name, asked, answer{Stand: standGone})
	nudge(p.gone)
	if before == standGone {
		return
	}
	p.mu.Lock()
	for other, a := range p.asked {
		if other != name {
			nudge(a.hurry) // how far did each get?
		}
	}
	p.mu.Unlock()
	p.succeed()
}

// answer serves a member that asks.
func (p *pulses) answer(_ context.Context, name string, c net.Conn) {
	for {
		if c.SetDeadline(time.Now().Add(2*lease)) != nil {
			return
		}
		var q question
		if readJSON(c, &q) != nil {
			return // it asks again
		}
		p.lessee.heard(name)
		if writeJSON(c, p.reply(name, q.Start)) != nil {
			return
		}
	}
}

// doom is called before this node, as the leader, writes that another is down:
// from then on that one is granted nothing. spare takes it back, once it is
// known what became of it.
func (p *pulses) doom(name string) { p.dooms.Store(name, p.raft.CurrentTerm()) }

func (p *pulses) spare(name string) { p.dooms.Delete(name) }

func (p *pulses) doomed(name string) bool {
	term, ok := p.dooms.Load(name)
	return ok && term == p.raft.CurrentTerm()
}

// reply says what a member is to us, and remembers it.
func (p *pulses) reply(name string, start uint64) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.lessee.now()
	a := answer{Stand: p.stand(name, start), Index: p.raft.LastIndex(), Applied: p.raft.AppliedIndex()}
	switch {
	case a.Stand == standNobody && now-p.vowed < vow:
		a.Stand = standOther
	case a.Stand.alibi(), a.Stand == standLeads:
		p.vouched[name] = now
	}
	if a.Stand != standYours {
		return a
	}
	p.vowed = now
	for other := range p.asked {
		last, ever := p.vouched[other]
		// Who has just begun doesn't know what it said before.
		if other != name && (ever && now-last < silence || now-p.began < silence) {
			a.Vouched = append(a.Vouched, other)
		}
	}
	return a
}

// stand is what a member is to us.
func (p *pulses) stand(name string, start uint64) stand {
	if p.fsm.isFenced(name, start) {
		return standFenced
	}
	if p.fsm.verdicts.against(name, start) {
		return standOther
	}
	_, leader := p.raft.LeaderWithID()
	silent := leader == "" || time.Since(p.raft.LastContact()) > hush
	switch {
	case p.raft.State() == raft.Leader && p.lessee.sure() && !p.doomed(name):
		return standLeads
	case p.raft.State() == raft.Leader:
		return standOther // as long as we don't know that we do lead
	case !silent && string(leader) == name:
		return standYours
	case silent && p.lessee.now()-p.began > 2*lease: // who has just begun may not know yet whom it follows
		return standNobody
	}
	return standOther
}
