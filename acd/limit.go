package acd

import (
	"maps"
	"slices"
)

// Cap is a limit on calls that share a name, on all nodes together: those of a
// trunk, of a trunk in one direction, those that an agent makes. 0 of anything:
// no limit.
type Cap struct {
	Name  string `json:"name"`
	Calls int64  `json:"calls,omitempty"` // at the same time
	Rate  int64  `json:"rate,omitempty"`  // new calls a second, on average
	Burst int64  `json:"burst,omitempty"` // new calls at once before Rate counts
	Hour  int64  `json:"hour,omitempty"`  // new calls within an hour, counted from the first of them
	Day   int64  `json:"day,omitempty"`   // the same of 24 hours
}

// Codes of refusals because of a [Cap].
const (
	CodeCapCalls = "cap_calls"
	CodeCapRate  = "cap_rate"
	CodeCapHour  = "cap_hour"
	CodeCapDay   = "cap_day"
)

// OutwardTaken takes a place among the calls outward, before the INVITE. It is
// given back by OutwardLeft, or with the call.
type OutwardTaken struct {
	Place  string `json:"place"` // a new name
	Call   string `json:"call"`
	Node   string `json:"node"`
	Caps   []Cap  `json:"caps"`
	Urgent bool   `json:"urgent,omitempty"` // no limit may hold it up
}

// OutwardLeft gives a place back: the leg outward has ended.
type OutwardLeft struct {
	Place string `json:"place"`
}

func (OutwardTaken) isEvent() {}
func (OutwardLeft) isEvent()  {}

const (
	maxCaps     = 8
	maxCapWord  = 128           // bytes of a name
	capSecond   = 1_000_000_000 // ns
	capHour     = 3_600_000     // ms
	capDay      = 24 * capHour
	capMaxBurst = 1_000_000
	maxCount    = 1 << 20 // names that are counted
)

// capCount is what is counted under a name.
type capCount struct {
	name string
	live int64
	// due is when the next call would be on time if calls came evenly (the
	// theoretical arrival time of a GCRA), in ns of log time.
	due            int64
	hourFrom, hour int64
	dayFrom, day   int64
}

// capPlace is a call among those that are counted.
type capPlace struct {
	id, call, node string
	names          []string
}

// reached says which limit another call would break; "" none.
func (n *capCount) reached(c *Cap, now int64) string {
	burst := c.Burst
	if burst <= 0 {
		burst = c.Rate
	}
	switch {
	case c.Calls > 0 && n.live >= c.Calls:
		return CodeCapCalls
	case c.Rate > 0 && max(n.due-now*1_000_000, 0) > capSecond/c.Rate*(min(burst, capMaxBurst)-1):
		return CodeCapRate
	case c.Hour > 0 && now-n.hourFrom < capHour && n.hour >= c.Hour:
		return CodeCapHour
	case c.Day > 0 && now-n.dayFrom < capDay && n.day >= c.Day:
		return CodeCapDay
	}
	return ""
}

func (n *capCount) take(c *Cap, now int64) {
	if c.Rate > 0 {
		n.due = max(n.due, now*1_000_000) + capSecond/c.Rate
	}
	if n.hour == 0 || now-n.hourFrom >= capHour {
		n.hourFrom, n.hour = now, 0
	}
	if n.day == 0 || now-n.dayFrom >= capDay {
		n.dayFrom, n.day = now, 0
	}
	n.hour++
	n.day++
	n.live++
}

// CapFull reports whether one of some limits on calls at the same time is
// reached. The others depend on the moment at which the log is written.
func (s *State) CapFull(caps []Cap) bool {
	return slices.ContainsFunc(caps, func(c Cap) bool {
		n := s.capCounts[c.Name]
		return n != nil && c.Calls > 0 && n.live >= c.Calls
	})
}

// CapLive is how many calls are counted under a name.
func (s *State) CapLive(name string) int64 {
	if n := s.capCounts[name]; n != nil {
		return n.live
	}
	return 0
}

// capRefusal refuses a call that would break a limit. A refused call costs
// nothing.
func (s *State) capRefusal(ev Event, caps []Cap, urgent bool) error {
	if len(caps) > maxCaps || len(s.capCounts) > maxCount {
		return refuse(ev, "%d limits, %d names are counted", len(caps), len(s.capCounts))
	}
	for i := range caps {
		c := &caps[i]
		if c.Name == "" || len(c.Name) > maxCapWord || min(c.Calls, c.Rate, c.Burst, c.Hour, c.Day) < 0 {
			return refuse(ev, "limit %q is malformed", c.Name)
		}
	}
	for i := range caps {
		n := s.capCounts[caps[i].Name]
		if n == nil || urgent {
			continue
		}
		if code := n.reached(&caps[i], s.now); code != "" {
			return refuseCode(ev, code, "%s has reached a limit: %s", n.name, code)
		}
	}
	return nil
}

// capTake counts a call under each of its names.
func (s *State) capTake(p *capPlace, caps []Cap) {
	for i := range caps {
		c := &caps[i]
		n := s.capCounts[c.Name]
		if n == nil {
			n = &capCount{name: c.Name}
			s.capCounts[c.Name] = n
		}
		n.take(c, s.now)
		p.names = append(p.names, c.Name)
	}
	s.capPlaces[p.id] = p
	if c := s.calls[p.call]; c != nil {
		c.places = append(c.places, p.id)
	}
}

// capGive gives a place back.
func (s *State) capGive(id string) {
	p := s.capPlaces[id]
	if p == nil {
		return
	}
	delete(s.capPlaces, id)
	for _, name := range p.names {
		s.capCounts[name].live--
	}
	if c := s.calls[p.call]; c != nil {
		c.places = slices.DeleteFunc(c.places, func(other string) bool { return other == id })
	}
}

// capGiveAll gives back all places of a call that ends.
func (s *State) capGiveAll(c *call) {
	for _, id := range slices.Clone(c.places) {
		s.capGive(id)
	}
}

// capGone gives back the places of a node's process that is gone: of what was
// no call of the log, and of attempts of call-backs, which are made again.
// Those of other calls go with the calls.
func (s *State) capGone(node string) {
	for _, id := range slices.Sorted(maps.Keys(s.capPlaces)) {
		p := s.capPlaces[id]
		if c := s.calls[p.call]; p.node == node && (c == nil || c.callback != nil) {
			s.capGive(id)
		}
	}
}

func (s *State) outwardTaken(ev OutwardTaken) error {
	switch {
	case ev.Place == "" || ev.Node == "" || len(ev.Caps) == 0:
		return refuse(ev, "place, node and limits must be named")
	case s.capPlaces[ev.Place] != nil:
		return refuse(ev, "place is taken")
	}
	if err := s.capRefusal(ev, ev.Caps, ev.Urgent); err != nil {
		return err
	}
	s.capTake(&capPlace{id: ev.Place, call: ev.Call, node: ev.Node}, ev.Caps)
	return nil
}

func (s *State) outwardLeft(ev OutwardLeft) error {
	if s.capPlaces[ev.Place] == nil {
		return refuse(ev, "no such place")
	}
	s.capGive(ev.Place)
	return nil
}

func (n *capCount) code(k *coder) {
	k.str(&n.name)
	k.int(&n.due)
	k.int(&n.hourFrom)
	k.int(&n.hour)
	k.int(&n.dayFrom)
	k.int(&n.day)
}

func (p *capPlace) code(k *coder) {
	k.str(&p.id)
	k.str(&p.call)
	k.str(&p.node)
	list(k, &p.names, (*coder).str)
}

// deriveCaps counts the places.
func (s *State) deriveCaps(k *coder) {
	for _, id := range slices.Sorted(maps.Keys(s.capPlaces)) {
		p := s.capPlaces[id]
		for _, name := range p.names {
			n := s.capCounts[name]
			if n == nil {
				k.fail("place %q is counted under %q, which is not there", id, name)
				return
			}
			n.live++
		}
		if c := s.calls[p.call]; c != nil {
			c.places = append(c.places, id)
		}
	}
}

// caps counts the places again.
func (c *checker) caps() {
	s, live := c.s, map[string]int64{}
	for _, id := range slices.Sorted(maps.Keys(s.capPlaces)) {
		p := s.capPlaces[id]
		for _, name := range p.names {
			live[name]++
		}
		if of := s.calls[p.call]; of != nil && !slices.Contains(of.places, id) {
			c.fault("call %q doesn't know its place %q", p.call, id)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.capCounts)) {
		if n := s.capCounts[name]; n.live != live[name] {
			c.fault("%q counts %d calls, there are %d", name, n.live, live[name])
		}
	}
}
