package call

import (
	"context"
	"errors"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/routing"
	"tierline/routing/trunk"
)

// referLimit is how long the far switch may take to say that it has moved the
// call, beside the time of ringing.
const referLimit = 5 * time.Second

var (
	errNoDestination = errors.New("no such destination")
	errBusyElsewhere = errors.New("a transfer is under way")
)

// transfer is the caller on his way to somebody outside, or there.
type transfer struct {
	ivr.Transfer
	to      service.Destination
	number  string // normalised; "" at a fixed address
	far     *far   // nil while the far switch is asked to take the call
	bridged bool
	early   bool // the caller hears it already
	refer   *time.Timer
	guest   *guest // an agent has sent the caller there
}

// transfer sends the caller to a destination. He hears ringing, or music, until
// there is an answer.
func (c *Call) transfer(ctx context.Context, a ivr.Transfer) {
	to, ok := c.gen.Destinations[a.To]
	t := &transfer{Transfer: a, to: to, number: to.Number}
	var err error
	switch {
	case !ok:
		err = errNoDestination
	case c.away != nil:
		err = errBusyElsewhere
	case to.Open:
		t.number = c.normalise(a.Number)
		if !trunk.Allows(to.Allow, t.number) {
			err = trunk.ErrNotAllowed
		}
	}
	if err == nil && t.number != "" {
		_, err = c.gen.Outward(to.Trunk, t.number) // REFER too: the far switch calls on our account
	}
	if err != nil {
		c.log.Warn("call outward refused", "destination", a.To, "to", routing.Mask(t.number), "err", err)
		c.later(func() { c.transferred(ctx, t, ivr.TransferFailed) })
		return
	}
	if t.Timeout == 0 {
		t.Timeout = to.Ring
	}
	c.away = t
	c.ringAway(t)
	if (to.Refer || a.Refer) && c.caller.sip != nil { // who isn't answered can't be referred
		c.referAway(ctx, t)
		return
	}
	c.bridgeAway(ctx, t)
}

// ringAway lets the caller hear that it rings.
func (c *Call) ringAway(t *transfer) {
	if m := c.gen.transferMusic(t.to); m != nil {
		c.music(m)
		return
	}
	c.music(c.tone(c.sw.cfg.Services.ringing))
}

func (c *Call) normalise(number string) string {
	t, _ := c.gen.Trunks.Trunk(c.trunk) // the zero value knows the public network
	return t.Normalise(number)
}

// bridgeAway calls the destination ourselves.
func (c *Call) bridgeAway(ctx context.Context, t *transfer) {
	t.far = &far{
		hear:     func() { c.hearAway(t) },
		limit:    time.Now().Add(t.Timeout),
		answered: func(context.Context) { c.joinAway(ctx, t) },
		closing:  func() { c.stopHearing(t) },
		failed:   func(_ context.Context, status int) { c.transferred(ctx, t, transferResult(status)) },
	}
	var err error
	if t.to.URI != "" {
		err = c.callAddress(ctx, t.to.URI, t.CallerID, t.far)
	} else {
		err = c.callOut(ctx, t.to.Trunk, t.number, t.CallerID, t.far)
	}
	if err != nil {
		t.far = nil
		c.later(func() { c.transferred(ctx, t, ivr.TransferFailed) })
	}
}

func (c *Call) joinAway(ctx context.Context, t *transfer) {
	c.stopHearing(t)
	c.hush()
	c.pickUp()
	if c.ending {
		return
	}
	t.bridged = true
	c.keepLeg(t.far.party)
	c.enter(c.caller, roleCaller)
	c.enter(t.far.party, roleFar)
	c.arrange()
	c.transferred(ctx, t, ivr.TransferAnswered)
}

// transferred tells log and menu how it went.
func (c *Call) transferred(ctx context.Context, t *transfer, r ivr.TransferResult) {
	if r != ivr.TransferAnswered {
		if c.away == t {
			c.away = nil
		}
		c.hush()
	}
	c.sw.cfg.Queue.Post(acd.CallTransferred{Call: c.id, To: t.To, Result: string(r)})
	c.log.Info("caller transferred", "destination", t.To, "result", string(r))
	c.menu(ctx, ivr.Transferred{ID: t.ID, Result: r, Bridged: t.bridged})
}

// farHungUp is a far side that goes; the menu says what the caller hears next.
func (c *Call) farHungUp(ctx context.Context, f *far) {
	for _, g := range c.guests {
		if g.far == f {
			c.guestLeft(ctx, g, acd.SideCaller)
			return
		}
	}
	if f.gone != nil {
		f.gone(ctx)
		return
	}
	if c.callback != nil && c.callback.customer == f {
		c.end(nil)
		return
	}
	if c.placed != nil && c.placed.customer == f {
		c.end(nil)
		return
	}
	t := c.away
	if t == nil || t.far != f {
		return
	}
	c.leaveTransfer(CauseNormal())
	if t.guest == nil {
		c.menu(ctx, ivr.TransferDone{})
		return
	}
	if heir := c.heir(); heir != nil { // others are in the conference
		c.handOver(ctx, heir, acd.SideSwitch)
		return
	}
	c.served(ctx)
}

// farBroken is a far leg whose media failed.
func (c *Call) farBroken(ctx context.Context, f *far) {
	if c.away.bridged {
		c.farHungUp(ctx, f)
		return
	}
	c.farFailed(ctx, f, 500)
}

// leaveTransfer ends the far leg of a transfer.
func (c *Call) leaveTransfer(cause Cause) {
	t := c.away
	if t == nil {
		return
	}
	c.away = nil
	c.forgetTimer(t.refer)
	c.stopHearing(t)
	if t.bridged {
		c.leave(c.caller, t.far.party)
	}
	quality := c.closeFar(t.far, cause)
	if t.guest != nil {
		c.outside(t.guest, acd.OutsideLeft, 0, quality)
	}
}

func transferResult(status int) ivr.TransferResult {
	out := farOutcome(status)
	if out == acd.Busy || out == acd.Rejected {
		return ivr.TransferBusy
	}
	if out == acd.NoAnswer {
		return ivr.TransferNoAnswer
	}
	return ivr.TransferFailed
}

// referAway asks the far switch to take the call (RFC 3515). If it won't, we
// call ourselves.
func (c *Call) referAway(ctx context.Context, t *transfer) {
	leg := c.caller.sip
	to := t.to.URI
	if to == "" {
		through, _ := c.gen.Trunks.Trunk(c.trunk)
		to = "sip:" + through.Present(t.number) + "@" + hostOf(leg.Dialog().RemoteURI)
	}
	t.refer = c.after(t.Timeout+referLimit, func() { c.transferred(ctx, t, ivr.TransferNoAnswer) })
	if err := leg.Refer(to); err != nil {
		c.log.Info("cannot refer", "err", err)
		c.forgetTimer(t.refer)
		c.bridgeAway(ctx, t)
	}
}

// referred is news of a REFER: refused, accepted, or how it went.
func (c *Call) referred(ctx context.Context, ev sipua.Referred) {
	t := c.away
	if t == nil || t.far != nil {
		return
	}
	switch {
	case !ev.Final:
	case !ev.Accepted:
		c.log.Info("far switch refuses to take the call", "status", ev.Status)
		c.forgetTimer(t.refer)
		c.bridgeAway(ctx, t)
	case ev.Status < 300:
		c.forgetTimer(t.refer)
		c.moved = true
		c.transferred(ctx, t, ivr.TransferAnswered)
		c.end(endBy(acd.SideSwitch, 16, "normal"))
	default:
		c.forgetTimer(t.refer)
		c.transferred(ctx, t, transferResult(ev.Status))
	}
}

// hostOf returns host and port of a SIP URI.
func hostOf(uri string) string {
	rest := strings.TrimPrefix(uri, "sip:")
	if _, host, ok := strings.Cut(rest, "@"); ok {
		rest = host
	}
	host, _, _ := strings.Cut(rest, ";")
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}
