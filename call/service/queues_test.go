package service

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/routing/document"
)

// TestQueueCallback: how a queue calls back is what its document says; what it
// leaves out is the core's to say.
func TestQueueCallback(t *testing.T) {
	b, _ := demo(t)
	for text, want := range map[string]acd.CallbackConfig{
		"callback: {attempts: 2, spacing: 10m, expires: 8h, max: 50}": {
			Attempts: 2, Spacing: 600_000, Expires: 28_800_000, Max: 50,
		},
		"callback: {max: 50}": {Max: 50},
	} {
		s, problems := Compile(change(t, b, "queues.yaml", "max_wait: 60s", "max_wait: 60s\n    "+text))
		if s == nil {
			t.Fatalf("%v", problems)
		}
		i := slices.IndexFunc(s.Config.Queues, func(q acd.QueueConfig) bool { return q.Name == "human_vip" })
		if i < 0 || s.Config.Queues[i].Callback != want {
			t.Errorf("%s: %+v", text, s.Config.Queues)
		}
	}
	if s, problems := Compile(change(t, b, "queues.yaml", "max_wait: 60s", "max_wait: 60s\n    callback: {attempts: 0}")); s != nil {
		t.Errorf("no attempts are taken: %v", problems)
	}
}

// Conversations of the queues that say so are recorded, and no others.
func TestRecordedQueues(t *testing.T) {
	b, _ := demo(t)
	if s, _ := Compile(b); s == nil || s.Recorded("human") != RecordNothing {
		t.Error("human is recorded without a word")
	}
	with := func(text string) (*Service, []document.Problem) {
		return Compile(change(t, b, "queues.yaml", "max_wait: 15m", "max_wait: 15m\n    record: "+text))
	}
	s, problems := with("{from: bridge}")
	if s == nil || s.Recorded("human") != RecordBridge || s.Recorded("fault") != RecordNothing {
		t.Errorf("%v", problems)
	}
	if s.RecordsCalls() {
		t.Error("calls are recorded from the answer on")
	}
	if s, _ = with("{from: queue}"); s == nil || s.Recorded("human") != RecordQueue || s.RecordsCalls() {
		t.Error("not from the queue on")
	}
	if s, _ = with("{from: answer}"); s == nil || s.Recorded("human") != RecordAnswer || !s.RecordsCalls() {
		t.Error("not from the answer on")
	}
	for _, text := range []string{"{from: brigde}", "{from: ''}", "{to: bridge}"} {
		if s, _ := with(text); s != nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// TestQueueGates: what decides whether a call is let in, and whom it rings.
func TestQueueGates(t *testing.T) {
	b, _ := demo(t)
	b = change(t, b, "queues.yaml", "max_wait: 60s", "max_wait: 60s\n    ring_group: 3\n    max_estimate: 20m\n"+
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
