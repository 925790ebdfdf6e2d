package interval

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tierline/acd"
	"tierline/routing"
)

// Variant names a definition of the service level. T is the time within which
// calls are to be answered, s the longest wait of a short abandon.
type Variant string

// Variants.
const (
	VariantA Variant = "A" // answered in T / answered
	VariantB Variant = "B" // answered in T / (answered + abandoned)
	VariantC Variant = "C" // answered in T / (answered + abandoned − abandoned in T)
	VariantD Variant = "D" // (answered in T + abandoned in T) / (answered + abandoned)
	VariantE Variant = "E" // answered in T / (answered + abandoned − abandoned in s)
)

// Target is a service level as it is declared.
type Target struct {
	Variant Variant
	Within  int // T in seconds, below Longer
	Short   int // s in seconds, below Longer
}

// DefaultTarget is what is shown where nothing else is asked for.
func DefaultTarget() Target { return Target{Variant: VariantE, Within: 20, Short: 5} }

// Check returns what is wrong with a target.
func (t Target) Check() error {
	switch {
	case t.Within < 1 || t.Within >= Longer || t.Short < 0 || t.Short >= Longer:
		return fmt.Errorf("a service level counts whole seconds up to %d", Longer-1)
	case t.Variant < VariantA || t.Variant > VariantE || len(t.Variant) != 1:
		return fmt.Errorf("%q is no variant of the service level: A, B, C, D, E", t.Variant)
	}
	return nil
}

// Ratio is one sum over another.
type Ratio struct{ Of, All int64 }

// Waits counts visits by full seconds.
type Waits [Longer + 1]int64

// within returns how many waits were at most so many seconds long.
func (w *Waits) within(s int) (n int64) {
	if w == nil {
		return 0
	}
	for _, v := range w[:min(s, Longer)+1] {
		n += v
	}
	return n
}

func (w *Waits) all() int64 { return w.within(Longer) }

// Queue are the figures of a place, or of several together.
type Queue struct {
	Key // blank where places were added up
	Calls
	Callbacks Callbacks
	waits     map[string]*Waits // by outcome
}

// Answered returns how many visits ended with an agent.
func (q *Queue) Answered() int64 { return q.waits[Answered].all() }

// AnsweredIn returns how many were answered within so many seconds.
func (q *Queue) AnsweredIn(s int) int64 { return q.waits[Answered].within(s) }

// Abandoned returns at how many visits the caller hung up.
func (q *Queue) Abandoned() int64 { return q.waits[Abandoned].all() }

// AbandonedIn returns how many were abandoned within so many seconds.
func (q *Queue) AbandonedIn(s int) int64 { return q.waits[Abandoned].within(s) }

// Left returns how many visits ended otherwise, by cause.
func (q *Queue) Left() map[string]int64 {
	out := map[string]int64{}
	for outcome, w := range q.waits {
		if outcome != Answered && outcome != Abandoned {
			out[outcome] = w.all()
		}
	}
	return out
}

// Waiting returns how many visits go on.
func (q *Queue) Waiting() int64 {
	n := q.Offered
	for _, w := range q.waits {
		n -= w.all()
	}
	return n
}

// ServiceLevel returns the service level by its declared variant.
func (q *Queue) ServiceLevel(t Target) Ratio {
	r := Ratio{Of: q.AnsweredIn(t.Within), All: q.Answered()}
	switch t.Variant {
	case VariantA:
	case VariantB:
		r.All += q.Abandoned()
	case VariantC:
		r.All += q.Abandoned() - q.AbandonedIn(t.Within)
	case VariantD:
		r.Of += q.AbandonedIn(t.Within)
		r.All += q.Abandoned()
	case VariantE:
		r.All += q.Abandoned() - q.AbandonedIn(t.Short)
	}
	return r
}

// SpeedOfAnswer is the mean wait of answered visits (ASA), ringing included.
func (q *Queue) SpeedOfAnswer() Ratio { return Ratio{q.AnsweredWaitMS, q.Answered()} }

// HandlingTime is the mean time an agent spends on a call (AHT).
func (q *Queue) HandlingTime() Ratio { return Ratio{q.TalkMS + q.WrapUpMS, q.Handled} }

func (q *Queue) add(o *Queue) {
	q.Calls = q.plus(o.Calls)
	q.Callbacks = q.Callbacks.plus(o.Callbacks)
	for outcome, w := range o.waits {
		sum := q.of(outcome)
		for s, n := range w {
			sum[s] += n
		}
	}
}

func (q *Queue) of(outcome string) *Waits {
	if q.waits == nil {
		q.waits = map[string]*Waits{}
	}
	if q.waits[outcome] == nil {
		q.waits[outcome] = &Waits{}
	}
	return q.waits[outcome]
}

// Queues returns the figures of each place, ordered by slot, queue, tier (the
// most valuable first) and skill, and their total.
func (n Numbers) Queues() (list []*Queue, total *Queue) {
	found := map[Key]*Queue{}
	at := func(k Key) *Queue {
		if found[k] == nil {
			found[k] = &Queue{Key: k}
		}
		return found[k]
	}
	for k, c := range n.Calls {
		at(k).Calls = c
	}
	for k, c := range n.Callbacks {
		at(k).Callbacks = c
	}
	for k, v := range n.Waits {
		at(k.Key).of(k.Outcome)[min(max(0, k.Seconds), Longer)] += v
	}
	list = slices.SortedFunc(maps.Values(found), func(a, b *Queue) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), strings.Compare(a.Queue, b.Queue),
			cmp.Compare(rankOf(b.Tier), rankOf(a.Tier)), strings.Compare(a.Skill, b.Skill))
	})
	total = &Queue{}
	for _, q := range list {
		total.add(q)
	}
	return list, total
}

func rankOf(tier string) int {
	t, err := routing.ParseTier(tier)
	if err != nil {
		return -1
	}
	return int(t)
}

// Agent are the figures of an agent, or of several together.
type Agent struct {
	Slot         int64
	Agent, Queue string           // blank where they were added up
	StateMS      map[string]int64 // time by state
	NotReadyMS   map[string]int64 // time not ready by reason
	Outcomes     map[string]int64 // offers by outcome
}

// SignedInMS returns the time signed in: all states together.
func (a *Agent) SignedInMS() (ms int64) {
	for _, v := range a.StateMS {
		ms += v
	}
	return ms
}

// Offers returns how many offers came to an end.
func (a *Agent) Offers() (n int64) {
	for _, v := range a.Outcomes {
		n += v
	}
	return n
}

// Occupancy is the part of the time in service that is spent on calls: from
// the offer to the end of the wrap-up, over that and ready.
func (a *Agent) Occupancy() Ratio {
	busy := a.SignedInMS()
	for _, s := range []acd.AgentState{acd.AgentReady, acd.AgentNotReady, acd.AgentUnreachable} {
		busy -= a.StateMS[s.String()]
	}
	return Ratio{busy, busy + a.StateMS[acd.AgentReady.String()]}
}

// HandlingTime is the mean time spent on an answered call (AHT).
func (a *Agent) HandlingTime() Ratio {
	return Ratio{a.StateMS[acd.AgentTalking.String()] + a.StateMS[acd.AgentWrapUp.String()], a.Outcomes[Answered]}
}

// Agents returns the figures of each agent (and queue, if the numbers tell
// them apart), ordered by slot, and their total.
func (n Numbers) Agents() (list []*Agent, total *Agent) {
	type id struct {
		slot         int64
		agent, queue string
	}
	found := map[id]*Agent{}
	at := func(k id) *Agent {
		if found[k] == nil {
			found[k] = newAgent(k.slot, k.agent, k.queue)
		}
		return found[k]
	}
	total = newAgent(0, "", "")
	for k, ms := range n.Times {
		for _, a := range []*Agent{at(id{k.Slot, k.Agent, k.Queue}), total} {
			a.StateMS[k.State] += ms
			if k.State == acd.AgentNotReady.String() {
				a.NotReadyMS[k.Reason] += ms
			}
		}
	}
	for k, v := range n.Offers {
		at(id{k.Slot, k.Agent, k.Queue}).Outcomes[k.Outcome] += v
		total.Outcomes[k.Outcome] += v
	}
	list = slices.SortedFunc(maps.Values(found), func(a, b *Agent) int {
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), strings.Compare(a.Agent, b.Agent), strings.Compare(a.Queue, b.Queue))
	})
	return list, total
}

func newAgent(slot int64, agent, queue string) *Agent {
	return &Agent{
		Slot: slot, Agent: agent, Queue: queue,
		StateMS: map[string]int64{}, NotReadyMS: map[string]int64{}, Outcomes: map[string]int64{},
	}
}
