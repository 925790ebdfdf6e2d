package cluster

import "testing"

func TestAdmit(t *testing.T) {
	type step struct {
		o    origin
		want fate
	}
	n1 := func(start, seq, after uint64) origin { return origin{"n1", start, seq, after} }
	n2 := func(start, seq, after uint64) origin { return origin{"n2", start, seq, after} }
	tests := map[string][]step{
		"posted events in order": {{n1(1, 1, 0), fateApplied}, {n1(1, 2, 0), fateApplied}, {n1(1, 3, 0), fateApplied}},
		"sent again":             {{n1(1, 1, 0), fateApplied}, {n1(1, 1, 0), fateDuplicate}, {n1(1, 2, 0), fateApplied}},
		"one is missing":         {{n1(1, 1, 0), fateApplied}, {n1(1, 3, 0), fateGap}, {n1(1, 2, 0), fateApplied}, {n1(1, 3, 0), fateApplied}},
		"a proposal waits for what was posted before": {
			{n1(1, 0, 1), fateGap}, {n1(1, 1, 0), fateApplied}, {n1(1, 0, 1), fateApplied}, {n1(1, 0, 0), fateApplied},
		},
		"a new process begins at 1": {
			{n1(1, 1, 0), fateApplied}, {n1(1, 2, 0), fateApplied}, {n1(2, 2, 0), fateGap}, {n1(2, 1, 0), fateApplied},
		},
		"an old process is over": {
			{n1(2, 1, 0), fateApplied}, {n1(1, 2, 0), fateStale}, {n1(1, 0, 0), fateStale}, {n1(2, 2, 0), fateApplied},
		},
		"nodes don't disturb each other": {
			{n2(5, 1, 0), fateApplied}, {n1(1, 1, 0), fateApplied}, {n2(5, 2, 0), fateApplied}, {n1(1, 2, 0), fateApplied},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			var s sessions
			for i, st := range steps {
				if got := s.admit(st.o); got != st.want {
					t.Fatalf("step %d, %+v: fate %d, want %d", i, st.o, got, st.want)
				}
			}
		})
	}
}
