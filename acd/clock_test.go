package acd

import (
	"testing"
)

// TestClockJumps: a new leader's clock may be hours behind or ahead. Log time
// never goes back: what is due at some time fires then, not before, and once.
func TestClockJumps(t *testing.T) {
	const hour = 3_600_000
	s := NewState()
	index := uint64(0)
	at := func(at int64, ev Event) Result {
		index++
		r, err := Apply(s, Entry{Index: index, At: at, Event: ev})
		if err != nil {
			t.Fatalf("%T: %v", ev, err)
		}
		return r
	}
	facts := func(r Result, kind FactKind) (n int) {
		for _, f := range r.Facts {
			if f.Kind == kind {
				n++
			}
		}
		return n
	}
	at(5*hour, ConfigPublished{Config: Config{
		Queues: []QueueConfig{{Name: "q", RingTime: 15_000, MaxWait: 60_000, WrapUp: 10_000}},
		Agents: []AgentConfig{{ID: "a", Contact: "sip:a@192.0.2.1", SignedIn: true, BackOff: 30_000}},
	}})
	at(5*hour, CallArrived{Call: "c", Node: "n"})
	at(5*hour, CallQueued{Call: "c", Queue: "q"})
	at(5*hour, CallOffered{Call: "c", Agent: "a"})
	offer := index
	expires := int64(5*hour + 15_000 + ringGrace)

	// Two hours back: nothing fires, and nothing is put off.
	for _, early := range []int64{3 * hour, 0, -hour, expires - 1} {
		if r := at(early, TimePassed{}); len(r.Facts)+len(r.Effects) > 0 {
			t.Fatalf("at %d: %+v", early, r)
		}
		if due, ok := s.NextDue(); !ok || due != expires {
			t.Fatalf("at %d the next expiry is at %d, want %d", early, due, expires)
		}
		if evs := Decide(s, early); len(evs) > 0 {
			t.Fatalf("at %d: %v", early, evs)
		}
	}
	if s.Now() != expires-1 {
		t.Fatalf("log time is %d", s.Now())
	}
	// A wait that begins while the clock is behind is as long as any other.
	at(2*hour, CallArrived{Call: "d", Node: "n"})
	at(2*hour, CallQueued{Call: "d", Queue: "q"})
	if d, _ := s.Call("d"); d.LeaveAt != expires-1+60_000 {
		t.Fatalf("leaves at %d", d.LeaveAt)
	}
	if r := at(expires, TimePassed{}); facts(r, FactOfferFailed) != 1 || s.offers[offer] != nil {
		t.Fatalf("the offer goes on: %+v", r)
	}
	// Hours ahead: all that is due by then fires, each once, in its order.
	r := at(50*hour, TimePassed{})
	if facts(r, FactCallLeftQueue) != 2 || r.Facts[0].Call != "c" || r.Facts[1].Call != "d" {
		t.Fatalf("both should leave, c first: %+v", r.Facts)
	}
	if due, ok := s.NextDue(); ok {
		t.Fatalf("something is due at %d", due)
	}
	// And back again, to what the clock really is: log time waits for it.
	at(6*hour, AgentCommanded{Agent: "a", Command: GoReady})
	at(6*hour, CallArrived{Call: "e", Node: "n"})
	at(6*hour, CallQueued{Call: "e", Queue: "q"})
	if e, _ := s.Call("e"); e.QueuedAt != 50*hour || e.LeaveAt != 50*hour+60_000 {
		t.Fatalf("e is queued at %d until %d", e.QueuedAt, e.LeaveAt)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
}
