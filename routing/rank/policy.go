package rank

import (
	"cmp"
	"fmt"
	"math/bits"

	"tierline/routing"
)

// Policy says what the order of waiting calls is made of. The order of the
// constants is part of the log format.
type Policy uint8

// Ranking policies. Bands come before all of them, and within one tier each is
// first come, first served.
const (
	PolicyDeadline Policy = iota // time of joining less the tier's head start
	PolicyStrict                 // a higher tier first, whatever the waits
	PolicyRatio                  // greatest waited/objective: accumulating priority (Kleinrock)
	PolicyFIFO                   // time of joining only
)

// Policies lists every policy.
func Policies() []Policy { return []Policy{PolicyDeadline, PolicyStrict, PolicyRatio, PolicyFIFO} }

// String returns the policy's name as documents spell it.
func (p Policy) String() string {
	switch p {
	case PolicyDeadline:
		return "deadline"
	case PolicyStrict:
		return "strict"
	case PolicyRatio:
		return "ratio"
	case PolicyFIFO:
		return "fifo"
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// ParsePolicy is the inverse of String.
func ParsePolicy(s string) (Policy, error) {
	for _, p := range Policies() {
		if s == p.String() {
			return p, nil
		}
	}
	return PolicyDeadline, fmt.Errorf("%q is no ranking policy (deadline, strict, ratio, fifo)", s)
}

// Order compares the keys of waiting calls under a policy.
type Order struct {
	Policy    Policy
	Objective [routing.TierCount]int64 // ms, by tier number; of PolicyRatio, all above 0

	// KeepIdle is how many able agents must stay ready beside the chosen one for
	// a call of the tier that is marked [Call.Yields].
	KeepIdle [routing.TierCount]int
}

// Compare orders two waiting calls at log time now, as cmp.Compare does: who
// is smaller is served first. Only under PolicyRatio does now matter, and only
// between tiers.
func (o Order) Compare(x, y Key, now int64) int {
	if x.Band != y.Band {
		return cmp.Compare(x.Band, y.Band)
	}
	var by int
	switch o.Policy {
	case PolicyDeadline:
		by = cmp.Compare(x.Deadline, y.Deadline)
	case PolicyStrict:
		by = cmp.Or(cmp.Compare(y.Tier, x.Tier), cmp.Compare(x.Since, y.Since))
	case PolicyRatio:
		if x.Tier == y.Tier {
			by = cmp.Compare(x.Since, y.Since)
			break
		}
		by = o.ratio(x, y, now)
	case PolicyFIFO:
		by = cmp.Compare(x.Since, y.Since)
	}
	return cmp.Or(by, cmp.Compare(x.Index, y.Index))
}

// ratio compares waited/objective across tiers without dividing: a/p > b/q is
// a·q > b·p.
func (o Order) ratio(x, y Key, now int64) int {
	xh, xl := bits.Mul64(waited(x, now), uint64(max(1, o.Objective[y.Tier]))) //nolint:gosec // above 0
	yh, yl := bits.Mul64(waited(y, now), uint64(max(1, o.Objective[x.Tier]))) //nolint:gosec // above 0
	return cmp.Or(cmp.Compare(yh, xh), cmp.Compare(yl, xl), cmp.Compare(x.Since, y.Since))
}

func waited(k Key, now int64) uint64 {
	return uint64(max(0, now-k.Since)) //nolint:gosec // not below 0
}
