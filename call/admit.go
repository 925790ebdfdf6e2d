package call

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/ivr"
	"tierline/routing"
	"tierline/routing/dialplan"
	"tierline/routing/trunk"
)

// Invite takes a new call.
func (s *Switch) Invite(in Invite) {
	gen := s.cfg.Services.Current()
	if gen == nil {
		s.refuse(in, 503, "no_service")
		return
	}
	if in.Replaces != nil {
		s.replace(in, gen)
		return
	}
	if s.feature(in, gen) || s.agentCalls(in, gen) {
		return
	}
	t, ok := s.provedOrFrom(gen, in)
	if !ok {
		s.refuse(in, 403, "unknown_source")
		return
	}
	c, ok := s.admit(in, gen, t)
	if !ok {
		return
	}
	s.group.Add(1) // it is the call's until it begins
	defer s.group.Done()
	in.OnCancel(func() { _ = c.Post(cancelled{}) })
	if c.answer(in, t) {
		c.run()
	} else {
		c.over()
	}
}

func (s *Switch) refuse(in Invite, status int, reason string) {
	s.stats.refuse(reason)
	after := 0
	if status == 503 || reason == "trunk_full" || reason == "trunk_rate" {
		after = retryAfter()
	}
	s.cfg.Log.Info("call refused", "status", status, "reason", reason, "from", routing.Mask(in.From), "to", in.Number)
	_ = in.Reject(status, reasonPhrase(status), after, nil)
}

// reasonPhrase is the text of a status line (RFC 3261 §21).
func reasonPhrase(status int) string {
	switch status {
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized" //nolint:misspell // the RFC's spelling
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 486:
		return "Busy Here"
	case 422:
		return "Session Interval Too Small"
	case 480:
		return "Temporarily Unavailable"
	case 488:
		return "Not Acceptable Here"
	case 503:
		return "Service Unavailable"
	case 603:
		return "Decline"
	default:
		return "Server Internal Error"
	}
}

// admit finds out what a call is and whether the node takes it.
func (s *Switch) admit(in Invite, gen *Generation, t trunk.Trunk) (*Call, bool) {
	from, to := s.callerOf(in, t), t.Normalise(in.Number)
	if t.Register.CalledTo {
		to = t.Normalise(in.To)
	}
	route, err := gen.Numbers.Lookup(t.Name, to)
	if errors.Is(err, dialplan.ErrNoRoute) {
		s.refuseFrom(t.Name, in, 404, "no_route")
		return nil, false
	}
	if err = s.cfg.Queue.Ready(); err != nil {
		s.cfg.Log.Warn("not ready for calls", "err", err)
		s.refuseFrom(t.Name, in, 503, "not_ready")
		return nil, false
	}
	c := &Call{
		id: newID(), sw: s, gen: gen, flow: gen.Flows[route.Flow],
		from: from, to: to, trunk: t.Name, flowName: route.Flow, codecs: soundOf(t.Codecs),
		opus: slices.Contains(t.Codecs, sdp.Opus), srtp: policyOf(t),
		digits: t.Digits, early: route.Rule.Early, timer: timerOf(t), keys: listenFor(t.Digits),
	}
	if len(c.codecs) == 0 {
		c.codecs = sdp.DefaultCodecs()
	}
	c.prime(c.id)
	c.home = s.homeAt(in.Local)
	c.identify(gen, in.CallID)
	if s.capFull(capsOf(t, false)) {
		err = &fullError{trunk: t, limit: trunk.CallsLimit}
	} else {
		err = s.add(c, t, time.Now())
	}
	if err != nil {
		status, reason := refusal(err)
		s.refuseFrom(t.Name, in, status, reason)
		return nil, false
	}
	return c, true
}

// callerOf is the number a call comes from, as far as it may be known; "" if it
// is withheld. What is withheld goes no further than here, so that no agent, no
// record and no business system sees it.
func (s *Switch) callerOf(in Invite, t trunk.Trunk) (number string) {
	switch {
	case in.Withheld:
		return ""
	case t.Trusted && in.Identity != "":
		number = t.Normalise(in.Identity)
	default:
		number = t.Normalise(in.From)
	}
	if t.Believes(number) {
		return number
	}
	s.cfg.Log.Warn("caller's number is none of the trunk's: taken as withheld", "trunk", t.Name,
		"from", routing.Mask(number))
	s.screened(t.Name)
	return ""
}

// refusal is what a caller gets for whom there is no room.
func refusal(err error) (status int, reason string) {
	full, ok := errors.AsType[*fullError](err)
	switch {
	case errors.Is(err, errDraining):
		return 503, "draining"
	case !ok:
		return 503, "node_full"
	}
	status, reason = 503, "trunk_rate"
	if full.trunk.Busy {
		status = 486
	}
	if full.limit == trunk.CallsLimit {
		reason = "trunk_full"
	}
	return status, reason
}

// identify looks the caller up by number.
func (c *Call) identify(gen *Generation, sipCallID string) {
	c.sipCallID = sipCallID
	p, known := gen.Customers.ByNumber(c.from)
	c.customer = acd.Customer{ID: p.ID, Name: p.Name, Tier: p.Tier, Language: p.Language}
	c.profile = ivr.Caller{
		Call: c.id, ANI: c.from, DNIS: c.to, Known: known,
		Customer: ivr.Customer{
			ID: p.ID, Name: p.Name, Tier: p.Tier.String(), Language: p.Language, Phone: c.from,
		},
	}
}

// answer commits the leg record, then answers: what isn't in the log was never
// heard. It returns false if the call is over already.
func (c *Call) answer(in Invite, t trunk.Trunk) bool {
	p, err := c.openParty(c.codecs, c.srtp)
	if err != nil {
		c.abort(in, 503, "no_ports")
		return false
	}
	c.caller = p
	p.invite, p.signal, p.callID = in, in.Source.Addr(), c.sipCallID
	p.digits(c.digits)
	if err = in.Session(c.timer); err != nil {
		c.log.Info("session timer refused", "err", err)
		c.abort(in, 422, "session_interval")
		return false
	}
	body := sdp.Offer(p.local)
	p.late = in.Offer == nil
	if !p.late {
		if body, err = p.answer(in.Offer); err != nil {
			c.log.Info("offer refused", "err", err)
			c.abort(in, sdp.StatusOf(err), "bad_offer")
			return false
		}
	}
	_ = in.Ringing()                               // lost or not, the 200 follows
	early := c.early && (!p.late || in.Reliable()) // one who can't answer our offer can't hear us
	leg, err := p.invitedLeg(in, body, early)
	if err != nil {
		c.log.Warn("dialog can't be stored", "err", err)
	}
	_, _, err = c.sw.cfg.Queue.Propose(c.sw.root, acd.CallArrived{
		Call: c.id, Node: c.sw.cfg.Node, Trunk: c.trunk, From: c.from, To: c.to, Flow: c.flowName,
		Generation: c.gen.Number, Customer: c.customer, SIPCallID: c.sipCallID, Leg: leg,
		Home: c.home.node, Caps: capsOf(t, false),
	})
	if reached := capRefused(err); reached != trunk.NoLimit {
		status, reason := refusal(&fullError{trunk: t, limit: reached})
		c.abort(in, status, reason)
		return false
	}
	if err != nil {
		c.log.Warn("cannot commit the call", "err", err)
		// It may be committed yet: then this entry ends it.
		c.sw.cfg.Queue.Post(acd.CallEnded{Call: c.id, Cause: "not_committed", By: acd.SideSwitch, SIP: 503})
		c.abort(in, 503, "not_committed")
		return false
	}
	if early {
		return c.progress(in, body)
	}
	p.body = body
	c.pickUp() // unless it was cancelled in the meantime, or the socket is gone
	return c.answered
}

// abort refuses a call that stands in no log.
func (c *Call) abort(in Invite, status int, reason string) {
	c.sw.refuseFrom(c.trunk, in, status, reason)
	c.caller.closeMedia()
	c.sw.ended(c, Cause{Reason: reason})
}

// Known says whether a source may speak to us at all: trunks by address,
// phones by registration, anybody by REGISTER (which asks for a digest).
func (s *Switch) Known(source netip.AddrPort, method string) bool {
	if method == "REGISTER" {
		return true
	}
	gen := s.cfg.Services.Current()
	if gen == nil {
		return false
	}
	if _, ok := s.trunkOf(gen, source, ""); ok || mayProve(gen, method) {
		return true
	}
	return s.cfg.Known(source)
}

// Options answers a peer's OPTIONS: 200, or 503 when no new calls are taken.
func (s *Switch) Options() (status, retry int) {
	if s.Draining() || s.cfg.Queue.Ready() != nil || s.cfg.Services.Current() == nil {
		return 503, retryAfter()
	}
	return 200, 0
}

// isFeature says whether a dialled number is a feature code.
func isFeature(number string) bool { return strings.HasPrefix(number, "*") }
