package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tierline/call/phone"
)

// Frequencies by which callers and agents know each other. They are 50 Hz
// apart, which an ear of 80 ms can tell, and no prompt holds one for long.
const (
	agentBase  = 500
	callerBase = 1300
	voices     = 24 // callers' tones; more callers at once share them
	apart      = 50
)

func agentTone(i int) int  { return agentBase + apart*i }
func callerTone(i int) int { return callerBase + apart*(i%voices) }

func tonesOf(n int, tone func(int) int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = tone(i)
	}
	return out
}

// account is an agent of the documents.
type account struct {
	ID, Name, Secret string
}

// pace is how long things take in the world.
type pace struct {
	ringMin, ringMax time.Duration // until an agent answers
	talkMin, talkMax time.Duration
}

// usual leaves time for what queues say before the two hear each other: a phone
// counts that as talking.
func usual() pace { return pace{time.Second, 3 * time.Second, 7 * time.Second, 20 * time.Second} }

// staff are the automatic softphones of all agents.
type staff struct {
	phones []*softphone
	pace   pace
	log    *slog.Logger

	mu      sync.Mutex
	handled []talk // conversations, for the ledger
}

// talk is one conversation as an agent's phone saw it.
type talk struct {
	agent int // index
	phone.Handled
}

// softphone is one agent at work.
type softphone struct {
	*phone.Phone
	staff *staff
	index int
	id    string
	after chan func(context.Context) // what the agent does beside answering
}

// hire opens, registers and signs in one softphone for each account.
func hire(ctx context.Context, accounts []account, registrars []string, p pace, log *slog.Logger) (*staff, error) {
	s := &staff{log: log, pace: p}
	for i, a := range accounts {
		agent := &softphone{staff: s, index: i, id: a.ID, after: make(chan func(context.Context), 4)}
		opened, err := phone.OpenPhone(ctx, phone.PhoneConfig{
			Endpoint:  phone.Config{User: a.ID, Password: a.Secret, Logger: log},
			Registrar: registrars[i%len(registrars)], Speak: agentTone(i), Listen: tonesOf(voices, callerTone),
			Behave: agent.behave, Handled: agent.handled,
		})
		if err != nil {
			s.dismiss(ctx)
			return nil, fmt.Errorf("softphone %s: %w", a.ID, err)
		}
		agent.Phone = opened
		s.phones = append(s.phones, agent)
	}
	if err := s.each(func(p *softphone) error { return p.code(ctx, "*11") }); err != nil {
		s.dismiss(ctx)
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return s, nil
}

// each does something on all phones at once.
func (s *staff) each(do func(*softphone) error) error {
	var wg sync.WaitGroup
	errs := make([]error, len(s.phones))
	for i, p := range s.phones {
		wg.Go(func() { errs[i] = do(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// work lets the agents do what they do beside answering until ctx ends.
func (s *staff) work(ctx context.Context) {
	_ = s.each(func(p *softphone) error { // nothing fails here: it only ends
		for {
			select {
			case <-ctx.Done():
				return nil
			case f := <-p.after:
				f(ctx)
			}
		}
	})
}

// dismiss signs everybody out and closes the phones.
func (s *staff) dismiss(ctx context.Context) {
	err := s.each(func(p *softphone) error { return errors.Join(p.code(ctx, "*13"), p.Close(ctx)) })
	if err != nil {
		s.log.Warn("softphones not closed cleanly", "err", err)
	}
}

// talks returns the conversations of an agent that touch a span of time.
func (s *staff) talks(agent int, from, to time.Time) []talk {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []talk
	for _, t := range s.handled {
		if t.agent == agent && t.Began.Before(to) && t.Began.Add(t.Rang+t.Talked).After(from) {
			out = append(out, t)
		}
	}
	return out
}

// code dials a feature code and waits until its announcement is over.
func (p *softphone) code(ctx context.Context, code string) error {
	_, err := p.Dial(ctx, code, 12*time.Second)
	return err
}

func between(lo, hi time.Duration) time.Duration { return lo + rand.N(hi-lo) }

// behave decides about one call: mostly a good agent, now and then not.
func (p *softphone) behave(string) phone.Behaviour {
	t := p.staff.pace
	b := phone.Behaviour{Ring: between(t.ringMin, t.ringMax), Talk: between(t.talkMin, t.talkMax)}
	switch n := rand.IntN(100); {
	case n < 5: // away from the desk: it rings out, the switch sets him not ready
		b.Action = phone.Ignore
	case n < 8:
		b.Action = phone.Decline
	case n < 10: // on a call of his own
		b.Action = phone.Busy
	}
	return b
}

// handled notes a call that is over; some agents then take a break.
func (p *softphone) handled(h phone.Handled) {
	p.staff.mu.Lock()
	p.staff.handled = append(p.staff.handled, talk{agent: p.index, Handled: h})
	p.staff.mu.Unlock()
	if h.Err != nil {
		p.staff.log.Warn("softphone", "agent", p.id, "err", h.Err)
	}
	switch {
	case !h.Answered && h.Rang > 4*time.Second: // missed: comes back a little later
		p.later(between(4*time.Second, 8*time.Second), "*11")
	case h.Answered && rand.IntN(100) < 8:
		p.later(between(200*time.Millisecond, time.Second), "*12"+fmt.Sprint(1+rand.IntN(3)))
		p.later(between(8*time.Second, 16*time.Second), "*11")
	}
}

// later lets the agent dial a code after a while.
func (p *softphone) later(after time.Duration, code string) {
	do := func(ctx context.Context) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(after):
		}
		if err := p.code(ctx, code); err != nil && ctx.Err() == nil {
			p.staff.log.Warn("feature code", "agent", p.id, "code", code, "err", err)
		}
	}
	select {
	case p.after <- do:
	default: // enough to do already
	}
}
