package call

import (
	"context"
	"time"

	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/dtmf"
	"tierline/routing/trunk"
)

// listenFor says where keys of a trunk's callers may come from.
func listenFor(d trunk.Digits) dtmf.Merger {
	d = d.OrDefault()
	var from dtmf.Sources
	for source, on := range map[dtmf.Source]bool{dtmf.Event: d.RFC4733, dtmf.Info: d.Info, dtmf.Inband: d.Inband} {
		if on {
			from |= dtmf.SourcesOf(source)
		}
	}
	return dtmf.NewMerger(from)
}

// digits prepares the caller's leg for the ways its trunk tells keys.
func (p *party) digits(d trunk.Digits) {
	d = d.OrDefault()
	p.local.NoEvents, p.inband = !d.RFC4733, d.Inband
}

// mediaDigit is a key heard in the caller's RTP.
func (c *Call) mediaDigit(ctx context.Context, ev media.Digit) {
	c.pressed(ctx, dtmf.Stroke{
		Source: ev.Source, Key: ev.Code, At: time.Now(), Held: time.Duration(ev.DurationMS) * time.Millisecond,
	})
}

// infoDigit is a key told by SIP INFO.
func (c *Call) infoDigit(ctx context.Context, ev sipua.Info) {
	c.pressed(ctx, dtmf.Stroke{Source: dtmf.Info, Key: ev.Key, At: time.Now(), Held: ev.Held})
}

// pressed gives the menu what is a key of its own. Which key it was is not
// logged: it may be part of a PIN.
func (c *Call) pressed(ctx context.Context, s dtmf.Stroke) {
	if !c.keys.Accept(s) {
		c.log.Debug("key told twice or in a way that its trunk has not", "source", s.Source.String())
		return
	}
	c.sw.stats.digits[s.Source].Add(1)
	before := c.reading()
	if c.aside != nil || c.agent == nil && (c.away == nil || !c.away.bridged) {
		c.menu(ctx, ivr.Key{Digit: s.Key})
	}
	c.traceKey(s, before)
}

// agentPressed is a key of an agent's or a supervisor's phone, told in its RTP
// or by INFO.
func (c *Call) agentPressed(ctx context.Context, p *party, s dtmf.Stroke) {
	g := c.watcherAt(p.media)
	serves := c.agent != nil && p.media == c.agent.media
	if g == nil && !serves {
		return
	}
	o := c.owner(p)
	if o.keys == nil {
		k := dtmf.NewMerger(dtmf.SourcesOf(dtmf.Event, dtmf.Info, dtmf.Inband))
		o.keys = &k
	}
	switch {
	case !o.keys.Accept(s):
	case g != nil:
		c.supervisorKey(ctx, g, s.Key)
	case s.Source == dtmf.Info && c.code == "" && s.Key != '*':
		c.code = string(s.Key) // the media have not seen it
		c.passKeys()
	default:
		c.agentKey(ctx, s.Key)
	}
}
