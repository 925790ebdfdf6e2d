package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/routing"
	"tierline/routing/trunk"
)

// Errors of tests of a trunk.
var (
	ErrNoTrunk   = errors.New("there is no such trunk")
	ErrNoTargets = errors.New("the trunk has no targets: nothing goes out through it")
)

// Try is what a target did with a test.
type Try struct {
	Target  string
	Host    string // that was asked; "" nobody got so far
	Status  int    // 0: no answer
	Reason  string // of the status
	Trouble string // why there was no answer
	Took    time.Duration
}

// TestTrunk asks all targets of a trunk by OPTIONS, at the same time.
func (s *Switch) TestTrunk(name string) ([]Try, error) {
	t, err := s.testable(name)
	if err != nil {
		return nil, err
	}
	out := make([]Try, len(t.Outward.Targets))
	var wait sync.WaitGroup
	wait.Add(len(out))
	for i, target := range t.Outward.Targets {
		s.cfg.UA.Ping(target.String(), trunkPatience, func(p sipua.Pong) {
			defer wait.Done()
			out[i] = Try{
				Target: target.String(), Status: p.Status, Reason: p.Reason, Trouble: p.Trouble, Took: p.Took,
			}
			if p.Host.IsValid() {
				out[i].Host = p.Host.String()
			}
		})
	}
	wait.Wait()
	return out, nil
}

func (s *Switch) testable(name string) (t trunk.Trunk, err error) {
	gen := s.cfg.Services.Current()
	if gen == nil {
		return t, ErrNoTrunk
	}
	t, ok := gen.Trunks.Trunk(name)
	switch {
	case !ok:
		return t, ErrNoTrunk
	case len(t.Outward.Targets) == 0:
		return t, ErrNoTargets
	}
	return t, nil
}

// Trial is a test call that is wanted.
type Trial struct {
	Trunk, Number, By string
	Ring              time.Duration // until we give up
	Talk              time.Duration // after the answer, until we hang up
}

// TrialResult is what became of a test call.
type TrialResult struct {
	Call                  string // its id, in records and traces
	Number, Called, Shown string // normalised; as they were written
	Tries                 []Try  // targets, in the order in which they were called
	Outcome               string // answered, busy, no_answer …
	Status                int
	Rang, Heard, Answered time.Duration // after so long; 0: never. Heard: their first sound
	Codec                 string
	Quality               acd.Quality // of the sound, if they answered
	HungUp                bool        // they did, before us
	Findings              []string    // what isn't as it should be, in words
}

// trial is a test call under way.
type trial struct {
	Trial
	result TrialResult
	far    *far
	began  time.Time
	tried  time.Time // the target under way
	done   chan TrialResult
}

// TestCall calls a number through a trunk, as any call outward: by the same
// rules, as counted, and with a record.
func (s *Switch) TestCall(ctx context.Context, want Trial) (TrialResult, error) {
	t, err := s.testable(want.Trunk)
	if err != nil {
		return TrialResult{}, err
	}
	gen := s.cfg.Services.Current()
	want.Number = t.Normalise(want.Number)
	if err = t.Permits(want.Number); err != nil {
		return TrialResult{}, err //nolint:wrapcheck // it says why, in the words of the documents
	}
	c := &Call{
		id: newID(), sw: s, gen: gen, from: want.By, to: want.Number, trunk: want.Trunk, codecs: sdp.DefaultCodecs(),
		release: func() {},
		trial:   &trial{Trial: want, done: make(chan TrialResult, 1)},
	}
	c.trial.result.Call = c.id
	c.prime(c.id)
	if err = s.enter(c); err != nil {
		return TrialResult{}, err
	}
	if err = c.writeTrial(); err != nil {
		return TrialResult{}, err
	}
	c.log.Info("test call", "trunk", want.Trunk, "to", routing.Mask(want.Number), "by", want.By)
	c.later(func() { c.try(s.root, t) })
	c.run()
	stop := context.AfterFunc(ctx, func() { _ = c.Post(dismissed{err: endBy(acd.SideSwitch, 16, "test_left")}) })
	defer stop()
	result := <-c.trial.done
	<-c.done // who tests again at once finds the trunk's room free
	return result, nil
}

// writeTrial writes the call into the log: it may cost something, so there is a
// record of it whatever becomes of us.
func (c *Call) writeTrial() error {
	tr := c.trial
	_, _, err := c.sw.cfg.Queue.Propose(c.sw.root, acd.TestPlaced{
		Call: c.id, Node: c.sw.cfg.Node, Trunk: tr.Trunk, To: tr.Number, By: tr.By, Generation: c.gen.Number,
	})
	if err == nil {
		return nil
	}
	c.sw.cfg.Queue.Post(acd.CallEnded{Call: c.id, Cause: "not_committed", By: acd.SideSwitch, SIP: 503})
	c.sw.ended(c, Cause{Reason: "not_committed"})
	c.over()
	return fmt.Errorf("the test call is not made: %w", err)
}

// tellTrial is for the record.
func (c *Call) tellTrial(state string, status int, quality *acd.Quality) {
	tr := c.trial
	c.sw.cfg.Queue.Post(acd.OutsideChanged{
		Call: c.id, To: tr.Number, By: tr.By, State: state, Trunk: tr.Trunk, SIP: status, Quality: quality,
	})
}

// try makes the call. What is heard is the ringing tone.
func (c *Call) try(ctx context.Context, t trunk.Trunk) {
	tr := c.trial
	tr.began = time.Now()
	tr.tried = tr.began
	tr.result.Number, tr.result.Called = tr.Number, t.Present(tr.Number)
	f := &far{limit: tr.began.Add(tr.Ring)}
	tr.far = f
	f.hear = func() { tr.result.Heard = time.Since(tr.began) }
	f.rings = func() {
		if tr.result.Rang == 0 {
			tr.result.Rang = time.Since(tr.began)
		}
	}
	f.tried = c.trialTried
	f.answered = func(context.Context) {
		tr.result.Outcome, tr.result.Answered = "answered", time.Since(tr.began)
		c.keepLeg(f.party)
		c.trialTried(sipua.Failed{Status: 200, Reason: "OK"})
		c.tellTrial(acd.OutsideAnswered, 200, nil)
		f.media.PlayMusic(c.tone(c.sw.cfg.Services.ringing))
		c.after(tr.Talk, func() { c.end(nil) })
	}
	f.failed = func(_ context.Context, status int) {
		tr.result.Outcome = farOutcome(status).String()
		c.tellTrial(acd.OutsideFailed, status, nil)
		c.end(nil)
	}
	f.gone = func(context.Context) {
		tr.result.HungUp = true
		c.end(nil)
	}
	if err := c.callOut(ctx, tr.Trunk, tr.Number, "", f); err != nil {
		tr.far = nil
		tr.result.Outcome = acd.SwitchFailed.String()
		tr.result.Findings = append(tr.result.Findings, err.Error())
		c.end(nil)
		return
	}
	tr.result.Shown = f.from
}

// trialTried notes what a target did with the call.
func (c *Call) trialTried(ev sipua.Failed) {
	tr, f := c.trial, c.trial.far
	try := Try{
		Target: f.hop.target, Status: ev.Status, Reason: ev.Reason, Trouble: ev.Trouble, Took: time.Since(tr.tried),
	}
	if f.hop.addr.IsValid() {
		try.Host = f.hop.addr.String()
	}
	if ev.Trouble != "" {
		try.Status, try.Reason = 0, ""
	}
	tr.result.Tries = append(tr.result.Tries, try)
	tr.result.Status, tr.tried = try.Status, time.Now()
}

// endTrial hangs up and tells what there is to tell.
func (c *Call) endTrial(cause Cause) {
	tr := c.trial
	if tr.far != nil {
		tr.result.Codec = codecName(tr.far.party)
		q := tr.far.quality()
		if q != nil {
			tr.result.Quality = *q
		}
		c.closeFar(tr.far, cause)
		if tr.result.Answered != 0 {
			c.tellTrial(acd.OutsideLeft, 0, q)
		}
	}
	tr.result.Findings = append(tr.result.Findings, tr.result.findings(cause)...)
	c.sw.cfg.Queue.Post(tr.result.ended(c.id, cause))
	c.log.Info("test call ended", "trunk", tr.Trunk, "outcome", tr.result.Outcome, "status", tr.result.Status)
	tr.done <- tr.result
}

// ended is the end of the call for the record. Its cause is how the test went,
// unless something else ended it.
func (r *TrialResult) ended(call string, cause Cause) acd.CallEnded {
	ev := acd.CallEnded{Call: call, Cause: cause.Reason, By: cause.Side}
	switch {
	case r.HungUp:
		ev.By = acd.SideCaller
	case r.Answered == 0:
		ev.SIP = r.Status
		if cause.Reason == "normal" {
			ev.Cause = r.Outcome
		}
	}
	return ev
}

// findings says what isn't as it should be.
func (r *TrialResult) findings(cause Cause) (out []string) {
	if r.Answered == 0 {
		switch {
		case cause.Reason != "normal":
			return []string{"the test was ended before its time: " + cause.Reason}
		case len(r.Tries) == 0:
			return nil // no target was called, and why is said already
		}
		last := r.Tries[len(r.Tries)-1]
		return []string{explainTry(last, r)}
	}
	if r.HungUp {
		out = append(out, "they hung up before us")
	}
	return append(out, explainSound(r.Quality)...)
}

// explainSound says whether both hear each other.
func explainSound(q acd.Quality) (out []string) {
	switch {
	case q.Received == 0 && q.Strangers > 0:
		out = append(out, fmt.Sprintf("one-way audio: we hear nothing. %d packets came from an address that their SDP "+
			"doesn't name", q.Strangers))
	case q.Received == 0:
		out = append(out, "one-way audio: no sound came. Can they send to our rtp.ip and RTP ports? Is a firewall between?")
	case q.Lost*20 > q.Received:
		out = append(out, fmt.Sprintf("bad line: %d of %d packets were lost", q.Lost, q.Lost+q.Received))
	}
	if q.Sent == 0 {
		out = append(out, "we sent no sound: their SDP wants none, or has no address")
	} else if lost := uint64(max(q.RemoteLost, 0)); lost*20 > q.Sent {
		out = append(out, fmt.Sprintf("they report that %d of our %d packets were lost", lost, q.Sent))
	}
	return out
}

// codecName is what a leg speaks.
func codecName(p *party) string {
	if p == nil || p.agreed.Ptime == 0 {
		return ""
	}
	return p.quality().Codec
}
