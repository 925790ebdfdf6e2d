package interval

// Query says which numbers, and how they are added up.
type Query struct {
	From, Until int64 // wall times of slots in ms, until exclusive
	Step        int64 // length of the intervals in ms; 0: one interval
	Offset      int64 // of the time zone in ms: days begin at its midnight
	Tier, Skill bool  // tell tiers, skills apart
	AgentQueues bool  // tell the queues of an agent's calls apart
}

// Interval returns the begin of the interval of a slot.
func (q Query) Interval(slot int64) int64 {
	if q.Step == 0 {
		return q.From
	}
	local := slot + q.Offset
	return max(q.From, local-((local%q.Step)+q.Step)%q.Step-q.Offset)
}

// Select returns the numbers that a query asks for.
func (q Query) Select(n Numbers) Numbers {
	out := NewNumbers()
	inside := func(slot int64) bool { return q.From <= slot && slot < q.Until }
	for k, v := range n.Calls {
		if inside(k.Slot) {
			out.call(q.key(k), v)
		}
	}
	for k, v := range n.Waits {
		if inside(k.Slot) {
			k.Key = q.key(k.Key)
			out.Waits[k] += v
		}
	}
	for k, v := range n.Times {
		if inside(k.Slot) {
			k.Slot, k.Queue = q.Interval(k.Slot), q.queue(k.Queue)
			out.Times[k] += v
		}
	}
	for k, v := range n.Offers {
		if inside(k.Slot) {
			k.Slot, k.Queue = q.Interval(k.Slot), q.queue(k.Queue)
			out.Offers[k] += v
		}
	}
	for k, v := range n.Callbacks {
		if inside(k.Slot) {
			out.callback(q.key(k), v)
		}
	}
	for k, v := range n.Tallies {
		if inside(k.Slot) {
			k.Slot = q.Interval(k.Slot)
			out.Tallies[k] += v
		}
	}
	return out
}

func (q Query) key(k Key) Key {
	k.Slot = q.Interval(k.Slot)
	if !q.Tier {
		k.Tier = ""
	}
	if !q.Skill {
		k.Skill = ""
	}
	return k
}

func (q Query) queue(name string) string {
	if !q.AgentQueues {
		return ""
	}
	return name
}
