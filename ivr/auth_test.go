package ivr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAuthenticate(t *testing.T) {
	start := func(t *testing.T, c Caller) *run {
		r := beginAll(t, c)
		r.press("2")
		r.hear()
		return r
	}
	try := func(r *run, pin string, status LookupStatus) {
		r.t.Helper()
		r.press(pin)
		r.give(Attempt{asked[TryAuth](r).ID, AttemptAllowed})
		r.give(LookedUp{ID: asked[Lookup](r).ID, Status: status})
		r.hear()
	}
	t.Run("passes", func(t *testing.T) {
		r := start(t, known())
		r.press("271828")
		a := asked[TryAuth](r)
		if diff := cmp.Diff(TryAuth{a.ID, "pin", "8812", 5, 24 * time.Hour}, a); diff != "" {
			t.Error(diff)
		}
		r.give(Attempt{a.ID, AttemptAllowed})
		l := asked[Lookup](r)
		if diff := cmp.Diff([]Field{{"account", "8812"}, {"pin", "271828"}}, l.Request.Body); diff != "" || !l.Request.Secret {
			t.Error(diff)
		}
		if r.s.st.Auth.Account != "" {
			t.Error("believed before the answer")
		}
		r.give(LookedUp{ID: l.ID, Status: LookupOK})
		r.at("sql") // no number: nothing to ask for
		if !r.has(AuthResult{"pin", "8812", AuthPassed}) || r.s.st.Auth.Account != "8812" {
			t.Error("not passed")
		}
	})
	t.Run("wrong three times", func(t *testing.T) {
		r := start(t, known())
		for range 3 {
			r.at("who")
			try(r, "000000", LookupRefused)
		}
		r.at("line")
		if !r.has(AuthResult{"pin", "8812", AuthFailed}) || !strings.HasSuffix(r.way(), "failed-> line") {
			t.Error(r.way())
		}
	})
	t.Run("unknown caller enters both, and both again", func(t *testing.T) {
		r := start(t, Caller{})
		r.press("1234#")
		r.hear()
		try(r, "000000", LookupNotFound)
		r.press("12345678")
		r.hear()
		try(r, "271828", LookupOK)
		if r.s.st.Auth.Account != "12345678" {
			t.Errorf("account %q", r.s.st.Auth.Account)
		}
	})
	for result, outcome := range map[AttemptResult]string{AttemptLocked: "locked", AttemptUnknown: "error", 0: "error"} {
		r := start(t, known())
		r.press("271828")
		r.give(Attempt{asked[TryAuth](r).ID, result})
		if r.at("line"); !strings.HasSuffix(r.way(), outcome+"-> line") {
			t.Errorf("%d: %s", result, r.way())
		}
	}
	t.Run("no answer is no try", func(t *testing.T) {
		r := start(t, known())
		try(r, "271828", LookupError)
		if r.at("line"); !r.has(AuthResult{"pin", "8812", AuthVoid}) {
			t.Error("the try counts")
		}
	})
	t.Run("silence", func(t *testing.T) {
		r := start(t, known())
		for range 3 {
			r.pass(5 * time.Second)
			r.hear()
		}
		r.at("line")
	})
	t.Run("hang-up before the answer stays a failure", func(t *testing.T) {
		r := start(t, known())
		r.press("271828")
		r.give(Attempt{asked[TryAuth](r).ID, AttemptAllowed})
		r.give(HungUp{})
		if !r.has(AuthResult{"pin", "8812", AuthFailed}) {
			t.Error("hanging up is free")
		}
	})
}

func TestFailedCheckTakesAway(t *testing.T) {
	r := beginAll(t, known())
	r.s.st.Auth = authState{Account: "8812", Policies: []string{"all/pin"}}
	r.press("2")
	r.at("sql") // straight through
	r.s.goTo("", "again")
	r.do(r.s.step(r.now, func() { r.s.goTo("", "again") }))
	r.hear()
	for range 3 {
		r.press("000000")
		r.give(Attempt{asked[TryAuth](r).ID, AttemptAllowed})
		for _, a := range r.pending {
			if l, ok := a.(Lookup); ok {
				r.give(LookedUp{ID: l.ID, Status: LookupRefused})
			}
		}
		r.hear()
	}
	r.at("line")
	if r.s.st.Auth.Account != "" {
		t.Error("still believed")
	}
}

func TestNotify(t *testing.T) {
	for ok, node := range map[bool]string{true: "main", false: "line"} {
		r := beginAll(t, known())
		r.do(r.s.step(r.now, func() { r.s.goTo("", "send") }))
		n := asked[Notify](r)
		want := Notify{ID: n.ID, Channel: "sms", To: "13800138000", Template: "bill", Language: "zh", Data: []Field{{"number", ""}, {"total", 0}}}
		if diff := cmp.Diff(want, n); diff != "" {
			t.Error(diff)
		}
		r.give(Notified{n.ID, ok})
		r.at(node)
	}
	r := beginAll(t, Caller{})
	r.do(r.s.step(r.now, func() { r.s.goTo("", "send") }))
	r.at("line") // nobody to send it to
}
