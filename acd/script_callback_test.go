package acd

import (
	"cmp"
	"fmt"
	"strconv"
)

// wall is what the clock on the wall shows at log time 0.
const wall = 1_700_000_000_000

// callbackEvent reads commands about call-backs, lockouts and the story.
func (x *script) callbackEvent() (Event, bool) {
	switch x.d.Cmd {
	case "callback":
		ev := CallbackRequested{
			Callback: x.arg("0"), Queue: x.arg("1"), Node: cmp.Or(x.arg("node"), "n1"), Number: x.arg("number"),
			Call: x.arg("for"), Tier: x.tier(x.arg("tier")), By: x.arg("by"),
			Customer: Customer{ID: x.arg("customer"), Tier: x.tier(x.arg("tier"))},
		}
		if at := x.arg("after"); at != "" {
			ev.NotBefore = wall + x.now + x.ms(at)
		}
		if at := x.arg("until"); at != "" {
			ev.NotAfter = wall + x.now + x.ms(at)
		}
		return ev, true
	case "reached":
		return CallbackReached{Offer: x.offer(x.arg("0")), Trunk: "demo", SIPCallID: "out", Leg: []byte(x.arg("leg"))}, true
	case "missed":
		ev := CallbackMissed{Offer: x.offer(x.arg("0")), Outcome: named[Outcome](x, x.arg("1"))}
		if sip := x.arg("sip"); sip != "" {
			ev.SIP = int(x.number(sip))
		}
		return ev, true
	case "cancel":
		return CallbackCancelled{Callback: x.arg("0"), By: "lead", Cause: x.arg("cause")}, true
	case "try":
		return AuthTried{
			Policy: "pin", Key: x.arg("0"), Max: int(x.number(cmp.Or(x.arg("max"), "3"))),
			Window: cmp.Or(x.ms(x.arg("window")), 3_600_000),
		}, true
	case "tried":
		outcome := map[string]AuthOutcome{"passed": AuthPassed, "failed": AuthFailed, "void": AuthVoid}
		return AuthEnded{Policy: "pin", Key: x.arg("0"), Outcome: outcome[x.arg("1")]}, true
	case "unlock":
		return AuthCleared{Policy: "pin", Key: x.arg("0"), By: "lead"}, true
	case "survey":
		return CallSurveyed{Call: x.arg("0"), Question: x.arg("1"), Value: x.arg("2")}, true
	case "recorded":
		return CallRecorded{Call: x.arg("0"), Ref: x.arg("1"), LengthMS: x.ms(x.arg("2")), Kind: "message"}, true
	case "marked":
		return RecordingMarked{Call: x.arg("0"), Ref: x.arg("1"), Mark: x.arg("2"), AtMS: x.ms(x.arg("3")), By: x.arg("by")}, true
	case "used":
		return RecordingUsed{Ref: x.arg("0"), Use: x.arg("1"), By: x.arg("by")}, true
	case "transferred":
		return CallTransferred{Call: x.arg("0"), To: x.arg("1"), Result: x.arg("2")}, true
	}
	return nil, false
}

func (x *script) showCallbacks() {
	for _, b := range x.s.Callbacks() {
		fmt.Fprintf(&x.out, "%s %s %s %s key=%d attempts=%d/%d expires=%d", b.ID, b.Phase, b.Queue, b.Number,
			b.Key.Deadline, b.Attempts, b.Most, b.Expires)
		for _, w := range []struct{ key, value string }{
			{"due=", strconv.FormatInt(b.Due, 10)},
			{"last=", b.Last},
			{"agent=", b.Agent},
			{"for=", b.Origin},
			{"by=", b.By},
			{": ", b.Why},
		} {
			if w.value != "" && w.value != "0" {
				fmt.Fprintf(&x.out, " %s%s", w.key, w.value)
			}
		}
		x.out.WriteByte('\n')
	}
}

func (x *script) showLockouts() {
	for _, l := range x.s.Lockouts() {
		fmt.Fprintf(&x.out, "%s %s failures=%d locked=%t until=%d\n", l.Policy, l.Key, l.Failures, l.Locked, l.Until)
	}
}

// callback tells what an agent learns of a call-back when his phone rings.
func (c *CallbackCall) String() string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf(" to call %s back, attempt %d, within %d ms", c.Number, c.Attempt, c.For)
}
