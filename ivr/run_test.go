package ivr

import (
	"fmt"
	"time"
)

// run is a session in its world.
type run struct {
	*world
	s *Session
}

func begin(t failer, f *Flow, c Caller, now time.Time) *run {
	r := &run{world: newWorld(t, now)}
	s, actions := Start(f, c, now)
	r.s = s
	r.do(actions)
	r.check(s)
	return r
}

// later lets time go by in which nothing happens.
func (r *run) later(d time.Duration) {
	r.now = r.now.Add(d)
	if r.sounds(r.s) {
		r.silent = r.now
	}
}

func (r *run) give(in Input) {
	r.t.Helper()
	r.happen(in)
	r.do(r.s.Handle(in, r.now))
	r.check(r.s)
}

func (r *run) press(keys string) {
	r.t.Helper()
	for _, k := range keys {
		r.give(Key{k})
	}
}

// hear lets prompts end until the caller has something to do, or d is over.
func (r *run) hear() {
	r.t.Helper()
	for i := 0; r.speaking != 0; i++ {
		if i > 50 {
			r.t.Fatal("speaks for ever")
		}
		r.give(PromptDone{r.speaking})
	}
}

// pass lets time go by; timers fire, prompts don't end.
func (r *run) pass(d time.Duration) {
	r.t.Helper()
	until := r.now.Add(d)
	for !r.ended {
		due, ok := r.nextTimer()
		if !ok || due.After(until) {
			break
		}
		r.later(due.Sub(r.now))
		for _, id := range r.due() {
			if _, still := r.timers[id]; still {
				r.give(TimerFired{id})
			}
		}
	}
	r.later(until.Sub(r.now))
}

// asked returns the question of a kind that waits for its answer.
func asked[A Action](r *run) A {
	r.t.Helper()
	var out A
	n := 0
	for _, a := range r.pending {
		if x, ok := a.(A); ok {
			out = x
			n++
		}
	}
	if n != 1 {
		r.t.Fatalf("%d questions of type %T at node %s", n, out, r.s.st.At)
	}
	return out
}

// take returns what the session did since.
func (r *run) take() []Action {
	out := r.log
	r.log = nil
	return out
}

// at fails unless the call is at a node.
func (r *run) at(node string) {
	r.t.Helper()
	if r.s.st.At != node {
		r.t.Fatalf("at node %s, not %s; %s", r.s.st.At, node, r.way())
	}
}

// way are the nodes so far with their outcomes.
func (r *run) way() string {
	out := ""
	for _, n := range r.notes {
		if n.Outcome != "" {
			out += fmt.Sprintf(" -%s-> ", n.Outcome)
		}
		out += n.Step
	}
	return out
}

// said are the prompts of a Speak.
func said(actions []Action) (out []string) {
	for _, a := range actions {
		sp, ok := a.(Speak)
		if !ok {
			continue
		}
		for _, p := range sp.Prompts {
			switch {
			case p.Reading != nil:
				out = append(out, p.Reading.Text)
			case p.Recording != "":
				out = append(out, "recording:"+p.Recording)
			case p.Text != "":
				out = append(out, "tts:"+p.Text)
			default:
				out = append(out, p.ID)
			}
		}
	}
	return out
}
