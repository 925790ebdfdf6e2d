package call

import (
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sdp"
	"tierline/call/sipua"
)

// told is what a phone hears of its REFER.
type told struct {
	mu   sync.Mutex
	said []int
}

func (r *told) reply(status int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, status)
	return nil
}

func (r *told) statuses() []int {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

// refers sends a REFER on the latest leg of an agent's phone.
func (l *lab) refers(agent, number string, replaces *sipua.Replaces) *told {
	l.t.Helper()
	r := &told{}
	l.phoneOf(agent, sipua.ReferredIn{Number: number, Replaces: replaces, Reply: r.reply})
	return r
}

// calls dials a number on an agent's phone.
func (l *lab) callsFrom(agent, number string) *phone {
	l.t.Helper()
	at := map[string]struct{ source, secret string }{
		"1001": {"192.0.2.51:5060", "s3cret1"}, "1002": {"192.0.2.52:5060", "s3cret"}, "1003": {"192.0.2.53:5060", "s3cret3"},
	}[agent]
	return l.prove(Invite{
		From: agent, Number: number, URI: "sip:" + number + "@tierline", CallID: "from-" + agent,
		Source: netip.MustParseAddrPort(at.source),
	}, at.secret)
}

func TestPhoneTransfersBlind(t *testing.T) {
	for name, try := range map[string]struct {
		to      string
		prepare func(l *lab)
		told    []int
		after   string
	}{
		"to an agent": {to: "1002", told: []int{202, 180, 200}, after: "1002+caller;"},
		"to a queue":  {to: "800", told: []int{202, 200}, after: "1002+caller;"},
		"into a flow": {to: "10001", told: []int{202, 200}},
		"to a number": {
			to: "057187651001", told: []int{202, 200}, after: "caller+far;",
			prepare: func(l *lab) { l.outsideAnswers(1, 200) },
		},
		"to who is busy": {
			to: "1002", told: []int{202, 180, 486}, after: "1001+caller;",
			prepare: func(l *lab) { l.phone.habits["1002"] = habit{after: time.Second, status: 486} },
		},
		"to who doesn't answer": {
			to: "1002", told: []int{202, 180, 408}, after: "1001+caller;",
			prepare: func(l *lab) { l.phone.habits["1002"] = habit{} },
		},
		"to who is away": {to: "1003", told: []int{202, 486}, after: "1001+caller;"},
		"to a number that is busy": {
			to: "057187651001", told: []int{202, 486}, after: "1001+caller;",
			prepare: func(l *lab) { l.outsideAnswers(1, 486) },
		},
		"to nobody":               {to: "4711", told: []int{404}, after: "1001+caller;"},
		"to what he may not call": {to: "00441234567890", told: []int{404}, after: "1001+caller;"},
		"to himself":              {to: "1001", told: []int{404}, after: "1001+caller;"},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				if try.prepare != nil {
					try.prepare(l)
				}
				r := l.refers("1001", try.to, nil)
				time.Sleep(40 * time.Second)
				if got := r.statuses(); !slices.Equal(got, try.told) {
					t.Errorf("the phone was told %v, want %v", got, try.told)
				}
				if try.after == "" {
					l.saw("call.rerouted", "play")
				} else {
					l.arranged(try.after)
					l.phoneOfCaller(sipua.Hungup{Q850: 16})
				}
				l.over()
			})
		})
	}
}

// Most phones hang up as soon as their REFER is accepted.
func TestPhoneThatTransfersAndHangsUp(t *testing.T) {
	for name, try := range map[string]struct {
		status int
		after  string
	}{
		"answered": {200, "1002+caller;"},
		"busy":     {486, "; caller"}, // he waits again
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phone.habits["1002"] = habit{after: 2 * time.Second, status: try.status}
				l.refers("1001", "1002", nil)
				l.hangsUp("1001")
				l.forgetLines()
				time.Sleep(3 * time.Second)
				if try.status == 200 {
					l.arranged(try.after)
				} else {
					l.saw("call.offer_failed 1002", "call.queued human")
				}
				l.phoneOfCaller(sipua.Hungup{Q850: 16})
				l.over()
			})
		})
	}
}

func TestOnlyWhoServesTheCallMayTransferIt(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		r := &told{}
		l.phoneOfCaller(sipua.ReferredIn{Number: "057187651001", Reply: r.reply})
		if got := r.statuses(); !slices.Equal(got, []int{603}) {
			t.Errorf("the caller was told %v", got)
		}
		l.atWork("1002")
		l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
		time.Sleep(2 * time.Second)
		if got := l.refers("1002", "1003", nil).statuses(); !slices.Equal(got, []int{603}) {
			t.Errorf("who is asked was told %v", got)
		}
		l.never("call 1003")
		l.hangsUp("1001")
		l.hangsUp("1002")
		l.over()
	})
}

// The agent's phone holds the caller, calls a colleague, and joins the two.
func TestPhoneTransfersAttended(t *testing.T) {
	inLab(t, func(l *lab) {
		l.talking()
		l.atWork("1002")
		l.phoneOf("1001", l.held())
		second := l.callsFrom("1001", "1002")
		l.arranged("; caller")
		time.Sleep(2 * time.Second)
		l.saw("invite 1002 as 1001: +8613800138000 (standard)", "answer")
		l.arranged("1001/2+1002; caller")
		if got := l.refers("1001", "1002", naming("nobody", false)).statuses(); !slices.Equal(got, []int{481}) {
			t.Errorf("REFER to another's dialog: %v", got)
		}
		l.forgetLines()
		r := l.refers("1001", "1002", naming("caller", false))
		l.arranged("1002+caller;")
		if got := r.statuses(); !slices.Equal(got, []int{202, 200}) {
			t.Errorf("the phone was told %v", got)
		}
		l.saw("hang up caller", "hang up agent 1001") // its second line, its first one
		l.states("wrap_up talking signed_out")
		second.lands(t, 0)
		l.hangsUp("1002")
		l.over()
	})
}

// The transfer key while it still rings: whoever picks up has the caller.
func TestPhoneTransfersWhileItRings(t *testing.T) {
	for name, try := range map[string]struct {
		then func(p *phone)
		want int // the second line's final status
	}{
		"and waits":             {func(*phone) {}, 480},
		"and hangs up the line": {func(p *phone) { p.onCancel() }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phoneOf("1001", l.held())
				second := l.callsFrom("1001", "1002")
				// An early line has no dialog that a REFER could name: phones refer blind then.
				r := l.refers("1001", "1002", nil)
				try.then(second)
				time.Sleep(3 * time.Second)
				if got := r.statuses(); !slices.Equal(got, []int{202, 180, 200}) {
					t.Errorf("the phone was told %v", got)
				}
				l.arranged("1002+caller;")
				second.lands(t, try.want)
				l.hangsUp("1002")
				l.over()
			})
		})
	}
}

func TestSecondLineEnds(t *testing.T) {
	for name, try := range map[string]struct {
		status int // of 1002
		ends   func(l *lab, p *phone)
		want   int // the second line's final status
	}{
		"busy":         {status: 486, want: 486},
		"no answer":    {want: 480},
		"cancelled":    {ends: func(_ *lab, p *phone) { p.onCancel() }},
		"he hangs up":  {status: 200, ends: func(_ *lab, p *phone) { p.says(sipua.Hungup{Q850: 16}) }},
		"she hangs up": {status: 200, ends: func(l *lab, _ *phone) { l.hangsUp("1002") }},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.talking()
				l.atWork("1002")
				l.phone.habits["1002"] = habit{after: time.Second, status: try.status}
				if try.status == 0 {
					l.phone.habits["1002"] = habit{}
				}
				l.phoneOf("1001", l.held())
				p := l.callsFrom("1001", "1002")
				time.Sleep(2 * time.Second)
				if try.ends != nil {
					try.ends(l, p)
				}
				time.Sleep(40 * time.Second)
				p.lands(t, try.want)
				l.arranged("; caller") // the phone holds him still
				l.phoneOf("1001", l.reinvite(sdp.SendRecv, 3))
				l.arranged("1001+caller;")
				l.hangsUp("1001")
				l.over()
			})
		})
	}
}
