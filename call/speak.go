package call

import (
	"context"
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
	c.caller.media.Stop()
}

// speak plays prompts. What must be made or read first is made beside the
// call; if something else is to be heard by then, it isn't played.
func (c *Call) speak(ctx context.Context, a ivr.Speak) {
	c.speaking = a.ID
	if !slow(a.Prompts) {
		c.play(a.ID, c.clips(ctx, a.Prompts))
		return
	}
	c.beside(func() func() {
		limited, cancel := context.WithTimeout(ctx, speechLimit)
		defer cancel()
		clips := c.clips(limited, a.Prompts)
		return func() {
			if c.speaking == a.ID {
				c.play(a.ID, clips)
			}
		}
	})
}

// slow tells whether a prompt isn't in memory.
func slow(prompts []ivr.Prompt) bool {
	for _, p := range prompts {
		if p.Recording != "" || p.Text != "" {
			return true
		}
	}
	return false
}

// play plays clips to the caller. If there is nothing to hear, the menu goes
// on at once.
func (c *Call) play(id uint64, clips []*prompt.Clip) {
	if len(clips) == 0 {
		_ = c.Post(heard{from: c.caller, ev: media.Played{ID: id}})
		return
	}
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
	if m == nil {
		m = c.gen.waiting
	}
	c.caller.media.PlayMusic(m)
}
