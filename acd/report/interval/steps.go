package interval

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"unicode"

	"tierline/acd"
)

// Outcomes of a visit. All others are the causes of call.left_queue: the call
// left without an agent.
const (
	Answered  = "answered"
	Abandoned = "abandoned"
	lost      = "lost" // the story has a gap: nobody knows
)

// Kind says what a step is.
type Kind uint8

// Kinds of steps.
const (
	Offered  Kind = iota + 1 // a visit began
	Refused                  // the queue took no call: no visit began
	Finished                 // a visit ended
)

// Step is what a fact means for a queue.
type Step struct {
	Kind    Kind
	Outcome string // of a finished visit; why a call was refused
	Fact    *acd.Fact
}

// Steps picks out of one story what queues are counted by. It is the only
// place that says what is offered, answered, abandoned, left and refused.
func Steps(facts []acd.Fact) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for i := range facts {
			if s := step(facts, i); s.Kind != 0 && !yield(s) {
				return
			}
		}
	}
}

func step(facts []acd.Fact, i int) Step {
	f := &facts[i]
	switch {
	case f.Kind == acd.FactCallQueued:
		return Step{Kind: Offered, Fact: f}
	case f.Kind == acd.FactCallConnected:
		return Step{Kind: Finished, Outcome: Answered, Fact: f}
	case f.Kind != acd.FactCallLeftQueue:
		return Step{}
	case f.Refused || f.Cause == acd.LeftFull.String(): // older stories only know the latter
		return Step{Kind: Refused, Outcome: f.Cause, Fact: f}
	}
	s := Step{Kind: Finished, Outcome: cmp.Or(f.Cause, acd.LeftEnded.String()), Fact: f}
	if slices.ContainsFunc(facts[i+1:], func(e acd.Fact) bool {
		return e.Kind == acd.FactCallEnded && e.Call == f.Call && e.Abandoned
	}) {
		s.Outcome = Abandoned
	}
	return s
}

// placeOf returns where a call waits.
func placeOf(f *acd.Fact) Place {
	p := Place{Queue: f.Queue, Skill: skillsOf(f.Reason)}
	if f.Tier != nil {
		p.Tier = f.Tier.String()
	}
	return p
}

// skillsOf returns the names of the skills in a requirement, whatever their
// levels: "billing>=3 and lang.en>=1" is about billing+lang.en.
func skillsOf(requirement string) string {
	words := strings.FieldsFunc(requirement, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	})
	words = slices.DeleteFunc(words, func(w string) bool {
		return w == "and" || w == "or" || !strings.ContainsFunc(w, unicode.IsLetter)
	})
	slices.Sort(words)
	return strings.Join(slices.Compact(words), "+")
}

// seconds rounds a wait up to seconds, so that "within 20 s" means at most
// 20.000 s.
func seconds(ms int64) int { return int(min(max(0, ms+999)/1000, Longer)) }
