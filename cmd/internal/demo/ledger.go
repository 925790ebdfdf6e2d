package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tierline/acd/report"
	"tierline/call/phone"
)

// wish is what a simulated call wants, and so what it is judged by.
type wish uint8

const (
	wantAgent   wish = iota // talk to an agent
	wantMenu                // hear something in the menu and hang up
	wantAbandon             // give up waiting, unless an agent is faster
)

func (w wish) String() string {
	switch w {
	case wantAgent:
		return "agent"
	case wantMenu:
		return "self-service"
	case wantAbandon:
		return "gives up"
	}
	return "unknown"
}

// Limits that a call is judged by.
const (
	answerIn = 3 * time.Second        // the switch picks up
	greeting = time.Second            // of sound at least
	proof    = 500 * time.Millisecond // of a tone, at each end
	// unheard is silence that no caller may be left in while somebody or
	// something should speak. Menus pause up to 6 s for a key.
	unheard = 9 * time.Second
)

// entry is one simulated call with its verdict.
type entry struct {
	n      int
	script script
	from   customer
	tone   int
	report phone.Report
	cut    bool // the demo was ended before the call: nobody can say how it would have gone
	unmet  []string
}

// ledger collects the calls.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

func (l *ledger) add(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// verdict collects what a call lacks.
type verdict []string

func (v *verdict) unless(good bool, format string, args ...any) {
	if !good {
		*v = append(*v, fmt.Sprintf(format, args...))
	}
}

// len is the number of calls that are over.
func (l *ledger) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// judge says what a call's expectation lacks. record is the switch's own
// account of the call, nil if there is none; talks is what the agents' phones
// noted.
func judge(e entry, talks []talk, record *report.CDR) []string {
	r := e.report
	var v verdict
	v.unless(r.Err == nil, "error: %v", r.Err)
	v.unless(r.Answered > 0, "not answered (%d %s)", r.Status, r.Reason)
	if r.Answered == 0 {
		return v
	}
	v.unless(r.Answered <= answerIn, "answered only after %.1f s", r.Answered.Seconds())
	v.unless(r.Heard.Sound >= greeting || r.Served > 0, "heard %.1f s of greeting", r.Heard.Sound.Seconds())
	v.unless(e.script.want == wantAbandon || r.Sent == e.script.digits(), "pressed %q of %q", r.Sent, e.script.digits())
	v.unless(r.Heard.Silence <= unheard, "left in silence for %.1f s", r.Heard.Silence.Seconds())
	v.unless(record != nil, "no call record")
	if record == nil {
		return v
	}
	switch {
	case e.script.want == wantMenu:
		v.unless(reached(*record, e.script.milestone), "the menu did not get to %q", e.script.milestone)
	case e.script.want == wantAgent || r.Served > 0:
		v.talked(e, talks, *record)
	default:
		// Who listened to the menu for long has hung up there.
		inMenu := record.Cause == "normal" && !waited(*record)
		v.unless(record.Abandoned || inMenu, "recorded as %s, not as abandoned", record.Cause)
	}
	return v
}

// talked wants a conversation that both sides heard.
func (v *verdict) talked(e entry, talks []talk, record report.CDR) {
	v.unless(e.report.Served > 0, "no agent in %.0f s", (e.report.Length - e.report.Answered).Seconds())
	if e.report.Served == 0 {
		return
	}
	heard := slices.ContainsFunc(talks, func(t talk) bool { return t.Heard.Tone(e.tone) >= proof })
	v.unless(heard, "no agent heard the caller")
	v.unless(record.Answered && record.TalkMS > 0, "recorded without a conversation")
}

// waited tells whether a call was in a queue.
func waited(record report.CDR) bool {
	return slices.ContainsFunc(record.Segments, func(s report.Segment) bool { return s.Kind == report.Queue })
}

func reached(record report.CDR, milestone string) bool {
	return slices.ContainsFunc(record.Path, func(s report.Step) bool {
		return s.Milestone == milestone || s.Step == milestone
	})
}

// written is how long after a call's end its record may take.
const written = 5 * time.Second

// settle judges all calls, now that they are over.
func (l *ledger) settle(ctx context.Context, a api, s *staff) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var records map[string]report.CDR
	for end := time.Now().Add(written); ; time.Sleep(100 * time.Millisecond) {
		var err error
		if records, err = a.records(ctx); err != nil {
			return err
		}
		missing := slices.ContainsFunc(l.entries, func(e entry) bool {
			_, ok := records[e.report.CallID]
			return !ok
		})
		if !missing || time.Now().After(end) {
			break
		}
	}
	for i := range l.entries {
		e := &l.entries[i]
		if e.cut {
			continue
		}
		var record *report.CDR
		if found, ok := records[e.report.CallID]; ok {
			record = &found
		}
		var talks []talk
		for agent := range s.phones {
			if e.report.Heard.Tone(agentTone(agent)) >= proof {
				talks = append(talks, s.talks(agent, e.report.Began, e.report.Began.Add(e.report.Length))...)
			}
		}
		e.unmet = judge(*e, talks, record)
	}
	return nil
}

// unmet are the calls that did not get what they expected.
func (l *ledger) unmet() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.entries), func(e entry) bool { return len(e.unmet) == 0 })
}

// summary writes the table at the end: what was wanted, by tier, and what was
// not met.
func (l *ledger) summary(w io.Writer) {
	unmet := l.unmet()
	l.mu.Lock()
	defer l.mu.Unlock()
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	p("%s %7s %7s %10s %12s %12s", fit("", 10), "calls", "unmet", "with agent", "mean wait", "longest wait")
	for _, tier := range append(tiers(), "unknown", "all") {
		var calls, bad, served int
		var sum, longest time.Duration
		for _, e := range l.entries {
			if tier != "all" && tierOf(e.from) != tier {
				continue
			}
			calls++
			if len(e.unmet) > 0 {
				bad++
			}
			if e.report.Served > 0 {
				served++
				sum += e.report.Served
				longest = max(longest, e.report.Served)
			}
		}
		if calls > 0 {
			p("%s %7d %7d %10d %10.1f s %10.1f s", fit(tier, 10), calls, bad, served,
				sum.Seconds()/float64(max(1, served)), longest.Seconds())
		}
	}
	p("(wait: from the answer to the agent's voice, menus included)")
	if cut := l.cut(); cut > 0 {
		p("(%d calls were under way when the demo was ended; they are not judged)", cut)
	}
	for _, e := range unmet {
		p("UNMET  call %d: %s, %s dials %s, %s: %s", e.n, tierOf(e.from), e.from.Phone, e.script.number, e.script.name,
			strings.Join(e.unmet, "; "))
	}
}

// cut counts the calls that ended with the demo. mu is held.
func (l *ledger) cut() (n int) {
	for _, e := range l.entries {
		if e.cut {
			n++
		}
	}
	return n
}

func tierOf(c customer) string {
	if c.Tier == "" {
		return "unknown"
	}
	return c.Tier
}
