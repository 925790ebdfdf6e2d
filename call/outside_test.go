package call

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"tierline/ivr"
	"tierline/media/prompt"
)

// fakeBackend answers lookups as the test says.
type fakeBackend struct {
	mu     sync.Mutex
	answer func(l ivr.Lookup) (after time.Duration, body string) // "" there is no such thing; "-" refused; "!" error
	asked  []string
	ended  []error // of each lookup's context when it returned
	sent   []ivr.Notify
	panics bool
}

func (b *fakeBackend) Lookup(ctx context.Context, _ ivr.Source, l ivr.Lookup) ivr.LookedUp {
	b.mu.Lock()
	b.asked = append(b.asked, l.Request.Method+" "+l.Request.Path)
	answer, panics := b.answer, b.panics
	b.mu.Unlock()
	if panics {
		panic("backend")
	}
	after, body := answer(l)
	select {
	case <-time.After(after):
	case <-ctx.Done():
		body = "!"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = append(b.ended, ctx.Err())
	switch body {
	case "":
		return ivr.LookedUp{Status: ivr.LookupNotFound}
	case "-":
		return ivr.LookedUp{Status: ivr.LookupRefused}
	case "!":
		return ivr.LookedUp{Status: ivr.LookupError, Err: "no answer"}
	}
	return ivr.LookedUp{Status: ivr.LookupOK, Body: []byte(body)}
}

// saw returns what was asked, how the lookups ended and what was sent.
func (b *fakeBackend) saw() (asked []string, ended []error, sent []ivr.Notify) {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked), slices.Clone(b.ended), slices.Clone(b.sent)
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
