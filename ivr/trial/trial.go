package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tierline/ivr" //nolint:depguard // a harness drives its own parent, which is as pure
)

// Trial is one call in virtual time.
type Trial struct {
	flow    *ivr.Flow
	session *ivr.Session
	begun   time.Time
	now     time.Time
	length  func(ivr.Prompt) time.Duration

	timers   map[uint64]time.Time
	speaking uint64
	spoken   time.Time // when the prompt ends
	music    bool
	queued   bool
	talking  bool
	ended    bool
	timeline []string
}

// Start begins a call. length says how long prompts last; one of no length is
// missing.
func Start(f *ivr.Flow, c ivr.Caller, at time.Time, length func(ivr.Prompt) time.Duration) *Trial {
	t := &Trial{flow: f, begun: at, now: at, length: length, timers: map[uint64]time.Time{}}
	s, actions := ivr.Start(f, c, at)
	t.session = s
	t.do(actions)
	return t
}

// Press lets the caller press keys, one after another without a pause.
func (t *Trial) Press(keys string) {
	for _, k := range keys {
		t.handle(ivr.Key{Digit: k})
	}
}

// Wait lets time pass: prompts end and timers fire on the way.
func (t *Trial) Wait(d time.Duration) {
	until := t.now.Add(d)
	for !t.ended {
		at, what := t.nextDue()
		if what == nil || at.After(until) {
			break
		}
		t.now = at
		t.handle(what)
	}
	t.now = until
}

// nextDue returns the input that comes next by itself: timers in the order of
// their time, then of their id.
func (t *Trial) nextDue() (at time.Time, in ivr.Input) {
	if t.speaking != 0 {
		at, in = t.spoken, ivr.PromptDone{ID: t.speaking}
	}
	ids := make([]uint64, 0, len(t.timers))
	for id := range t.timers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if in == nil || t.timers[id].Before(at) {
			at, in = t.timers[id], ivr.TimerFired{ID: id}
		}
	}
	return at, in
}

// Answer lets an agent take the waiting call.
func (t *Trial) Answer() {
	t.queued, t.talking = false, true
	t.handle(ivr.AgentConnected{})
}

// AgentLeaves lets the agent hang up first.
func (t *Trial) AgentLeaves() {
	t.talking = false
	t.handle(ivr.AgentDone{})
}

// Leave ends the wait in the queue without an agent.
func (t *Trial) Leave(cause string) {
	t.queued = false
	t.handle(ivr.QueueLeft{Cause: cause})
}

// HangUp lets the caller hang up.
func (t *Trial) HangUp() {
	t.handle(ivr.HungUp{})
	t.ended = true
}

// Ended tells whether the call is over.
func (t *Trial) Ended() bool { return t.ended }

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
// over speaks, waits in a queue or with an agent, or has a timer running that
// isn't only the limit of the whole call.
func (t *Trial) Check() error {
	switch {
	case t.ended && len(t.timers) > 0:
		return fmt.Errorf("%d timers run after the end", len(t.timers))
	case t.ended || t.speaking != 0 || t.queued || t.talking || len(t.timers) > 1:
		return nil
	}
	return fmt.Errorf("dead air after %v", t.now.Sub(t.begun))
}

func (t *Trial) handle(in ivr.Input) {
	switch in := in.(type) {
	case ivr.PromptDone:
		t.speaking = 0
	case ivr.TimerFired:
		delete(t.timers, in.ID)
	case ivr.Key, ivr.QueueLeft, ivr.AgentConnected, ivr.AgentDone, ivr.HungUp:
	}
	t.do(t.session.Handle(in, t.now))
}

func (t *Trial) do(actions []ivr.Action) {
	for _, a := range actions {
		t.act(a)
	}
}

func (t *Trial) act(a ivr.Action) {
	switch a := a.(type) {
	case ivr.Speak:
		t.speak(a)
	case ivr.StopSpeaking:
		t.speaking, t.music = 0, false
		t.tell("stop")
	case ivr.SetTimer:
		t.timers[a.ID] = t.now.Add(a.After)
	case ivr.CancelTimer:
		delete(t.timers, a.ID)
	case ivr.PlayMusic:
		t.speaking, t.music = 0, true
		t.tell("music %s", a.Prompt.ID)
	case ivr.Enqueue:
		t.queued = true
		t.tell("queue %s%s%s", a.Queue, maxWait(a.MaxWait), attributes(a.Attach))
	case ivr.Unqueue:
		t.queued = false
		t.tell("unqueue %s", a.Cause)
	case ivr.Note:
		t.tell("node %s%s", a.Step, pressed(a))
	case ivr.Disconnect:
		t.ended = true
		t.tell("hang up %s", a.Cause)
	}
}

func (t *Trial) speak(a ivr.Speak) {
	names := make([]string, len(a.Prompts))
	var total time.Duration
	for i, p := range a.Prompts {
		names[i] = p.ID
		if p.Language != "" {
			names[i] += "." + p.Language
		}
		total += t.length(p)
	}
	t.speaking, t.spoken, t.music = a.ID, t.now.Add(total), false
	t.tell("say %s", strings.Join(names, " "))
}

func maxWait(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " max_wait=" + d.String()
}

func attributes(list []ivr.Attribute) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
	}
	return b.String()
}

func pressed(n ivr.Note) string {
	var b strings.Builder
	if n.Milestone != "" {
		b.WriteString(" milestone=" + n.Milestone)
	}
	if n.Key != "" {
		b.WriteString(" key=" + n.Key)
	}
	return b.String()
}

func (t *Trial) tell(format string, args ...any) {
	at := t.now.Sub(t.begun).Round(time.Millisecond)
	t.timeline = append(t.timeline, fmt.Sprintf("%v %s", at, fmt.Sprintf(format, args...)))
}
