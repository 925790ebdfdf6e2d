package app

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
)

var (
	simSeed  = flag.Uint64("sim.seed", 0, "the only seed to simulate; 0: several")
	simSeeds = flag.String("sim.seeds", "1-12", "the seeds to simulate, from-to")
)

// TestSimulation lets three nodes serve callers while processes are killed in
// the middle of what they do, links are cut and packets lost. Each node is all
// that `tierline serve` starts but for RTP and HTTP.
func TestSimulation(t *testing.T) {
	certs := simCertificates(t)
	var first, last uint64
	if _, err := fmt.Sscanf(*simSeeds, "%d-%d", &first, &last); err != nil {
		t.Fatalf("-sim.seeds %s: %v", *simSeeds, err)
	}
	if *simSeed > 0 {
		first, last = *simSeed, *simSeed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				w := simulate(t, seed, dir, certs)
				if len(w.problems) > 0 {
					t.Error(w.report(seed))
				} else if *simSeed > 0 {
					t.Log(w.report(seed))
				}
			})
		})
	}
}
