package rank_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

// weights are 8/4/2/1 of the diamond's objective.
func weights() [routing.TierCount]int64 { return [routing.TierCount]int64{8, 4, 2, 1} }

func orders() *rapid.Generator[rank.Order] {
	return rapid.Custom(func(t *rapid.T) rank.Order {
		o := rank.Order{Policy: rapid.SampledFrom(rank.Policies()).Draw(t, "policy"), Objective: weights()}
		o.KeepIdle[routing.Standard] = rapid.IntRange(0, 2).Draw(t, "keep idle")
		o.KeepIdle[routing.Silver] = rapid.IntRange(0, 1).Draw(t, "keep idle")
		return o
	})
}

// keys draws keys so close to each other that ties are common.
func keys(index uint64) *rapid.Generator[rank.Key] {
	return rapid.Custom(func(t *rapid.T) rank.Key {
		k := rank.Key{
			Band:  rapid.SampledFrom([]int64{0, 0, 0, 0, -1, 1}).Draw(t, "band"),
			Since: 1000 - rapid.Int64Range(0, 20).Draw(t, "since"), Index: index,
			Tier: rapid.SampledFrom([]routing.Tier{routing.Standard, routing.Silver, routing.Gold, routing.Diamond}).
				Draw(t, "tier"),
		}
		k.Deadline = k.Since - int64(k.Tier)*5
		return k
	})
}

func TestPolicies(t *testing.T) {
	key := func(tier routing.Tier, since int64, index uint64) rank.Key {
		return rank.Key{Since: since, Deadline: since - int64(tier)*30_000, Tier: tier, Index: index}
	}
	early, gold, diamond := key(routing.Standard, 0, 1), key(routing.Gold, 70_000, 2), key(routing.Diamond, 95_000, 3)
	late := key(routing.Standard, 95_000, 4)
	moved := late
	moved.Band = -1
	last := diamond
	last.Band = 1
	for _, tt := range []struct {
		policy rank.Policy
		want   []rank.Key
	}{
		{rank.PolicyDeadline, []rank.Key{moved, early, diamond, gold, late, last}},
		{rank.PolicyStrict, []rank.Key{moved, diamond, gold, early, late, last}},
		{rank.PolicyRatio, []rank.Key{moved, gold, early, diamond, late, last}}, // 30/2, 100/8, 5/1, 5/8
		{rank.PolicyFIFO, []rank.Key{moved, early, gold, diamond, late, last}},
	} {
		o := rank.Order{Policy: tt.policy, Objective: weights()}
		got := []rank.Key{late, last, diamond, moved, gold, early}
		slices.SortFunc(got, func(a, b rank.Key) int { return o.Compare(a, b, 100_000) })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v", tt.policy, got)
		}
		if p, err := rank.ParsePolicy(tt.policy.String()); p != tt.policy || err != nil {
			t.Errorf("%s: %v, %v", tt.policy, p, err)
		}
	}
	if _, err := rank.ParsePolicy("edf"); err == nil {
		t.Error("edf is a policy")
	}
}

// TestRatioDoesNotOverflow: a wait of a century against the longest objective.
func TestRatioDoesNotOverflow(t *testing.T) {
	const century, hour = 100 * 365 * 86_400_000, 3_600_000
	o := rank.Order{Policy: rank.PolicyRatio, Objective: [routing.TierCount]int64{1 << 62, 1, 1, hour}}
	x, y := rank.Key{Tier: routing.Diamond, Index: 1}, rank.Key{Tier: routing.Standard, Index: 2}
	if o.Compare(x, y, century) >= 0 || o.Compare(y, x, century) <= 0 {
		t.Error("the greater ratio doesn't win")
	}
	// A clock behind, before either of them joined: still a total order.
	x.Since, y.Since = 10, 5
	if o.Compare(y, x, 0) >= 0 || o.Compare(x, y, 0) <= 0 {
		t.Error("no order before time")
	}
}

// TestDegeneratePolicies: equal head starts are fifo, huge ones strict, and
// equal objectives fifo.
func TestDegeneratePolicies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := keys(1).Draw(t, "x"), keys(2).Draw(t, "y")
		compare := func(p rank.Policy, head, objective int64) int {
			x.Deadline, y.Deadline = x.Since-head*int64(x.Tier), y.Since-head*int64(y.Tier)
			o := rank.Order{Policy: p, Objective: [routing.TierCount]int64{objective, objective, objective, objective}}
			return o.Compare(x, y, 1000)
		}
		fifo := compare(rank.PolicyFIFO, 0, 0)
		if compare(rank.PolicyDeadline, 0, 0) != fifo || compare(rank.PolicyRatio, 0, 7) != fifo {
			t.Fatal("equals are not first come, first served")
		}
		if compare(rank.PolicyDeadline, 1_000_000, 0) != compare(rank.PolicyStrict, 0, 0) {
			t.Fatal("huge head starts are not strict")
		}
	})
}
