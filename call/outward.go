package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/routing"
	"tierline/routing/trunk"
)

// trunkPatience is how long a target may be silent before the next one is
// tried. A live one says 100 at once.
const trunkPatience = 4 * time.Second

// anonymous stands where no number is shown (RFC 3323 §4.1.1.3).
const anonymous = "anonymous"

// noCaller is the whole address of somebody who doesn't want to be known.
const noCaller = "sip:anonymous@anonymous.invalid"

// Why a permitted call outward isn't made.
var (
	errTrunksFull = errors.New("every trunk that may call the number is at a limit")
	errAgentFull  = errors.New("the agent's calls outward are at a limit")
)

// far is a leg that we call: through a trunk, or at a fixed address.
type far struct {
	*party          // of the attempt under way
	trunk   string  // "" a fixed address
	by      string  // the agent who wants it; "" a flow or a call-back
	targets []hop   // still to be tried
	hop     hop     // of the attempt under way
	account Account // for challenges of the trunk's targets
	timer   sipua.SessionTimer
	from    string // what the peer sees

	asserted, preferred string // what it learns besides
	withheld            bool   // and nobody behind it

	limit   time.Time // of ringing
	rang    bool
	over    bool
	opus    bool // its trunk carries Opus
	release func()
	caps    []acd.Cap // that the log holds it to
	place   string    // in the log's count; "" none
	urgent  bool

	listening bool   // it promised early media
	received  uint64 // of them, when we last looked
	up        bool
	hear      func()                                // its early media have come; nil: nobody listens
	answered  func(ctx context.Context)             // the party is up, its media runs
	failed    func(ctx context.Context, status int) // nobody will answer
	closing   func()                                // its media go; may be nil

	// For whoever wants to know more; may be nil.
	rings func()                    // it does
	tried func(ev sipua.Failed)     // what a target said in the end
	gone  func(ctx context.Context) // the peer hung up
}

// note tells whoever wants to know what a target did.
func (f *far) note(ev sipua.Failed) {
	if f.tried != nil {
		f.tried(ev)
	}
}

// callOut calls a normalised number through the trunks that may. Which numbers
// that are, the documents say: what nobody permits is not called.
func (c *Call) callOut(ctx context.Context, name, number, callerID string, f *far) error {
	trunks, urgent, err := c.waysTo(name, number, f.by)
	if err != nil {
		c.log.Warn("call outward refused", "to", routing.Mask(number), "trunk", name, "agent", f.by, "err", err)
		return err
	}
	free, err := c.sw.admitAgent(c.gen, f.by, urgent)
	if err != nil {
		c.log.Warn("call outward refused", "to", routing.Mask(number), "agent", f.by, "err", err)
		return err
	}
	for _, t := range c.sw.byHealth(trunks) {
		f.caps, f.urgent = append(capsOf(t, true), c.gen.capsOfAgent(f.by)...), urgent
		release, err := c.sw.admitOutward(t, urgent)
		if err != nil {
			c.sw.trunkFailed(t.Name, "call outward not made: "+err.Error())
			continue
		}
		f.release = func() { release(); free() }
		c.sw.notesAbroad(t, number, f.by)
		c.through(f, t, number, callerID)
		return c.open(ctx, f, c.match(codecsOf(t)), policyOf(t))
	}
	free()
	c.log.Warn("call outward refused", "to", routing.Mask(number), "trunk", name, "err", errTrunksFull)
	return errTrunksFull
}

// waysTo are the trunks that may call a number. An agent's call for help is
// urgent: nothing holds it up.
func (c *Call) waysTo(name, number, agent string) (trunks []trunk.Trunk, urgent bool, err error) {
	if agent != "" {
		if trunks = c.gen.Urgent(number); len(trunks) > 0 {
			return trunks, true, nil
		}
	}
	trunks, err = c.gen.Outwards(name, number)
	return trunks, false, err //nolint:wrapcheck // it says why, in the words of the documents
}

// through makes f a call to a number through a trunk.
func (c *Call) through(f *far, t trunk.Trunk, number, callerID string) {
	f.trunk, f.from = t.Name, anonymous
	f.opus = slices.Contains(t.Codecs, sdp.Opus)
	f.account, f.timer = c.sw.cfg.Accounts[t.Outward.Account], timerOf(t)
	shown := t.Screen(callerID) // though it may be for the carrier only
	if callerID != "" && shown != callerID {
		c.log.Info("number not shown, it isn't one of the trunk's", "trunk", t.Name, "number", routing.Mask(callerID))
	}
	if shown != "" {
		f.from = t.PresentCaller(shown)
		if domain := t.From(); domain != "" {
			f.from = "sip:" + f.from + "@" + domain
		}
	}
	f.identify(t, !t.Urgent(number))
	for _, target := range t.Outward.Targets {
		f.targets = append(f.targets, hop{target: target.String(), uri: target.URI(t.Present(number))})
	}
}

// identify says in other headers who calls, if the trunk's peer wants that, and
// lets From say nobody if its callers may.
func (f *far) identify(t trunk.Trunk, may bool) {
	switch {
	case f.from == anonymous:
		return
	case t.Outward.Identity == trunk.Asserted:
		f.asserted = f.from
	case t.Outward.Identity == trunk.Preferred:
		f.preferred = f.from
	}
	if t.Outward.Withhold && may {
		f.withheld, f.from = true, noCaller
	}
}

// callAddress calls a fixed address.
func (c *Call) callAddress(ctx context.Context, uri, callerID string, f *far) error {
	f.targets, f.from, f.release = []hop{{uri: uri}}, firstOf(callerID, anonymous), func() {}
	return c.open(ctx, f, c.forAgents(), sdp.Optional)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// timerOf is the session timer of a trunk's legs.
func timerOf(t trunk.Trunk) sipua.SessionTimer {
	return sipua.SessionTimer{Expires: t.Session.Expires, Min: t.Session.Min}
}

func (c *Call) open(ctx context.Context, f *far, codecs []uint8, policy sdp.Policy) error {
	p, err := c.openParty(codecs, policy)
	if err != nil {
		f.release()
		return err
	}
	p.far, f.party = f, p
	c.log.Info("calling outward", "trunk", f.trunk, "targets", len(f.targets))
	c.take(ctx, f)
	return nil
}

func (c *Call) onFarSignal(ctx context.Context, p *party, ev sipua.LegEvent) {
	f := p.far
	if f.party != p {
		return // an earlier try; the user agent ends it by itself
	}
	switch ev := ev.(type) {
	case sipua.Ringing:
		c.farRings(f, ev)
	case sipua.Answered:
		c.farAnswered(ctx, f, ev)
	case sipua.Failed:
		c.hopFailed(ctx, p, ev)
	case sipua.Confirmed:
		c.lateAnswer(p, ev)
	case sipua.Hungup, sipua.NoAck:
		p.dead = true
		c.farHungUp(ctx, f)
	case sipua.Info, sipua.Referred, sipua.Reinvited, sipua.ReferredIn, sipua.Refreshed, sipua.Pracked:
		// Keys of the far side mean nothing to us; onSignal does the rest.
	}
}

func (c *Call) farAnswered(ctx context.Context, f *far, ev sipua.Answered) {
	if f.over {
		f.sip.Hangup(16, "released")
		return
	}
	if err := f.accept(ev.SDP); err != nil {
		c.log.Warn("answer of a call outward is unusable", "trunk", f.trunk, "err", err)
		f.note(sipua.Failed{Status: 488, Trouble: "their answer is unusable: " + err.Error()})
		f.sip.Hangup(88, "incompatible media")
		f.dead = true
		c.farFailed(ctx, f, 488)
		return
	}
	f.up = true
	c.sw.madeBy(f.trunk, "answered")
	f.answered(ctx)
}

func (c *Call) farFailed(ctx context.Context, f *far, status int) {
	if f.over {
		return
	}
	c.sw.madeBy(f.trunk, farOutcome(status).String())
	c.log.Info("call outward failed", "trunk", f.trunk, "status", status)
	c.closeFar(f, CauseNormal())
	f.failed(ctx, status)
}

// closeFar ends a leg that we called, as far as it has got, and returns what
// its media told.
func (c *Call) closeFar(f *far, cause Cause) *acd.Quality {
	if f == nil || f.over {
		return nil
	}
	f.over = true
	if f.closing != nil {
		f.closing()
	}
	if f.sip != nil && !f.dead {
		f.sip.Hangup(cause.Q850, cause.Reason)
	}
	c.forgetLeg(f.party)
	quality := c.parted(f.party)
	f.closeMedia()
	f.release()
	c.giveBack(f)
	return quality
}

// farOutcome sorts the final status of a leg that we called (RFC 3261 §21).
func farOutcome(status int) acd.Outcome {
	switch {
	case status == 486 || status == 600:
		return acd.Busy
	case status == 408 || status == 480 || status == 487:
		return acd.NoAnswer
	case status == 603 || status == 403 || status == 606:
		return acd.Rejected
	case status >= 500 && status < 600 || status == 488:
		return acd.SwitchFailed
	default:
		return acd.Unreachable
	}
}

// admitOutward takes a place of a trunk for a call that we make; an urgent one
// gets it in any case.
func (s *Switch) admitOutward(t trunk.Trunk, urgent bool) (release func(), err error) {
	if !urgent && s.capFull(capsOf(t, true)) {
		return nil, &fullError{trunk: t, limit: trunk.CallsLimit}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.trunkState(t.Name)
	if urgent {
		l.Take(t.Limits, true, time.Now())
	} else if reached := l.Admit(t.Limits, true, time.Now()); reached != trunk.NoLimit {
		return nil, &fullError{trunk: t, limit: reached}
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.Release(true)
	}, nil
}

// admitAgent takes a place among the calls outward that an agent may have: whose
// phone is stolen must not cost more than that.
func (s *Switch) admitAgent(gen *Generation, agent string, urgent bool) (release func(), err error) {
	if agent == "" || urgent {
		return func() {}, nil
	}
	if s.capFull(gen.capsOfAgent(agent)) {
		s.stats.refuse("agent_limit")
		return nil, fmt.Errorf("%w: %s", errAgentFull, trunk.CallsLimit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.dialling[agent]
	if l == nil {
		l = trunk.NewLimiter()
		s.dialling[agent] = l
	}
	if reached := l.Admit(gen.Dialling(agent), time.Now()); reached != trunk.NoLimit {
		s.stats.refuse("agent_limit")
		return nil, fmt.Errorf("%w: %s", errAgentFull, reached)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.Release()
	}, nil
}
