package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"

	"tierline/acd"
	"tierline/routing"
)

// Options are how a centre is simulated.
type Options struct {
	Calls    int // calls that are counted
	WarmUp   int // calls before those
	Seed     uint64
	Within   float64             // seconds in which an answer is in time
	Progress func(calls, of int) // now and then, if not nil
}

// none is the end of a list of callers.
const none = -1

// caller is one call that is in the centre. Its place is used again after it,
// and so is its id.
type caller struct {
	id         string
	serial     uint64 // tells who had the place
	arrived    int64
	class      int
	tier       routing.Tier
	batch      int // none: not counted
	agent      int
	waiting    bool
	prev, next int // in the line of its class and tier
}

// line is the waiting callers of one class and tier, in the order they came:
// no policy changes that order.
type line struct{ first, last int }

// world is one run: the core, those who call and talk, and the clock.
type world struct {
	centre  *Centre
	options Options

	core   *acd.State
	index  uint64
	now    int64
	result acd.Result       // of the last entry
	listen func(acd.Result) // hears what each entry comes to, and keeps nothing of it, if not nil

	// Hear of callers who have to wait, once the core has decided, and of those
	// who are served, if not nil.
	waits, served func(caller)

	// Arrivals and what comes with them are drawn call by call, conversations as
	// they begin: so with one seed the number of calls in the centre runs the
	// same course under every policy.
	arrivals, talks *rand.Rand
	bounds          []float64 // of classes, cumulated
	mix             [][routing.TierCount]float64

	callers []caller
	free    []int
	lines   [][routing.TierCount]line
	able    [][]bool // by class, by group of agents
	group   []int    // by agent
	agents  map[string]int
	agenda  agenda

	waiting, inside, serial int
	warm                    int // arrivals before counting began
	counted                 int
	tally                   tally
}

// Run simulates a centre: it applies events to a real core and carries out
// what the core decides. Equal arguments give equal results.
func Run(ctx context.Context, c *Centre, o Options) (*Result, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if o.Calls < 1 || o.Calls > MaxCalls || o.WarmUp < 0 || o.WarmUp > MaxCalls || !(o.Within >= 0) {
		return nil, fmt.Errorf("%d calls after %d, in time within %g s: out of range", o.Calls, o.WarmUp, o.Within)
	}
	w, err := newWorld(c, o)
	if err != nil {
		return nil, err
	}
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	return w.sumUp(), nil
}

func newWorld(c *Centre, o Options) (*world, error) {
	w := &world{
		centre: c, options: o, core: acd.NewState(), able: c.able(), agents: map[string]int{},
		arrivals: rand.New(rand.NewPCG(o.Seed, 1)), talks: rand.New(rand.NewPCG(o.Seed, 2)),
		lines: make([][routing.TierCount]line, len(c.Classes)),
	}
	rate, sum := c.Rate(), 0.0
	for i := range c.Classes {
		sum += c.Classes[i].Rate / rate
		w.bounds = append(w.bounds, sum)
		w.mix = append(w.mix, cumulate(c.Classes[i].Mix))
		for t := range w.lines[i] {
			w.lines[i][t] = line{none, none}
		}
	}
	for g := range c.Groups {
		for range c.Groups[g].Count {
			w.agents[agentName(len(w.group))] = len(w.group)
			w.group = append(w.group, g)
		}
	}
	w.tally = newTally(c, o)
	return w, w.apply(acd.ConfigPublished{Config: c.config()})
}

// cumulate adds the shares up, the best tier first. What rounding leaves over
// goes to the last tier that has a share.
func cumulate(m Mix) (out [routing.TierCount]float64) {
	sum, last := 0.0, 0
	for i, t := range routing.Tiers() {
		sum += m[t]
		out[i] = sum
		if m[t] > 0 {
			last = i
		}
	}
	out[last] = 1
	return out
}

// run goes from event to event until every counted call has left.
func (w *world) run(ctx context.Context) error {
	const often = 8192
	next := w.draw(w.arrivals, 1/w.centre.Rate())
	for w.counted < w.options.Calls || w.inside > 0 {
		arrival := w.counted < w.options.Calls && (len(w.agenda) == 0 || next < w.agenda[0].at)
		var err error
		if arrival {
			w.now = next
			err = w.arrive()
			next += w.draw(w.arrivals, 1/w.centre.Rate())
		} else {
			err = w.happen(w.agenda.pop())
		}
		if err != nil {
			return err
		}
		if !arrival || w.serial%often != 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("after %d of %d calls: %w", w.counted, w.options.Calls, err)
		}
		if w.options.Progress != nil {
			w.options.Progress(w.counted, w.options.Calls)
		}
	}
	return nil
}

// draw returns an exponential time with a mean in seconds.
func (w *world) draw(from *rand.Rand, mean float64) int64 {
	return int64(math.Round(from.ExpFloat64() * mean * second))
}

// arrive lets one caller in and, if nobody can serve him now, wait.
func (w *world) arrive() error {
	i := w.admit()
	c := &w.callers[i]
	patience := int64(0)
	if w.centre.Patience > 0 {
		patience = w.draw(w.arrivals, w.centre.Patience.Seconds())
	}
	w.queue(i)
	err := w.apply(acd.CallArrived{Call: c.id, Node: "sim", Customer: acd.Customer{Tier: c.tier}})
	if err == nil {
		err = w.apply(acd.CallQueued{Call: c.id, Queue: w.tally.queues[c.class], Tier: c.tier})
	}
	if err == nil {
		err = w.settle()
	}
	if w.waits != nil && w.callers[i].waiting && err == nil {
		w.waits(w.callers[i])
	}
	if w.centre.Patience > 0 && w.callers[i].waiting {
		w.agenda.push(appointment{at: w.now + patience, caller: i, serial: w.callers[i].serial, gone: true})
	}
	return err
}

// admit gives the next caller a place and draws who he is.
func (w *world) admit() int {
	if len(w.free) == 0 {
		w.free = append(w.free, len(w.callers))
		w.callers = append(w.callers, caller{id: strconv.Itoa(len(w.callers))})
	}
	i := w.free[len(w.free)-1]
	w.free = w.free[:len(w.free)-1]
	w.serial++
	w.inside++
	c := &w.callers[i]
	c.serial, c.arrived, c.batch, c.agent = uint64(w.serial), w.now, none, none
	c.class = min(sort.SearchFloat64s(w.bounds, w.arrivals.Float64()), len(w.bounds)-1)
	u := w.arrivals.Float64()
	for k, t := range routing.Tiers() {
		if u < w.mix[c.class][k] {
			c.tier = t
			break
		}
	}
	w.count(c)
	return i
}

// count lets the calls count that come after the warm-up. Counting begins when
// nobody waits, because then, without patience, the sum of the waits from here
// on doesn't depend on the policy either. In an overload that moment may never
// come, so it is not waited for without end.
func (w *world) count(c *caller) {
	if w.counted == 0 {
		if w.warm < w.options.WarmUp || w.waiting > 0 && w.warm < 2*w.options.WarmUp {
			w.warm++
			return
		}
		w.tally.begin(w.now)
	}
	c.batch = w.tally.batch(w.counted)
	w.counted++
	if w.counted == w.options.Calls {
		w.tally.end(w.now)
	}
}

// happen is the end of a conversation or of somebody's patience.
func (w *world) happen(a appointment) error {
	c := &w.callers[a.caller]
	if a.gone && (c.serial != a.serial || !c.waiting) {
		return nil // was served in time
	}
	w.now = a.at
	end := acd.CallEnded{Call: c.id, Cause: "normal", By: acd.SideCaller}
	if a.gone {
		end.Cause = "abandoned"
		w.unqueue(a.caller)
		w.tally.left(c, w.now)
	} else {
		w.tally.released(w.group[c.agent], w.now)
	}
	w.free = append(w.free, a.caller)
	w.inside--
	if err := w.apply(end); err != nil {
		return err
	}
	return w.settle()
}

// settle carries out what the core decides until it decides nothing more. All
// phones are picked up at once.
func (w *world) settle() error {
	for {
		decided := acd.Decide(w.core, w.now)
		if len(decided) == 0 {
			return nil
		}
		for _, ev := range decided {
			if err := w.apply(ev); err != nil {
				return err
			}
			if offer, ok := ev.(acd.CallOffered); ok {
				if err := w.answer(offer); err != nil {
					return err
				}
			}
		}
	}
}

// answer begins a conversation.
func (w *world) answer(offer acd.CallOffered) error {
	i, err := strconv.Atoi(offer.Call)
	if err != nil {
		return fmt.Errorf("the core offers a call that nobody made: %w", err)
	}
	if err := w.apply(acd.OfferAnswered{Offer: w.index}); err != nil {
		return err
	}
	c := &w.callers[i]
	c.agent = w.agents[offer.Agent]
	w.unqueue(i)
	if w.served != nil {
		w.served(*c)
	}
	group := w.group[c.agent]
	w.tally.answered(c, w.now, w.overtaken(c, group))
	w.tally.taken(group, w.now)
	w.agenda.push(appointment{
		at: w.now + w.draw(w.talks, w.centre.AHT.Seconds()), caller: i, serial: c.serial,
	})
	return nil
}

// overtaken returns by how much the caller whom c overtakes at an agent came
// earlier, at most.
func (w *world) overtaken(c *caller, group int) (most int64) {
	if w.waiting == 0 {
		return 0
	}
	for class := range w.lines {
		if !w.able[class][group] {
			continue
		}
		for _, l := range w.lines[class] {
			if l.first != none {
				most = max(most, c.arrived-w.callers[l.first].arrived)
			}
		}
	}
	return most
}

// queue puts a caller at the end of his line.
func (w *world) queue(i int) {
	c := &w.callers[i]
	l := &w.lines[c.class][c.tier]
	c.waiting, c.prev, c.next = true, l.last, none
	if l.last == none {
		l.first = i
	} else {
		w.callers[l.last].next = i
	}
	l.last = i
	w.waiting++
}

// unqueue takes him out of it.
func (w *world) unqueue(i int) {
	c := &w.callers[i]
	l := &w.lines[c.class][c.tier]
	if c.prev == none {
		l.first = c.next
	} else {
		w.callers[c.prev].next = c.next
	}
	if c.next == none {
		l.last = c.prev
	} else {
		w.callers[c.next].prev = c.prev
	}
	c.waiting = false
	w.waiting--
}

// apply puts one entry into the log, so to speak.
func (w *world) apply(ev acd.Event) error {
	w.index++
	err := acd.ApplyInto(w.core, acd.Entry{Index: w.index, At: w.now, Wall: w.now, Event: ev}, &w.result)
	if err != nil {
		return fmt.Errorf("the core does not follow: %w", err)
	}
	if w.listen != nil {
		w.listen(w.result)
	}
	return nil
}
