package speech

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"tierline/media/master"
	"tierline/media/prompt"
	"tierline/media/wav"
)

// Errors of a Speaker, beside those of its engines.
var (
	ErrNoEngine = errors.New("no speech engine for this language")
	ErrSlow     = errors.New("the speech engine is slower than a caller can wait")
	ErrBusy     = errors.New("too many texts are being spoken at once")
	ErrText     = errors.New("not a text that can be spoken")
)

// longestText bounds what is spoken at once, in runes: a minute of speech.
const longestText = 400

// Config is what a Speaker works with.
type Config struct {
	Engines  map[string]Engine // by language
	Budget   time.Duration     // how long a caller waits; 0: 300 ms
	Memory   int               // bytes of sound that are kept; 0: 32 MB
	Parallel int               // engines at work at once; 0: 4
	Log      *slog.Logger
}

// Speaker has texts spoken while callers wait.
type Speaker struct {
	cfg    Config
	ctx    context.Context //nolint:containedctx // the life of the work in the background, which no caller's context is
	cancel context.CancelFunc
	work   sync.WaitGroup
	slots  chan struct{}

	mu      sync.Mutex // guards what follows; never held across I/O
	closed  bool
	flights map[string]*flight
	kept    map[string]*list.Element // of sound
	recent  *list.List               // most recently used first
	size    int
	figures Figures
}

// Figures count what a Speaker did.
type Figures struct {
	Hits, Misses         uint64 // texts that were in memory, and that were not
	Slow, Failed, Turned uint64 // beyond the budget, refused by the engine, turned away because too many were at work
	Bytes                int    // in memory
}

// flight is one text on its way through an engine.
type flight struct {
	done chan struct{}
	clip *prompt.Clip
	err  error
}

// sound is one text's clip in memory.
type sound struct {
	key  string
	clip *prompt.Clip
}

// most texts that may wait for an engine, for each that is at work.
const waitingPerSlot = 16

// NewSpeaker returns a Speaker; Close ends its work.
func NewSpeaker(cfg Config) *Speaker {
	if cfg.Budget <= 0 {
		cfg.Budget = 300 * time.Millisecond
	}
	if cfg.Memory <= 0 {
		cfg.Memory = 32 << 20
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 4
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Speaker{
		cfg: cfg, ctx: ctx, cancel: cancel, slots: make(chan struct{}, cfg.Parallel),
		flights: map[string]*flight{}, kept: map[string]*list.Element{}, recent: list.New(),
	}
}

// Close ends engines at work and waits for them.
func (s *Speaker) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
}

// Figures returns the counters.
func (s *Speaker) Figures() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.figures
	f.Bytes = s.size
	return f
}

// Speak returns a text's sound within the budget. An engine that takes longer
// goes on, so that the text is there the next time.
func (s *Speaker) Speak(ctx context.Context, language, text string) (*prompt.Clip, error) {
	text, err := clean(text)
	if err != nil {
		return nil, err
	}
	engine := s.cfg.Engines[language]
	if engine == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoEngine, language)
	}
	clip, f, err := s.board(engine, language, text)
	if clip != nil || err != nil {
		return clip, err
	}
	budget := time.NewTimer(s.cfg.Budget)
	defer budget.Stop()
	select {
	case <-f.done:
		return f.clip, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("speak: %w", context.Cause(ctx))
	case <-budget.C:
		s.mu.Lock()
		s.figures.Slow++
		s.mu.Unlock()
		return nil, ErrSlow
	}
}

// board finds a text in memory or on its way, or sends it on its way.
func (s *Speaker) board(engine Engine, language, text string) (*prompt.Clip, *flight, error) {
	k := Key(engine, language, text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.kept[k]; e != nil {
		s.recent.MoveToFront(e)
		s.figures.Hits++
		clip := e.Value.(sound).clip //nolint:forcetypeassert // nothing else is put in
		return clip, nil, nil
	}
	s.figures.Misses++
	if f := s.flights[k]; f != nil {
		return nil, f, nil
	}
	if s.closed || len(s.flights) >= s.cfg.Parallel*waitingPerSlot {
		s.figures.Turned++
		return nil, nil, ErrBusy
	}
	f := &flight{done: make(chan struct{})}
	s.flights[k] = f
	s.work.Add(1)
	go s.fly(k, f, engine, language, text)
	return nil, f, nil
}

// fly runs an engine. It is fed by outside programs, so it recovers.
func (s *Speaker) fly(k string, f *flight, engine Engine, language, text string) {
	defer s.work.Done()
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Log.Error("speech engine panicked", "panic", r, "stack", string(debug.Stack()))
			f.err = fmt.Errorf("%w: panic", ErrEngine)
		}
		s.land(k, f)
	}()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		f.err = fmt.Errorf("speak: %w", s.ctx.Err())
		return
	}
	f.clip, f.err = spoken(s.ctx, engine, language, text)
	if f.err != nil && s.ctx.Err() == nil {
		s.cfg.Log.Warn("text not spoken", "language", language, "err", f.err)
	}
}

func spoken(ctx context.Context, engine Engine, language, text string) (*prompt.Clip, error) {
	b, err := engine.Speak(ctx, language, text)
	if err != nil {
		return nil, err
	}
	w, err := wav.DecodeWide(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEngine, err)
	}
	samples := master.Make(w, master.Speech)
	if master.Measure(samples).Silent() {
		return nil, fmt.Errorf("%w: it said nothing", ErrEngine)
	}
	return prompt.NewClip(samples), nil
}

// land tells those who wait, and keeps the sound.
func (s *Speaker) land(k string, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, k)
	switch {
	case f.err != nil:
		s.figures.Failed++
	case bytesOf(f.clip) <= s.cfg.Memory:
		s.kept[k] = s.recent.PushFront(sound{k, f.clip})
		s.size += bytesOf(f.clip)
	}
	for s.size > s.cfg.Memory {
		oldest := s.recent.Back()
		gone := s.recent.Remove(oldest).(sound) //nolint:forcetypeassert // nothing else is put in
		delete(s.kept, gone.key)
		s.size -= bytesOf(gone.clip)
	}
	close(f.done)
}

func bytesOf(c *prompt.Clip) int { return len(c.ALaw()) + len(c.MuLaw()) }

// Key names the sound of a text: two sounds that may differ have two keys.
func Key(engine Engine, language, text string) string {
	return key("sound", []string{engine.Key(), master.Version, language, text})
}

// clean joins blanks and drops what can't be spoken.
func clean(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%w: no UTF-8", ErrText)
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", fmt.Errorf("%w: nothing in it", ErrText)
	case n > longestText:
		return "", fmt.Errorf("%w: %d letters, more than %d", ErrText, n, longestText)
	}
	return text, nil
}
