package acd

import (
	"errors"
	"maps"
	"strings"

	"pgregory.net/rapid"

	"tierline/routing/rank"
)

// world drives a state with everything the outside can do to it, at wrong
// moments too, and keeps its own account of what it was told to do.
type world struct {
	s    *State
	only property // the one that is looked for; 0: all

	reach          map[string]reach // by call
	replica, saved *State           // another node, and what it can begin anew with

	ice   ice
	now   int64
	log   []Entry
	told  []Result
	calls int

	callbacks int

	offers  []legOf           // all that ever were: results may come late and twice
	ringing map[legOf]bool    // phones that ring, by the effects
	talking map[uint64]string // agents who are connected, by the effects
	node    map[uint64]string // where an offer's legs are

	head  map[string]int64 // head start of a call when it was queued
	story map[string]*tale // by call, from the facts
	count struct{ queued, connected, left int }
}

// legOf is an agent's part of an offer.
type legOf struct {
	offer uint64
	agent string
}

// tale is what the facts have said of one call.
type tale struct {
	queued           bool
	sides            map[uint64]string // offers beside the one that is talking
	offered, talking uint64
	rung             map[string]bool // whom the offer rings
	key              rank.Key        // since it was queued; must stay
	promise          *promise        // of a call-back
}

func newWorld() *world {
	return &world{
		s: NewState(), ringing: map[legOf]bool{}, talking: map[uint64]string{}, node: map[uint64]string{},
		story: map[string]*tale{}, head: map[string]int64{},
	}
}

func (w *world) put(t *rapid.T, ev Event) error {
	before := timeless(w.s)
	e := Entry{Index: uint64(len(w.log) + 1), At: w.now, Wall: wall + w.now, Event: ev}
	if rapid.IntRange(0, 19).Draw(t, "clock behind") == 0 {
		e.At -= 500 // a new leader's clock
	}
	w.log = append(w.log, e)
	r, err := Apply(w.s, e)
	w.told = append(w.told, r)
	if fault := w.s.Check(); fault != nil {
		t.Fatalf("after %T%+v: %v", ev, ev, fault)
	}
	if err != nil {
		refused := (*RefusedError)(nil)
		if !errors.As(err, &refused) {
			t.Fatalf("%T: %v", ev, err)
		}
		if len(r.Facts) > 0 || len(r.Effects) > 0 || timeless(w.s) != before {
			t.Fatalf("%T is refused (%s) and changed something", ev, refused.Reason)
		}
		w.follow(t, e, r)
		return err
	}
	w.report(ev)
	for _, effect := range r.Effects {
		w.obey(t, effect)
	}
	for _, f := range r.Facts {
		w.hear(t, f)
	}
	w.look(t, e, r)
	return nil
}

// report notes what an accepted event says the outside has done by itself.
func (w *world) report(ev Event) {
	switch ev := ev.(type) {
	case OfferFailed:
		maps.DeleteFunc(w.ringing, func(l legOf, _ bool) bool {
			return l.offer == ev.Offer && (ev.Agent == "" || l.agent == ev.Agent)
		})
	case AgentReleased:
		delete(w.talking, ev.Offer)
	case CallRequeued:
		delete(w.talking, ev.Released.Offer)
	case CallPlaced:
		w.talking[w.s.index], w.node[w.s.index] = ev.Agent, ev.Node
		w.offers = append(w.offers, legOf{w.s.index, ev.Agent})
	case CallHandedOver:
		delete(w.talking, w.story[ev.Call].talking)
	case NodeDown:
		w.moved(ev.Node, true)
	case AddressMoved:
		w.moved(ev.From, false)
	case NodeRestarted:
		if ev.Resume {
			w.moved(ev.Node, true)
			return
		}
		maps.DeleteFunc(w.ringing, func(l legOf, _ bool) bool { return w.node[l.offer] == ev.Node })
		maps.DeleteFunc(w.talking, func(id uint64, _ string) bool { return w.node[id] == ev.Node })
	default:
	}
}

// moved follows what a node held to where it is now. One that is dead isn't
// told to let anybody go.
func (w *world) moved(node string, dead bool) {
	gone := func(offer uint64) bool { return dead && w.node[offer] == node && w.s.offers[offer] == nil }
	maps.DeleteFunc(w.ringing, func(l legOf, _ bool) bool { return gone(l.offer) })
	maps.DeleteFunc(w.talking, func(id uint64, _ string) bool { return gone(id) })
	for id := range w.talking {
		if w.node[id] == node && w.s.offers[id] != nil {
			w.node[id] = w.s.calls[w.s.offers[id].call].node
		}
	}
}

func (w *world) obey(t *rapid.T, e Effect) {
	switch e := e.(type) {
	case RingAgent:
		if len(e.Contacts) == 0 || e.For <= 0 {
			t.Fatalf("ring %+v", e)
		}
		leg := legOf{e.Offer, e.Agent}
		w.ringing[leg], w.node[e.Offer] = true, e.Node
		w.offers = append(w.offers, leg)
	case StopRinging:
		w.silence(t, e, legOf{e.Offer, e.Agent})
	case ConnectAgent:
		w.silence(t, e, legOf{e.Offer, e.Agent})
		w.talking[e.Offer] = e.Agent
	case ReleaseAgent:
		if w.talking[e.Offer] != e.Agent {
			t.Fatalf("%+v, but that doesn't talk", e)
		}
		delete(w.talking, e.Offer)
	case TakeCall:
		if c := w.s.calls[e.Call]; c == nil || c.node != e.Node || c.leg == nil && w.s.ownLeg(c) == nil {
			t.Fatalf("%+v, which is another's", e)
		}
	case StopGhost:
		if w.s.offers[e.Offer] != nil {
			t.Fatalf("%+v, which is none", e)
		}
	case LeaveQueue, GenerationChanged, HoldAddress, FreeAddress, GiveAddress, DropCall, EndLeg, NodeLost:
	}
}

// silence ends the ringing of a phone that rings.
func (w *world) silence(t *rapid.T, e Effect, leg legOf) {
	if !w.ringing[leg] {
		t.Fatalf("%+v, but that doesn't ring", e)
	}
	delete(w.ringing, leg)
}

// hear checks that the facts make a story by themselves.
func (w *world) hear(t *rapid.T, f Fact) {
	if f.Call == "" || f.Kind == FactAgentState || f.Kind == FactAgentDisposed || f.Kind == FactAuthLocked {
		return
	}
	if strings.HasPrefix(string(f.Kind), "callback.") && w.hearCallback(t, f) {
		return
	}
	c := w.story[f.Call]
	if (c == nil) != (f.Kind == FactCallArrived) {
		t.Fatalf("%+v at the wrong moment", f)
	}
	if c == nil {
		w.story[f.Call] = &tale{}
		return
	}
	if w.hearSide(t, c, f) {
		return
	}
	ok := true
	switch f.Kind {
	case FactCallQueued:
		ok = !c.queued && c.talking == 0
		c.queued, c.key = true, w.s.calls[f.Call].place.Key
		w.head[f.Call] = c.key.Since - c.key.Deadline
		w.count.queued++
	case FactCallLeftQueue:
		if f.Refused { // it was not let in
			ok = !c.queued
			break
		}
		ok = c.queued && c.offered == 0
		c.queued = false
		w.count.left++
	case FactCallOffered:
		ok = c.queued && (c.offered == 0 || c.offered == f.Offer) && !c.rung[f.Agent]
		if c.offered == 0 {
			c.offered, c.rung = f.Offer, map[string]bool{}
		}
		c.rung[f.Agent] = true
	case FactCallRelaxed:
		ok = c.queued
	case FactCallMoved:
		ok = c.queued
		c.key.Band = f.Band
	case FactCallRinging:
		ok = c.offered == f.Offer && c.rung[f.Agent]
	case FactOfferFailed:
		ok = c.offered == f.Offer && c.rung[f.Agent]
		if delete(c.rung, f.Agent); len(c.rung) == 0 {
			c.offered = 0
		}
	case FactCallConnected:
		ok = c.queued && c.offered == f.Offer && c.rung[f.Agent] && len(c.rung) == 1
		c.queued, c.offered, c.talking, c.rung = false, 0, f.Offer, nil
		w.count.connected++
	case FactAgentReleased:
		ok = c.talking == f.Offer
		c.talking = 0
	case FactCallEnded:
		ok = !c.queued && c.offered+c.talking == 0 && len(c.sides) == 0
		delete(w.story, f.Call)
	case FactConfigPublished, FactAgentState, FactAgentNext, FactAgentDisposed, FactPhoneRegistered, FactPhoneUnregistered,
		FactCallArrived, FactCallStep, FactNodeRestarted, FactCallSurveyed, FactCallRecorded, FactCallTransferred,
		FactCallbackRequested, FactCallbackDue, FactCallbackDialled, FactCallbackReached, FactCallbackMissed,
		FactCallbackEnded, FactAuthLocked, FactAuthCleared, FactRecordingMarked, FactRecordingUsed, FactCallJoined, FactCallHandedOver, FactCallHeld,
		FactCallResumed, FactCallMuted, FactCallUnmuted, FactHoldReminded, FactOutsideDialled, FactOutsideAnswered, FactOutsideFailed,
		FactOutsideLeft, FactCallRerouted, FactSupervisionStarted, FactSupervisionChanged, FactSupervisionEnded,
		FactNodeDown, FactAddressMoved, FactCallTakenOver:
	}
	if !ok {
		t.Fatalf("%+v at the wrong moment", f)
	}
}

// oneEach compares the world's account with the state: nobody rings or talks
// whom the state doesn't know of, nobody does so twice.
func (w *world) oneEach(t *rapid.T) {
	ringing, talking := map[legOf]bool{}, map[uint64]string{}
	busy := map[string]bool{}
	engage := func(agent string) {
		if busy[agent] {
			t.Fatalf("agent %s has two offers", agent)
		}
		busy[agent] = true
	}
	for id, o := range w.s.offers {
		for _, x := range o.rings {
			engage(x.agent)
			ringing[legOf{id, x.agent}] = true
		}
		if o.answered() {
			engage(o.agent)
			talking[id] = o.agent
		}
	}
	if !maps.Equal(ringing, w.ringing) || !maps.Equal(talking, w.talking) {
		t.Fatalf("state: ringing %v talking %v, world: %v %v", ringing, talking, w.ringing, w.talking)
	}
	for id, c := range w.s.calls {
		if o := w.s.offers[c.offer]; (o == nil) != (c.offer == 0) || o != nil && (o.call != id || o.role != 0) {
			t.Fatalf("call %s and offer %d don't agree", id, c.offer)
		}
	}
}

// conserved adds up what the facts have said: offered = answered + abandoned +
// left + waiting, and each call is where its story says, with the key it had.
func (w *world) conserved(t *rapid.T) {
	waiting := 0
	for id, c := range w.s.calls {
		told := w.story[id]
		if told == nil || told.queued != c.inQueue() || told.offered+told.talking != c.offer || len(told.sides) != len(c.sides) {
			t.Fatalf("call %s is %s, the story says %+v", id, c.phase, told)
		}
		if c.inQueue() && c.callback == nil {
			waiting++
		}
		if c.inQueue() || c.callback != nil {
			if c.place.Key != told.key {
				t.Fatalf("call %s had key %v, now %v", id, told.key, c.place.Key)
			}
		}
	}
	if w.count.queued != w.count.connected+w.count.left+waiting || len(w.story) != len(w.s.calls) {
		t.Fatalf("counts %+v with %d waiting", w.count, waiting)
	}
}
