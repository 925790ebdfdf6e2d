package app

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tierline/call/memnet"
)

// simPlan is all that a seed decides: who calls, how long they talk, what the
// networks are like, and what goes wrong.
type simPlan struct {
	mode    string // of take-over
	weather memnet.Weather
	wires   time.Duration // the longest delay between nodes
	callers []simCall
	phones  time.Duration // the longest time until an agent answers
	faults  []simFault
}

// simCall is somebody who calls.
type simCall struct {
	at    time.Duration
	node  int
	waits time.Duration // until he gives up, if nobody answers
	talks time.Duration // until he hangs up
	agent bool          // it is the agent who does
}

// simFault is something that goes wrong with one node, from a moment on.
type simFault struct {
	kind   string // see faultKinds
	node   int
	from   time.Duration
	lasts  time.Duration // until it is healed, or the node is started again
	what   string        // crash: which points are counted
	count  int           // crash: after so many of them
	before bool          // crash: and before the next one has left, or is applied
}

// Kinds of faults.
const (
	faultCrash  = "crash"  // kill -9
	faultCut    = "cut"    // from the other nodes; phones and trunks are still reached
	faultAlone  = "alone"  // from everybody
	faultDeaf   = "deaf"   // nothing of other nodes reaches it
	faultMute   = "mute"   // nothing reaches other nodes
	faultFlap   = "flap"   // cut now and then
	faultFenced = "fenced" // not planned: a node that was taken for dead begins anew
)

// Points whose number places a crash.
const (
	overWires = "wire" // to another node: part of an entry, of an answer, of a heartbeat
	overSIP   = "sip"
	atApply   = "apply" // entries that were agreed on are applied
)

const (
	simArrivals = 14 * time.Second // callers come until then
	simFaults   = 18 * time.Second // faults begin until then
	simLasts    = 9 * time.Second  // each for so long at most
	simCalm     = 40 * time.Second // by then all is healed, and every node runs
	simJudged   = 52 * time.Second // and by then all has settled
)

func newSimPlan(seed uint64) simPlan {
	r := rand.New(rand.NewPCG(seed, 0x7ea))
	within := func(least, most time.Duration) time.Duration {
		return least + time.Duration(r.Int64N(int64(most-least)))
	}
	p := simPlan{
		mode:   []string{"address", "reinvite"}[r.IntN(2)],
		wires:  within(0, 8*time.Millisecond) + 1,
		phones: within(500*time.Millisecond, 4*time.Second),
		weather: memnet.Weather{
			Seed: seed, Loss: []float64{0, 0.01, 0.04}[r.IntN(3)], Duplicate: []float64{0, 0.02}[r.IntN(2)],
			Delay: within(0, 20*time.Millisecond), Jitter: within(1, 10*time.Millisecond),
		},
	}
	for range 6 + r.IntN(7) {
		p.callers = append(p.callers, simCall{
			at: within(time.Second, simArrivals), node: r.IntN(3), waits: within(20*time.Second, 80*time.Second),
			talks: within(2*time.Second, 25*time.Second), agent: r.IntN(2) == 0,
		})
	}
	for from := 3 * time.Second; from < simFaults && len(p.faults) < 3; {
		f := simFault{
			kind:  []string{faultCrash, faultCrash, faultCrash, faultCut, faultAlone, faultDeaf, faultMute, faultFlap}[r.IntN(8)],
			node:  r.IntN(3),
			from:  within(from, from+5*time.Second),
			lasts: within(500*time.Millisecond, simLasts),
		}
		if f.kind == faultCrash {
			f.what, f.before = []string{overWires, overSIP, atApply}[r.IntN(3)], r.IntN(2) == 0
			f.count = r.IntN(map[string]int{overWires: 60, overSIP: 12, atApply: 12}[f.what])
		}
		p.faults = append(p.faults, f)
		from = f.from + f.lasts + 4*time.Second // one after the other: two of three nodes are well
		if r.IntN(3) == 0 {
			break
		}
	}
	return p
}

func (p simPlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "take-over by %s, %d callers, loss %v, wires %v", p.mode, len(p.callers), p.weather.Loss, p.wires)
	for _, f := range p.faults {
		fmt.Fprintf(&b, "\n  %v: n%d %s for %v", f.from, f.node+1, f.kind, f.lasts)
		if f.kind == faultCrash {
			fmt.Fprintf(&b, " at %[2]s %[1]d from then on, before it was done: %[3]v", f.count, f.what, f.before)
		}
	}
	return b.String()
}
