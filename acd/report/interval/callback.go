package interval

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tierline/acd"
)

// back is an open call-back.
type back struct {
	Place Place `json:"place"`
	Slot  int64 `json:"slot"`  // in which it was asked for
	Since int64 `json:"since"` // log time
	Took  int64 `json:"took"`  // until the customer was reached
}

// callback counts what a fact says of a call-back.
func (f *Fold) callback(wall int64, fact *acd.Fact) {
	if fact.Kind == acd.FactCallbackRequested {
		b := &back{Place: placeOf(fact), Slot: floor(wall), Since: f.at}
		f.backs[fact.Call] = b
		f.numbers.callback(Key{b.Slot, b.Place}, Callbacks{Requested: 1})
		f.touched[ref{kindCallback, fact.Call}] = true
		return
	}
	b := f.backs[fact.Call]
	if b == nil {
		return
	}
	k := Key{b.Slot, b.Place}
	switch fact.Kind { //nolint:exhaustive // the others say nothing that counts here
	case acd.FactCallbackDialled:
		f.numbers.callback(k, Callbacks{Attempts: 1})
		f.offer(wall, fact, Answered)
	case acd.FactCallbackReached:
		b.Took = f.at - b.Since
		f.touched[ref{kindCallback, fact.Call}] = true
	case acd.FactCallbackEnded:
		f.endCallback(fact.Call, endOf(fact.Cause, b.Took))
	}
}

// endOf counts one end.
func endOf(cause string, took int64) Callbacks {
	switch cause {
	case acd.CallbackDone:
		return Callbacks{Done: 1, DoneMS: took}
	case acd.CallbackFailed:
		return Callbacks{Failed: 1}
	case acd.CallbackExpired:
		return Callbacks{Expired: 1}
	case acd.CallbackWithdrawn:
		return Callbacks{Cancelled: 1}
	case acd.CallbackObsolete:
		return Callbacks{CalledAgain: 1}
	}
	return Callbacks{Lost: 1}
}

func (f *Fold) endCallback(id string, how Callbacks) {
	b := f.backs[id]
	f.numbers.callback(Key{b.Slot, b.Place}, how)
	delete(f.backs, id)
	f.touched[ref{kindCallback, id}] = true
}

// loseCallbacks closes those that nobody knows the end of.
func (f *Fold) loseCallbacks() {
	for id := range f.backs {
		f.endCallback(id, Callbacks{Lost: 1})
	}
}

// tally counts answers of surveys and transfers.
func (f *Fold) tally(wall int64, fact *acd.Fact) {
	k := Tally{Slot: floor(wall), Queue: fact.Queue, Agent: fact.Agent}
	switch fact.Kind { //nolint:exhaustive // the others aren't tallied
	case acd.FactCallSurveyed:
		k.Kind, k.Name, k.Value = Survey, fact.Question, fact.Value
	case acd.FactCallTransferred:
		k.Kind, k.Name, k.Value = Transfer, fact.To, fact.Cause
	default:
		return
	}
	f.numbers.Tallies[k]++
}

// Score is what customers answered to one question.
type Score struct {
	ScoreKey
	Answers map[string]int64 // by value
}

// Count returns how many answered.
func (s *Score) Count() (n int64) {
	for _, v := range s.Answers {
		n += v
	}
	return n
}

// Mean is the mean of the answers that are numbers.
func (s *Score) Mean() (r Ratio) {
	for value, n := range s.Answers {
		if v, err := strconv.ParseInt(value, 10, 32); err == nil {
			r.Of += v * n
			r.All += n
		}
	}
	return r
}

// ScoreKey says what a score belongs to; blank where it was added up.
type ScoreKey struct {
	Slot                   int64
	Queue, Agent, Question string
}

// Scores returns the surveys by slot and question, and by queue or agent if
// asked for, in that order.
func (n Numbers) Scores(byQueue, byAgent bool) []*Score {
	found := map[ScoreKey]*Score{}
	for k, v := range n.Tallies {
		if k.Kind != Survey {
			continue
		}
		key := ScoreKey{Slot: k.Slot, Question: k.Name}
		if byQueue {
			key.Queue = k.Queue
		}
		if byAgent {
			key.Agent = k.Agent
		}
		if found[key] == nil {
			found[key] = &Score{ScoreKey: key, Answers: map[string]int64{}}
		}
		found[key].Answers[k.Value] += v
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *Score) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), strings.Compare(a.Queue, b.Queue), strings.Compare(a.Agent, b.Agent),
			strings.Compare(a.Question, b.Question))
	})
}
