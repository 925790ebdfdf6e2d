package acd

import (
	"cmp"
	"slices"
	"strings"

	"tierline/routing"
)

const (
	// defaultAttempts, defaultSpacing and defaultKept hold if the queue doesn't
	// say.
	defaultAttempts = 3
	defaultSpacing  = 5 * 60_000       // ms
	defaultKept     = 24 * 3_600_000   // ms
	maxAhead        = 31 * defaultKept // ms: how far ahead a call-back may be asked for
	// maxAttempts bounds what a queue may ask for.
	maxAttempts = 20
	// maxCallbacks bounds all that are open, whatever queues say.
	maxCallbacks = 100_000
	// DialFor is what the switch gets, from the agent's answer, to prepare him and
	// to reach the customer; dialGrace on top to report. Then the core gives the
	// attempt up itself.
	DialFor   = 90_000 // ms
	dialGrace = 5_000  // ms
)

// Codes of refusals that a caller is told about.
const (
	CodeExists = "exists" // the customer or number has an open call-back
	CodeNumber = "number" // it can't be called
	CodeSlot   = "slot"   // it is over, ends before it begins, or is too far away
	CodeFull   = "full"   // the queue has as many call-backs as it takes
)

// Ends of a call-back.
const (
	CallbackDone      = "done"         // the customer was reached
	CallbackFailed    = "failed"       // as many attempts as the queue allows
	CallbackExpired   = "expired"      // the time for it is over
	CallbackWithdrawn = "cancelled"    // by somebody
	CallbackObsolete  = "called_again" // the customer called: the call has its place
)

func (b *CallbackConfig) attempts() int  { return cmp.Or(b.Attempts, defaultAttempts) }
func (b *CallbackConfig) spacing() int64 { return cmp.Or(b.Spacing, defaultSpacing) }
func (b *CallbackConfig) kept() int64    { return cmp.Or(b.Expires, defaultKept) }

// callback is what a call-back has that other calls don't. It is a call
// without a caller: it dozes until it is due, waits in the ranking like anybody
// else, and has legs only while an agent is offered it and after.
type callback struct {
	origin  string // the call that asked, "" none
	by      string // who asked, if no call did
	at      int64  // dormant: when it is due; dialling: when the core gives up
	expires int64  // log time: no attempt begins later
	attempt int    // counts agents who answered
	last    string // how the latest attempt went
}

// callbacks finds the open ones.
type callbacks struct {
	number, customer map[string]*call
	inQueue          map[string]int
}

func newCallbacks() callbacks {
	return callbacks{number: map[string]*call{}, customer: map[string]*call{}, inQueue: map[string]int{}}
}

func (b *callbacks) add(c *call) {
	b.number[c.to] = c
	if c.customer.ID != "" {
		b.customer[c.customer.ID] = c
	}
	b.inQueue[c.queue.Name]++
}

func (b *callbacks) remove(c *call) {
	delete(b.number, c.to)
	if c.customer.ID != "" {
		delete(b.customer, c.customer.ID)
	}
	if b.inQueue[c.queue.Name]--; b.inQueue[c.queue.Name] == 0 {
		delete(b.inQueue, c.queue.Name)
	}
}

// of returns the open call-back of a caller, nil if there is none.
func (b *callbacks) of(caller *call) *call {
	if c := b.customer[caller.customer.ID]; c != nil {
		return c
	}
	c := b.number[caller.from]
	if c != nil && c.customer.ID != "" && caller.customer.ID != "" {
		return nil // somebody else's, at the same phone
	}
	return c
}

func (s *State) callbackRequested(ev CallbackRequested, e Entry, r *Result) error {
	c, err := s.newCallback(ev, e)
	if err != nil {
		return err
	}
	band, since, index := s.handedOver(s.calls[ev.Call], e.Index)
	if origin := s.calls[ev.Call]; origin != nil && origin.inQueue() {
		s.abandon(origin, LeftCallback, r)
	}
	c.queuedAt, c.credit = s.now, s.now-since
	c.place.ID = c.id
	c.place.Key = s.key(c, since, band, index)
	s.calls[c.id] = c
	c.generation.calls++
	s.callbacks.add(c)
	f := s.callbackFact(FactCallbackRequested, c)
	f.Origin, f.By, f.To, f.Language, f.Attach = ev.Call, ev.By, c.to, c.language, c.attach
	f.Generation, f.Reason, f.Until = c.generation.Generation, c.need, c.callback.expires
	f.CreditMS, f.Band = c.credit, band
	r.Facts = append(r.Facts, f)
	s.doze(c, c.callback.at, r)
	return nil
}

// newCallback checks a request; nothing changes yet.
func (s *State) newCallback(ev CallbackRequested, e Entry) (*call, error) {
	g := s.generation(ev.Generation)
	switch {
	case ev.Callback == "" || ev.Node == "":
		return nil, refuse(ev, "call-back and node must be named")
	case s.calls[ev.Callback] != nil:
		return nil, refuse(ev, "call is known already")
	case g == nil:
		return nil, refuse(ev, "generation %d is not known", ev.Generation)
	case ev.Tier >= routing.TierCount || ev.Customer.Tier >= routing.TierCount:
		return nil, refuse(ev, "tier %d is not known", max(ev.Tier, ev.Customer.Tier))
	case !isNumber(ev.Number):
		return nil, refuseCode(ev, CodeNumber, "%q is no number", ev.Number)
	}
	q := g.queue(ev.Queue)
	if q == nil {
		return nil, refuse(ev, "generation %d has no queue %q", g.Generation, ev.Queue)
	}
	if _, err := s.board.Require(q.Requirement, ev.Requirement); err != nil {
		return nil, refuse(ev, "%v", err)
	}
	if err := s.mayAsk(ev); err != nil {
		return nil, err
	}
	c := &call{
		id: ev.Callback, node: ev.Node, home: ev.Node, to: ev.Number, index: e.Index, arrivedWall: e.Wall, generation: g,
		customer: ev.Customer, tier: ev.Tier, language: cmp.Or(ev.Language, ev.Customer.Language), queue: q,
		need: ev.Requirement, callback: &callback{origin: ev.Call, by: ev.By},
	}
	c.attach = slices.SortedStableFunc(slices.Values(ev.Attach), func(a, b Attribute) int {
		return strings.Compare(a.Name, b.Name)
	})
	if err := s.setSlot(c, ev, e.Wall); err != nil {
		return nil, err
	}
	return c, s.mayHave(c, ev)
}

// mayAsk checks the call that asks.
func (s *State) mayAsk(ev CallbackRequested) error {
	origin := s.calls[ev.Call]
	switch {
	case ev.Call == "":
		return nil
	case origin == nil:
		return refuse(ev, "no such call")
	case origin.callback != nil:
		return refuse(ev, "a call-back can't ask for another")
	case origin.phase == PhaseTalking:
		return refuse(ev, "call is %s", origin.phase)
	}
	return nil
}

// setSlot reckons the wish, which is in wall time, in log time: whatever the
// clocks do from now on, it is as far away as it was when it was made.
func (s *State) setSlot(c *call, ev CallbackRequested, wall int64) error {
	b := c.callback
	from := max(ev.NotBefore, wall)
	until := cmp.Or(ev.NotAfter, min(from, wall+maxAhead)+c.queue.Callback.kept())
	b.at, b.expires = s.now+from-wall, s.now+until-wall
	if until <= from || from > wall+maxAhead || until > wall+2*maxAhead {
		return refuseCode(ev, CodeSlot, "the time for the call-back is over, ends before it begins, or is too far away")
	}
	return nil
}

// mayHave refuses a second one for the same customer, and one too many.
func (s *State) mayHave(c *call, ev CallbackRequested) error {
	most := c.queue.Callback.Max
	switch {
	case s.callbacks.number[c.to] != nil, c.customer.ID != "" && s.callbacks.customer[c.customer.ID] != nil:
		return refuseCode(ev, CodeExists, "there is a call-back for this customer or number")
	case most > 0 && s.callbacks.inQueue[c.queue.Name] >= most, len(s.callbacks.number) >= maxCallbacks:
		return refuseCode(ev, CodeFull, "queue %q takes no more call-backs", c.queue.Name)
	}
	return nil
}

// isNumber reports whether a text is a normalised number.
func isNumber(text string) bool {
	digits := strings.TrimPrefix(text, "+")
	return digits != "" && len(digits) <= maxNumber && strings.Trim(digits, "0123456789") == ""
}

// maxNumber is longer than E.164's 15 digits, for prefixes of private plans.
const maxNumber = 32

// handedOver returns the place that a call hands over: the one it has, or had in
// the queue it left without an agent.
func (s *State) handedOver(c *call, index uint64) (band, since int64, last uint64) {
	if c == nil || c.place.Key.Index == 0 || !c.inQueue() && c.phase != PhaseMenu {
		return 0, s.now, index
	}
	k := c.place.Key
	return k.Band, k.Since, k.Index
}

// doze lets a call-back rest until it is due; then it waits.
func (s *State) doze(c *call, until int64, r *Result) {
	c.phase, c.callback.at = PhaseDormant, until
	if until <= s.now {
		s.wake(c, r)
		return
	}
	s.setTimer(timerCallback, c.id, 0, c.nextCallback())
}

// wake puts a call-back that is due into the ranking, by the present rules of
// its queue if there is still one of that name.
func (s *State) wake(c *call, r *Result) {
	if g := s.current(); g != c.generation {
		if q := g.queue(c.queue.Name); q != nil {
			c.generation.calls--
			g.calls++
			c.generation, c.queue = g, q
			s.forgetGenerations()
		}
	}
	s.openChances(c, CallQueued{})
	r.Facts = append(r.Facts, s.callbackFact(FactCallbackDue, c))
	s.join(c)
}

// nextCallback returns when a call-back's timer fires; 0 for other calls, and
// while its agent's phone rings or the customer is there.
func (c *call) nextCallback() int64 {
	switch b := c.callback; {
	case b == nil:
	case c.phase == PhaseDormant:
		return min(b.at, b.expires)
	case c.phase == PhaseWaiting:
		return b.expires
	case c.phase == PhaseDialling:
		return b.at
	}
	return 0
}

// callbackTimer acts on a call-back's only timer.
func (s *State) callbackTimer(c *call, r *Result) {
	switch {
	case c.phase == PhaseDialling:
		s.missed(c, missedUnreported, 0, r)
	case c.callback.expires <= s.now:
		s.closeCallback(c, ending{cause: CallbackExpired}, r)
	default:
		s.wake(c, r)
	}
}

func (s *State) callbackCancelled(ev CallbackCancelled, r *Result) error {
	c := s.calls[ev.Callback]
	switch {
	case c == nil || c.callback == nil:
		return refuse(ev, "no such call-back")
	case c.reachedCustomer():
		return refuse(ev, "the customer has been reached")
	}
	s.closeCallback(c, ending{cause: CallbackWithdrawn, reason: ev.Cause, by: ev.By}, r)
	return nil
}

// callbackOf returns the call-back that a caller makes needless when he calls
// himself, nil if there is none.
func (s *State) callbackOf(caller *call) *call {
	c := s.callbacks.of(caller)
	if c == nil || c.reachedCustomer() {
		return nil
	}
	return c
}

// ending says how a call-back ends.
type ending struct {
	cause, reason, by, origin string
	sip                       int
	quality                   *Quality
}

// reachedCustomer reports whether a call-back has done its work.
func (c *call) reachedCustomer() bool {
	return c.phase == PhaseTalking || c.phase == PhaseAfter || c.phase == PhaseDirected
}

// closeCallback ends a call-back whose customer wasn't reached, whatever it is
// doing.
func (s *State) closeCallback(c *call, how ending, r *Result) {
	switch c.phase {
	case PhaseDormant:
		s.setTimer(timerCallback, c.id, c.nextCallback(), 0)
	case PhaseWaiting, PhaseOffered:
		s.recall(c, r)
		s.unwait(c)
	case PhaseDialling:
		o := s.offers[c.offer]
		s.setTimer(timerCallback, c.id, c.nextCallback(), 0)
		f := s.attemptFact(FactCallbackMissed, o)
		f.Cause = how.cause
		r.Facts = append(r.Facts, f)
		s.part(o, how.cause, r)
	case PhaseMenu, PhaseTalking, PhaseAfter, PhaseDirected, PhaseTest:
	}
	s.finish(c, how, r)
}

// finish forgets a call-back that has no agent any more.
func (s *State) finish(c *call, how ending, r *Result) {
	f := s.callbackFact(FactCallbackEnded, c)
	f.Cause, f.Reason, f.By, f.Origin = how.cause, how.reason, how.by, how.origin
	f.SIP, f.Quality = how.sip, how.quality
	s.capGiveAll(c)
	delete(s.calls, c.id)
	s.callbacks.remove(c)
	c.generation.calls--
	s.forgetGenerations()
	r.Facts = append(r.Facts, f)
}

// callbackFact returns a fact with everything that says which call-back is
// meant.
func (s *State) callbackFact(kind FactKind, c *call) Fact {
	return Fact{
		Kind: kind, Call: c.id, Queue: c.queue.Name, Node: c.node, Tier: tierOf(c), Customer: c.customer.ID,
		Attempt: c.callback.attempt,
	}
}
