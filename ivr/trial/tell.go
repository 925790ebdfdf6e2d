package trial

import (
	"fmt"
	"strings"
	"time"

	"tierline/ivr" //nolint:depguard // a harness drives its own parent, which is as pure
)

func (t *Trial) tell(format string, args ...any) {
	at := t.Now().Round(time.Millisecond)
	t.timeline = append(t.timeline, fmt.Sprintf("%v %s", at, fmt.Sprintf(format, args...)))
}

// spelled writes prompts: id.language, or the words of a reading in quotes.
func spelled(list []ivr.Prompt) string {
	names := make([]string, len(list))
	for i, p := range list {
		switch {
		case p.Reading != nil:
			names[i] = fmt.Sprintf("%q", p.Reading.Text)
		case p.Text != "":
			names[i] = fmt.Sprintf("%q or %s", p.Text, p.ID)
		case p.Recording != "":
			names[i] = p.Recording
		default:
			names[i] = p.ID
		}
		if p.Language != "" {
			names[i] += "." + p.Language
		}
	}
	return strings.Join(names, " ")
}

// tellAsked writes a question or an order to the outside.
func (t *Trial) tellAsked(a ivr.Action) {
	switch a := a.(type) {
	case ivr.Enqueue:
		t.tell("queue %s%s%s", a.Queue, enqueued(a), attributes(a.Attach))
	case ivr.Unqueue:
		t.tell("unqueue %s", a.Cause)
	case ivr.Lookup:
		t.tell("lookup %s %s%s", a.Source, Asked(a.Request), finish(a.Finish))
	case ivr.CancelLookup:
		t.tell("cancel lookup")
	case ivr.Notify:
		t.tell("notify %s to=%q template=%s%s", a.Channel, a.To, a.Template, fields(a.Data))
	case ivr.RequestCallback:
		t.tell("callback %s queue=%s%s", a.Number, a.Queue, attributes(a.Attach))
	case ivr.Transfer:
		t.tell("transfer %s", strings.TrimSpace(a.To+" "+a.Number))
	default:
		t.tellSmall(a)
	}
}

func (t *Trial) tellSmall(a ivr.Action) {
	switch a := a.(type) {
	case ivr.TryAuth:
		t.tell("try %s", a.Policy)
	case ivr.AuthResult:
		t.tell("tried %s %s", a.Policy, authWord(a.Result))
	case ivr.Trouble:
		t.tell("trouble %s", a.Text)
	case ivr.AskPlace:
		t.tell("ask place")
	case ivr.Record:
		t.tell("record max=%v silence=%v", a.Max, a.Silence)
	case ivr.KeepRecording:
		t.tell("keep %s", a.Ref)
	case ivr.DropRecording:
		t.tell("drop %s", a.Ref)
	case ivr.Answer:
		t.tell("answer %s=%s", a.Question, a.Value)
	default:
		t.tell("%T", a)
	}
}

// Asked writes a request as mocks match it: "GET /v1/bills/8812". What a
// secret stands in is not written.
func Asked(r ivr.Request) string { return r.Method + " " + r.Path }

func finish(yes bool) string {
	if yes {
		return " finish"
	}
	return ""
}

func authWord(r ivr.AuthOutcome) string {
	switch r {
	case ivr.AuthPassed:
		return "passed"
	case ivr.AuthFailed:
		return "failed"
	case ivr.AuthVoid:
	}
	return "void"
}

func enqueued(a ivr.Enqueue) string {
	var b strings.Builder
	if a.MaxWait > 0 {
		b.WriteString(" max_wait=" + a.MaxWait.String())
	}
	if a.Requirement != "" {
		fmt.Fprintf(&b, " requirement=%q", a.Requirement)
	}
	if a.Preferred != "" {
		b.WriteString(" preferred=" + a.Preferred)
	}
	if a.PreferLast {
		b.WriteString(" prefer_last")
	}
	if a.PreferredFor > 0 {
		b.WriteString(" preferred_for=" + a.PreferredFor.String())
	}
	if a.Keep {
		b.WriteString(" keep")
	}
	return b.String()
}

func attributes(list []ivr.Attribute) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
	}
	return b.String()
}

func fields(list []ivr.Field) string {
	var b strings.Builder
	for _, f := range list {
		fmt.Fprintf(&b, " %s=%v", f.Name, f.Value)
	}
	return b.String()
}

func pressed(n ivr.Note) string {
	var b strings.Builder
	if n.Milestone != "" {
		b.WriteString(" milestone=" + n.Milestone)
	}
	if n.Key != "" {
		b.WriteString(" key=" + n.Key)
	}
	return b.String()
}
