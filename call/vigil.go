package call

import (
	"slices"
	"time"

	"tierline/media/prompt"
	"tierline/media/tone"
)

// vigilAfter is how long a caller who waits for something of ours may hear
// nothing until we see to it. Menus, queues and transfers see to it themselves,
// and sooner; this is for what goes wrong with that.
const vigilAfter = 1500 * time.Millisecond

// vigil watches over what the caller hears.
type vigil struct {
	sound   bool        // a prompt or music
	comfort bool        // it is ours
	timer   *time.Timer // while he hears nothing
}

// watch looks, after all that happens, whether the caller sits in silence.
func (c *Call) watch() {
	v := &c.vigil
	switch waits := c.waitsForUs(); {
	case c.ending:
	case v.comfort && !waits:
		c.hush()
	case v.sound || !waits:
		c.forgetTimer(v.timer)
		v.timer = nil
	case v.timer == nil:
		v.timer = c.after(vigilAfter, func() {
			v.timer = nil
			if !v.sound && c.waitsForUs() {
				c.comfortCaller()
			}
		})
	}
}

// comfortCaller plays music to somebody who should have heard something.
func (c *Call) comfortCaller() {
	where := c.whereabouts()
	c.sw.stats.count(&c.sw.stats.silences, where)
	c.log.Warn("the caller waits and hears nothing, he hears music now", "in", where)
	c.music(c.gen.Hold(c.language()))
	c.vigil.comfort = true
}

// whereabouts says in a word what the caller waits for.
func (c *Call) whereabouts() string {
	switch {
	case c.wait != nil:
		return "queue"
	case c.away != nil:
		return "transfer"
	case c.agent != nil || len(c.guests) > 0:
		return "conversation"
	case c.session != nil:
		return "menu"
	}
	return "beginning"
}

// waitsForUs tells whether it is our turn: the caller is there, nobody talks to
// him, and the menu doesn't wait for him.
func (c *Call) waitsForUs() bool {
	p := c.caller
	switch {
	case p == nil || p.dead || p.media == nil || !c.heard() || c.taping != nil:
		return false
	case !p.agreed.Send: // he has put us on hold
		return false
	}
	if m := c.member(p); m != nil && !m.aside {
		return !slices.ContainsFunc(c.room.members, m.talksWith)
	}
	return c.session == nil || !c.session.Listens()
}

// heard tells whether the caller can hear us at all.
func (c *Call) heard() bool { return c.answered || c.early && c.session != nil }

// attend reminds an agent who holds the caller, again and again.
func (c *Call) attend() {
	every := c.gen.HoldReminder(c.queue)
	t := c.agent
	holding := t != nil && every > 0 && c.asked() == nil && (t.wish.held || t.agreed.Hold)
	switch {
	case !holding:
		c.forgetTimer(c.reminder)
		c.reminder = nil
	case c.reminder == nil:
		c.remind(t, every, time.Now())
	}
}

// remind lets the agent hear two beeps, if his phone lets him hear anything, and
// everybody else know of it.
func (c *Call) remind(t *talk, every time.Duration, since time.Time) {
	c.reminder = c.after(every, func() {
		if c.agent != t {
			c.reminder = nil
			return
		}
		held := time.Since(since)
		c.log.Info("agent reminded of the caller on hold", "agent", t.agent, "held", held)
		c.sw.stats.reminders.Add(1)
		ev := t.wish.told
		ev.HeldMS, ev.By = held.Milliseconds(), t.agent
		c.sw.cfg.Queue.Post(ev)
		t.media.Play(0, []*prompt.Clip{reminder()})
		c.remind(t, every, since)
	})
}

// reminder is what an agent hears who has left somebody on hold.
func reminder() *prompt.Clip {
	const level = -16 // dBm0
	beep := tone.Make(150*time.Millisecond, level, 1400)
	return prompt.NewClip(slices.Concat(beep, make([]int16, 8*150), beep))
}
