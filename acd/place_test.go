package acd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/routing"
)

// places counts, call by call, who goes before each call that waits and could
// take one of its agents away.
func (w *world) places(t *rapid.T) {
	compete := func(c, o *call) bool {
		if c.place.Requirement.Key() == o.place.Requirement.Key() {
			return true
		}
		for _, a := range w.s.agents {
			if _, able := c.place.Requirement.Able(a.config.Skills); able {
				if _, able = o.place.Requirement.Able(a.config.Skills); able {
					return true
				}
			}
		}
		return false
	}
	order := w.s.board.Order()
	for id, c := range w.s.calls {
		p, ok := w.s.Place(id)
		if ok != c.inQueue() {
			t.Fatalf("%s is %s and has a place: %v", id, c.phase, ok)
		}
		if !ok {
			continue
		}
		want := 1
		for _, o := range w.s.calls {
			if c.phase == PhaseWaiting && o != c && o.phase == PhaseWaiting && o.keptUntil == 0 && compete(c, o) &&
				order.Compare(o.place.Key, c.place.Key, w.s.now) < 0 {
				want++
			}
		}
		if p.Position != want || p.EstimateMS < 0 || p.Known && (p.MaxMinutes <= p.MinMinutes || p.MinMinutes < 0) {
			t.Fatalf("%s is at %d, want %d: %+v", id, p.Position, want, p)
		}
	}
}

// TestEstimateOfAQueuedCall: what is told before a call is queued is what it is
// told when it has been, and asking changes nothing.
func TestEstimateOfAQueuedCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		config := drawConfig(t)
		for i := range config.Queues {
			config.Queues[i].NoStaffRefuse, config.Queues[i].MaxLength = false, 0
		}
		if err := w.put(t, ConfigPublished{Hash: "h", Config: config}); err != nil {
			t.Fatal(err)
		}
		actions := w.actions()
		delete(actions, "publish")
		actions[""] = w.settle
		t.Repeat(actions)
		if err := w.put(t, CallArrived{Call: "new", Node: "n1", Customer: Customer{ID: "new"}}); err != nil {
			t.Fatal(err)
		}
		ev := CallQueued{Call: "new", Queue: "human", Tier: routing.Tier(rapid.IntRange(0, routing.TierCount-1).Draw(t, "tier"))}
		before := w.s.Hash()
		want, ok := w.s.Estimate(ev)
		if _, explained := w.s.Explain(ev, "", Customer{}); !ok || !explained || w.s.Hash() != before {
			t.Fatalf("no estimate, or asking changed something: %+v", want)
		}
		if err := w.put(t, ev); err != nil {
			t.Fatal(err)
		}
		got, _ := w.s.Place("new")
		got.EstimateMS, want.EstimateMS = 0, 0 // its own arrival is measured by now
		got.MinMinutes, want.MinMinutes, got.MaxMinutes, want.MaxMinutes = 0, 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("another place than it was told:\n%s", diff)
		}
	})
}

// TestAnnounced: ranges hold the estimate, and are as coarse as it is long.
func TestAnnounced(t *testing.T) {
	const minute = 60_000
	for _, tt := range []struct{ ms, from, to int64 }{
		{0, 0, 1},
		{48_000, 0, 1},
		{48_001, 1, 2},
		{90_000, 1, 2},
		{4 * minute, 3, 5},
		{9 * minute, 6, 12},
		{10 * minute, 7, 13},
		{11 * minute, 5, 15},
		{30 * minute, 20, 40},
		{61 * minute, 45, 90},
		{300 * minute, 225, 375},
	} {
		if from, to := announced(tt.ms); int64(from) != tt.from || int64(to) != tt.to {
			t.Errorf("%d ms is announced as %d to %d min, want %d to %d", tt.ms, from, to, tt.from, tt.to)
		}
	}
	for ms := int64(0); ms < 40_000_000; ms += 1 + ms/37 {
		from, to := announced(ms)
		if int64(from)*minute > max(ms, minute) || int64(to)*minute < ms || from >= to {
			t.Fatalf("%d ms is announced as %d to %d min", ms, from, to)
		}
	}
}

// TestDrain: against what can be reckoned by hand.
func TestDrain(t *testing.T) {
	const call, minute = 1024, 60_000
	each := func(ms int64) int64 { return rateUnit / ms } // one in so long
	for _, tt := range []struct {
		name                  string
		length, served, leave int64
		until, rate           int64
		want                  int64 // ms; -1: for ever
	}{
		{"nobody ahead, ten agents", call, 10 * each(3*minute), 0, 0, 0, 18_000},
		{"ten ahead", 11 * call, 10 * each(3*minute), 0, 0, 0, 198_000},
		{"ready agents", -call, each(minute), 0, 0, 0, 0},
		{"a thousand", 1000 * call, each(1000), 0, 0, 0, 1_000_000},
		{"as many overtake as are served, for a while", 2 * call, each(minute), 0, 10 * minute, each(minute), 12 * minute},
		{"more overtake, for a while", 2 * call, each(minute), 0, 10 * minute, 2 * each(minute), 22 * minute},
		{"too many overtake", 2 * call, each(minute), 0, never, 2 * each(minute), -1},
		{"nobody serves", call, 0, 0, 0, 0, -1},
		{"half overtake", 2 * call, 2 * each(minute), 0, never, each(minute), 2 * minute},
	} {
		l := newBacklog(tt.length, tt.served, tt.leave)
		l.overtaken(tt.until, tt.rate)
		got, ok := l.drain()
		if !ok {
			got = -1
		}
		if d := got - tt.want; d*1000 > max(tt.want, 0) || -d*1000 > max(tt.want, 0) {
			t.Errorf("%s: %d ms, want %d", tt.name, got, tt.want)
		}
	}
}

// TestDrainExtremes: no numbers make it overflow or run for long.
func TestDrainExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		big := rapid.Custom(func(t *rapid.T) int64 {
			return rapid.Int64Range(0, 1<<16).Draw(t, "n") << rapid.IntRange(0, 45).Draw(t, "shift")
		})
		l := newBacklog(big.Draw(t, "length"), big.Draw(t, "served"), big.Draw(t, "leave"))
		for range rapid.IntRange(0, 4).Draw(t, "flows") {
			l.overtaken(big.Draw(t, "until"), big.Draw(t, "rate"))
		}
		if took, ok := l.drain(); took < 0 || ok && took >= longest {
			t.Fatalf("%+v takes %d, %v", l, took, ok)
		}
	})
}
