package call

import (
	"context"
	"time"

	"tierline/media/prompt"
)

const (
	// codePause is how long an agent may think between two keys of a code.
	codePause = 4 * time.Second
	// longestCode bounds a code with the number behind it.
	longestCode = 40
)

// agentKey is a key of the phone of who serves the call. From a star on they are
// a code, which the media keep from the caller; all others are for his ears.
func (c *Call) agentKey(ctx context.Context, key rune) {
	c.forgetTimer(c.codeTimer)
	switch {
	case key == '*': // the media know
		c.passKeys()
	case len(c.code) >= longestCode:
		c.noCode()
	}
	if c.code == "" && key != '*' {
		return
	}
	c.code += string(key)
	code, rest, more := c.gen.InCall(c.code)
	switch {
	case code.Code == "" && !more:
		c.noCode()
	case code.Code == "":
		c.codeTimer = c.after(codePause, c.noCode)
	case !code.Dials:
		c.endCode()
		c.dialled(ctx, Action(code.Action), "")
	case key == '#':
		c.endCode()
		c.dialled(ctx, Action(code.Action), rest[:len(rest)-1])
	default:
		c.codeTimer = c.after(codePause, func() {
			c.endCode()
			c.dialled(ctx, Action(code.Action), rest)
		})
	}
}

// endCode is the end of a code.
func (c *Call) endCode() {
	c.code = ""
	if c.agent != nil {
		c.agent.media.EndCode()
	}
}

// noCode is the end of keys that are none.
func (c *Call) noCode() {
	c.passKeys()
	c.endCode()
}

// passKeys gives keys that are no code to who hears the agent.
func (c *Call) passKeys() {
	for _, m := range c.room.bridged {
		if c.agent != nil && m.media != c.agent.media {
			for _, passed := range c.code {
				m.media.SendDigit(passed, 0)
			}
		}
	}
	c.code = ""
}

// dialled does what a code says. Hold and mute go on and off.
func (c *Call) dialled(ctx context.Context, do Action, number string) {
	if c.agent == nil {
		return
	}
	agent := c.agent.agent
	if do == pauseRecording || do == markRecording {
		c.codeTape(do, agent)
		return
	}
	w := Control{Agent: agent, Do: do, By: agent}
	switch {
	case do == Hold && c.agent.wish.held:
		w.Do = Resume
	case do == Mute && c.agent.wish.muted:
		w.Do = Unmute
	}
	if number != "" {
		target, ok := c.gen.dialled(agent, number)
		if !ok {
			c.log.Info("code names nobody", "agent", agent, "action", string(do))
			return
		}
		w.Target = target
	}
	c.controlled(ctx, controlled{Control: w, reply: func(err error) {
		if err != nil {
			c.log.Info("code refused", "agent", agent, "action", string(do), "err", err)
		}
	}})
}

// What codes do to the recording.
const (
	pauseRecording Action = "pause_recording" // on and off
	markRecording  Action = "mark_recording"
)

// codeTape has the recording pause, go on, or marked. The agent hears two beeps:
// they fall if nothing is recorded now.
func (c *Call) codeTape(do Action, agent string) {
	cmd := RecordCommand{Action: markPlain, By: agent}
	if do == pauseRecording {
		cmd.Action = markPause
		if c.talked != nil && c.talked.paused {
			cmd.Action = markResume
		}
	}
	st, err := c.commandTape(cmd)
	if err != nil {
		c.log.Info("code refused", "agent", agent, "action", string(do), "err", err)
	}
	c.agent.media.Play(0, []*prompt.Clip{verdict(err == nil && !st.Paused)})
}
