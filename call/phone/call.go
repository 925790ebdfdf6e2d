package phone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emiago/diago"
	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// Side is who ended a call.
type Side string

// The sides of a call, seen from this phone.
const (
	Nobody Side = ""     // the call was never answered
	Us     Side = "us"   // this phone hung up
	Them   Side = "them" // the other side did
)

// Keys is a group of digits and when to press it.
type Keys struct {
	Digits string
	// Prompts is how many prompts must have been heard to their end, counted
	// from the answer; 0 lets After alone decide.
	Prompts int
	// After is the time since the answer, or since the previous group.
	After time.Duration
}

// Plan is what a caller does.
type Plan struct {
	Target   string // "10000@127.0.0.1:5060" or a whole SIP URI
	From     string // caller's number; empty: the endpoint's user
	FromName string
	Speak    int   // Hz spoken into the call; 0: silence
	Listen   []int // Hz that are recognised
	Keys     []Keys
	// Wanted are the tones that mean that the caller got what it called for.
	Wanted []int
	// Patience ends the call when nothing wanted was heard in this time since
	// the answer (before the answer: since the INVITE). 0: no limit.
	Patience time.Duration
	// Talk ends the call this long after the first wanted tone. 0: the other
	// side hangs up.
	Talk time.Duration
	// Limit ends the call whatever happens. 0: no limit.
	Limit  time.Duration
	Record bool
	// Watch, if set, is told what happens; it must not block.
	Watch func(Moment)
}

// Moment is something that happened in a call.
type Moment struct {
	At   time.Duration // since the INVITE
	What string        // "ringing", "answered", "pressed 1", "ended by them"
}

// Report is what became of a call.
type Report struct {
	Began    time.Time
	CallID   string
	Status   int           // final status; 0: none came
	Reason   string        // of the final response
	Ringing  time.Duration // until 180 or 183; 0: none came
	Answered time.Duration // until 200; 0: never
	Served   time.Duration // from the answer to the first wanted tone; 0: never
	Length   time.Duration // from the INVITE to the end
	Sent     string        // digits
	EndedBy  Side
	Heard    Heard
	Samples  []int16 // what was heard, when the plan records
	Err      error   // what kept the call from being made or ended properly
}

// Call makes one call and returns when it is over. Ending the context hangs up.
func (e *Endpoint) Call(ctx context.Context, p Plan) Report {
	c := &calling{e: e, plan: p, began: time.Now()}
	c.report.Began = c.began
	c.run(ctx)
	c.report.Length = time.Since(c.began)
	return c.report
}

// calling is one call on its way; one goroutine owns it.
type calling struct {
	e        *Endpoint
	plan     Plan
	began    time.Time
	report   Report
	dialog   *diago.DialogClientSession
	line     *Line
	answered time.Time
	pressed  int       // groups of Plan.Keys that were pressed
	lastKeys time.Time // when the last one was
}

func (c *calling) say(format string, args ...any) {
	if c.plan.Watch != nil {
		c.plan.Watch(Moment{At: time.Since(c.began), What: fmt.Sprintf(format, args...)})
	}
}

func (c *calling) run(ctx context.Context) {
	if c.plan.Limit > 0 {
		limited, cancel := context.WithTimeout(ctx, c.plan.Limit)
		defer cancel()
		ctx = limited
	}
	if err := c.invite(ctx); err != nil {
		c.report.Err = err
		return
	}
	if c.dialog == nil { // refused, or given up before the answer
		return
	}
	c.answered = time.Now()
	c.lastKeys = c.answered
	c.report.Answered = c.answered.Sub(c.began)
	c.say("answered")
	c.line = open(c.dialog.Media(), newEar(c.answered, c.plan.Listen, c.plan.Record), c.plan.Speak)
	c.report.EndedBy = c.talk(ctx)
	c.report.Heard = c.line.Ear.Heard(time.Now())
	c.say("ended by %s", c.report.EndedBy)
	if c.report.EndedBy == Us {
		c.report.Err = c.hangup(ctx)
	}
	c.line.close()
	c.report.Sent = c.line.Sent()
	if c.plan.Record {
		c.report.Samples = c.line.Ear.Recording()
	}
	if err := c.dialog.Close(); err != nil && c.report.Err == nil {
		c.report.Err = fmt.Errorf("close call: %w", err)
	}
}

// invite leaves c.dialog set when the call was answered.
func (c *calling) invite(ctx context.Context) error {
	uri, err := target(c.plan.Target, c.e.cfg.Transport)
	if err != nil {
		return err
	}
	if c.plan.Patience > 0 { // until the answer; afterwards talk counts it anew
		patient, cancel := context.WithTimeout(ctx, c.plan.Patience)
		defer cancel()
		ctx = patient
	}
	d, err := c.e.dg.NewDialog(uri, diago.NewDialogOptions{Transport: c.e.cfg.Transport})
	if err != nil {
		return fmt.Errorf("make dialog: %w", err)
	}
	if err = prime(d, c.e.addr.Addr()); err != nil {
		return errors.Join(err, d.Close())
	}
	opts := diago.InviteClientOptions{
		OnResponse: c.response, Username: c.e.cfg.User, Password: c.e.cfg.Password,
	}
	from := c.plan.From
	if from == "" {
		from = c.e.cfg.User
	}
	opts.WithCaller(c.plan.FromName, from, c.e.ua.Hostname())
	err = d.Invite(ctx, opts)
	if id := d.InviteRequest.CallID(); id != nil {
		c.report.CallID = id.Value()
	}
	if err == nil {
		err = d.Ack(ctx)
	}
	if err == nil {
		c.dialog = d
		return nil
	}
	return errors.Join(c.failed(ctx, d, err), d.Close())
}

func (c *calling) response(res *sip.Response) error {
	switch {
	case res.StatusCode == sip.StatusRinging, res.StatusCode == sip.StatusSessionInProgress:
		if c.report.Ringing == 0 {
			c.report.Ringing = time.Since(c.began)
			c.say("ringing")
		}
	case res.StatusCode >= 200:
		c.report.Status, c.report.Reason = res.StatusCode, res.Reason
	}
	return nil
}

// failed sorts out why there is no call: a refusal and a caller who gave up
// are reports, not errors.
func (c *calling) failed(ctx context.Context, d *diago.DialogClientSession, err error) error {
	if refused, ok := errors.AsType[*sipgo.ErrDialogResponse](err); ok {
		c.say("refused: %d %s", refused.Res.StatusCode, refused.Res.Reason)
		return nil
	}
	if ctx.Err() == nil {
		return fmt.Errorf("invite: %w", err)
	}
	// The answer may have crossed our CANCEL: diago then leaves a call behind
	// that nobody acknowledged (RFC 3261 §9.1 wants ACK and BYE).
	if res := d.InviteResponse; res != nil && res.IsSuccess() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(d.Ack(bye), d.Hangup(bye))
	}
	c.say("gave up before the answer")
	return nil
}

// talk follows the plan until somebody hangs up.
func (c *calling) talk(ctx context.Context) Side {
	t := time.NewTicker(tick)
	defer t.Stop()
	var served time.Time
	for {
		select {
		case <-c.dialog.Context().Done():
			return Them
		case <-ctx.Done():
			return Us
		case <-t.C:
		}
		now := time.Now()
		heard := c.line.Ear.Heard(now)
		c.press(now, heard)
		if served.IsZero() && heard.Tone(c.plan.Wanted...) > 0 {
			served = now
			c.report.Served = now.Sub(c.answered)
			c.say("heard what it wanted")
		}
		if served.IsZero() && c.plan.Patience > 0 && now.Sub(c.answered) > c.plan.Patience {
			return Us
		}
		if !served.IsZero() && c.plan.Talk > 0 && now.Sub(served) > c.plan.Talk {
			return Us
		}
	}
}

// press sends the next group of digits when its time has come.
func (c *calling) press(now time.Time, h Heard) {
	if c.pressed >= len(c.plan.Keys) {
		return
	}
	k := c.plan.Keys[c.pressed]
	if h.Prompts < k.Prompts || now.Sub(c.lastKeys) < k.After {
		return
	}
	c.line.Press(k.Digits)
	c.pressed++
	c.lastKeys = now
	c.say("pressed %s", k.Digits)
}

func (c *calling) hangup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := c.dialog.Hangup(ctx); err != nil && !crossed(err) {
		return fmt.Errorf("hang up: %w", err)
	}
	return nil
}

// crossed tells that a BYE found no call: the other side's BYE was faster.
func crossed(err error) bool {
	res, ok := errors.AsType[sipgo.ErrDialogResponse](err)
	return ok && res.Res.StatusCode == sip.StatusCallTransactionDoesNotExists
}

// target reads a number with host or a SIP URI.
func target(s, transport string) (sip.Uri, error) {
	if !strings.HasPrefix(s, "sip:") && !strings.HasPrefix(s, "sips:") {
		s = "sip:" + s
	}
	var uri sip.Uri
	if err := sip.ParseUri(s, &uri); err != nil {
		return sip.Uri{}, fmt.Errorf("address %q: %w", s, err)
	}
	if uri.UriParams == nil {
		uri.UriParams = sip.NewParams()
	}
	if transport != "udp" && !uri.UriParams.Has("transport") {
		uri.UriParams.Add("transport", transport)
	}
	return uri, nil
}
