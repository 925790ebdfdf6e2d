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
	r, err := Apply(x.s, Entry{Index: x.index, At: x.now, Wall: 1_700_000_000_000 + x.now, Event: ev})
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
		if ring, ok := e.(RingAgent); ok {
			x.offers[ring.Call] = append(x.offers[ring.Call], ring.Offer)
		}
		fmt.Fprintf(&x.out, "%s -> %s\n", x.clock(), order(e))
	}
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		fmt.Fprintf(&x.out, "%s refused: %s\n", x.clock(), refused.Reason)
	}
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

// story writes a fact in a line: what identifies it first, then the rest.
func story(f Fact) string {
	b := []byte(f.Kind)
	add := func(key, value string) {
		if value != "" && value != "0" {
			b = append(b, " "+key+value...)
		}
	}
	add("", f.Call)
	add("", f.Agent)
	if f.Kind == FactAgentState {
		add("", f.Previous)
		add("→ ", f.State)
	} else {
		add("→ ", f.State)
	}
	add("#", strconv.FormatUint(f.Offer, 10))
	add("queue=", f.Queue)
	add("contact=", f.Contact)
	add("generation=", strconv.FormatUint(f.Generation, 10))
	add("step=", f.Step)
	if f.Kind != FactCallOffered {
		add("reason=", strings.ReplaceAll(f.Reason, " ", "_"))
	}
	add("cause=", f.Cause)
	add("by=", f.By)
	add("sip=", strconv.Itoa(f.SIP))
	add("wait=", strconv.FormatInt(f.WaitMS, 10))
	add("talk=", strconv.FormatInt(f.TalkMS, 10))
	add("until=", strconv.FormatInt(f.Until, 10))
	if f.Abandoned {
		add("", "abandoned")
	}
	return string(b)
}

func order(e Effect) string {
	switch e := e.(type) {
	case RingAgent:
		var to []string
		for _, c := range e.Contacts {
			to = append(to, c.Contact)
		}
		return fmt.Sprintf("ring %s for %s #%d at %s for %d ms", e.Agent, e.Call, e.Offer, strings.Join(to, ","), e.For)
	case StopRinging:
		return fmt.Sprintf("stop ringing %s for %s #%d: %s", e.Agent, e.Call, e.Offer, e.Outcome)
	case ConnectAgent:
		return fmt.Sprintf("connect %s to %s #%d", e.Agent, e.Call, e.Offer)
	case LeaveQueue:
		return fmt.Sprintf("%s leaves its queue: %s", e.Call, e.Cause)
	case ReleaseAgent:
		return fmt.Sprintf("release %s from %s #%d", e.Agent, e.Call, e.Offer)
	case GenerationChanged:
		return fmt.Sprintf("generation is %d", e.Generation)
	}
	return fmt.Sprintf("%T", e)
}

func (x *script) run() {
	switch x.d.Cmd {
	case "wait":
		x.wait(x.now + x.ms(x.arg("0")))
		return
	case "agents", "calls", "queues", "generations":
		x.show()
		return
	case "enqueue": // arrives as well
		id := x.arg("0")
		if _, known := x.s.Call(id); !known {
			x.arrive(true)
		}
		x.apply(CallQueued{
			Call: id, Queue: x.arg("1"), Tier: x.tier(x.arg("tier")), Requirement: strings.TrimSpace(x.d.Input),
			MaxWait: x.ms(x.arg("max_wait")),
		}, false)
	case "arrive":
		x.arrive(false)
	case "skip": // log indexes that belong to somebody else
		x.index += x.number(x.arg("0"))
	default:
		x.apply(x.event(), false)
	}
	x.settle()
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
		Customer: Customer{Tier: x.tier(x.arg("tier"))},
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
		}
	case "step":
		return CallStepped{Call: x.arg("0"), Step: x.arg("1")}
	case "left":
		return QueueLeft{Call: x.arg("0"), Cause: named[LeaveCause](x, x.arg("1"))}
	case "offer":
		return CallOffered{Call: x.arg("0"), Agent: x.arg("1")}
	case "rang":
		return OfferRang{Offer: x.offer(x.arg("0"))}
	case "answer":
		return OfferAnswered{Offer: x.offer(x.arg("0"))}
	case "fail":
		ev := OfferFailed{Offer: x.offer(x.arg("0")), Outcome: named[Outcome](x, x.arg("1"))}
		if sip := x.arg("sip"); sip != "" {
			ev.SIP = int(x.number(sip))
		}
		return ev
	case "release":
		return AgentReleased{Offer: x.offer(x.arg("0")), By: named[Side](x, x.arg("1"))}
	case "end":
		return CallEnded{Call: x.arg("0"), Cause: "normal", By: named[Side](x, x.arg("1"))}
	case "restart":
		return NodeRestarted{Node: x.arg("0")}
	}
	x.d.Fatalf(x.t, "unknown command")
	return nil
}

// config reads lines of "tier NAME HEADSTART", "queue NAME key=value…" and
// "agent ID key=value…"; require= takes the rest of the line.
func (x *script) config() Event {
	var c Config
	for text := range strings.Lines(x.d.Input) {
		line, require, _ := strings.Cut(strings.TrimSpace(text), " require=")
		f := strings.Fields(line)
		kv := map[string]string{}
		for _, w := range f[2:] {
			k, v, _ := strings.Cut(w, "=")
			kv[k] = v
		}
		n := func(key string) int { v, _ := strconv.Atoi(kv[key]); return v }
		switch f[0] {
		case "tier":
			c.HeadStart[x.tier(f[1])] = x.ms(f[2])
		case "queue":
			c.Queues = append(c.Queues, QueueConfig{
				Name: f[1], Requirement: require, RingTime: x.ms(kv["ring"]), WrapUp: x.ms(kv["wrap_up"]),
				MaxWait: x.ms(kv["max_wait"]), MaxLength: n("max_length"), ReofferAfter: x.ms(kv["reoffer"]),
				Fit: map[string]Fit{"": FitNone, "most": FitMost, "least": FitLeast}[kv["fit"]],
			})
		case "agent":
			a := AgentConfig{
				ID: f[1], Name: f[1], MaxMisses: n("misses"), BackOff: x.ms(kv["back_off"]), Contact: kv["contact"],
			}
			_, a.SignedIn = kv["signed_in"]
			for _, s := range strings.FieldsFunc(kv["skills"], func(r rune) bool { return r == ',' }) {
				name, level, _ := strings.Cut(s, ":")
				l, _ := strconv.Atoi(level)
				a.Skills = append(a.Skills, routing.SkillLevel{Skill: routing.Skill(name), Level: routing.Level(l)})
			}
			c.Agents = append(c.Agents, a)
		default:
			x.d.Fatalf(x.t, "unknown line %q", line)
		}
	}
	return ConfigPublished{Hash: "h", By: "test", Bundle: []byte(x.d.Input), Config: c}
}

func (x *script) show() {
	switch x.d.Cmd {
	case "agents":
		for _, a := range x.s.Agents() {
			fmt.Fprintf(&x.out, "%s %s", a.ID, a.State)
			for _, w := range []struct{ key, value string }{
				{"reason=", a.Reason},
				{"", a.Call},
				{"next=", a.Next.String()},
				{"next_reason=", a.NextReason},
				{"misses=", strconv.Itoa(a.Misses)},
				{"until=", strconv.FormatInt(a.Until, 10)},
				{"back_off=", strconv.FormatInt(a.BackOff, 10)},
				{"ready_since=", strconv.FormatInt(a.ReadySince, 10)},
			} {
				if w.value != "" && w.value != "0" {
					fmt.Fprintf(&x.out, " %s%s", w.key, w.value)
				}
			}
			x.out.WriteByte('\n')
		}
	case "calls":
		for _, c := range x.s.Calls() {
			fmt.Fprintf(&x.out, "%s %s %s", c.ID, c.Phase, c.Queue)
			if c.Key != nil {
				fmt.Fprintf(&x.out, " key=%d", c.Key.Deadline)
			}
			if c.Why != "" {
				fmt.Fprintf(&x.out, ": %s", c.Why)
			}
			x.out.WriteByte('\n')
		}
	case "queues":
		for _, q := range x.s.Queues() {
			fmt.Fprintf(&x.out, "%s waiting=%d by_tier=%v longest=%d agents=%+v\n", q.Name, q.Waiting, q.ByTier, q.LongestMS, q.Agents)
		}
	case "generations":
		for _, g := range slices.Backward(x.s.Generations()) {
			fmt.Fprintf(&x.out, "%d\n", g.Generation)
		}
	}
}
