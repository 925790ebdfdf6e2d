package phone

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Action is what a phone does with a call.
type Action uint8

// The actions of a phone.
const (
	Answer  Action = iota // after Ring
	Ignore                // rings until the caller or the switch gives up
	Busy                  // 486 after Ring
	Decline               // 603 after Ring
)

// Behaviour is how a phone treats one call.
type Behaviour struct {
	Action Action
	Ring   time.Duration // before the action
	Talk   time.Duration // after the answer, then it hangs up; 0: the other side does
}

// Handled is what became of a call at a phone.
type Handled struct {
	From     string
	Began    time.Time
	Rang     time.Duration
	Answered bool
	Talked   time.Duration
	EndedBy  Side
	Heard    Heard
	Err      error
}

// PhoneConfig describes an automatic softphone.
type PhoneConfig struct {
	Endpoint  Config
	Registrar string // host:port
	Expires   time.Duration
	Speak     int   // Hz while talking
	Listen    []int // Hz that are recognised
	// Behave decides about each call; nil answers at once and waits for BYE.
	Behave func(from string) Behaviour
	// Handled, if set, is told of each call that is over; it must not block.
	Handled func(Handled)
}

// Phone is a softphone that answers by itself, one call at a time.
type Phone struct {
	*Endpoint
	cfg PhoneConfig

	mu     sync.Mutex // guards what follows
	busy   bool
	closed bool
	calls  sync.WaitGroup
	ctx    context.Context //nolint:containedctx // the phone's life; its calls come from the socket, not from a caller
	cancel context.CancelFunc
}

// OpenPhone opens a phone and registers it.
func OpenPhone(ctx context.Context, c PhoneConfig) (*Phone, error) {
	e, err := Open(ctx, c.Endpoint)
	if err != nil {
		return nil, err
	}
	if c.Expires == 0 {
		c.Expires = 2 * time.Minute
	}
	if c.Behave == nil {
		c.Behave = func(string) Behaviour { return Behaviour{} }
	}
	p := &Phone{Endpoint: e, cfg: c}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.OnRinging(p.ringing)
	if c.Registrar != "" {
		if err := e.Register(ctx, c.Registrar, c.Expires); err != nil {
			p.cancel()
			_ = e.Close(ctx) // there is no registration to take back
			return nil, err
		}
	}
	return p, nil
}

// Dial calls a feature code or a number from this phone and returns when it
// is over.
func (p *Phone) Dial(ctx context.Context, number string, limit time.Duration) (Report, error) {
	r := p.Call(ctx, Plan{Target: number + "@" + p.cfg.Registrar, Limit: limit})
	switch {
	case r.Err != nil:
		return r, fmt.Errorf("dial %s: %w", number, r.Err)
	case r.Status != 200:
		return r, fmt.Errorf("dial %s: %d %s", number, r.Status, r.Reason)
	}
	return r, nil
}

// Close hangs up what is going on, unregisters and closes the socket.
func (p *Phone) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.calls.Wait()
	return p.Endpoint.Close(ctx)
}

func (p *Phone) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy || p.closed {
		return false
	}
	p.busy = true
	p.calls.Add(1)
	return true
}

func (p *Phone) release() {
	p.mu.Lock()
	p.busy = false
	p.mu.Unlock()
	p.calls.Done()
}

func (p *Phone) ringing(r *Ringing) {
	if !p.take() {
		if err := r.Refuse(486, "Busy Here"); err != nil {
			p.log.Warn("second call not refused", "err", err)
		}
		return
	}
	defer p.release()
	h := Handled{From: r.From, Began: r.Began}
	h.Err = p.handle(r, &h)
	if p.cfg.Handled != nil {
		p.cfg.Handled(h)
	}
}

func (p *Phone) handle(r *Ringing, h *Handled) error {
	b := p.cfg.Behave(r.From)
	if err := r.Ring(); err != nil {
		return err
	}
	if b.Action == Ignore {
		b.Ring = time.Hour // the switch gives up first
	}
	given := !wait(p.ctx, r.Over(), b.Ring)
	h.Rang = time.Since(r.Began)
	if given {
		select {
		case <-r.Over():
			h.EndedBy = Them
			return nil
		default: // the phone is being closed
			return r.Refuse(480, "Temporarily Unavailable")
		}
	}
	switch b.Action {
	case Busy:
		return r.Refuse(486, "Busy Here")
	case Decline:
		return r.Refuse(603, "Decline")
	case Answer, Ignore:
	}
	return p.talk(r, b, h)
}

func (p *Phone) talk(r *Ringing, b Behaviour, h *Handled) error {
	line, err := r.Answer(p.cfg.Speak, p.cfg.Listen)
	if err != nil {
		return err
	}
	h.Answered = true
	began := time.Now()
	if b.Talk == 0 {
		b.Talk = 24 * time.Hour // the other side hangs up first
	}
	wait(p.ctx, r.Over(), b.Talk)
	now := time.Now()
	h.Talked = now.Sub(began)
	h.Heard = line.Ear.Heard(now)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer cancel()
	h.EndedBy, err = r.Hangup(ctx, line)
	return err
}

// wait returns true when the time has passed, false when something came before.
func wait(ctx context.Context, over <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-over:
		return false
	case <-ctx.Done():
		return false
	}
}
