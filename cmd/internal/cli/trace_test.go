package cli

import (
	"strings"
	"testing"
	"time"

	"tierline/cmd/internal/console/wire"
)

// TestLadder draws two legs, a message that is repeated, and a note too long for
// the terminal.
func TestLadder(t *testing.T) {
	caller, agent := 0, 1
	began := at.Std()
	message := func(after time.Duration, leg *int, out bool, text string) wire.TraceEntry {
		return wire.TraceEntry{
			At: began.Add(after), Kind: "sip", Leg: leg, Text: text,
			SIP: &wire.TraceMessage{Out: out, Transport: "tls", Remote: "10.0.0.7:5061", Text: text + "\r\n\r\n"},
		}
	}
	tr := wire.Trace{
		Call: "c-1", From: "13800138000", To: "10000", Node: "n1", Began: began, Ended: true, Missing: 1,
		Legs: []wire.TraceLeg{{Role: "caller"}, {Role: "agent", Name: "1003"}},
		Entries: []wire.TraceEntry{
			message(0, &caller, false, "INVITE 10000"),
			message(500*time.Millisecond, &caller, false, "INVITE 10000"),
			message(501*time.Millisecond, &caller, true, "200 OK (INVITE)"),
			{At: began.Add(time.Second), Kind: "event", Text: "waits in queue human as gold; needs an agent with billing>=1 and lang.zh>=5"},
			message(2*time.Second, &agent, true, "INVITE 1003"),
			{At: began.Add(7 * time.Second), Kind: "rtp", Leg: &agent, Text: "RTP PCMA: heard 250 packets"},
			message(12345*time.Millisecond, &agent, false, "BYE tierline, which is longer than its arrow"),
		},
	}
	l := newLadder(70, time.UTC, false)
	got := l.head(&tr) + l.add(&tr) + l.foot(&tr)
	for _, words := range []string{
		"call c-1, from 13800138000 to 10000, on n1 at 2026-11-23 02:39:00.000\n",
		"INVITE 10000 (again) ", "<", "agent 1003", "10.0.0.7:5061 tls", "\n+1.000     * waits in queue human as gold; needs an agent with",
		"\n             billing>=1 and", "~ agent 1003: RTP PCMA: heard 250 packets", "+12.345  |", "which i…", "1 entry left out",
	} {
		if !strings.Contains(got, words) {
			t.Errorf("no %q in\n%s", words, got)
		}
	}
	for line := range strings.Lines(got) {
		if n := width(strings.TrimRight(line, "\n")); n > 70 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestTraceIsAskedOfTheNode(t *testing.T) {
	a := newAPI(t)
	a.answers["GET /api/v1/calls/c-1/trace"] = wire.Trace{
		Call: "c-1", Began: at.Std(), Ended: true, Source: "records", Legs: []wire.TraceLeg{},
		Entries: []wire.TraceEntry{{Kind: "event", Text: "call is over: normal"}},
	}
	out := run(t, a.URL, "trace", "c-1", "--by", "me")
	if !strings.Contains(out.out, "messages are gone") || !strings.Contains(out.out, "* call is over: normal") {
		t.Errorf("%+v", out)
	}
	if got := a.asked(); len(got) != 1 || !strings.HasPrefix(got[0], "GET /api/v1/calls/c-1/trace?after=0&by=me") {
		t.Errorf("asked %q", got)
	}
}
