package sim

import (
	"errors"
	"fmt"

	"tierline/acd/sim/theory"
	"tierline/routing"
	"tierline/routing/rank"
)

// ErrNoClosedForm means that theory has no formula for a centre, or not for
// all of it.
var ErrNoClosedForm = errors.New("no closed form is known")

// Expectation is what theory says of a centre. What it doesn't say is nil or
// empty.
type Expectation struct {
	Overall *ExpectedOverall `json:"overall,omitempty"`
	Tiers   []ExpectedTier   `json:"tiers,omitempty"`
	Classes []ExpectedClass  `json:"classes,omitempty"`
	Groups  []ExpectedGroup  `json:"groups,omitempty"`
	Note    string           `json:"note,omitempty"` // what there is no formula for
}

// ExpectedOverall is about all calls.
type ExpectedOverall struct {
	MeanWait  float64  `json:"mean_wait_s"`
	PWait     float64  `json:"p_wait"`
	PAbandon  float64  `json:"p_abandon"`
	Occupancy float64  `json:"occupancy"`
	SL        *float64 `json:"sl,omitempty"` // depends on the policy
}

// ExpectedTier is about the calls of a tier.
type ExpectedTier struct {
	Tier     routing.Tier `json:"tier"`
	MeanWait float64      `json:"mean_wait_s"`
	PAbandon float64      `json:"p_abandon"`
}

// ExpectedClass is about the calls of a class.
type ExpectedClass struct {
	Class    string  `json:"class"`
	MeanWait float64 `json:"mean_wait_s"`
	PWait    float64 `json:"p_wait"`
}

// ExpectedGroup is about a group of agents.
type ExpectedGroup struct {
	Group     string  `json:"group"`
	Occupancy float64 `json:"occupancy"`
}

// Expect returns what theory says of a centre. In time is who is served within
// so many seconds.
func Expect(c *Centre, inTime float64) (*Expectation, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if !c.alike() {
		return c.expectSkills()
	}
	q := theory.Queue{Agents: c.Agents(), Rate: c.Rate(), AHT: c.AHT.Seconds(), Patience: c.Patience.Seconds()}
	f, err := q.Figures()
	if err != nil {
		return nil, fmt.Errorf("theory: %w", err)
	}
	e := &Expectation{Overall: &ExpectedOverall{
		MeanWait: f.MeanWait, PWait: f.PWait, PAbandon: f.PAbandon, Occupancy: f.Occupancy,
	}}
	err = c.expectTiers(q, f, e)
	if errors.Is(err, ErrNoClosedForm) {
		e.Note = err.Error()
	} else if err != nil {
		return nil, fmt.Errorf("theory: %w", err)
	}
	if c.Policy == rank.PolicyFIFO {
		sl, err := q.ServiceLevel(inTime)
		if err != nil {
			return nil, fmt.Errorf("theory: %w", err)
		}
		e.Overall.SL = &sl
	}
	return e, nil
}

func (c *Centre) expectTiers(q theory.Queue, f theory.Figures, e *Expectation) error {
	shares := c.shares()
	var (
		tiers []theory.Tier
		err   error
	)
	switch {
	case c.Policy == rank.PolicyFIFO:
		for range shares {
			tiers = append(tiers, theory.Tier{MeanWait: f.MeanWait, PAbandon: f.PAbandon})
		}
	case c.Policy == rank.PolicyStrict:
		tiers, err = q.Strict(shares)
	case c.Policy == rank.PolicyRatio && c.Patience == 0:
		weights := make([]float64, 0, len(shares))
		for _, t := range routing.Tiers() {
			weights = append(weights, 1/c.Objective[t].Seconds())
		}
		tiers, err = q.Ratio(shares, weights)
	case c.Policy == rank.PolicyRatio:
		err = fmt.Errorf("%w for the tiers under ratio with patience", ErrNoClosedForm)
	default:
		err = fmt.Errorf("%w for the tiers under %s", ErrNoClosedForm, c.Policy)
	}
	if err != nil {
		return err
	}
	for i, t := range routing.Tiers() {
		if shares[i] > 0 {
			e.Tiers = append(e.Tiers, ExpectedTier{Tier: t, MeanWait: tiers[i].MeanWait, PAbandon: tiers[i].PAbandon})
		}
	}
	return nil
}

// alike tells whether every agent can take every call.
func (c *Centre) alike() bool {
	for _, able := range c.able() {
		for _, a := range able {
			if !a {
				return false
			}
		}
	}
	return true
}

// shares are those of all calls, the best tier first.
func (c *Centre) shares() []float64 {
	out := make([]float64, routing.TierCount)
	for i, t := range routing.Tiers() {
		for k := range c.Classes {
			out[i] += c.Classes[k].Mix[t] * c.Classes[k].Rate / c.Rate()
		}
	}
	return out
}

// expectSkills is the product form. The fit of an agent plays no part in it,
// and none here.
func (c *Centre) expectSkills() (*Expectation, error) {
	n := c.Agents()
	if c.Policy != rank.PolicyFIFO || c.Patience > 0 || n > theory.MaxSkilled {
		return &Expectation{Note: fmt.Sprintf(
			"%v with different skills, except for fifo, endless patience and at most %d agents", ErrNoClosedForm,
			theory.MaxSkilled)}, nil
	}
	s := theory.Skills{AHT: c.AHT.Seconds(), Able: make([][]bool, n)}
	for i, able := range c.able() {
		s.Rates = append(s.Rates, c.Classes[i].Rate)
		m := 0
		for g := range c.Groups {
			for range c.Groups[g].Count {
				s.Able[m] = append(s.Able[m], able[g])
				m++
			}
		}
	}
	f, err := s.Figures()
	if err != nil {
		return nil, fmt.Errorf("theory: %w", err)
	}
	e := &Expectation{}
	for i := range c.Classes {
		e.Classes = append(e.Classes, ExpectedClass{
			Class: c.Classes[i].Name, MeanWait: f.Waiting[i] / c.Classes[i].Rate, PWait: f.PWait[i],
		})
	}
	m := 0
	for _, g := range c.Groups { // agents of a group are equally busy
		e.Groups = append(e.Groups, ExpectedGroup{Group: g.Name, Occupancy: f.Busy[m]})
		m += g.Count
	}
	return e, nil
}
