package acd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
	add("role=", f.Role)
	add("mode=", f.Mode)
	add("supervised=", f.Supervised)
	add("direction=", f.Direction)
	if f.Kind == FactCallHandedOver {
		add("from=", f.Previous)
	}
	add("cause=", f.Cause)
	add("by=", f.By)
	add("sip=", strconv.Itoa(f.SIP))
	add("wait=", strconv.FormatInt(f.WaitMS, 10))
	add("talk=", strconv.FormatInt(f.TalkMS, 10))
	add("until=", strconv.FormatInt(f.Until, 10))
	add("return=", strconv.FormatInt(f.ReturnAt, 10))
	add("credit=", strconv.FormatInt(f.CreditMS, 10))
	add("band=", strconv.FormatInt(f.Band, 10))
	add("attempt=", strconv.Itoa(f.Attempt))
	add("origin=", f.Origin)
	if f.Kind == FactCallbackRequested {
		add("to=", f.To)
	}
	add("question=", f.Question)
	add("value=", f.Value)
	add("ref=", f.Ref)
	add("length=", strconv.FormatInt(f.LengthMS, 10))
	add("at=", strconv.FormatInt(f.AtMS, 10))
	add("account=", f.Account)
	add("outcome=", f.Outcome)
	if f.Refused {
		add("", "refused")
	}
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
		return fmt.Sprintf("ring %s for %s #%d at %s for %d ms%s", e.Agent, e.Call, e.Offer, strings.Join(to, ","), e.For, e.Callback)
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
	case HoldAddress:
		return fmt.Sprintf("%s holds the address of %s %v", e.Node, e.Home, e.Listen)
	case FreeAddress:
		return fmt.Sprintf("%s frees the address of %s for %s", e.Node, e.Home, e.To)
	case GiveAddress:
		return fmt.Sprintf("%s is to give back the address of %s", e.Node, e.Home)
	case TakeCall:
		if e.Alone {
			return fmt.Sprintf("%s takes %s, whose caller has nobody", e.Node, e.Call)
		}
		return fmt.Sprintf("%s takes %s", e.Node, e.Call)
	case DropCall:
		return fmt.Sprintf("%s drops %s", e.Node, e.Call)
	case StopGhost:
		return fmt.Sprintf("%s stops what rings %s for %s #%d from %s", e.Node, e.Agent, e.Call, e.Offer, e.Home)
	case EndLeg:
		return fmt.Sprintf("%s ends leg %s", e.Node, e.Leg)
	case NodeLost:
		return e.Node + " is lost"
	}
	return fmt.Sprintf("%T", e)
}

func (x *script) show() {
	switch x.d.Cmd {
	case "agents":
		for _, a := range x.s.Agents() {
			fmt.Fprintf(&x.out, "%s %s", a.ID, a.State)
			for _, w := range []struct{ key, value string }{
				{"reason=", a.Reason},
				{"", a.Call},
				{"role=", a.Role.String()},
				{"next=", a.Next.String()},
				{"return=", strconv.FormatInt(a.ReturnAt, 10)},
				{"extend=", strconv.FormatInt(a.ExtendTo, 10)},
				{"codes=", strings.Join(a.Codes, ",")},
				{"code=", a.Code},
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
				if c.Key.Band != 0 {
					fmt.Fprintf(&x.out, " band=%d", c.Key.Band)
				}
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
	case "members":
		for _, m := range x.s.Members() {
			fmt.Fprintf(&x.out, "%s at %s down=%t out=%t\n", m.Node, m.Holder, m.Down, m.Out)
		}
	case "callbacks":
		x.showCallbacks()
	case "lockouts":
		x.showLockouts()
	case "generations":
		for _, g := range slices.Backward(x.s.Generations()) {
			fmt.Fprintf(&x.out, "%d\n", g.Generation)
		}
	}
}

// places tells what callers would be told.
func (x *script) places() {
	for _, c := range x.s.Calls() {
		p, ok := x.s.Place(c.ID)
		if !ok {
			continue
		}
		fmt.Fprintf(&x.out, "%s position %d", c.ID, p.Position)
		if p.Known {
			fmt.Fprintf(&x.out, ", %d ms, %d to %d min", p.EstimateMS, p.MinMinutes, p.MaxMinutes)
		}
		x.out.WriteByte('\n')
	}
}
