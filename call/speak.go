package call

import (
	"context"
	"slices"
	"strings"
	"time"

	"tierline/ivr"
	"tierline/ivr/say"
	"tierline/media"
	"tierline/media/prompt"
)

// speechLimit is how long the caller hears nothing because a text is made into
// sound; then he hears the prompt that stands in for it.
const speechLimit = 300 * time.Millisecond

// fragmentPrefix is before the id of a fragment's sound: say/yi4.
const fragmentPrefix = "say/"

func (c *Call) sound(ctx context.Context, a ivr.Action) {
	switch a := a.(type) {
	case ivr.Speak:
		c.speak(ctx, a)
	case ivr.StopSpeaking:
		c.hush()
	case ivr.PlayMusic:
		if a.Prompt.ID == "" {
			c.music(c.gen.Hold(c.language()))
			return
		}
		c.music(c.gen.Music(a.Prompt))
	default: // act sorts them
	}
}

// hush ends whatever the caller hears, also what is still being made.
func (c *Call) hush() {
	c.speaking = 0
	c.vigil.sound, c.vigil.comfort = false, false
	c.caller.media.Stop()
}

// saying is a Speak that begins before all of it is there.
type saying struct {
	id   uint64
	rest []*prompt.Clip
	made bool // rest is there
	due  bool // what came before it has been heard
}

// speak plays prompts. What is in memory is heard at once; what must be made or
// read is made beside the call meanwhile, and follows.
func (c *Call) speak(ctx context.Context, a ivr.Speak) {
	c.speaking, c.saying = a.ID, nil
	first := slices.IndexFunc(a.Prompts, slow)
	if first < 0 {
		c.play(a.ID, c.clips(ctx, a.Prompts))
		return
	}
	s := &saying{id: a.ID}
	c.saying = s
	if before := c.clips(ctx, a.Prompts[:first]); len(before) > 0 {
		c.playNow(a.ID, before)
	} else {
		s.due = true
	}
	c.beside(func() func() {
		limited, cancel := context.WithTimeout(ctx, speechLimit)
		defer cancel()
		s.rest = c.clips(limited, a.Prompts[first:])
		return func() {
			s.made = true
			c.sayOn(s)
		}
	})
}

// sayOn plays the rest of a Speak as soon as it is there and its turn, unless
// something else is to be heard by then.
func (c *Call) sayOn(s *saying) {
	if c.saying != s || c.speaking != s.id || !s.made || !s.due {
		return
	}
	c.saying = nil
	c.play(s.id, s.rest)
}

// spoken is the end of a Play to the caller.
func (c *Call) spoken(ctx context.Context, id uint64) {
	if id == c.speaking { // nothing else plays by now
		c.vigil.sound = false
	}
	if s := c.saying; s != nil && s.id == id && !s.due {
		s.due = true
		c.sayOn(s)
		return
	}
	c.menu(ctx, ivr.PromptDone{ID: id})
}

// slow tells whether a prompt isn't in memory.
func slow(p ivr.Prompt) bool { return p.Recording != "" || p.Text != "" }

// play plays clips to the caller. If there is nothing to hear, the menu goes
// on at once.
func (c *Call) play(id uint64, clips []*prompt.Clip) {
	if len(clips) == 0 {
		_ = c.Post(heard{from: c.caller, ev: media.Played{ID: id}})
		return
	}
	c.playNow(id, clips)
}

// playNow plays to the caller instead of what he hears.
func (c *Call) playNow(id uint64, clips []*prompt.Clip) {
	c.vigil.sound, c.vigil.comfort = true, false
	c.caller.media.Play(id, clips)
}

// clips finds the sounds of prompts. A missing one is counted and passed over:
// the caller hears the rest. It may run beside the call.
func (c *Call) clips(ctx context.Context, prompts []ivr.Prompt) []*prompt.Clip {
	clips := make([]*prompt.Clip, 0, len(prompts))
	for _, p := range prompts {
		switch {
		case p.Reading != nil:
			for _, f := range say.Sounds(p.Reading.Fragments, c.knows(p.Language)) {
				clips = c.appendClip(clips, fragmentPrefix+f, p.Language)
			}
		case p.Recording != "":
			clips = c.appendRecording(clips, p.Recording)
		case p.Text != "":
			clips = c.appendText(ctx, clips, p)
		default:
			clips = c.appendClip(clips, p.ID, p.Language)
		}
	}
	return clips
}

// knows tells which sounds of readings there are: a whole that was recorded in
// one piece is heard in place of its parts.
func (c *Call) knows(language string) func(string) bool {
	return func(fragment string) bool {
		_, ok := c.gen.Clip(fragmentPrefix+fragment, language)
		return ok
	}
}

func (c *Call) appendClip(to []*prompt.Clip, id, language string) []*prompt.Clip {
	clip, ok := c.gen.Clip(id, language)
	if !ok {
		c.sw.stats.missingPrompts.Add(1)
		c.log.Warn("prompt is missing", "prompt", id, "language", language)
		return to
	}
	return append(to, clip)
}

func (c *Call) appendRecording(to []*prompt.Clip, ref string) []*prompt.Clip {
	clip, err := c.sw.cfg.Messages.Clip(ref)
	if err != nil {
		c.log.Warn("recording can't be played", "recording", ref, "err", err)
		return to
	}
	return append(to, clip)
}

// appendText has a text spoken by the engine. The prompt that stands in for it
// is heard if that fails.
func (c *Call) appendText(ctx context.Context, to []*prompt.Clip, p ivr.Prompt) []*prompt.Clip {
	if c.sw.cfg.Speech != nil && strings.TrimSpace(p.Text) != "" {
		clip, err := c.sw.cfg.Speech.Speak(ctx, p.Language, p.Text)
		if err == nil {
			return append(to, clip)
		}
		c.log.Warn("text can't be spoken", "language", p.Language, "err", err)
	}
	c.sw.stats.unspoken.Add(1)
	if p.ID == "" {
		return to
	}
	return c.appendClip(to, p.ID, p.Language)
}

// music plays an endless source to the caller; without one a sign that he is
// still connected.
func (c *Call) music(m *media.Music) {
	c.speaking = 0
	c.vigil.sound, c.vigil.comfort = true, false
	if m == nil {
		m = c.tone(c.sw.cfg.Services.waiting)
	}
	c.caller.media.PlayMusic(m)
}

// tone makes a source that begins now: of one that is shared, the first thing
// to be heard might be its pause.
func (c *Call) tone(clip *prompt.Clip) *media.Music { return c.sw.cfg.Media.Music(clip) }
