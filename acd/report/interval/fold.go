package interval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tierline/acd"
)

// maxSplit bounds how far back a stretch is split over slots: a clock that was
// years behind must not make millions of them.
const maxSplit = 31 * 24 * 60 * 60 * 1000

// Kinds of Open.
const (
	kindVisit    = "visit"
	kindAgent    = "agent"
	kindCallback = "callback"
)

// Fold turns stories into numbers.
type Fold struct {
	visits  map[string]*visit
	agents  map[string]*stretch
	backs   map[string]*back
	touched map[ref]bool // changed since the last Flush
	numbers Numbers
	at      int64 // the latest log time seen: a new leader's clock may be behind
}

type ref struct{ kind, id string }

// visit is a call that waits.
type visit struct {
	Place Place `json:"place"`
	Slot  int64 `json:"slot"` // in which it began
}

// stretch is what an agent is doing.
type stretch struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Since  int64  `json:"since"` // log time
	Call   string `json:"call,omitempty"`
	Place  Place  `json:"place"`          // of the call
	Back   bool   `json:"back,omitempty"` // the call is a call-back
}

// NewFold returns a fold that knows of nobody.
func NewFold() *Fold {
	return &Fold{
		visits: map[string]*visit{}, agents: map[string]*stretch{}, backs: map[string]*back{},
		touched: map[ref]bool{}, numbers: NewNumbers(),
	}
}

// Resume returns a fold that goes on with what was open.
func Resume(open []Open) (*Fold, error) {
	f := NewFold()
	for _, o := range open {
		var err error
		switch o.Kind {
		case kindVisit:
			v := &visit{}
			err = json.Unmarshal(o.Record, v)
			f.visits[o.ID] = v
		case kindAgent:
			a := &stretch{}
			err = json.Unmarshal(o.Record, a)
			f.agents[o.ID] = a
			f.at = max(f.at, a.Since)
		case kindCallback:
			b := &back{}
			err = json.Unmarshal(o.Record, b)
			f.backs[o.ID] = b
		}
		if err != nil {
			return nil, fmt.Errorf("read the unfinished numbers of %s %s: %w", o.Kind, o.ID, err)
		}
	}
	return f, nil
}

// Running returns what the agents' present states add to the numbers until
// now, in log time and wall time.
func Running(open []Open, at, wall int64) (Numbers, error) {
	f, err := Resume(open)
	if err != nil {
		return Numbers{}, err
	}
	for id, a := range f.agents {
		f.book(id, a, at, wall)
	}
	return f.numbers, nil
}

// Take adds one story, told at a log time and a wall time.
func (f *Fold) Take(at, wall int64, facts []acd.Fact) {
	f.at = max(f.at, at)
	for i := range facts {
		fact := &facts[i]
		switch s := step(facts, i); s.Kind {
		case Offered:
			f.offered(wall, fact)
		case Refused:
			f.numbers.call(Key{floor(wall), placeOf(fact)}, Calls{Refused: 1})
		case Finished:
			f.finished(s)
			if s.Outcome == Answered {
				f.offer(wall, fact, Answered)
			}
		}
		if fact.Kind == acd.FactAgentState {
			f.agentState(wall, fact)
		}
		if fact.Kind == acd.FactAgentReleased {
			f.released(wall, fact)
		}
		if v := f.visits[fact.Call]; v != nil && fact.Kind == acd.FactCallEnded {
			f.end(fact.Call, v, lost, 0) // a story that isn't complete
		}
		if fact.Kind == acd.FactCallHandedOver {
			f.handedOver(fact)
		}
		if fact.Kind == acd.FactOfferFailed && fact.Role == "" {
			f.offer(wall, fact, fact.Cause)
		}
		f.callback(wall, fact)
		f.tally(wall, fact)
	}
}

// Lose says that stories are missing here. Whoever waited is counted as left
// for an unknown cause; agents count again from their next change on.
func (f *Fold) Lose() {
	for call, v := range f.visits {
		f.end(call, v, lost, 0)
	}
	f.loseCallbacks()
	for agent := range f.agents {
		delete(f.agents, agent)
		f.touched[ref{kindAgent, agent}] = true
	}
}

// Flush returns what was gathered since the last Flush and begins anew.
func (f *Fold) Flush() (Batch, error) {
	b := Batch{Numbers: f.numbers}
	for r := range f.touched {
		o := Open{Kind: r.kind, ID: r.id}
		var err error
		if v := f.visits[r.id]; r.kind == kindVisit && v != nil {
			o.Record, err = json.Marshal(v)
		} else if a := f.agents[r.id]; r.kind == kindAgent && a != nil {
			o.Record, err = json.Marshal(a)
		} else if b := f.backs[r.id]; r.kind == kindCallback && b != nil {
			o.Record, err = json.Marshal(b)
		}
		if err != nil {
			return Batch{}, fmt.Errorf("write the unfinished numbers of %s %s: %w", r.kind, r.id, err)
		}
		b.Open = append(b.Open, o)
	}
	slices.SortFunc(b.Open, func(x, y Open) int {
		return cmp.Or(strings.Compare(x.Kind, y.Kind), strings.Compare(x.ID, y.ID))
	})
	clear(f.touched)
	f.numbers = NewNumbers()
	return b, nil
}

func (f *Fold) offered(wall int64, fact *acd.Fact) {
	if v := f.visits[fact.Call]; v != nil {
		f.end(fact.Call, v, lost, 0) // it can't wait twice
	}
	v := &visit{Place: placeOf(fact), Slot: floor(wall)}
	f.visits[fact.Call] = v
	f.touched[ref{kindVisit, fact.Call}] = true
	f.numbers.call(Key{v.Slot, v.Place}, Calls{Offered: 1})
}

// finished books the end of a visit. One that nobody saw begin was not
// offered, so it isn't counted here either.
func (f *Fold) finished(s Step) {
	if v := f.visits[s.Fact.Call]; v != nil {
		f.end(s.Fact.Call, v, s.Outcome, s.Fact.WaitMS)
	}
}

func (f *Fold) end(call string, v *visit, outcome string, waited int64) {
	k := Key{v.Slot, v.Place}
	sums := Calls{MaxMS: waited}
	switch outcome {
	case Answered:
		sums.AnsweredWaitMS = waited
	case Abandoned:
		sums.AbandonedWaitMS = waited
	default:
		sums.LeftWaitMS = waited
	}
	f.numbers.call(k, sums)
	f.numbers.Waits[WaitKey{k, outcome, seconds(waited)}]++
	delete(f.visits, call)
	f.touched[ref{kindVisit, call}] = true
}

func (f *Fold) offer(wall int64, fact *acd.Fact, outcome string) {
	f.numbers.Offers[OfferKey{floor(wall), fact.Agent, fact.Queue, outcome}]++
}

// released counts a conversation where its time is booked.
func (f *Fold) released(wall int64, fact *acd.Fact) {
	if a := f.agents[fact.Agent]; a != nil && a.Call == fact.Call && !a.Back && a.Place.Queue != "" {
		f.numbers.call(Key{floor(wall), a.Place}, Calls{Handled: 1})
	}
}

// handedOver lets an agent's time count where his part of the call belongs from
// now on.
func (f *Fold) handedOver(fact *acd.Fact) {
	a := f.agents[fact.Agent]
	if a == nil || a.Call != fact.Call || f.backs[fact.Call] != nil {
		return
	}
	a.Place = placeOf(fact)
	f.touched[ref{kindAgent, fact.Agent}] = true
}

func (f *Fold) agentState(wall int64, fact *acd.Fact) {
	before := f.agents[fact.Agent]
	f.touched[ref{kindAgent, fact.Agent}] = true
	if before != nil {
		f.book(fact.Agent, before, f.at, wall)
	}
	if fact.State == acd.AgentSignedOut.String() {
		delete(f.agents, fact.Agent)
		return
	}
	a := &stretch{State: fact.State, Reason: fact.Reason, Since: f.at, Call: fact.Call}
	if before != nil && before.Call == a.Call {
		a.Place, a.Back = before.Place, before.Back
	} else if b := f.backs[a.Call]; b != nil {
		a.Place, a.Back = b.Place, true
	} else if v := f.visits[a.Call]; v != nil {
		a.Place = v.Place
	}
	f.agents[fact.Agent] = a
}

// book adds a stretch to the slots it lies in. Its length is a difference of
// log time; where it lies is reckoned back from the present wall time.
func (f *Fold) book(agent string, a *stretch, at, wall int64) {
	left := max(0, at-a.Since)
	for end := wall; left > 0; {
		slot := floor(end - 1)
		part := min(left, end-slot)
		if wall-slot > maxSplit {
			part = left
		}
		k := TimeKey{Slot: slot, Agent: agent, State: a.State, Reason: a.Reason}
		if a.Call != "" {
			k.Queue = a.Place.Queue
		}
		f.numbers.Times[k] += part
		if a.Place.Queue != "" && !a.Back {
			switch a.State {
			case acd.AgentTalking.String():
				f.numbers.call(Key{slot, a.Place}, Calls{TalkMS: part})
			case acd.AgentWrapUp.String():
				f.numbers.call(Key{slot, a.Place}, Calls{WrapUpMS: part})
			}
		}
		left -= part
		end = slot
	}
}
