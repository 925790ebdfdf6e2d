package acd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tierline/routing"
)

// TestScripts runs the scenarios in testdata/acd. After a wanted change of
// behaviour: go test ./acd -rewrite, then read the diff line by line.
//
// A script begins with a config. Log indexes count from 1; an offer is named by
// its call, or by call/1, call/2, … if it is an earlier one. After every command the leader decides until there is
// nothing to decide. Every state met on the way must be free of contradictions
// and survive a snapshot.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "../testdata/acd", func(t *testing.T, path string) {
		x := &script{t: t, s: NewState(), offers: map[string][]uint64{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			x.t, x.d = t, d
			x.out.Reset()
			x.run()
			if x.out.Len() == 0 {
				return "ok\n"
			}
			return x.out.String()
		})
	})
}

type script struct {
	t     *testing.T
	d     *datadriven.TestData
	s     *State
	now   int64
	index uint64
	out   strings.Builder

	offers map[string][]uint64 // by call, in the order they were made
}

// arg returns the value of key=value, or the n-th plain argument if key is a
// number.
func (x *script) arg(key string) string {
	if n, err := strconv.Atoi(key); err == nil {
		for _, a := range x.d.CmdArgs {
			if len(a.Vals) > 0 {
				continue
			}
			if n == 0 {
				return a.Key
			}
			n--
		}
		x.d.Fatalf(x.t, "argument %s is missing", key)
	}
	for _, a := range x.d.CmdArgs {
		if a.Key == key && len(a.Vals) == 1 {
			return a.Vals[0]
		}
	}
	return ""
}

func (x *script) ms(text string) int64 {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		x.d.Fatalf(x.t, "%v", err)
	}
	return d.Milliseconds()
}

// offer returns the number of a call's latest offer ("c1"), an earlier one
// ("c1/1" is the first), or one that never was ("#99").
func (x *script) offer(text string) uint64 {
	if n, ok := strings.CutPrefix(text, "#"); ok {
		return x.number(n)
	}
	call, nth, earlier := strings.Cut(text, "/")
	i := len(x.offers[call])
	if earlier {
		i = int(x.number(nth))
	}
	if i < 1 || i > len(x.offers[call]) {
		x.d.Fatalf(x.t, "call %s has had %d offers", call, len(x.offers[call]))
	}
	return x.offers[call][i-1]
}

func (x *script) number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		x.d.Fatalf(x.t, "%v", err)
	}
	return n
}

func (x *script) tier(text string) routing.Tier {
	if text == "" {
		return routing.Standard
	}
	tier, err := routing.ParseTier(text)
	if err != nil {
		x.d.Fatalf(x.t, "%v", err)
	}
	return tier
}

func named[T interface {
	~uint8
	String() string
}](x *script, text string,
) T {
	for v := T(1); v < 10; v++ {
		if v.String() == text {
			return v
		}
	}
	x.d.Fatalf(x.t, "unknown word %q", text)
	return 0
}

func (x *script) apply(ev Event, quiet bool) {
	x.index++
	r, err := Apply(x.s, Entry{Index: x.index, At: x.now, Wall: wall + x.now, Event: ev})
	if fault := x.s.Check(); fault != nil {
		x.d.Fatalf(x.t, "%T: %v", ev, fault)
	}
	again := reload(x.t, x.s)
	if again.Hash() != x.s.Hash() {
		x.d.Fatalf(x.t, "%T: the snapshot is another state", ev)
	}
	x.s = again
	if quiet && err == nil {
		return
	}
	for _, f := range r.Facts {
		fmt.Fprintf(&x.out, "%s %s\n", x.clock(), story(f))
	}
	for _, e := range r.Effects {
		if ring, ok := e.(RingAgent); ok && !slices.Contains(x.offers[ring.Call], ring.Offer) {
			x.offers[ring.Call] = append(x.offers[ring.Call], ring.Offer)
		}
		fmt.Fprintf(&x.out, "%s -> %s\n", x.clock(), order(e))
	}
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		fmt.Fprintf(&x.out, "%s refused: %s\n", x.clock(), strings.TrimPrefix(refused.Code+": "+refused.Reason, ": "))
	}
}

// words splits a list at commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func (x *script) clock() string { return (time.Duration(x.now) * time.Millisecond).String() }

func (x *script) settle() {
	for range 1000 {
		evs := Decide(x.s, x.now)
		if len(evs) == 0 {
			return
		}
		for _, ev := range evs {
			x.apply(ev, false)
		}
	}
	x.d.Fatalf(x.t, "the leader never stops deciding")
}

func (x *script) run() {
	switch x.d.Cmd {
	case "wait":
		x.wait(x.now + x.ms(x.arg("0")))
		return
	case "agents", "calls", "queues", "generations", "callbacks", "lockouts", "members":
		x.show()
		return
	case "places":
		x.places()
		return
	case "legs":
		x.legs()
		return
	case "explain", "suppose":
		x.explain()
		return
	case "enqueue": // arrives as well
		id := x.arg("0")
		if _, known := x.s.Call(id); !known {
			x.arrive(true)
		}
		x.apply(x.queued(), false)
	case "arrive":
		x.arrive(false)
	case "skip": // log indexes that belong to somebody else
		x.index += x.number(x.arg("0"))
	default:
		x.apply(x.event(), false)
	}
	x.settle()
}

func (x *script) queued() CallQueued {
	return CallQueued{
		Call: x.arg("0"), Queue: x.arg("1"), Tier: x.tier(x.arg("tier")), Requirement: strings.TrimSpace(x.d.Input),
		MaxWait: x.ms(x.arg("max_wait")), Preferred: x.arg("preferred"), PreferredFor: x.ms(x.arg("kept")),
		PreferLast: x.arg("prefer_last") != "", Refused: x.refused(),
		Keep: x.arg("keep") != "", Credit: x.ms(x.arg("credit")),
	}
}

// refused is why the owner of the call doesn't let it in.
func (x *script) refused() LeaveCause {
	if text := x.arg("refused"); text != "" {
		return named[LeaveCause](x, text)
	}
	return 0
}

func (x *script) wait(until int64) {
	for {
		due, ok := x.s.NextDue()
		if !ok || due > until {
			break
		}
		x.now = due
		x.settle()
	}
	x.now = until
	x.settle()
}

func (x *script) arrive(quiet bool) {
	ev := CallArrived{
		Call: x.arg("0"), Node: "n1", Trunk: "demo", From: "13800138000", To: "10000", Flow: "f",
		Customer: Customer{ID: x.arg("customer"), Tier: x.tier(x.arg("tier"))},
	}
	if from := x.arg("from"); from != "" {
		ev.From = from
	}
	if leg := x.arg("leg"); leg != "" {
		ev.Leg = []byte(leg)
	}
	if n := x.arg("node"); n != "" {
		ev.Node = n
	}
	if g := x.arg("generation"); g != "" {
		ev.Generation = x.number(g)
	}
	x.apply(ev, quiet)
}

func (x *script) event() Event {
	switch x.d.Cmd {
	case "config":
		return x.config()
	case "register":
		seq := uint64(1)
		if q := x.arg("cseq"); q != "" {
			seq = x.number(q)
		}
		ttl := x.ms(x.arg("for"))
		if ttl == 0 {
			ttl = 3_600_000
		}
		return PhoneRegistered{Agent: x.arg("0"), TTL: ttl, Binding: Binding{
			Contact: "sip:" + x.arg("1"), CallID: x.arg("call_id"), CSeq: uint32(seq), Node: "n1",
			Transport: x.arg("by"), Received: x.arg("from"),
		}}
	case "unregister":
		contact := "*"
		if x.arg("1") != "all" {
			contact = "sip:" + x.arg("1")
		}
		return PhoneUnregistered{Agent: x.arg("0"), Contact: contact}
	case "command":
		return AgentCommanded{
			Agent: x.arg("0"), Command: named[AgentCommand](x, x.arg("1")), Reason: x.arg("reason"), By: x.arg("0"),
			For: x.ms(x.arg("for")),
		}
	case "dispose":
		return AgentDisposed{Agent: x.arg("0"), Call: x.arg("1"), Code: x.arg("2"), By: x.arg("0")}
	case "step":
		return CallStepped{Call: x.arg("0"), Step: x.arg("1")}
	case "move":
		band, _ := strconv.ParseInt(x.arg("1"), 10, 64)
		return CallMoved{Call: x.arg("0"), Band: band, By: "lead"}
	case "left":
		return QueueLeft{Call: x.arg("0"), Cause: named[LeaveCause](x, x.arg("1"))}
	case "offer":
		return CallOffered{Call: x.arg("0"), Agent: x.arg("1"), More: words(x.arg("more"))}
	case "rang":
		return OfferRang{Offer: x.offer(x.arg("0")), Agent: x.arg("agent")}
	case "answer":
		return OfferAnswered{Offer: x.offer(x.arg("0")), Agent: x.arg("agent"), Leg: []byte(x.arg("leg"))}
	case "fail":
		ev := OfferFailed{Offer: x.offer(x.arg("0")), Agent: x.arg("agent"), Outcome: named[Outcome](x, x.arg("1"))}
		if sip := x.arg("sip"); sip != "" {
			ev.SIP = int(x.number(sip))
		}
		return ev
	case "release":
		return AgentReleased{Offer: x.offer(x.arg("0")), By: named[Side](x, x.arg("1")), Lost: x.arg("lost") != ""}
	case "end":
		return CallEnded{Call: x.arg("0"), Cause: "normal", By: named[Side](x, x.arg("1"))}
	case "restart":
		return NodeRestarted{Node: x.arg("0"), Resume: x.arg("resume") != ""}
	}
	if ev, ok := x.nodeEvent(); ok {
		return ev
	}
	if ev, ok := x.callbackEvent(); ok {
		return ev
	}
	if ev, ok := x.sideEvent(); ok {
		return ev
	}
	x.d.Fatalf(x.t, "unknown command")
	return nil
}

func (x *script) nodeEvent() (Event, bool) {
	switch x.d.Cmd {
	case "down":
		return NodeDown{Node: x.arg("0"), Heir: x.arg("heir"), Away: x.arg("away") != ""}, true
	case "back":
		return NodeReady{Node: x.arg("0"), Listen: words(x.arg("listen"))}, true
	case "address":
		return AddressMoved{Home: x.arg("0"), From: x.arg("from"), To: x.arg("to"), Away: x.arg("away") != ""}, true
	case "leg":
		ev := LegChanged{Call: x.arg("0"), Name: x.arg("name"), About: []byte(x.arg("about"))}
		if x.arg("over") == "" {
			ev.Leg = []byte(x.arg("1"))
		}
		if of := x.arg("of"); of != "" {
			ev.Offer = x.offer(of)
		}
		return ev, true
	}
	return nil, false
}
