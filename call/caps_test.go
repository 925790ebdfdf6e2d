package call

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/routing/trunk"
)

// Callers of a trunk that is full hear busy, if its carrier wants it so; calls
// outward have limits of their own.
func TestEachDirectionOfATrunkHasItsLimits(t *testing.T) {
	inLab(t, func(l *lab) {
		first := l.from("192.0.2.80:5060", Invite{Number: "10000"})
		time.Sleep(time.Second)
		second := l.from("192.0.2.80:5060", Invite{Number: "10000"})
		if first.refused != 0 || second.refused != 486 || second.retry < 2 || second.retry > 10 {
			t.Errorf("refused with %d and %d (again in %d s)", first.refused, second.refused, second.retry)
		}
		capped, _ := l.sw.cfg.Services.Current().Trunks.Trunk("capped")
		release, err := l.sw.admitOutward(capped, false)
		if err != nil {
			t.Fatal("outward:", err)
		}
		_, err = l.sw.admitOutward(capped, false)
		full, ok := errors.AsType[*fullError](err)
		if !ok || full.limit != trunk.RateLimit {
			t.Errorf("another one in the same second: %v", err)
		}
		urgent, err := l.sw.admitOutward(capped, true)
		if err != nil {
			t.Error("an urgent one was held up:", err)
		}
		v := l.line("capped")
		if v.In != 1 || v.Out != 2 || v.LastError != "caller refused: 486 trunk_full" {
			t.Errorf("%d in, %d out, %q", v.In, v.Out, v.LastError)
		}
		if d := cmp.Diff(map[string]uint64{"trunk_full": 1}, v.Refused); d != "" {
			t.Errorf("refused (-want +got):\n%s", d)
		}
		release()
		urgent()
		first.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// What other nodes have counts, whether it is known before a call is written
// into the log or only there.
func TestLimitsHoldForAllNodes(t *testing.T) {
	inLab(t, func(l *lab) {
		gen := l.sw.cfg.Services.Current()
		capped, _ := gen.Trunks.Trunk("capped")
		elsewhere := acd.CallArrived{Call: "x", Node: "n9", Trunk: "capped", Generation: gen.Number, Caps: capsOf(capped, false)}
		l.log.Post(elsewhere)
		if known := l.from("192.0.2.80:5060", Invite{Number: "10000"}); known.refused != 486 {
			t.Errorf("known before: %d", known.refused)
		}
		l.log.Post(acd.CallEnded{Call: "x"})
		time.Sleep(time.Second)
		l.log.lose(acd.CallArrived{}, 500*time.Millisecond)
		time.AfterFunc(100*time.Millisecond, func() {
			l.log.mu.Lock()
			defer l.log.mu.Unlock()
			_, _, _ = l.log.apply(elsewhere)
		})
		late := l.from("192.0.2.80:5060", Invite{Number: "10000"})
		time.Sleep(time.Second)
		synctest.Wait()
		if late.refused != 486 || l.line("capped").In != 0 {
			t.Errorf("known to the log only: %d, %d in", late.refused, l.line("capped").In)
		}
		for i := range gen.Dialling("1001").Calls {
			l.log.Post(acd.OutwardTaken{Place: fmt.Sprint(i), Node: "n9", Caps: gen.capsOfAgent("1001")})
		}
		if _, err := l.sw.admitAgent(gen, "1001", false); !errors.Is(err, errAgentFull) {
			t.Errorf("calls of an agent at another node: %v", err)
		}
		if _, err := l.sw.admitAgent(gen, "1001", true); err != nil {
			t.Errorf("urgent: %v", err)
		}
		l.log.Post(acd.CallEnded{Call: "x"})
	})
}

// A branch office's PBX may not call in as somebody else.
func TestCallerWithANumberThatIsNotTheTrunksIsTakenAsWithheld(t *testing.T) {
	inLab(t, func(l *lab) {
		ours := l.from("192.0.2.80:5060", Invite{Number: "10000"}) // 13800138000
		time.Sleep(time.Second)
		if got := l.calls()[0].From; got != "+8613800138000" {
			t.Errorf("caller %q", got)
		}
		ours.hangUp()
		time.Sleep(time.Second)
		c := &caller{lab: l}
		in := Invite{Invitation: c, CallID: "x", From: "+8657187650001", Number: "10000", Offer: remoteSDP(30000)}
		in.Source = netip.MustParseAddrPort("192.0.2.80:5060")
		go l.sw.Invite(in)
		time.Sleep(time.Second)
		if got := l.calls()[0].From; got != "" || l.line("capped").Screened != 1 {
			t.Errorf("caller %q, %d screened", got, l.line("capped").Screened)
		}
		c.hangUp()
	})
}

// The documents say how numbers are written outward, and which are shown.
func TestCallOutwardIsWrittenAsTheCarrierWants(t *testing.T) {
	for wished, want := range map[string]string{
		"":               "call sip:90893123456@192.0.2.80;transport=udp as sip:+8657187650000@ims.example.net",
		"+8657187650123": "call sip:90893123456@192.0.2.80;transport=udp as sip:+8657187650123@ims.example.net",
		"+8613800138000": "call sip:90893123456@192.0.2.80;transport=udp as sip:+8657187650000@ims.example.net",
	} {
		inLab(t, func(l *lab) {
			c := l.dial("10000", "13800138000")
			time.Sleep(time.Second)
			call := l.only()
			done := make(chan error, 1)
			l.sw.find(call, 0).later(func() {
				f := &far{limit: time.Now().Add(time.Minute)}
				done <- l.sw.find(call, 0).callOut(l.sw.root, "", "+86893123456", wished, f)
			})
			if err := <-done; err != nil {
				t.Error(err)
			}
			l.saw(want)
			c.hangUp()
		})
	}
}

// A stolen phone costs no more than an agent may call; but it may call for
// help.
func TestAgentsCallOutwardHasLimits(t *testing.T) {
	inLab(t, func(l *lab) {
		gen := l.sw.cfg.Services.Current()
		var free []func()
		for i := range 9 {
			f, err := l.sw.admitAgent(gen, "1001", false)
			if (err == nil) != (i < 8) {
				t.Errorf("call %d: %v", i+1, err)
			}
			free = append(free, f)
		}
		if _, err := l.sw.admitAgent(gen, "1001", true); err != nil {
			t.Error("urgent:", err)
		}
		if _, err := l.sw.admitAgent(gen, "1002", false); err != nil {
			t.Error("another agent:", err)
		}
		free[0]()
		if _, err := l.sw.admitAgent(gen, "1001", false); err != nil {
			t.Error("after one has ended:", err)
		}
		if _, err := l.sw.admitAgent(gen, "1003", false); err != nil {
			t.Error("with limits of his own:", err)
		}
		if _, err := l.sw.admitAgent(gen, "1003", false); err == nil || err.Error() != "the agent's calls outward are at a limit: hour" {
			t.Error("with limits of his own:", err)
		}
	})
}

// Thieves call abroad: the first such call for a day is told.
func TestFirstCallAbroadForADayIsTold(t *testing.T) {
	inLab(t, func(l *lab) {
		carrier, _ := l.sw.cfg.Services.Current().Trunks.Trunk("carrier")
		for _, number := range []string{"+8613800138000", "10010", "+14155550100", "+442079460000"} {
			l.sw.notesAbroad(carrier, number, "1001")
		}
		time.Sleep(23 * time.Hour)
		l.sw.notesAbroad(carrier, "+14155550100", "")
		if n := strings.Count(l.said.String(), "first call abroad"); n != 1 || l.line("carrier").Abroad != 3 {
			t.Errorf("told %d times, %d calls", n, l.line("carrier").Abroad)
		}
		time.Sleep(24 * time.Hour)
		l.sw.notesAbroad(carrier, "+14155550100", "")
		if n := strings.Count(l.said.String(), "first call abroad"); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}
