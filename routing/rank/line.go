package rank

import (
	"cmp"
	"strings"

	"tierline/routing"
	"tierline/routing/rank/ordered"
)

// line is waiting calls with the same chances, cut into lanes within which the
// order never changes while they wait: a match compares the heads of lanes.
type line struct {
	order Order
	lanes [2 * routing.TierCount]*ordered.List[*Call] // nil: nobody was ever there
	n     int
}

// lane returns where a call belongs. Under PolicyRatio the order between tiers
// turns with time; a call that yields must not block those who don't.
func (l *line) lane(c *Call) int {
	switch {
	case c.Yields:
		return routing.TierCount + int(c.Key.Tier)
	case l.order.Policy == PolicyRatio:
		return int(c.Key.Tier)
	}
	return 0
}

func (l *line) insert(c *Call) {
	c.lane = l.lane(c)
	lane := l.lanes[c.lane]
	if lane == nil {
		order := l.order
		lane = ordered.New(func(x, y *Call) int {
			return cmp.Or(order.Compare(x.Key, y.Key, 0), strings.Compare(x.ID, y.ID))
		})
		l.lanes[c.lane] = lane
	}
	lane.Insert(c)
	l.n++
}

func (l *line) remove(c *Call) {
	l.lanes[c.lane].Delete(c)
	l.n--
}

// reorder lines everybody up anew.
func (l *line) reorder(o Order) {
	old := l.lanes
	*l = line{order: o}
	for _, lane := range old {
		if lane == nil {
			continue
		}
		for c := range lane.All() {
			l.insert(c)
		}
	}
}

// length counts again, for Check.
func (l *line) length() (n int) {
	for _, lane := range l.lanes {
		if lane != nil {
			n += lane.Len()
		}
	}
	return n
}
