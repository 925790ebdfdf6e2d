package call

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
)

// Marks of recordings.
const (
	markPause     = "pause"
	markResume    = "resume"
	markSecret    = "secret"
	markSecretEnd = "secret_end"
	markPlain     = "mark"
)

// What is asked of a running call and can't be.
var (
	ErrNoCall      = errors.New("there is no such call on this node")
	ErrNotRecorded = errors.New("the call is not recorded now")
	ErrNoAction    = errors.New("a recording is told to pause, resume or mark")
)

// RecordCommand is what somebody wants of the recording of a running call.
type RecordCommand struct {
	Action string // pause, resume, mark
	Text   string // of a mark
	By     string
}

// RecordState is how the recording of a running call is.
type RecordState struct {
	Ref    string
	At     time.Duration // on the recording
	Paused bool          // somebody said so
	Secret bool          // the caller is asked for a secret
}

// Recording has a running call's recording pause, go on, or marked.
func (s *Switch) Recording(ctx context.Context, call string, cmd RecordCommand) (out RecordState, err error) {
	err = s.command(ctx, call, func(_ context.Context, c *Call) (err error) {
		out, err = c.commandTape(cmd)
		return err
	})
	return out, err
}

// command has a running call do something and waits for it.
func (s *Switch) command(ctx context.Context, call string, do func(ctx context.Context, c *Call) error) error {
	c := s.running(call)
	if c == nil {
		return ErrNoCall
	}
	done := make(chan error, 1)
	if err := c.Post(ordered{run: func(own context.Context) { done <- do(own, c) }}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-c.done:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own
	}
}

// running finds a call by its id, a call-back too.
func (s *Switch) running(id string) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		return c
	}
	for _, c := range s.calls {
		if c.id == id {
			return c
		}
	}
	return nil
}

// commandTape carries out a command about what is being recorded.
func (c *Call) commandTape(cmd RecordCommand) (RecordState, error) {
	t := c.talked
	if t == nil || !t.isKept() {
		return RecordState{}, ErrNotRecorded
	}
	at := time.Duration(0)
	switch cmd.Action {
	case markPause, markResume:
		paused := cmd.Action == markPause
		if t.paused != paused {
			t.paused = paused
			at = c.muteTape(cmd.Action, cmd.By)
		}
	case markPlain:
		at = t.tape.Position()
		c.markTape(Mark{Mark: markPlain, AtMS: at.Milliseconds(), Text: cmd.Text, By: cmd.By})
	default:
		return RecordState{}, ErrNoAction
	}
	if at == 0 {
		at = t.tape.Position()
	}
	return RecordState{Ref: t.ref, At: at, Paused: t.paused, Secret: t.secret}, nil
}

// mask keeps secrets off the recording for as long as the menu asks for one.
func (c *Call) mask() {
	t := c.talked
	if t == nil || c.session == nil {
		return
	}
	if secret := c.session.AsksSecret(); secret != t.secret {
		t.secret = secret
		mark := markSecretEnd
		if secret {
			mark = markSecret
		}
		c.muteTape(mark, "")
	}
}

// muteTape has the tape record silence as long as there is a reason.
func (c *Call) muteTape(mark, by string) time.Duration {
	t := c.talked
	at := t.tape.Position()
	if muted := t.paused || t.secret; muted != t.muted {
		t.muted = muted
		at = t.tape.Mute(muted)
	}
	c.markTape(Mark{Mark: mark, AtMS: at.Milliseconds(), By: by})
	return at
}

// markTape writes a mark beside the recording and into the log.
func (c *Call) markTape(m Mark) {
	t := c.talked
	t.mu.Lock()
	room := len(t.about.Marks) < maxMarks
	if room {
		t.about.Marks = append(t.about.Marks, m)
	}
	kept := t.kept
	t.mu.Unlock()
	if kept && room {
		c.tellMark(m)
	}
}

func (c *Call) tellMark(m Mark) {
	c.sw.cfg.Queue.Post(acd.RecordingMarked{
		Call: c.id, Ref: c.talked.ref, Mark: m.Mark, AtMS: m.AtMS, Text: m.Text, By: m.By,
	})
}
