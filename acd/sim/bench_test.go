package sim

import (
	"testing"
	"time"

	"tierline/routing"
	"tierline/routing/rank"
)

// usual is the centre of the golden numbers: 20 agents, 180 s.
func usual(load float64, p rank.Policy) *Centre {
	return &Centre{
		Groups: []Group{{Count: 20}}, AHT: 180 * time.Second, Policy: p,
		Classes:   []Class{{Rate: load * 20 / 180, Mix: Mix{.50, .30, .15, .05}}},
		HeadStart: [routing.TierCount]time.Duration{0, 30 * time.Second, 60 * time.Second, 120 * time.Second},
		Objective: [routing.TierCount]time.Duration{120 * time.Second, 60 * time.Second, 30 * time.Second, 15 * time.Second},
	}
}

// BenchmarkRun is the time of one simulated call.
func BenchmarkRun(b *testing.B) {
	if _, err := Run(b.Context(), usual(.92, rank.PolicyDeadline), Options{Calls: b.N, Seed: 1, Within: 20}); err != nil {
		b.Fatal(err)
	}
}
