package call

import (
	"context"
	"errors"
	"sync"
	"time"

	"tierline/ivr"
	"tierline/media/prompt"
)

// fakeBackend answers lookups after some time with what the test says.
type fakeBackend struct {
	mu     sync.Mutex
	after  time.Duration
	answer ivr.LookedUp
	asked  []ivr.Lookup
	ended  []error // why each lookup's context was over when it returned, nil if it wasn't
	sent   []ivr.Notify
}

func (b *fakeBackend) Lookup(ctx context.Context, _ ivr.Source, l ivr.Lookup) ivr.LookedUp {
	b.mu.Lock()
	after, answer := b.after, b.answer
	b.asked = append(b.asked, l)
	b.mu.Unlock()
	select {
	case <-time.After(after):
	case <-ctx.Done():
		answer = ivr.LookedUp{Status: ivr.LookupError, Err: "cancelled"}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = append(b.ended, ctx.Err())
	return answer
}

func (b *fakeBackend) Notify(_ context.Context, _ ivr.Channel, n ivr.Notify) ivr.Notified {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, n)
	return ivr.Notified{OK: true}
}

// fakeSpeech speaks a text in half a second of sound.
type fakeSpeech struct {
	takes time.Duration
	fails bool
}

func (s *fakeSpeech) Speak(ctx context.Context, _, _ string) (*prompt.Clip, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.fails {
		return nil, errors.New("no voice")
	}
	return prompt.NewClip(make([]int16, 4000)), nil
}
