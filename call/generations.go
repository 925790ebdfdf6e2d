package call

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/prompt"
	"tierline/media/tone"
)

// Generation is one published set of service documents, ready for calls: what
// a call needs of it is in memory, so that no call ever waits for a disk.
type Generation struct {
	*service.Service
	Number uint64
	clips  map[clipKey]*prompt.Clip
	music  map[clipKey]*media.Music
	lacks  int // sounds that it names and this node doesn't have
}

type clipKey struct{ id, language string }

// Clip returns the audio of a prompt in a language.
func (g *Generation) Clip(id, language string) (*prompt.Clip, bool) {
	c, ok := g.clips[clipKey{id, language}]
	if !ok {
		c, ok = g.clips[clipKey{id, ""}]
	}
	return c, ok
}

// Music returns the shared source of a prompt, nil if there is none.
func (g *Generation) Music(p ivr.Prompt) *media.Music {
	if m := g.music[clipKey{p.ID, p.Language}]; m != nil {
		return m
	}
	return g.music[clipKey{p.ID, ""}]
}

// Hold returns what a caller hears while an agent holds the call.
func (g *Generation) Hold(language string) *media.Music {
	return g.Music(ivr.Prompt{ID: service.HoldMusic, Language: language})
}

// transferMusic is what a caller hears while a destination is called; nil: it
// rings.
func (g *Generation) transferMusic(to service.Destination) *media.Music {
	return g.music[clipKey{to.Music, ""}]
}

// ringingTone is one period of China's ringing tone (GB/T 3380): 450 Hz for a
// second, four seconds of silence.
func ringingTone() *prompt.Clip {
	const level = -16 // dBm0
	return prompt.NewClip(append(tone.Make(time.Second, level, 450), make([]int16, 4*8000)...))
}

// waitingTone is a soft beep now and then.
func waitingTone() *prompt.Clip {
	const level = -26 // dBm0
	return prompt.NewClip(append(tone.Make(200*time.Millisecond, level, 425), make([]int16, 3*8000)...))
}

// Services holds the generations that calls of this node use. A call keeps a
// pointer to the one it began with, so an old one lives as long as its calls.
type Services struct {
	current atomic.Pointer[Generation]
	ringing *prompt.Clip // what somebody hears while another one's phone rings
	waiting *prompt.Clip // in place of music that is missing
	log     *slog.Logger
	media   Media
	library *prompt.Library
	bundle  func(generation uint64) (acd.Bundle, bool)
	changes chan uint64
	fetch   func(shas []string) // gets sounds of other nodes; nil: there are none

	mu    sync.Mutex
	older *Generation // the last one that was asked for by number
}

// NewServices returns an empty set. bundle reads a generation from the
// replicated state.
func NewServices(
	log *slog.Logger, m Media, lib *prompt.Library, bundle func(uint64) (acd.Bundle, bool),
) *Services {
	return &Services{
		log: log, media: m, library: lib, bundle: bundle, changes: make(chan uint64, 1),
		ringing: ringingTone(), waiting: waitingTone(),
	}
}

// Fetch says how sounds are had that this node doesn't have. It is called
// before the first Load.
func (s *Services) Fetch(f func(shas []string)) { s.fetch = f }

// Current returns the generation for new calls, nil before the first.
func (s *Services) Current() *Generation { return s.current.Load() }

// Changed says that a newer generation is current. It never blocks: only the
// newest matters.
func (s *Services) Changed(generation uint64) {
	for {
		select {
		case s.changes <- generation:
			return
		default:
		}
		select {
		case <-s.changes:
		default:
		}
	}
}

// lookAgain is how often sounds that are missing are looked for.
const lookAgain = 15 * time.Second

// Run loads generations as they change, and sounds as they come, until done is
// closed.
func (s *Services) Run(done <-chan struct{}) {
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.complete()
		case g := <-s.changes:
			if err := s.Load(g); err != nil {
				s.log.Error("generation can't be loaded, the running one stays", "generation", g, "err", err)
			}
		case <-done:
			return
		}
	}
}

// Load compiles a generation and makes it current.
func (s *Services) Load(generation uint64) error {
	if g := s.Current(); g != nil && g.Number == generation {
		return nil
	}
	g, err := s.compile(generation)
	if err != nil {
		return err
	}
	s.current.Store(g)
	s.log.Info("generation is live", "generation", generation, "prompts", len(g.clips), "flows", len(g.Flows))
	return nil
}

// complete looks again for sounds that the current generation lacks. Calls
// that run go on without them.
func (s *Services) complete() {
	old := s.Current()
	if old == nil || old.lacks == 0 || s.fetch == nil {
		return
	}
	g, err := s.compile(old.Number)
	if err != nil || g.lacks >= old.lacks {
		return
	}
	s.current.Store(g)
	s.log.Info("sounds have come", "generation", g.Number, "prompts", len(g.clips), "missing", g.lacks)
}

// Get returns a generation, also one that only older calls still use.
func (s *Services) Get(generation uint64) (*Generation, error) {
	if g := s.Current(); g != nil && g.Number == generation {
		return g, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.older; g != nil && g.Number == generation {
		return g, nil
	}
	g, err := s.compile(generation)
	if err != nil {
		return nil, err
	}
	s.older = g
	return g, nil
}

// compile makes a generation ready for calls.
func (s *Services) compile(generation uint64) (*Generation, error) {
	b, ok := s.bundle(generation)
	if !ok {
		return nil, fmt.Errorf("generation %d is not in the log", generation)
	}
	docs, err := service.DecodeBundle(b.Data)
	if err != nil {
		return nil, fmt.Errorf("read generation %d: %w", generation, err)
	}
	svc, problems := service.Compile(docs)
	if svc == nil {
		return nil, fmt.Errorf("compile generation %d: %d problems, first %v", generation, len(problems), problems[0])
	}
	g := &Generation{
		Service: svc, Number: generation, clips: map[clipKey]*prompt.Clip{}, music: map[clipKey]*media.Music{},
	}
	s.voice(g)
	return g, nil
}

// voice gives a generation its sounds.
func (s *Services) voice(g *Generation) {
	var missing []string
	for _, p := range g.Prompts() {
		if _, err := s.library.Get(p.SHA); errors.Is(err, prompt.ErrUnknown) {
			missing = append(missing, p.SHA)
		}
	}
	if len(missing) > 0 && s.fetch != nil {
		s.fetch(missing)
	}
	for _, p := range g.Prompts() {
		clip, err := s.library.Get(p.SHA)
		if err != nil {
			g.lacks++
			s.log.Warn("prompt can't be read", "prompt", p.ID, "language", p.Language, "err", err)
			continue
		}
		key := clipKey{p.ID, p.Language}
		g.clips[key] = clip
		if p.Music {
			g.music[key] = s.media.Music(clip)
		}
	}
}

// Secret implements registrar.Accounts.
func (s *Services) Secret(user string) (ha1MD5, ha1SHA256 string, ok bool) {
	g := s.Current()
	if g == nil {
		return "", "", false
	}
	return g.Secret(user)
}
