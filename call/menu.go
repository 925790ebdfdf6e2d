package call

import (
	"context"
	"errors"
	"time"

	"tierline/acd"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/prompt"
)

var errMedia = errors.New("media failed")

// begin starts the call's flow.
func (c *Call) begin(ctx context.Context) {
	s, actions := ivr.Start(c.flow, c.profile, time.Now())
	c.session = s
	c.do(ctx, actions)
}

// menu gives the session one input and carries out what it says.
func (c *Call) menu(ctx context.Context, in ivr.Input) {
	if c.session == nil || c.ending {
		return
	}
	c.do(ctx, c.session.Handle(in, time.Now()))
}

// language is the one the caller chose or is known to prefer.
func (c *Call) language() string {
	if c.session == nil {
		return c.flow.Languages()[0]
	}
	return c.session.Language()
}

func (c *Call) do(ctx context.Context, actions []ivr.Action) {
	for _, a := range actions {
		if c.ending {
			return
		}
		c.act(ctx, a)
	}
}

func (c *Call) act(ctx context.Context, a ivr.Action) {
	switch a := a.(type) {
	case ivr.Speak:
		c.speak(a)
	case ivr.StopSpeaking:
		c.caller.media.Stop()
	case ivr.SetTimer:
		c.setTimer(a.ID, a.After)
	case ivr.CancelTimer:
		if t := c.timers[a.ID]; t != nil {
			t.Stop()
			delete(c.timers, a.ID)
		}
	case ivr.PlayMusic:
		c.music(c.gen.Music(a.Prompt))
	case ivr.Note:
		c.sw.cfg.Queue.Post(acd.CallStepped{
			Call: c.id, Step: a.Step, Milestone: a.Milestone, Language: a.Language, Key: a.Key, Menu: c.checkpoint(),
		})
	case ivr.Enqueue:
		c.enqueue(ctx, a)
	case ivr.Unqueue:
		c.unqueue(a)
	case ivr.Disconnect:
		c.end(endBy(acd.SideSwitch, q850Of(a.Cause), a.Cause))
	}
}

// checkpoint is what another node needs to go on with the menu.
func (c *Call) checkpoint() []byte {
	if c.session == nil {
		return nil // the first step: the flow begins anew
	}
	return c.session.Encode()
}

// speak plays prompts. A missing one is counted and passed over: the caller
// hears the rest, and the menu goes on.
func (c *Call) speak(a ivr.Speak) {
	clips := make([]*prompt.Clip, 0, len(a.Prompts))
	for _, p := range a.Prompts {
		clip, ok := c.gen.Clip(p.ID, p.Language)
		if !ok {
			c.sw.stats.missingPrompts.Add(1)
			c.log.Warn("prompt is missing", "prompt", p.ID, "language", p.Language)
			continue
		}
		clips = append(clips, clip)
	}
	if len(clips) == 0 {
		_ = c.Post(heard{from: c.caller, ev: media.Played{ID: a.ID}})
		return
	}
	c.caller.media.Play(a.ID, clips)
}

// music plays an endless source to the caller; without one there is silence.
func (c *Call) music(m *media.Music) {
	if m == nil {
		c.caller.media.Stop()
		return
	}
	c.caller.media.PlayMusic(m)
}

func (c *Call) setTimer(id uint64, after time.Duration) {
	if t := c.timers[id]; t != nil {
		t.Stop()
	}
	c.timers[id] = time.AfterFunc(after, func() { _ = c.Post(rang{timer: id}) })
}

func (c *Call) onMedia(ctx context.Context, p *party, ev media.Event) {
	switch ev := ev.(type) {
	case media.Digit:
		if p == c.caller {
			c.mediaDigit(ctx, ev)
		}
	case media.Played:
		if p == c.caller {
			c.menu(ctx, ivr.PromptDone{ID: ev.ID})
		}
	case media.Failed:
		c.mediaFailed(ctx, p, ev)
	case media.Recorded:
		// Recordings come with the full IVR.
	}
}

// mediaFailed ends what can't be heard any more: the call, or the agent's part.
func (c *Call) mediaFailed(ctx context.Context, p *party, ev media.Failed) {
	c.log.Error("media failed", "agent", p.agent, "reason", ev.Reason)
	if p == c.caller {
		c.end(&EndError{Cause: CauseFault(), Err: errMedia})
		return
	}
	if c.agent != nil && c.agent.media == p.media { // an offer's phones share their media
		c.dropAgent(acd.SideSwitch)
		c.menu(ctx, ivr.AgentDone{})
	}
}

// q850Of is the cause of our BYE for the cause that a flow gives (ITU-T Q.850).
func q850Of(cause string) int {
	switch cause {
	case "busy":
		return 17
	case "congestion":
		return 34
	case "fault":
		return 41
	default:
		return 16 // normal call clearing
	}
}
