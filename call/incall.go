package call

import (
	"context"
	"time"

	"tierline/media"
)

const (
	// codePause is how long an agent may think between two keys of a code.
	codePause = 4 * time.Second
	// longestCode bounds a code with the number behind it.
	longestCode = 40
)

// agentKey is a key of the phone of who serves the call. From a star on they are
// a code; all others are for the caller's ears.
func (c *Call) agentKey(ctx context.Context, ev media.Digit) {
	c.forgetTimer(c.codeTimer)
	if ev.Code == '*' || len(c.code) >= longestCode {
		c.code = ""
	}
	if c.code == "" && ev.Code != '*' {
		return
	}
	c.code += string(ev.Code)
	code, rest, more := c.gen.InCall(c.code)
	switch {
	case code.Code == "" && !more:
		c.code = ""
	case code.Code == "":
		c.codeTimer = c.after(codePause, func() { c.code = "" })
	case !code.Dials:
		c.code = ""
		c.dialled(ctx, Action(code.Action), "")
	case ev.Code == '#':
		c.code = ""
		c.dialled(ctx, Action(code.Action), rest[:len(rest)-1])
	default:
		c.codeTimer = c.after(codePause, func() {
			c.code = ""
			c.dialled(ctx, Action(code.Action), rest)
		})
	}
}

// dialled does what a code says. Hold and mute go on and off.
func (c *Call) dialled(ctx context.Context, do Action, number string) {
	if c.agent == nil {
		return
	}
	agent := c.agent.agent
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
