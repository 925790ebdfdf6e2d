package call

import (
	"strings"
	"time"

	"tierline/call/service"
	"tierline/ivr/say"
	"tierline/media/prompt"
)

// greetLimit bounds what is said before a conversation, greetTail is for the
// last of it to be heard.
const (
	greetLimit = 12 * time.Second
	greetTail  = 100 * time.Millisecond
	greetPlay  = 1 << 63 // no menu counts so far
)

// greeting is what caller and agent hear, each for himself, until they hear each
// other.
type greeting struct{ said, over *time.Timer }

// greet tells the agent what the call is about and the caller who serves him.
// What the caller hears ends with what the agent hears; until it begins he hears
// on what he heard. It returns false if the queue says nothing.
func (c *Call) greet(queue string) bool {
	g := c.gen.Greeting(queue)
	said, whisper := c.greetingClips(g.Caller), c.greetingClips(g.Agent)
	whole := min(max(total(said), total(whisper)), greetLimit)
	if whole == 0 || c.agent.dead {
		return false
	}
	if len(whisper) > 0 {
		c.agent.media.Play(whisperPlay, whisper)
	}
	if len(said) > 0 {
		c.greeting.said = c.after(max(0, whole-total(said)), func() {
			c.hush()
			c.play(greetPlay, said)
		})
	}
	c.greeting.over = c.after(whole+greetTail, func() {
		c.agent.media.Stop()
		c.talk(queue)
		if len(c.guests) > 0 { // somebody was asked for meanwhile
			c.regroup()
		}
	})
	return true
}

// endGreeting gives it up: one of the two has gone.
func (c *Call) endGreeting() {
	c.forgetTimer(c.greeting.said)
	c.forgetTimer(c.greeting.over)
	c.greeting = greeting{}
}

// greetingClips are the sounds of a greeting, in the caller's language: the agent
// hears by that which one it is.
func (c *Call) greetingClips(words []string) (clips []*prompt.Clip) {
	language := c.language()
	for _, w := range words {
		switch w {
		case service.SayAgent:
			for _, f := range c.numberSounds(language) {
				clips = c.appendClip(clips, fragmentPrefix+f, language)
			}
		case service.SayTier:
			clips = c.appendClip(clips, service.TierPrompt(c.customer.Tier), language)
		default:
			clips = c.appendClip(clips, w, language)
		}
	}
	return clips
}

// numberSounds reads the agent's number out. One without digits has none.
func (c *Call) numberSounds(language string) []string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c.agent.agent)
	r, err := say.Read(language, "digits", digits, say.Options{Yao: true})
	if err != nil {
		c.log.Warn("agent's number can't be read out", "agent", c.agent.agent, "err", err)
		return nil
	}
	return say.Sounds(r.Fragments, c.knows(language))
}
