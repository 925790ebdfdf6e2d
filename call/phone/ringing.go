package phone

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/diago"
	"github.com/emiago/sipgo/sip"
)

// Ringing is a call that comes in. Its handler answers or refuses it and
// returns when the call is over.
type Ringing struct {
	From   string
	Began  time.Time
	dialog *diago.DialogServerSession
}

// OnRinging sets what happens to calls that come in; without it they are busy.
func (e *Endpoint) OnRinging(f func(*Ringing)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

func (e *Endpoint) incoming(d *diago.DialogServerSession) {
	defer func() {
		if r := recover(); r != nil {
			e.log.Error("phone call panicked", "panic", r)
		}
	}()
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	r := &Ringing{Began: time.Now(), dialog: d, From: d.FromUser()}
	if answer == nil {
		if err := r.Refuse(sip.StatusBusyHere, "Busy Here"); err != nil {
			e.log.Warn("call not refused", "err", err)
		}
		return
	}
	answer(r)
}

// Ring sends 180.
func (r *Ringing) Ring() error {
	if err := r.dialog.Ringing(); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	return nil
}

// Refuse ends the call before its answer.
func (r *Ringing) Refuse(status int, reason string) error {
	if err := r.dialog.Respond(status, reason, nil); err != nil {
		return fmt.Errorf("refuse with %d: %w", status, err)
	}
	return nil
}

// Over is closed when the caller has hung up or given up.
func (r *Ringing) Over() <-chan struct{} { return r.dialog.Context().Done() }

// Answer takes the call; its Line is open until Hangup.
func (r *Ringing) Answer(speak int, listen []int) (*Line, error) {
	if err := r.dialog.AnswerOptions(diago.AnswerOptions{Codecs: codecs()}); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return open(r.dialog.Media(), newEar(time.Now(), listen, false), speak), nil
}

// Hangup closes the line and ends the call if the other side has not.
func (r *Ringing) Hangup(ctx context.Context, l *Line) (Side, error) {
	by := Us
	select {
	case <-r.Over():
		by = Them
	default:
	}
	l.close()
	if by == Them {
		return by, nil
	}
	err := r.dialog.Hangup(ctx)
	if crossed(err) {
		return Them, nil
	}
	if err != nil {
		return by, fmt.Errorf("hang up: %w", err)
	}
	return by, nil
}
