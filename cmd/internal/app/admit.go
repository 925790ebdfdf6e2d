package app

import (
	"context"

	"tierline/call/gate"
	"tierline/cmd/internal/console"
	"tierline/media"
)

// admit limits new calls by what is late, if the settings want it.
func (n *Node) admit(root context.Context) {
	if n.settings.SIP.Admission != "auto" {
		return
	}
	var sounds tardy
	n.run(root, "admission", func(ctx context.Context) error {
		return n.gate.Run(ctx, func() {
			all, above := sounds.since(n.media.Stats().Lateness)
			n.gate.Counted(gate.Sound, all, above)
		})
	})
}

// tardy counts packets that left too late, from one look to the next.
type tardy struct{ all, above uint64 }

func (t *tardy) since(buckets [media.LatenessBuckets + 1]uint64) (all, above uint64) {
	before := *t
	*t = tardy{}
	bounds := media.LatenessBounds()
	for i, frames := range buckets {
		t.all += frames
		if i == len(bounds) || bounds[i] > gate.Sound.Bound() {
			t.above += frames
		}
	}
	return t.all - before.all, t.above - before.above
}

func (n *Node) gateFigures() []console.Figure {
	s := n.gate.Stats()
	limited := 0.0
	if s.Limited {
		limited = 1
	}
	out := []console.Figure{
		console.Gauge("admission_limited", "1: new calls are refused these seconds, 0: none", limited),
		console.Gauge("admission_waiting", "Callers who wait for their set-up", float64(s.Waiting)),
		console.Gauge("admission_rate", "New calls a second that were let in", s.Rate),
		console.Counter("admission_refused_total", "New calls refused with 503 because something is late", s.Refused),
	}
	return append(out, console.Counters("admission_late_total",
		"Tenths of a second in which most was late", "signal", s.Late)...)
}
