package trace

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"tierline/acd"
)

// templates are the sentences for what the log says. {name} is a field; what
// stands in brackets is left out if one of its fields is empty.
func templates() map[acd.FactKind]string {
	return map[acd.FactKind]string{
		acd.FactCallArrived:   "call from {from} to {to}[ on trunk {trunk}][, {tier} customer][, menu {flow}]",
		acd.FactCallStep:      "menu: now at {step}[, key {key}][; {previous} ended: {outcome}][ after {took}]",
		acd.FactCallQueued:    "waits in queue {queue}[ as {tier}][; needs an agent with {reason}]",
		acd.FactCallRelaxed:   "waits with a weaker wish: an agent with {reason} will do",
		acd.FactCallMoved:     "is put into band {band}[ by {by}]",
		acd.FactCallLeftQueue: "leaves queue {queue} without an agent: {cause}[ after {wait}]",
		acd.FactCallOffered:   "agent {agent} is chosen[: {reason}][; waited {wait}]",
		acd.FactCallRinging:   "agent {agent}'s phone rings",
		acd.FactOfferFailed:   "agent {agent} is not reached: {cause}[, SIP {sip}]",
		acd.FactCallConnected: "agent {agent} and the caller are connected[ after {wait}]",
		acd.FactAgentReleased: "agent {agent} is out of the call[, ended by {by}][ after {talk}]",
		acd.FactCallEnded:     "call is over: {cause}[, ended by {by}][, SIP {sip}]",

		acd.FactCallSurveyed:    "answer to {question}: {value}",
		acd.FactCallRecorded:    "recording {ref} ({reason})[, {length} long][, FAILED: {cause}]",
		acd.FactCallTransferred: "is sent to {to}: {cause}",
		acd.FactRecordingMarked: "recording {ref}: {reason}[ by {by}]",
		acd.FactAgentDisposed:   "agent {agent} notes {reason}",

		acd.FactCallJoined:     "agent {agent} comes in[ as {role}][, asked by {by}]",
		acd.FactCallHandedOver: "agent {agent} serves the call now[, {previous} did]",
		acd.FactCallHeld:       "agent {agent} holds the call",
		acd.FactCallResumed:    "agent {agent} goes on with the call",
		acd.FactCallMuted:      "agent {agent} is muted",
		acd.FactCallUnmuted:    "agent {agent} is heard again",

		acd.FactOutsideDialled:  "{to} is called outside[ on trunk {trunk}][ for {role}]",
		acd.FactOutsideAnswered: "{to} outside answers",
		acd.FactOutsideFailed:   "{to} outside is not reached[, SIP {sip}]",
		acd.FactOutsideLeft:     "{to} outside has left",

		acd.FactCallbackRequested: "call-back to {to} is asked for, queue {queue}",
		acd.FactCallbackDue:       "call-back waits for an agent in queue {queue}",
		acd.FactCallbackDialled:   "agent {agent} is there, the customer is called",
		acd.FactCallbackReached:   "the customer answers and talks to agent {agent}",
		acd.FactCallbackMissed:    "the customer isn't reached: {cause}[, SIP {sip}]",
		acd.FactCallbackEnded:     "call-back is over: {cause}[, ended by {by}]",
		acd.FactAuthLocked:        "the account is locked after too many wrong secrets ({policy})",
	}
}

// Tell says a fact of the log in a sentence.
func Tell(f *acd.Fact) string {
	t, ok := templates()[f.Kind]
	if !ok {
		return string(f.Kind)
	}
	var out strings.Builder
	for t != "" {
		before, rest, _ := strings.Cut(t, "[")
		out.WriteString(fill(before, f, "?"))
		part, after, _ := strings.Cut(rest, "]")
		if filled := fill(part, f, ""); filled != "" {
			out.WriteString(filled)
		}
		t = after
	}
	return out.String()
}

// fill puts fields into a text; empty ones become instead, or if that is empty
// the whole text does.
func fill(text string, f *acd.Fact, instead string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		v := cmp.Or(field(f, name), instead)
		if v == "" {
			return ""
		}
		out.WriteString(v)
		text = after
	}
}

func field(f *acd.Fact, name string) string {
	texts := map[string]string{
		"from": f.From, "to": f.To, "trunk": f.Trunk, "flow": f.Flow, "step": f.Step, "key": f.Key,
		"previous": f.Previous, "outcome": f.Outcome, "queue": f.Queue, "reason": f.Reason, "by": f.By,
		"cause": f.Cause, "agent": f.Agent, "question": f.Question, "value": f.Value, "ref": f.Ref,
		"role": f.Role, "policy": f.Policy,
	}
	if v, ok := texts[name]; ok {
		return v
	}
	switch {
	case name == "tier" && f.Tier != nil:
		return f.Tier.String()
	case name == "band":
		return strconv.FormatInt(f.Band, 10)
	case name == "sip" && f.SIP > 0:
		return strconv.Itoa(f.SIP)
	}
	times := map[string]int64{"took": f.TookMS, "wait": f.WaitMS, "talk": f.TalkMS, "length": f.LengthMS}
	if ms := times[name]; ms > 0 {
		return (time.Duration(ms) * time.Millisecond).String()
	}
	return ""
}
