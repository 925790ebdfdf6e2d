package trial

import (
	"fmt"
	"slices"
	"time"

	"tierline/ivr" //nolint:depguard // a harness drives its own parent, which is as pure
)

// Trial is one call in virtual time.
type Trial struct {
	flow    *ivr.Flow
	session *ivr.Session
	world   World
	begun   time.Time
	now     time.Time
	length  func(ivr.Prompt) time.Duration

	timers    map[uint64]time.Time
	answers   []answer // on their way
	asked     map[kind]uint64
	speaking  uint64
	spoken    time.Time // when the prompt ends
	coming    []Sound   // of the prompt, not begun yet
	music     bool
	recording *recording
	queued    bool
	talking   bool // to an agent, or to the far end of a transfer
	bridged   bool // to the far end of a transfer
	ended     bool
	cause     string // of an end by the flow

	order     int
	timeline  []string
	sounds    []Sound
	steps     []Step
	questions []Question
}

// World answers what a session asks of the outside: Lookup, Notify, TryAuth,
// AskPlace, RequestCallback, Transfer and Enqueue. The input comes after a
// time; without one nothing comes by itself: see Reply. Its id need not be set.
type World interface {
	Ask(a ivr.Action) (in ivr.Input, after time.Duration)
}

// Sound is a prompt that the caller heard.
type Sound struct {
	Order    int           // of all that happened
	At       time.Duration // when it began
	Prompt   ivr.Prompt
	Language string // of the call
	Node     string
	Cut      bool // stopped before its end
	Played   time.Duration
	Over     bool
}

// Step is a node that the call entered.
type Step struct {
	Order int // of all that happened
	At    time.Duration
	From  string // the node before; "" at the start
	Note  ivr.Note
}

// Question is what the session asked of the outside, or told it.
type Question struct {
	Order int // of all that happened
	At    time.Duration
	Node  string
	Ask   ivr.Action
}

// Start begins a call. length says how long prompts last; one of no length is
// missing. Without a world nothing is answered by itself.
func Start(
	f *ivr.Flow, c ivr.Caller, at time.Time, length func(ivr.Prompt) time.Duration, w World,
) *Trial {
	t := New(f, at, length, w)
	t.Begin(c)
	return t
}

// New prepares a call that Begin begins, for a world that looks at it.
func New(f *ivr.Flow, at time.Time, length func(ivr.Prompt) time.Duration, w World) *Trial {
	return &Trial{
		flow: f, world: w, begun: at, now: at, length: length, timers: map[uint64]time.Time{}, asked: map[kind]uint64{},
	}
}

// Begin begins the call.
func (t *Trial) Begin(c ivr.Caller) {
	s, actions := ivr.Start(t.flow, c, t.now)
	t.session = s
	t.do(actions)
}

// Press lets the caller press keys, one after another without a pause.
func (t *Trial) Press(keys string) {
	for _, k := range keys {
		t.handle(ivr.Key{Digit: k})
	}
}

// Wait lets time pass: prompts end, timers fire and answers come on the way.
func (t *Trial) Wait(d time.Duration) {
	until := t.now.Add(d)
	for !t.ended {
		next, ok := t.next()
		if !ok || next.at.After(until) {
			break
		}
		t.pass(next)
	}
	t.now = until
	t.begin()
}

// Talk lets the caller speak for a while.
func (t *Trial) Talk(d time.Duration) {
	if r := t.recording; r != nil {
		r.voice, r.quiet = true, t.now.Add(d)
	}
	t.Wait(d)
}

// Answer lets an agent take the waiting call.
func (t *Trial) Answer() { t.handle(ivr.AgentConnected{}) }

// AgentLeaves lets the agent hang up first.
func (t *Trial) AgentLeaves() { t.handle(ivr.AgentDone{}) }

// FarEndLeaves lets the far end of a transfer hang up first.
func (t *Trial) FarEndLeaves() { t.handle(ivr.TransferDone{}) }

// Leave ends the wait in the queue without an agent.
func (t *Trial) Leave(cause string) { t.handle(ivr.QueueLeft{Cause: cause}) }

// HangUp lets the caller hang up.
func (t *Trial) HangUp() {
	t.handle(ivr.HungUp{})
	t.ended = true
	t.begin()
}

// Reply answers the last question of the input's kind.
func (t *Trial) Reply(in ivr.Input) { t.handle(t.identified(in)) }

// Ended tells whether the call is over, and why if the flow ended it.
func (t *Trial) Ended() (ended bool, cause string) { return t.ended, t.cause }

// Now is how long the call has lasted.
func (t *Trial) Now() time.Duration { return t.now.Sub(t.begun) }

// Session is the call's session. It must not be stepped beside the trial.
func (t *Trial) Session() *ivr.Session { return t.session }

// Node is where the call is.
func (t *Trial) Node() string {
	if len(t.steps) == 0 {
		return ""
	}
	return t.steps[len(t.steps)-1].Note.Step
}

// Queued tells whether the call waits in a queue.
func (t *Trial) Queued() bool { return t.queued }

// Talking tells whether the caller talks to somebody.
func (t *Trial) Talking() bool { return t.talking }

// Transferred tells whether the caller talks to the far end of a transfer.
func (t *Trial) Transferred() bool { return t.talking && t.bridged }

// Music tells whether music plays.
func (t *Trial) Music() bool { return t.music }

// Immediate tells whether something happens at this very moment.
func (t *Trial) Immediate() bool {
	next, ok := t.next()
	return ok && !next.at.After(t.now)
}

// Soon is when the next thing happens by itself.
func (t *Trial) Soon() time.Duration {
	next, ok := t.next()
	if !ok {
		return t.Now() + time.Hour
	}
	return next.at.Sub(t.begun)
}

// Recording tells whether the caller is recorded.
func (t *Trial) Recording() bool { return t.recording != nil }

// Sounds are what was heard so far, and what sounds now.
func (t *Trial) Sounds() []Sound { return t.sounds }

// Steps are the nodes entered so far.
func (t *Trial) Steps() []Step { return t.steps }

// Questions are what the session asked and told so far.
func (t *Trial) Questions() []Question { return t.questions }

// Take returns what happened since it was called last.
func (t *Trial) Take() []string {
	out := t.timeline
	t.timeline = nil
	return out
}

// Move continues the call as another node would: from its encoded session.
func (t *Trial) Move() error {
	s, err := ivr.Resume(t.flow, t.session.Encode())
	if err != nil {
		return fmt.Errorf("move the call: %w", err)
	}
	t.session = s
	return nil
}

// Check returns nil if the caller can't be left in silence: a call that isn't
// over speaks, records, waits for an answer, in a queue or with an agent, or
// has a timer running that isn't only the limit of the whole call.
func (t *Trial) Check() error {
	switch {
	case t.ended && len(t.timers) > 0:
		return fmt.Errorf("%d timers run after the end", len(t.timers))
	case t.ended || t.speaking != 0 || t.queued || t.talking || len(t.timers) > 1 || t.recording != nil:
		return nil
	case len(t.answers) > 0 || len(t.asked) > 0:
		return nil
	}
	return fmt.Errorf("dead air after %v", t.Now())
}

// Turn tells whether nothing goes on until the caller does something or his
// time runs out.
func (t *Trial) Turn() bool {
	if t.recording != nil {
		return !t.recording.voice
	}
	awaited := func(a answer) bool { return a.kind != kindPlace } // of interest only in a queue
	return !t.ended && t.speaking == 0 && !t.queued && !t.talking && !slices.ContainsFunc(t.answers, awaited)
}

// Advance lets the next thing happen by itself, if it comes within d.
func (t *Trial) Advance(d time.Duration) bool {
	next, ok := t.next()
	if t.ended || !ok || next.at.After(t.now.Add(d)) {
		return false
	}
	t.pass(next)
	return true
}

// due is what happens next by itself.
type due struct {
	at time.Time
	in ivr.Input // nil: a sound begins
}

// next finds what comes first; of things at the same time sounds, prompts'
// ends, answers, recordings, then timers in the order of their id.
func (t *Trial) next() (due, bool) {
	var all []due
	if len(t.coming) > 0 {
		all = append(all, due{at: t.begun.Add(t.coming[0].At)})
	}
	if t.speaking != 0 {
		all = append(all, due{t.spoken, ivr.PromptDone{ID: t.speaking}})
	}
	for _, a := range t.answers {
		all = append(all, due{a.at, a.in})
	}
	if t.recording != nil {
		all = append(all, t.recording.due())
	}
	ids := make([]uint64, 0, len(t.timers))
	for id := range t.timers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		all = append(all, due{t.timers[id], ivr.TimerFired{ID: id}})
	}
	if len(all) == 0 {
		return due{}, false
	}
	return slices.MinFunc(all, func(a, b due) int { return a.at.Compare(b.at) }), true
}

func (t *Trial) pass(d due) {
	if d.at.After(t.now) {
		t.now = d.at
	}
	t.begin()
	if d.in != nil {
		t.handle(d.in)
	}
}

func (t *Trial) handle(in ivr.Input) {
	switch in := in.(type) {
	case ivr.PromptDone:
		t.silent(false)
	case ivr.TimerFired:
		delete(t.timers, in.ID)
	case ivr.Recorded:
		t.recording = nil
		t.settle(in)
	case ivr.QueueLeft:
		t.queued = false
		t.settle(in)
	case ivr.AgentConnected:
		t.queued, t.talking, t.bridged = false, true, false
		t.settle(in)
	case ivr.AgentDone, ivr.Requeued, ivr.TransferDone:
		t.talking = false
	case ivr.Transferred:
		t.talking, t.bridged = in.Result == ivr.TransferAnswered, true
		t.settle(in)
	case ivr.LookedUp, ivr.Notified, ivr.Attempt, ivr.PlaceKnown, ivr.CallbackAnswer:
		t.settle(in)
	case ivr.Key, ivr.HungUp, ivr.TransferStands:
	}
	t.do(t.session.Handle(in, t.now))
}

// settle forgets a question and its answer on the way.
func (t *Trial) settle(in ivr.Input) {
	k := kindOfInput(in)
	delete(t.asked, k)
	t.answers = slices.DeleteFunc(t.answers, func(a answer) bool { return a.kind == k })
}
