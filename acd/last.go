package acd

import (
	"cmp"
	"strings"

	"tierline/routing/rank/ordered"
)

// maxServed bounds how many callers' last agents are remembered; the ones that
// would be forgotten first anyway go.
const maxServed = 100_000

// served is who talked to a caller last.
type served struct {
	key   string // "c" and the customer, or "n" and the number
	agent string
	until int64 // log time when it is forgotten
}

func newServedOrder() *ordered.List[*served] {
	return ordered.New(func(a, b *served) int {
		return cmp.Or(cmp.Compare(a.until, b.until), strings.Compare(a.key, b.key))
	})
}

// caller names who calls: the customer, or else the number, "" if neither is
// known.
func (c *call) caller() string {
	number := c.number()
	switch {
	case c.customer.ID != "":
		return "c" + c.customer.ID
	case number != "":
		return "n" + number
	}
	return ""
}

// rememberAgent notes who has talked to a caller, for as long as the queue says.
func (s *State) rememberAgent(c *call, agent string) {
	key := c.caller()
	if key == "" || c.queue.LastAgent == 0 {
		return
	}
	for {
		first, ok := s.servedOrder.First()
		if !ok || first.until > s.now && len(s.served) < maxServed {
			break
		}
		s.forgetServed(first)
	}
	if old := s.served[key]; old != nil {
		s.forgetServed(old)
	}
	v := &served{key: key, agent: agent, until: s.now + c.queue.LastAgent}
	s.served[key] = v
	s.servedOrder.Insert(v)
}

func (s *State) forgetServed(v *served) {
	delete(s.served, v.key)
	s.servedOrder.Delete(v)
}

// lastAgent returns who talked to a caller last, "" if that isn't known.
func (s *State) lastAgent(c *call) string {
	if v := s.served[c.caller()]; v != nil && v.until > s.now {
		return v.agent
	}
	return ""
}

func (v *served) code(k *coder) {
	k.str(&v.key)
	k.str(&v.agent)
	k.int(&v.until)
}
