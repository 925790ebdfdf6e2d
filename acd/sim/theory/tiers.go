package theory

import (
	"errors"
	"fmt"
	"math"
)

// Tier is what becomes of the callers of one tier.
type Tier struct {
	MeanWait float64 // of all its callers, s
	PAbandon float64
}

// Strict returns the figures by tier when a waiting caller of a better tier
// always goes first.
//
// Tiers below don't matter to a tier: while all agents are busy the callers of
// the first k tiers are a chain of their own, and while an agent is free none
// of them waits. Without patience that gives Cobham's formula.
func (q Queue) Strict(shares []float64) ([]Tier, error) {
	f, err := q.Figures()
	if err == nil {
		err = checkShares(shares)
	}
	if err != nil {
		return nil, err
	}
	out := make([]Tier, len(shares))
	served := float64(q.Agents) / q.AHT
	upTo, before := 0.0, 0.0 // of the share, and of the mean number waiting
	for k, share := range shares {
		upTo += share
		rho := q.Rate * upTo / served
		waiting := f.PWait * rho / (1 - rho)
		if q.Patience > 0 {
			sum, first, _ := q.line(q.Rate * upTo)
			waiting = f.PWait * first / sum // in place of the geometric distribution
		}
		if share > 0 {
			out[k].MeanWait = (waiting - before) / (q.Rate * share)
		}
		if q.Patience > 0 {
			out[k].PAbandon = out[k].MeanWait / q.Patience
		}
		before = waiting
	}
	return out, nil
}

// Ratio returns the mean waits by tier when the caller goes first whose wait,
// times the weight of his tier, is greatest. Weights must fall from tier to
// tier. There is no such formula for callers with patience.
func (q Queue) Ratio(shares, weights []float64) ([]Tier, error) {
	f, err := q.Figures()
	if err == nil {
		err = checkShares(shares)
	}
	switch {
	case err != nil:
		return nil, err
	case q.Patience > 0:
		return nil, errors.New("accumulating priority has no closed form with patience")
	case len(weights) != len(shares):
		return nil, fmt.Errorf("%d weights for %d tiers", len(weights), len(shares))
	}
	served := float64(q.Agents) / q.AHT
	out := make([]Tier, len(shares))
	for k := len(shares) - 1; k >= 0; k-- { // each needs those below
		if weights[k] <= 0 || k > 0 && weights[k] > weights[k-1] {
			return nil, fmt.Errorf("weights %v: must be above 0 and must not grow", weights)
		}
		over, under := f.MeanWait, 1.0
		for i, share := range shares {
			rho := q.Rate * share / served
			switch {
			case i > k:
				over -= rho * out[i].MeanWait * (1 - weights[i]/weights[k])
			case i < k:
				under -= rho * (1 - weights[k]/weights[i])
			}
		}
		out[k].MeanWait = over / under
	}
	return out, nil
}

func checkShares(shares []float64) error {
	sum := 0.0
	for _, s := range shares {
		if !(s >= 0) { // also refuses NaN
			return fmt.Errorf("shares %v: one is no share", shares)
		}
		sum += s
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("shares %v: the sum is %g, not 1", shares, sum)
	}
	return nil
}
