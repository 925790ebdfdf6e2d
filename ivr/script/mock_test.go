package script_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
)

func TestWorld(t *testing.T) {
	s := load(t, `flow: shop
mocks:
  - {match: GET /late, error: timeout}
  - {match: "*", status: 500}
tests:
  - name: t
    steps: [hang up]
    mocks:
      - match: GET /bills/*
        source: bss
        replies:
          - {reply: {month: 2026-10-01, total: "123.45", paid: false, n: 3, list: [1, a], none: null}, delay: 1s}
          - {status: 404}
          - {status: 401}
          - {status: 403}
          - {status: 410}
          - {status: 302}
          - {error: refused, delay: 2s}
      - {match: SQL SELECT x FROM y WHERE z = ?, reply: {x: 1.5}}
      - {match: NOTIFY sms bill, result: error}
      - {match: NOTIFY mail *, status: 503}
      - {match: AUTH strict, result: unknown}
      - {match: QUEUE vip, result: answers, delay: 20s}
      - {match: QUEUE shut, result: closed}
      - {match: PLACE, position: 3, wait_min: 2m, wait_max: 4m}
      - {match: CALLBACK full, result: full}
      - {match: TRANSFER bank, replies: [{result: busy, delay: 5s}, {result: answered}]}
`)
	w := s.World(flow(t, shopFile), &s.Tests[0])
	get := func(source, path string) ivr.Lookup {
		return ivr.Lookup{Source: source, Request: ivr.Request{Method: "GET", Path: path}}
	}
	bill := get("bss", "/bills/8812/latest")
	try := ivr.TryAuth{Policy: "pin", Key: "8812", Max: 2}
	tests := []struct {
		ask   ivr.Action
		want  ivr.Input
		after time.Duration
	}{
		{bill, ivr.LookedUp{
			Status: ivr.LookupOK,
			Body:   []byte(`{"list":[1,"a"],"month":"2026-10-01","n":3,"none":null,"paid":false,"total":"123.45"}`),
		}, time.Second},
		{bill, ivr.LookedUp{Status: ivr.LookupNotFound}, 0},
		{bill, ivr.LookedUp{Status: ivr.LookupRefused}, 0},
		{bill, ivr.LookedUp{Status: ivr.LookupRefused}, 0},
		{bill, ivr.LookedUp{Status: ivr.LookupNotFound}, 0},
		{bill, ivr.LookedUp{Status: ivr.LookupError, Err: "status 302"}, 0},
		{bill, ivr.LookedUp{Status: ivr.LookupError, Err: "refused"}, 2 * time.Second},
		{bill, ivr.LookedUp{Status: ivr.LookupError, Err: "refused"}, 2 * time.Second}, // the last is for ever
		{get("line", "/bills/1"), ivr.LookedUp{Status: ivr.LookupError, Err: "status 500"}, 0},
		{get("bss", "/late"), ivr.LookedUp{Status: ivr.LookupError, Err: "timeout"}, 2 * time.Second},
		{ivr.Lookup{Request: ivr.Request{Method: "SQL", Path: "SELECT x\n FROM y WHERE z = ?"}}, ivr.LookedUp{
			Status: ivr.LookupOK, Body: []byte(`{"x":1.5}`),
		}, 0},
		{ivr.Notify{Channel: "sms", Template: "bill"}, ivr.Notified{}, 0},
		{ivr.Notify{Channel: "sms", Template: "other"}, ivr.Notified{OK: true}, 0},
		{ivr.Notify{Channel: "mail", Template: "bill"}, ivr.Notified{}, 0},
		{try, ivr.Attempt{Result: ivr.AttemptAllowed}, 0},
		{ivr.AuthResult{Policy: "pin", Key: "8812", Result: ivr.AuthVoid}, nil, 0},
		{try, ivr.Attempt{Result: ivr.AttemptAllowed}, 0},
		{ivr.AuthResult{Policy: "pin", Key: "8812", Result: ivr.AuthFailed}, nil, 0},
		{try, ivr.Attempt{Result: ivr.AttemptAllowed}, 0},
		{try, ivr.Attempt{Result: ivr.AttemptLocked}, 0},
		{ivr.AuthResult{Policy: "pin", Key: "8812", Result: ivr.AuthPassed}, nil, 0},
		{try, ivr.Attempt{Result: ivr.AttemptAllowed}, 0},
		{ivr.TryAuth{Policy: "strict", Max: 5}, ivr.Attempt{Result: ivr.AttemptUnknown}, 0},
		{ivr.Enqueue{Queue: "vip"}, ivr.AgentConnected{}, 20 * time.Second},
		{ivr.Enqueue{Queue: "shut"}, ivr.QueueLeft{Cause: ivr.LeftClosed}, 0},
		{ivr.Enqueue{Queue: "other"}, nil, 0},
		{ivr.AskPlace{}, ivr.PlaceKnown{Position: 3, Wait: ivr.WaitRange{
			Known: true, Min: 2 * time.Minute, Max: 4 * time.Minute,
		}}, 0},
		{ivr.RequestCallback{Queue: "shop"}, ivr.CallbackAnswer{OK: true}, 0},
		{ivr.RequestCallback{Queue: "full"}, ivr.CallbackAnswer{Reason: "full"}, 0},
		{ivr.Transfer{To: "bank"}, ivr.Transferred{Result: ivr.TransferBusy}, 5 * time.Second},
		{ivr.Transfer{To: "bank"}, ivr.Transferred{Result: ivr.TransferAnswered}, 0},
		{ivr.Transfer{To: "other"}, ivr.Transferred{Result: ivr.TransferAnswered}, 0},
	}
	for i, test := range tests {
		if r, ok := test.ask.(ivr.AuthResult); ok {
			w.Tell(r)
			continue
		}
		got, after := w.Ask(test.ask)
		if d := cmp.Diff(test.want, got); d != "" || after != test.after {
			t.Errorf("question %d, %+v: after %v, want %v (-want +got):\n%s", i, test.ask, after, test.after, d)
		}
	}
}

// TestMissingMock wants a lookup without a mock to fail the test that made it.
func TestMissingMock(t *testing.T) {
	w := load(t, "flow: shop\ntests: [{name: t, steps: [hang up]}]\n").World(flow(t, shopFile), nil)
	asked := ""
	w.Missing = func(l ivr.Lookup) (ivr.LookedUp, time.Duration) {
		asked = fmt.Sprint(l.Request.Method, l.Request.Path)
		return ivr.LookedUp{Status: ivr.LookupNotFound}, time.Minute
	}
	got, after := w.Ask(ivr.Lookup{Request: ivr.Request{Method: "GET", Path: "/x"}})
	if asked != "GET/x" || after != time.Minute || !cmp.Equal(got, ivr.Input(ivr.LookedUp{Status: ivr.LookupNotFound})) {
		t.Errorf("asked %q, got %+v after %v", asked, got, after)
	}
}
