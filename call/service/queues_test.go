package service

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
)

// TestQueueGates: what decides whether a call is let in, and whom it rings.
func TestQueueGates(t *testing.T) {
	b, _ := demo(t)
	b = change(t, b, "queues.yaml", "max_wait: 15m", "max_wait: 15m\n    ring_group: 3\n    max_estimate: 20m\n"+
		"    no_staff: {join: refuse, leave_after: 30s}\n    last_agent: 24h")
	s, problems := Compile(b)
	if s == nil {
		t.Fatalf("%v", problems)
	}
	var got acd.QueueConfig
	for _, q := range s.Config.Queues {
		if q.RingGroup > 0 {
			got = acd.QueueConfig{
				RingGroup: q.RingGroup, MaxEstimate: q.MaxEstimate, NoStaffRefuse: q.NoStaffRefuse,
				NoStaffLeave: q.NoStaffLeave, LastAgent: q.LastAgent,
			}
		}
	}
	want := acd.QueueConfig{
		RingGroup: 3, MaxEstimate: 1_200_000, NoStaffRefuse: true, NoStaffLeave: 30_000, LastAgent: 86_400_000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
