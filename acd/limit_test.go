package acd

import (
	"errors"
	"testing"
)

// limited is a state with a log's clock, for limits.
type limited struct {
	t     *testing.T
	s     *State
	index uint64
	at    int64
}

func newLimited(t *testing.T) *limited {
	t.Helper()
	l := &limited{t: t, s: NewState()}
	l.do("", ConfigPublished{Config: Config{}})
	return l
}

// do applies an event, which must be refused with a code, or not at all.
func (l *limited) do(code string, ev Event) {
	l.t.Helper()
	l.index++
	_, err := Apply(l.s, Entry{Index: l.index, At: l.at, Event: ev})
	got := ""
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		if got = refused.Code; got == "" {
			got = refused.Reason
		}
	}
	if got != code {
		l.t.Errorf("at %d ms, %+v: %q (%v), want %q", l.at, ev, got, err, code)
	}
	if err := l.s.Check(); err != nil {
		l.t.Fatal(err)
	}
}

func arrival(call, node string, caps ...Cap) CallArrived {
	return CallArrived{Call: call, Node: node, Generation: 1, Caps: caps}
}

// Three nodes together admit no more than one limit says; who was refused has
// cost nothing, and whoever goes makes room.
func TestALimitHoldsForAllNodes(t *testing.T) {
	l := newLimited(t)
	two := Cap{Name: "trunk ct", Calls: 2}
	l.do("", arrival("a", "n1", two))
	l.do("", arrival("b", "n2", two))
	l.do(CodeCapCalls, arrival("c", "n3", two, Cap{Name: "trunk ct in", Calls: 9}))
	if !l.s.CapFull([]Cap{two}) || l.s.CapLive("trunk ct in") != 0 {
		t.Errorf("seen before it is proposed: %v, %d", l.s.CapFull([]Cap{two}), l.s.CapLive("trunk ct in"))
	}
	l.do(CodeCapCalls, OutwardTaken{Place: "p", Call: "a", Node: "n1", Caps: []Cap{two}})
	l.do("", OutwardTaken{Place: "help", Call: "a", Node: "n1", Caps: []Cap{two}, Urgent: true})
	l.do("", CallEnded{Call: "a"}) // with its leg outward
	if n := l.s.CapLive("trunk ct"); n != 1 {
		t.Errorf("%d are counted", n)
	}
	l.do("", arrival("c", "n3", two))
	l.do(CodeCapCalls, arrival("d", "n3", two))
	l.do("", NodeRestarted{Node: "n2"}) // b is lost
	l.do("", arrival("d", "n3", two))
}

func TestRatesAndQuotasOfAllNodes(t *testing.T) {
	l := newLimited(t)
	take := func(code, place string, c Cap) {
		t.Helper()
		l.do(code, OutwardTaken{Place: place, Node: "n1", Caps: []Cap{c}})
	}
	rate := Cap{Name: "trunk ct out", Rate: 2, Burst: 2}
	take("", "a", rate)
	take("", "b", rate)
	take(CodeCapRate, "c", rate)
	l.at += 499
	take(CodeCapRate, "c", rate)
	l.at++
	take("", "c", rate)
	hour := Cap{Name: "agent 1001", Hour: 2, Day: 3}
	take("", "h1", hour)
	take("", "h2", hour)
	take(CodeCapHour, "h3", hour)
	l.at += capHour
	take("", "h3", hour)
	take(CodeCapDay, "h4", hour)
	l.do("", OutwardLeft{Place: "h1"})
	take(CodeCapDay, "h4", hour) // whoever has gone still counts for the day
	l.at += capDay
	take("", "h4", hour)
	l.do("no such place", OutwardLeft{Place: "h1"})
	l.do("place is taken", OutwardTaken{Place: "h4", Node: "n1", Caps: []Cap{hour}})
	l.do("place, node and limits must be named", OutwardTaken{Place: "x", Node: "n1"})
	take(`limit "" is malformed`, "x", Cap{Calls: 1})
	take(`limit "y" is malformed`, "x", Cap{Name: "y", Rate: -1})
}

// What isn't a call of the log, and attempts of call-backs, go with their node;
// a snapshot keeps all that is counted.
func TestPlacesGoWithTheirNode(t *testing.T) {
	l := newLimited(t)
	one := Cap{Name: "trunk ct", Calls: 3}
	l.do("", OutwardTaken{Place: "test call", Call: "t1", Node: "n1", Caps: []Cap{one}})
	l.do("", OutwardTaken{Place: "other's", Call: "t2", Node: "n2", Caps: []Cap{one}})
	again := reload(t, l.s)
	if again.CapLive("trunk ct") != 2 || again.Hash() != l.s.Hash() {
		t.Errorf("%d in the snapshot", again.CapLive("trunk ct"))
	}
	l.s = again
	l.do("", NodeRestarted{Node: "n1"})
	if n := l.s.CapLive("trunk ct"); n != 1 {
		t.Errorf("%d after the node", n)
	}
}
