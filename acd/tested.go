package acd

// DirectionTest is that of a call which tests a trunk, in facts.
const DirectionTest = "test"

// TestPlaced is a call that somebody makes to try a trunk out, committed before
// anybody is called. It has no caller: what becomes of it is told by
// [OutsideChanged] and [CallEnded].
type TestPlaced struct {
	Call       string `json:"call"`
	Node       string `json:"node"`
	Trunk      string `json:"trunk"`
	To         string `json:"to"` // normalised
	By         string `json:"by"` // who wants it
	Generation uint64 `json:"generation"`
}

func (TestPlaced) isEvent() {}

// testPlaced begins a call without a leg of its own: it can't be gone on with,
// and ends with its node.
func (s *State) testPlaced(ev TestPlaced, e Entry, r *Result) error {
	g := s.generation(ev.Generation)
	switch {
	case ev.Call == "" || ev.Node == "" || ev.Trunk == "" || ev.To == "":
		return refuse(ev, "call, node, trunk and number must be named")
	case max(len(ev.Trunk), len(ev.To), len(ev.By)) > maxWord:
		return refuse(ev, "words must be in %d bytes", maxWord)
	case s.calls[ev.Call] != nil:
		return refuse(ev, "call is known already")
	case g == nil:
		return refuse(ev, "generation %d is not known", ev.Generation)
	}
	c := &call{
		id: ev.Call, node: ev.Node, trunk: ev.Trunk, from: ev.By, to: ev.To, index: e.Index, arrivedWall: e.Wall,
		generation: g, phase: PhaseTest, home: ev.Node,
	}
	c.place.ID = c.id
	s.calls[c.id] = c
	g.calls++
	r.Facts = append(r.Facts, Fact{
		Kind: FactCallArrived, Call: c.id, Node: c.node, Trunk: c.trunk, From: c.from, To: c.to,
		Generation: g.Generation, Tier: tierOf(c), Direction: DirectionTest,
	})
	return nil
}
