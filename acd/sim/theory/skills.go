package theory

import (
	"errors"
	"fmt"
	"math/bits"
)

// MaxSkilled bounds the agents of [Skills]: its cost doubles with each.
const MaxSkilled = 20

// Skills is a centre with agents who can't take every call: callers in the
// order they came, each to the able agent who has been idle longest, and
// endless patience.
type Skills struct {
	Rates []float64 // by class of calls, per second
	AHT   float64   // s
	Able  [][]bool  // by agent, by class
}

// SkillFigures is what [Skills] comes to.
type SkillFigures struct {
	Busy    []float64 // by agent: share of time
	Waiting []float64 // by class: mean number of waiting callers
	PWait   []float64 // by class: share of callers who find no able agent free
}

// weights are those of the product form, summed over all orders of the agents
// in a set. A set of agents is a number with a bit for each.
type weights struct {
	Skills
	busy    []float64 // by set
	idle    []float64
	waiting [][]float64 // by class and set: busy × mean number waiting
}

// Figures sums the product form: the busy agents in the order in which the
// calls came that they hold, between them the callers whom only those before
// can serve, then the idle agents in the order of their idleness.
func (s Skills) Figures() (SkillFigures, error) {
	if err := s.check(); err != nil {
		return SkillFigures{}, err
	}
	n, sets := len(s.Able), 1<<len(s.Able)
	w := weights{Skills: s, busy: make([]float64, sets), idle: make([]float64, sets)}
	for range s.Rates {
		w.waiting = append(w.waiting, make([]float64, sets))
	}
	if err := w.fill(); err != nil {
		return SkillFigures{}, err
	}
	f := SkillFigures{
		Busy: make([]float64, n), Waiting: make([]float64, len(s.Rates)), PWait: make([]float64, len(s.Rates)),
	}
	total := 0.0
	for set := range sets {
		rest := sets - 1 - set
		p := w.busy[set] * w.idle[rest]
		total += p
		for m := range n {
			if set>>m&1 == 1 {
				f.Busy[m] += p
			}
		}
		for c := range s.Rates {
			f.Waiting[c] += w.waiting[c][set] * w.idle[rest]
			if !s.serves(rest, c) {
				f.PWait[c] += p
			}
		}
	}
	for _, list := range [][]float64{f.Busy, f.Waiting, f.PWait} {
		for i := range list {
			list[i] /= total
		}
	}
	return f, nil
}

func (s Skills) check() error {
	if len(s.Able) == 0 || len(s.Able) > MaxSkilled {
		return fmt.Errorf("the product form is for 1 to %d agents, not %d", MaxSkilled, len(s.Able))
	}
	if !(s.AHT > 0) {
		return fmt.Errorf("conversation of %g s", s.AHT)
	}
	for m, able := range s.Able {
		if len(able) != len(s.Rates) {
			return fmt.Errorf("agent %d: %d classes, not %d", m, len(able), len(s.Rates))
		}
	}
	for c, rate := range s.Rates {
		if !(rate > 0) {
			return fmt.Errorf("class %d: rate %g", c, rate)
		}
	}
	return nil
}

// fill computes set by set; every set is made from those with one agent less.
func (w *weights) fill() error {
	w.busy[0], w.idle[0] = 1, 1
	for set := 1; set < len(w.busy); set++ {
		var busy, idle float64
		for rest := set; rest != 0; rest &= rest - 1 {
			without := set &^ (rest & -rest)
			busy += w.busy[without]
			idle += w.idle[without]
			for c := range w.waiting {
				w.waiting[c][set] += w.waiting[c][without]
			}
		}
		spare, useful := float64(bits.OnesCount(uint(set)))/w.AHT, 0.0
		others := len(w.busy) - 1 - set
		for c, rate := range w.Rates {
			if !w.serves(others, c) {
				spare -= rate
			}
			if w.serves(set, c) {
				useful += rate
			}
		}
		if spare <= 0 {
			return fmt.Errorf("%w: for some classes of calls", ErrOverload)
		}
		if useful == 0 {
			return errors.New("an agent can take no call")
		}
		w.busy[set], w.idle[set] = busy/spare, idle/useful
		for c, rate := range w.Rates {
			w.waiting[c][set] /= spare
			if !w.serves(others, c) {
				w.waiting[c][set] += w.busy[set] * rate / spare
			}
		}
	}
	return nil
}

// serves tells whether somebody in a set can take a class of calls.
func (s Skills) serves(set, class int) bool {
	for ; set != 0; set &= set - 1 {
		if s.Able[bits.TrailingZeros(uint(set))][class] {
			return true
		}
	}
	return false
}
