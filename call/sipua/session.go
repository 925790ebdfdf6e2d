package sipua

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// SessionTimer is what we want of a peer by RFC 4028: that a call which one of
// the two has forgotten ends.
type SessionTimer struct {
	Expires time.Duration // without a refresh the session ends; 0: only if the peer wants it
	Min     time.Duration // what the peer may ask for at least; 0: 90 s
}

// Session is the session timer of a dialog, in seconds.
type Session struct {
	Want     uint32 // 0: only if the peer wants it
	Min      uint32
	Interval uint32 // as agreed; 0: the session doesn't expire
	Ours     bool   // we refresh it
}

const (
	leastInterval = 90 // RFC 4028 §4
	// shortInterval is the shortest that is taken from an answer, which can't be
	// refused: refreshes must not become a flood.
	shortInterval  = 10
	longInterval   = 86400
	refreshTries   = 10 * time.Second // between refreshes that were refused
	brief          = 422              // Session Interval Too Small
	lostCause      = 102              // Q.850: recovery on timer expiry
	resumedRefresh = 30 * time.Second // after a resume at the latest
)

// session returns the state of a dialog that begins with these wishes.
func (t SessionTimer) session() Session {
	s := Session{Want: uint32(min(max(t.Expires, 0), longInterval*time.Second) / time.Second)} //nolint:gosec // bounded
	s.Min = uint32(min(max(t.Min, 0), longInterval*time.Second) / time.Second)                 //nolint:gosec // bounded
	s.Min = max(s.Min, leastInterval)
	if s.Want > 0 {
		s.Want = max(s.Want, s.Min)
	}
	return s
}

// interval reads Session-Expires or Min-SE: seconds, and who refreshes.
func interval(v string) (n uint32, refresher string) {
	digits, params, _ := strings.Cut(v, ";")
	seconds, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 32)
	if err != nil {
		return 0, ""
	}
	for p := range strings.SplitSeq(params, ";") {
		k, val, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(val))
		}
	}
	if refresher != refreshUAC && refresher != refreshUAS {
		refresher = ""
	}
	return uint32(min(seconds, longInterval)), refresher
}

const (
	refreshUAC = "uac"
	refreshUAS = "uas"
)

func sessionExpires(m interface{ GetHeader(name string) sip.Header }) (n uint32, refresher string) {
	return interval(sessionText(m))
}

func sessionText(m interface{ GetHeader(name string) sip.Header }) string {
	if v := value(m, "Session-Expires"); v != "" {
		return v
	}
	return value(m, "x")
}

// nought tells an interval of no time from one that is no number.
func nought(v string) bool {
	digits, _, _ := strings.Cut(v, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 32)
	return err == nil && n == 0
}

// has tells whether a header that lists things names one.
func has(m sip.Message, thing string, names ...string) bool {
	for _, name := range names {
		for _, v := range values(m, name) {
			for _, item := range commas(v) {
				if strings.EqualFold(item, thing) {
					return true
				}
			}
		}
	}
	return false
}

func supports(m sip.Message, tag string) bool { return has(m, tag, "Supported", "k", "Require") }

func allows(m sip.Message, method sip.RequestMethod) bool { return has(m, string(method), "Allow") }

// tooBrief refuses an interval that is shorter than we take.
func tooBrief(req *sip.Request, least uint32) *refusal {
	n, _ := sessionExpires(req)
	least = max(least, leastInterval)
	if n == 0 && !nought(sessionText(req)) || n >= least || !supports(req, "timer") {
		return nil
	}
	return refuse(brief, "Session Interval Too Small", sip.NewHeader("Min-SE", number(least)))
}

// ask returns the headers of a request that begins or refreshes the session.
func (s *Session) ask() []sip.Header {
	hs := []sip.Header{sip.NewHeader("Supported", supported)}
	n, refresher := s.Interval, ";refresher="+refreshUAS
	switch {
	case n == 0:
		n, refresher = s.Want, ""
	case s.Ours:
		refresher = ";refresher=" + refreshUAC
	}
	if n == 0 {
		return hs
	}
	hs = append(hs, sip.NewHeader("Session-Expires", number(n)+refresher))
	if s.Min > leastInterval {
		hs = append(hs, sip.NewHeader("Min-SE", number(s.Min)))
	}
	return hs
}

// grantSession agrees with a request on a timer and returns the headers that
// say so in the 2xx. mu is held.
func (l *Leg) grantSession(req *sip.Request) []sip.Header {
	if l.state == early || req.Method == sip.PRACK {
		return nil // the answer will
	}
	s := &l.d.Session
	n, refresher := sessionExpires(req)
	theirs := supports(req, "timer")
	switch {
	case n > 0 && s.Want > 0:
		floor, _ := interval(value(req, "Min-SE"))
		n = min(n, max(s.Want, floor, leastInterval))
	case n == 0 && theirs:
		n = s.Want
	}
	s.Interval = 0
	if n > 0 {
		s.Interval = max(n, shortInterval)
	}
	if refresher == "" || !theirs {
		refresher = refreshUAS
	}
	s.Ours = refresher == refreshUAS
	l.keepSession(0)
	if n == 0 {
		return nil
	}
	hs := []sip.Header{sip.NewHeader("Session-Expires", number(n)+";refresher="+refresher)}
	if !s.Ours {
		hs = append(hs, sip.NewHeader("Require", "timer"))
	}
	return hs
}

// agreeSession takes what the 2xx to a request of ours says of the timer. mu is
// held.
func (l *Leg) agreeSession(res *sip.Response) {
	s := &l.d.Session
	n, refresher := sessionExpires(res)
	s.Interval, s.Ours = 0, refresher != refreshUAS
	if n > 0 {
		s.Interval = max(n, shortInterval)
	}
	l.keepSession(0)
}

// keepSession starts the timer anew. first is when we refresh for the first
// time; 0: after half of the interval. mu is held.
func (l *Leg) keepSession(first time.Duration) {
	if l.session != nil {
		l.session.Stop()
	}
	n := time.Duration(l.d.Session.Interval) * time.Second
	if n == 0 {
		return
	}
	// RFC 4028 §10: a third, or 32 s, before the other side's own timer.
	left := n - min(32*time.Second, n/3)
	l.sessionEnd = time.Now().Add(left)
	if l.d.Session.Ours {
		left = n / 2
		if first > 0 {
			left = min(left, first)
		}
	}
	l.session = time.AfterFunc(left, func() { l.ua.guarded("timer", l.sessionDue) })
}

// sessionDue refreshes the session, or ends it.
func (l *Leg) sessionDue() {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := time.Until(l.sessionEnd)
	switch {
	case l.state == over || l.d.Session.Interval == 0:
		return
	case left <= 0:
		l.lose("session expired", lostCause)
		return
	case l.d.Session.Ours && l.state == up:
		l.refresh(nil)
	}
	l.session.Reset(min(left, refreshTries))
}

// lose ends a call whose peer has lost it. mu is held.
func (l *Leg) lose(why string, q850 int) {
	if l.state == answered { // the ACK never came, so no BYE may go yet
		l.wish = &goodbye{q850: q850, reason: why}
		return
	}
	l.part(&goodbye{q850: q850, reason: why})
	l.tell(Hungup{Reason: why, Q850: q850, Lost: true})
}

// refresh sends what keeps the session alive, by UPDATE if the peer knows it,
// else by offering again what was agreed. With headers it also tells the peer
// something. mu is held.
func (l *Leg) refresh(headers []sip.Header) {
	if l.d.Updates && !l.noUpdate {
		l.update(headers, false)
		return
	}
	if len(headers) == 0 && (l.own != nil || len(l.next) > 0) {
		return // that refreshes it too
	}
	if len(l.next) < reinvitesMost {
		l.next = append(l.next, &reinvite{headers: headers, same: true})
		l.proceed()
	}
}

// longer takes what a 422 asks for. It returns false if that is nothing new.
func (s *Session) longer(res *sip.Response) bool {
	least, _ := interval(value(res, "Min-SE"))
	if least <= s.Min || least > longInterval {
		return false
	}
	s.Min = least
	if s.Want > 0 {
		s.Want = max(s.Want, least)
	}
	if s.Interval > 0 {
		s.Interval = max(s.Interval, least)
	}
	return true
}

// Session says which timer the caller's leg is to have. It refuses the INVITE
// with 422 if it asks for a shorter one.
func (in *Incoming) Session(t SessionTimer) error {
	l := in.leg
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != early || in.srv.req == nil {
		return ErrOver
	}
	l.d.Session = t.session()
	no := tooBrief(in.srv.req, l.d.Session.Min)
	if no == nil {
		return nil
	}
	l.refuseInvite(in.srv, no.status, no.reason, no.extra)
	l.leave()
	l.forget()
	return fmt.Errorf("session timer: %w", ErrReplied)
}
