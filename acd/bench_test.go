package acd

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"tierline/routing"
)

// centre is a state of a given size with all agents talking and callers
// waiting in every queue.
type centre struct {
	b      *testing.B
	s      *State
	rng    *rand.Rand
	now    int64
	index  uint64
	calls  int
	queues int
	talks  []uint64 // offers
	took   []time.Duration
}

// newCentre builds the size of design/acd.md: agents in so many skill sets,
// queues that ask for one or two skills.
func newCentre(b *testing.B, agents, skillSets, queues int) *centre {
	b.Helper()
	skill := func(n int) routing.Skill { return routing.Skill(fmt.Sprintf("skill%02d", n)) }
	c := &centre{b: b, s: NewState(), rng: rand.New(rand.NewPCG(1, 2)), queues: queues}
	sets := make([][]routing.SkillLevel, skillSets)
	for i := range sets {
		for _, n := range c.rng.Perm(30)[:4] {
			level := routing.Level(1 + c.rng.IntN(10))
			sets[i] = append(sets[i], routing.SkillLevel{Skill: skill(n), Level: level})
		}
	}
	config := Config{HeadStart: [routing.TierCount]int64{0, 30_000, 60_000, 120_000}}
	for i := range queues {
		q := QueueConfig{
			Name: fmt.Sprintf("queue%03d", i), RingTime: 15_000, MaxWait: 3_600_000, ReofferAfter: 30_000, Fit: Fit(i % 3),
		}
		have := sets[i%skillSets] // somebody can do it
		q.Requirement = fmt.Sprintf("%s>=%d", have[0].Skill, have[0].Level)
		if i%2 == 1 {
			q.Requirement += fmt.Sprintf(" and %s>=1 or %s>=9", have[1].Skill, skill(i%30))
		}
		config.Queues = append(config.Queues, q)
	}
	for i := range agents {
		config.Agents = append(config.Agents, AgentConfig{
			ID: fmt.Sprintf("a%05d", i), Skills: sets[i%skillSets], Contact: "sip:agent@192.0.2.1", SignedIn: true,
		})
	}
	c.apply(ConfigPublished{Config: config})
	return c
}

func (c *centre) apply(ev Event) Result {
	c.index++
	r, err := Apply(c.s, Entry{Index: c.index, At: c.now, Wall: c.now, Event: ev})
	if err != nil {
		c.b.Fatalf("%T: %v", ev, err)
	}
	return r
}

// event applies one event and decides, which is what is measured, and goes on
// with what was decided: every agent picks up.
func (c *centre) event(ev Event) {
	for next := []Event{ev}; len(next) > 0; {
		ev, next = next[0], next[1:]
		from := c.b.Elapsed()
		c.apply(ev)
		decided := Decide(c.s, c.now)
		c.took = append(c.took, c.b.Elapsed()-from)
		if _, ok := ev.(CallOffered); ok {
			offer := c.index
			next = append(next, OfferRang{Offer: offer}, OfferAnswered{Offer: offer})
			c.talks = append(c.talks, offer)
		}
		if len(next) == 0 {
			next = decided
		}
	}
}

// call lets one more caller arrive and queue.
func (c *centre) call() {
	c.calls++
	id := fmt.Sprintf("0b8f2c6e-7d1a-4c39-%08d@n1", c.calls)
	tier := routing.Tier(c.rng.IntN(routing.TierCount))
	c.event(CallArrived{
		Call: id, Node: fmt.Sprint("node", 1), Trunk: fmt.Sprint("trunk", 1), From: fmt.Sprintf("138%08d", c.calls),
		To: fmt.Sprint(10000), Flow: fmt.Sprint("svc", 10000), SIPCallID: fmt.Sprintf("%032d", c.calls),
		Customer: Customer{ID: fmt.Sprintf("cust%08d", c.calls), Name: "王小明", Tier: tier, Language: fmt.Sprint("z", "h")},
	})
	c.event(CallQueued{
		Call: id, Queue: fmt.Sprintf("queue%03d", c.rng.IntN(c.queues)), Tier: tier,
		Attach: []Attribute{{Name: "intent", Value: "billing"}},
	})
}

// fill lets agents have a call each and others wait.
func (c *centre) fill(waiting int) (perCall int) {
	for c.s.board.ReadyAgents() > 0 && c.calls < 4*len(c.s.agents) {
		c.call()
	}
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	c.took = nil
	before, had := heap(), c.s.board.Waiting()
	for c.s.board.Waiting() < waiting {
		c.call()
		c.took = c.took[:0]
		c.now++
	}
	return (heap() - before) / max(1, c.s.board.Waiting()-had)
}

// turn ends a random conversation; its agent gets the next caller, and another
// one takes a place in a queue.
func (c *centre) turn() {
	c.now += 20
	i := c.rng.IntN(len(c.talks))
	offer := c.talks[i]
	c.talks[i] = c.talks[len(c.talks)-1]
	c.talks = c.talks[:len(c.talks)-1]
	call := c.s.offers[offer].call
	c.event(AgentReleased{Offer: offer, By: SideAgent})
	c.event(CallEnded{Call: call, Cause: "normal", By: SideCaller})
	c.call()
}

// BenchmarkLoad is the figure of design/acd.md: p99 of Apply and Decide for one
// event, and the memory of a waiting call.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []struct{ agents, waiting, skillSets, queues int }{
		{100, 1000, 10, 20},
		{10_000, 100_000, 200, 200},
	} {
		b.Run(fmt.Sprintf("agents=%d/waiting=%d", size.agents, size.waiting), func(b *testing.B) {
			c := newCentre(b, size.agents, size.skillSets, size.queues)
			perCall := c.fill(size.waiting)
			c.took = make([]time.Duration, 0, b.N*8)
			b.ResetTimer()
			for range b.N {
				c.turn()
			}
			b.StopTimer()
			if err := c.s.Check(); err != nil {
				b.Fatal(err)
			}
			slices.Sort(c.took)
			p := func(q int) float64 { return float64(c.took[len(c.took)*q/1000].Nanoseconds()) / 1000 }
			b.ReportMetric(p(500), "p50-µs/event")
			b.ReportMetric(p(990), "p99-µs/event")
			b.ReportMetric(p(999), "p99.9-µs/event")
			b.ReportMetric(float64(perCall), "B/waiting-call")
			b.ReportMetric(float64(len(c.took))/float64(b.N), "events/op")
		})
	}
}

// BenchmarkFreeze is how long the log stands still for a snapshot with 10,000
// calls.
func BenchmarkFreeze(b *testing.B) {
	c := newCentre(b, 1000, 50, 50)
	c.fill(9_000)
	var f Frozen
	b.Run("freeze", func(b *testing.B) {
		for b.Loop() {
			c.s.Freeze(&f)
		}
	})
	if len(f.calls) < 10_000 {
		b.Fatalf("%d calls", len(f.calls))
	}
	b.Run("encode", func(b *testing.B) { // what it was before there was Freeze
		for b.Loop() {
			if err := c.s.Encode(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSnapshot writes and reads a full centre.
func BenchmarkSnapshot(b *testing.B) {
	c := newCentre(b, 10_000, 200, 200)
	c.fill(100_000)
	var buf bytes.Buffer
	if err := c.s.Encode(&buf); err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if err := c.s.Encode(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(buf.Len()))
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(bytes.NewReader(buf.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(buf.Len()))
	})
}

// BenchmarkPlace is what it costs to tell a caller his place in a full centre.
func BenchmarkPlace(b *testing.B) {
	c := newCentre(b, 10_000, 200, 200)
	c.fill(100_000)
	for range 2000 {
		c.turn()
	}
	ids := make([]string, 0, len(c.s.calls))
	for _, v := range c.s.Calls() {
		if v.Phase == PhaseWaiting {
			ids = append(ids, v.ID)
		}
	}
	known := 0
	b.ResetTimer()
	for i := range b.N {
		if p, _ := c.s.Place(ids[i*7919%len(ids)]); p.Known {
			known++
		}
	}
	b.ReportMetric(float64(known)/float64(b.N), "known")
}
