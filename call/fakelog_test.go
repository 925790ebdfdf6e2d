package call

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"time"

	"tierline/acd"
)

// fakeLog is a log of one node that commits at once.
type fakeLog struct {
	lab   *lab
	start time.Time

	mu     sync.Mutex
	state  *acd.State
	index  uint64
	broken error         // what Propose answers while nothing can be committed
	slow   time.Duration // how long an OfferAnswered takes
	slowed reflect.Type  // proposals of this kind take slowBy
	slowBy time.Duration
	late   time.Duration // the next one is applied this much after Propose gave up
	later  []acd.Event

	written []string // every event, as JSON
	timer   *time.Timer
	closed  bool
}

func (f *fakeLog) bundle(g uint64) (acd.Bundle, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.GenerationBundle(g)
}

func (f *fakeLog) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *fakeLog) Read(view func(*acd.State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	view(f.state)
}

// lose makes proposals of a kind take their time.
func (f *fakeLog) lose(kind acd.Event, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slowed, f.slowBy = reflect.TypeOf(kind), d
}

func (f *fakeLog) delay(ev acd.Event) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slowed == reflect.TypeOf(ev) {
		return f.slowBy
	}
	return 0
}

func (f *fakeLog) Propose(_ context.Context, ev acd.Event) (acd.Result, uint64, error) {
	if _, ok := ev.(acd.OfferAnswered); ok {
		time.Sleep(f.slow)
		if late := f.late; late > 0 { // committed, but later than the caller of Propose waits
			f.late = 0
			time.AfterFunc(late, func() { f.Post(ev) }) //nolint:contextcheck // outlives its proposer
			return acd.Result{}, 0, errors.New("not committed in time")
		}
	}
	time.Sleep(f.delay(ev))
	f.mu.Lock()
	if f.broken != nil {
		f.mu.Unlock()
		return acd.Result{}, 0, f.broken
	}
	r, effects, err := f.apply(ev)
	index := f.index
	effects = append(effects, f.decide()...)
	f.mu.Unlock()
	f.lab.sw.Effects(effects)
	return r, index, err
}

func (f *fakeLog) Post(ev acd.Event) {
	f.mu.Lock()
	if f.broken != nil {
		f.later = append(f.later, ev)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	_, _, _ = f.Propose(context.Background(), ev)
}

// repair makes commits work again and writes what was posted meanwhile.
func (f *fakeLog) repair() {
	f.mu.Lock()
	later := f.later
	f.broken, f.later = nil, nil
	f.mu.Unlock()
	for _, ev := range later {
		f.Post(ev)
	}
}

func (f *fakeLog) now() int64 { return time.Since(f.start).Milliseconds() }

func (f *fakeLog) apply(ev acd.Event) (acd.Result, []acd.Effect, error) {
	f.index++
	if b, err := json.Marshal(ev); err == nil {
		f.written = append(f.written, string(b))
	}
	r, err := acd.Apply(f.state, acd.Entry{Index: f.index, At: f.now(), Wall: time.Now().UnixMilli(), Event: ev})
	if cerr := f.state.Check(); cerr != nil {
		f.lab.t.Errorf("after %T: %v", ev, cerr)
	}
	for _, fact := range r.Facts {
		subject, _, _ := strings.Cut(string(fact.Kind), ".")
		told := subject == "call" || subject == "callback" || subject == "supervision"
		if told && fact.Kind != acd.FactCallStep {
			f.lab.note("log %s %s%s%s%s", fact.Kind, fact.Agent, fact.Queue, fact.Cause, fact.Mode)
		}
	}
	return r, r.Effects, err
}

// decide does the leader's work until there is none, and sets its alarm.
func (f *fakeLog) decide() (effects []acd.Effect) {
	for {
		events := acd.Decide(f.state, f.now())
		if len(events) == 0 {
			break
		}
		for _, ev := range events {
			_, e, _ := f.apply(ev)
			effects = append(effects, e...)
		}
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if at, ok := f.state.NextDue(); ok && !f.closed {
		f.timer = time.AfterFunc(time.Duration(at-f.now())*time.Millisecond, func() {
			f.mu.Lock()
			e := f.decide()
			f.mu.Unlock()
			f.lab.sw.Effects(e)
		})
	}
	return effects
}

func (f *fakeLog) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
}
