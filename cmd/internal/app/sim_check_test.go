package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/store"
)

// simSeen is what has been seen of the state.
type simSeen struct {
	hashes map[uint64][32]byte // by index
	queued map[string]int64    // when calls entered the queue
	owners map[string]simOwner // by the caller's Call-ID
	next   time.Time           // of the thorough checks
}

// simOwner is who has a call, as far as the newest state tells.
type simOwner struct {
	node  string
	since time.Time
}

func newSimSeen() simSeen {
	return simSeen{hashes: map[uint64][32]byte{}, queued: map[string]int64{}, owners: map[string]simOwner{}}
}

const (
	// simLook is how often states are looked at.
	simLook = 50 * time.Millisecond
	// simGrace is how long a node that is well may not know yet that a call has
	// moved: the way of an entry to it.
	simGrace = 300 * time.Millisecond
)

// watchUntil looks at the states again and again.
func (w *simWorld) watchUntil(end time.Duration) {
	for w.since() < end {
		time.Sleep(simLook)
		w.look()
	}
}

// look checks what must hold at any moment.
func (w *simWorld) look() {
	thorough := time.Now().After(w.next)
	if thorough {
		w.next = time.Now().Add(5 * simLook)
	}
	if thorough {
		for _, p := range w.alive() {
			p.node.cluster.Read(func(s *acd.State) { w.thorough(p, s) })
		}
	}
	w.own()
}

// own notes who has which call by the newest state.
func (w *simWorld) own() {
	var newest uint64
	var calls []acd.CallView
	for _, p := range w.alive() {
		p.node.cluster.Read(func(s *acd.State) {
			if at := s.Index(); at >= newest {
				newest, calls = at, s.Calls()
			}
		})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range calls {
		c := &calls[i]
		if o := w.owners[c.SIPCallID]; o.node != c.Node {
			w.owners[c.SIPCallID] = simOwner{c.Node, time.Now()}
		}
	}
}

// thorough checks one state.
func (w *simWorld) thorough(p *simProc, s *acd.State) {
	if p.looked == s.Index() {
		return
	}
	p.looked = s.Index()
	if err := s.Check(); err != nil {
		w.wrong("%s: the state contradicts itself: %v", p.name, err)
	}
	at, hash := s.Index(), s.Hash()
	if other, known := w.hashes[at]; known && other != hash {
		w.wrong("%s has another state at entry %d", p.name, at)
	}
	w.hashes[at] = hash
	for _, c := range s.Calls() {
		if c.Phase != acd.PhaseWaiting && c.Phase != acd.PhaseOffered {
			delete(w.queued, c.ID) // he may come back, with his place
			continue
		}
		if was, known := w.queued[c.ID]; known && was != c.QueuedAt {
			w.wrong("call %s entered the queue at %d, now it says %d", c.ID, was, c.QueuedAt)
		}
		w.queued[c.ID] = c.QueuedAt
	}
}

// spoke is told of each datagram that a process sends.
func (w *simWorld) spoke(p *simProc, b []byte) {
	method, id, ok := isRequest(b)
	if !ok {
		return
	}
	owner := func() (simOwner, bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		o, known := w.owners[id]
		return o, known && o.node != p.name && time.Since(o.since) > simGrace
	}
	if _, other := owner(); !other {
		return
	}
	w.own()
	if o, other := owner(); other {
		w.wrong("%s sends %s for a call that is %s's", p.name, method, o.node)
	}
}

// judge looks at the end of it all: first whether callers and nodes agree on
// who is in a call, then that nothing is left once all have hung up.
func (w *simWorld) judge() {
	if !w.settle("three nodes run", 20*time.Second, func() bool { return len(w.alive()) == 3 }) {
		return
	}
	w.settle("all nodes have the same state", 5*time.Second, w.agreed)
	w.agree()
	w.peers.mu.Lock()
	w.peers.over = true
	callers := w.peers.callers
	w.peers.mu.Unlock()
	for _, c := range callers {
		if left := w.unexplained(c); left != "" {
			w.wrong("caller %s was cut off: %s", c.number, left)
		}
		c.hangUp()
	}
	w.settle("all calls have ended", 20*time.Second, func() bool { return len(w.calls()) == 0 })
	w.settle("no phone is left in a call", 20*time.Second, func() bool { return len(w.phonesUp()) == 0 })
	w.settle("nothing is left in a node's memory", 10*time.Second, func() bool {
		return !slices.ContainsFunc(w.alive(), func(p *simProc) bool { return p.node.sw.Live() > 0 })
	})
	w.settle("no port is left open", 10*time.Second, func() bool {
		w.sound.mu.Lock()
		defer w.sound.mu.Unlock()
		return len(w.sound.ports) == 0
	})
	w.settle("all nodes have the same state at the end", 5*time.Second, w.agreed)
	w.stories()
}

// agreed tells whether all nodes have applied the same.
func (w *simWorld) agreed() bool {
	var last uint64
	for i, p := range w.alive() {
		var at uint64
		p.node.cluster.Read(func(s *acd.State) { at = s.Index(); w.thorough(p, s) })
		if i > 0 && at != last {
			return false
		}
		last = at
	}
	return true
}

func (w *simWorld) calls() (out []acd.CallView) {
	w.proc("n1").node.cluster.Read(func(s *acd.State) { out = s.Calls() })
	return out
}

func (w *simWorld) phonesUp() (out []*simRing) {
	w.peers.mu.Lock()
	defer w.peers.mu.Unlock()
	for _, r := range w.peers.rings {
		if r.isUp() {
			out = append(out, r)
		}
	}
	return out
}

// unexplained says how a caller's call ended for no reason of his or an agent's.
func (w *simWorld) unexplained(c *simCaller) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == "" || c.mine || w.peers.let(c.number) {
		return ""
	}
	return c.end
}

// agree checks that callers and phones agree with what the log says. Somebody may
// just be dialling or hanging up, so they get a while.
func (w *simWorld) agree() {
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		wrongs := w.whoIsInACall()
		if len(wrongs) == 0 {
			return
		}
		if time.Now().After(end) {
			for _, s := range wrongs {
				w.wrong("%s", s)
			}
			return
		}
	}
}

// whoIsInACall compares what callers and phones think with what the log says.
func (w *simWorld) whoIsInACall() (wrongs []string) {
	wrong := func(format string, args ...any) { wrongs = append(wrongs, fmt.Sprintf(format, args...)) }
	calls := w.calls()
	of := map[string][]acd.CallView{}
	for _, c := range calls {
		of[c.SIPCallID] = append(of[c.SIPCallID], c)
	}
	w.peers.mu.Lock()
	callers := w.peers.callers
	w.peers.mu.Unlock()
	live := map[string]int{}
	for _, c := range callers {
		c.mu.Lock()
		id, up, rtp := c.callID, c.up, c.rtp()
		c.mu.Unlock()
		list := of[id]
		delete(of, id)
		switch {
		case up && len(list) == 0:
			wrong("caller %s is in a call that nobody has", c.number)
		case !up && len(list) > 0:
			wrong("caller %s has gone, the log has his call: %s at %s", c.number, list[0].Phase, list[0].Node)
		case len(list) > 1:
			wrong("caller %s has %d calls", c.number, len(list))
		}
		for _, v := range list {
			live[v.Node]++
			if v.Phase == acd.PhaseTalking {
				w.hear(c.number, rtp, wrong)
			}
		}
	}
	for _, list := range of {
		wrong("the log has call %s of nobody, %s at %s", list[0].SIPCallID, list[0].Phase, list[0].Node)
	}
	for _, p := range w.alive() {
		if n := p.node.sw.Live(); n != live[p.name] {
			wrong("%s has %d calls, by the log %d", p.name, n, live[p.name])
		}
	}
	return wrongs
}

// hear checks that a caller and his agent hear each other.
func (w *simWorld) hear(number string, rtp netip.AddrPort, wrong func(string, ...any)) {
	r := w.peers.talking(number)
	switch {
	case r == nil:
		wrong("caller %s talks to nobody's phone", number)
	case w.sound.hears(rtp) != r.rtp() || w.sound.hears(r.rtp()) != rtp:
		wrong("caller %s and agent %s don't hear each other", number, r.agent)
	}
}

// stories checks what each node tells, and that of every call there is one begin
// and one end, and one record that is the same at all of them.
func (w *simWorld) stories() {
	began, ended := map[string]int{}, map[string]int{}
	for i, p := range w.alive() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		last := uint64(0)
		for s, err := range p.node.cluster.Follow(ctx, 0) {
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					w.wrong("%s: stories: %v", p.name, err)
				}
				break
			}
			if s.Index <= last {
				w.wrong("%s tells entry %d after %d", p.name, s.Index, last)
			}
			last = s.Index
			for _, f := range s.Facts {
				switch {
				case i > 0:
				case f.Kind == acd.FactCallArrived:
					began[f.Call]++
				case f.Kind == acd.FactCallEnded:
					ended[f.Call]++
				}
			}
		}
		cancel()
	}
	for id, n := range began {
		if n != 1 || ended[id] != 1 {
			w.wrong("call %s began %d times and ended %d times", id, n, ended[id])
		}
	}
	var first []report.CDR
	for i, p := range w.alive() {
		cdrs := w.records(p, len(began))
		if i == 0 {
			first = cdrs
		} else if d := cmp.Diff(first, cdrs); d != "" {
			w.wrong("%s has other call records (-n1 +%s):\n%s", p.name, p.name, d)
		}
	}
}

// records are those that a node has written, once all of them are there.
func (w *simWorld) records(p *simProc, want int) (cdrs []report.CDR) {
	w.settle(fmt.Sprintf("%s has the records of %d calls", p.name, want), 5*time.Second, func() bool {
		var err error
		if cdrs, err = p.node.store.CDRs(context.Background(), store.Query{Limit: 1000}); err != nil {
			w.wrong("%s: records: %v", p.name, err)
		}
		return len(cdrs) == want
	})
	return cdrs
}
