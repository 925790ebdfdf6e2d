package theory

import (
	"errors"
	"fmt"
	"math"
)

// ErrOverload means that more work comes in than agents can do, and that
// nobody hangs up: the wait has no mean.
var ErrOverload = errors.New("more calls than the agents can take, and endless patience")

// Queue is one line of callers before agents who are all alike.
type Queue struct {
	Agents   int
	Rate     float64 // calls per second
	AHT      float64 // mean conversation, s
	Patience float64 // mean patience, s; 0 = endless
}

// Figures is what becomes of callers who are served in the order they came.
type Figures struct {
	PWait     float64 // share of callers who wait at all
	PAbandon  float64 // share of callers who hang up
	MeanWait  float64 // of all callers, s
	Waiting   float64 // mean number of waiting callers
	Occupancy float64 // share of time an agent talks
}

// Load returns the erlangs offered.
func (q Queue) Load() float64 { return q.Rate * q.AHT }

// Check says what is wrong with a queue.
func (q Queue) Check() error {
	finite := !math.IsNaN(q.Load()+q.Patience) && !math.IsInf(q.Load()+q.Patience, 0)
	switch {
	case q.Agents < 1:
		return fmt.Errorf("%d agents", q.Agents)
	case !finite || q.Rate <= 0 || q.AHT <= 0 || q.Patience < 0:
		return fmt.Errorf("rate %g, conversation %g s, patience %g s: out of range", q.Rate, q.AHT, q.Patience)
	case q.Patience == 0 && q.Load() >= float64(q.Agents):
		return fmt.Errorf("%w: %.4g erlangs for %d agents", ErrOverload, q.Load(), q.Agents)
	}
	return nil
}

// Blocking is Erlang B: the share of calls that find all of n agents busy if
// nobody may wait.
func Blocking(n int, load float64) float64 { return 1 / inverseBlocking(n, load) }

// inverseBlocking can't vanish as its inverse does for many agents.
func inverseBlocking(n int, load float64) float64 {
	inverse := 1.0
	for k := 1; k <= n; k++ {
		inverse = 1 + inverse*float64(k)/load
	}
	return inverse
}

// Figures is Erlang C or, with patience, Erlang A.
func (q Queue) Figures() (Figures, error) {
	if err := q.Check(); err != nil {
		return Figures{}, err
	}
	if q.Patience == 0 {
		return q.erlangC(), nil
	}
	pWait, waiting := q.erlangA()
	abandon := waiting / q.Patience / q.Rate
	return Figures{
		PWait: pWait, PAbandon: abandon, MeanWait: waiting / q.Rate, Waiting: waiting,
		Occupancy: q.Load() * (1 - abandon) / float64(q.Agents),
	}, nil
}

func (q Queue) erlangC() Figures {
	n, rho := float64(q.Agents), q.Load()/float64(q.Agents)
	b := Blocking(q.Agents, q.Load())
	c := b / (1 - rho*(1-b))
	wait := c / (n/q.AHT - q.Rate)
	return Figures{PWait: c, MeanWait: wait, Waiting: wait * q.Rate, Occupancy: rho}
}

// erlangA sums the birth-death chain, everything in units of the state in
// which all agents are busy and nobody waits.
func (q Queue) erlangA() (pWait, waiting float64) {
	below := inverseBlocking(q.Agents, q.Load()) - 1
	above, first, scale := q.line(q.Rate)
	pWait = above / (below*scale + above)
	return pWait, pWait * first / above
}

// line sums the chain of waiting callers while all agents are busy: callers
// join at rate, are served by all agents together, and hang up. It returns the
// sum of the weights, the sum of weight × callers, and the factor that both
// were scaled with.
func (q Queue) line(rate float64) (sum, first, scale float64) {
	const large = 1e200
	weight, scale := 1.0, 1.0
	sum = 1
	served := float64(q.Agents) / q.AHT
	for k := 1.0; weight > sum*1e-17 || rate > served+k/q.Patience; k++ {
		weight *= rate / (served + k/q.Patience)
		sum += weight
		first += k * weight
		if sum > large {
			weight, sum, first, scale = weight/large, sum/large, first/large, scale/large
		}
	}
	return sum, first, scale
}

// ServiceLevel returns the share of all callers who are served within some
// seconds.
func (q Queue) ServiceLevel(within float64) (float64, error) {
	f, err := q.Figures()
	if err != nil {
		return 0, err
	}
	if q.Patience == 0 {
		return 1 - f.PWait*math.Exp(-(float64(q.Agents)/q.AHT-q.Rate)*within), nil
	}
	return 1 - f.PWait + f.PWait*q.servedOfWaiting(within), nil
}

// servedOfWaiting returns, of the callers who wait at all, the share served
// within some seconds. The wait v a caller would have to bear has a density in
// proportion to exp(rate·H(v) − served·v), H(v) being the mean of what he bears
// of it; he bears it with the chance exp(−v/patience).
func (q Queue) servedOfWaiting(within float64) float64 {
	served := float64(q.Agents) / q.AHT
	exponent := func(v float64) float64 {
		return q.Rate*q.Patience*-math.Expm1(-v/q.Patience) - served*v
	}
	top := max(0, q.Patience*math.Log(q.Rate/served))
	highest := exponent(top)
	const negligible = 45
	far := top + q.Patience
	for exponent(far) > highest-negligible {
		far = top + 2*(far-top)
	}
	density := func(v float64) float64 { return math.Exp(exponent(v) - highest) }
	borne := func(v float64) float64 { return density(v) * math.Exp(-v/q.Patience) }
	return simpson(borne, 0, min(within, far), top) / simpson(density, 0, far, top)
}

// simpson integrates f from a to b, in two parts if its peak lies between.
func simpson(f func(float64) float64, a, b, peak float64) float64 {
	if a < peak && peak < b {
		return simpson(f, a, peak, a) + simpson(f, peak, b, a)
	}
	const steps = 4000
	h := (b - a) / steps
	sum := f(a) + f(b)
	for i := 1; i < steps; i++ {
		sum += float64(2+2*(i%2)) * f(a+float64(i)*h)
	}
	return sum * h / 3
}
