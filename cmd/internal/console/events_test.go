package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
)

// listening is an open event stream.
type listening struct {
	t      *testing.T
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (b *bed) listen(path string, header ...string) *listening {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, http.NoBody)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	l := &listening{t: b.t, lines: bufio.NewScanner(resp.Body), cancel: cancel}
	if got := l.block(); len(got) != 2 || got[0] != "retry: 2000" || !strings.HasPrefix(got[1], "id: ") {
		b.t.Fatalf("the stream begins with %v", got)
	}
	return l
}

// block returns the lines up to the next empty one, nil at the end.
func (l *listening) block() (lines []string) {
	for l.lines.Scan() {
		if l.lines.Text() == "" {
			return lines
		}
		lines = append(lines, l.lines.Text())
	}
	return lines
}

// event is one event in short: "id kind subject".
func (l *listening) event() string {
	l.t.Helper()
	id, kind := "-", ""
	var e wire.Event
	for _, line := range l.block() {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			decode(l.t, value, &e)
		}
	}
	if e.Type != "tierline."+kind+".v1" || e.SpecVersion != "1.0" || e.ID != fmt.Sprintf("%d.%d", e.Index, e.Seq) {
		l.t.Errorf("envelope %+v of %s", e, kind)
	}
	return strings.TrimSpace(id + " " + kind + " " + e.Subject)
}

func (l *listening) expect(want ...string) {
	l.t.Helper()
	got := []string{}
	for range want {
		got = append(got, l.event())
	}
	if d := cmp.Diff(want, got); d != "" {
		l.t.Errorf("events (-want +got):\n%s", d)
	}
}

// story tells of one call: entries 1 (the centre) to 5, some with two facts.
func (b *bed) story() {
	b.centre()
	b.core.must(b.t, acd.CallArrived{Call: "a", Node: "n1"}, acd.CallQueued{Call: "a", Queue: "human"},
		acd.CallOffered{Call: "a", Agent: "1001"}, acd.CallEnded{Call: "a", Cause: "abandoned", By: acd.SideCaller})
}

// all is what story makes the stream say.
func all() []string {
	return []string{
		"- config.published", "1 agent.state agent/1001", "2 call.arrived call/a", "3 call.queued call/a",
		"- call.offered call/a", "4 agent.state agent/1001",
		"- call.offer_failed call/a", "- agent.state agent/1001", "- call.left_queue call/a", "5 call.ended call/a",
	}
}

func TestEventsFromTheBeginning(t *testing.T) {
	b := newBed(t)
	b.story()
	b.listen("/api/v1/events?after=0").expect(all()...)
}

func TestEventsBeginNow(t *testing.T) {
	b := newBed(t)
	b.story()
	l := b.listen("/api/v1/events")
	b.core.must(t, acd.CallArrived{Call: "b", Node: "n1"})
	l.expect("6 call.arrived call/b")
}

// A reader that is cut off anywhere and comes back with its last id has seen
// everything in the end.
func TestEventsResume(t *testing.T) {
	b := newBed(t)
	b.story()
	last := ""
	for cut := 1; cut <= len(all()); cut++ {
		l := b.listen("/api/v1/events?after=0")
		for range cut {
			if id, _, _ := strings.Cut(l.event(), " "); id != "-" {
				last = id
			}
		}
		l.cancel()
		if last == "" {
			continue // nothing complete yet: begins anew
		}
		want := all()
		for i, e := range want {
			if strings.HasPrefix(e, last+" ") {
				want = want[i+1:]
				break
			}
		}
		want = append([]string{}, want...)
		again := b.listen("/api/v1/events?after=0", "Last-Event-ID", last)
		again.expect(want...)
		again.cancel()
	}
}

func TestEventsOfSomeKinds(t *testing.T) {
	b := newBed(t)
	b.story()
	b.listen("/api/v1/events?after=0&types=call.*").expect("2 call.arrived call/a", "3 call.queued call/a",
		"4 call.offered call/a", "- call.offer_failed call/a", "- call.left_queue call/a", "5 call.ended call/a")
	b.listen("/api/v1/events?after=0&types=call.ended,config.published").expect("1 config.published", "5 call.ended call/a")
}

// What the cluster has forgotten comes from the store, and the seam is
// invisible.
func TestOldEventsComeFromTheStore(t *testing.T) {
	b := newBed(t)
	b.story()
	b.store()
	for floor := range uint64(6) {
		b.core.set(func() { b.core.floor = floor })
		b.listen("/api/v1/events?after=0").expect(all()...)
	}
	b.core.must(t, acd.CallArrived{Call: "b", Node: "n1"})
	b.listen("/api/v1/events?after=4").expect(append(all()[6:], "6 call.arrived call/b")...)
}

func TestEventsThatAreGone(t *testing.T) {
	b := newBed(t)
	b.story()
	b.store()
	p := b.problem(http.MethodGet, "/api/v1/events?after=77", "", http.StatusGone)
	if !strings.Contains(p.Detail, "ends at 5") {
		t.Errorf("detail %q", p.Detail)
	}
	if _, err := b.records.Prune(t.Context(), 1_795_401_540_000+1, 100); err != nil {
		t.Fatal(err)
	}
	b.core.must(t, acd.CallArrived{Call: "b", Node: "n1"})
	b.core.now = 1000
	b.core.must(t, acd.CallArrived{Call: "c", Node: "n1"})
	b.store()
	if _, err := b.records.Prune(t.Context(), 1_795_401_540_000+1, 100); err != nil {
		t.Fatal(err)
	}
	b.core.set(func() { b.core.floor = 6 })
	b.problem(http.MethodGet, "/api/v1/events?after=3", "", http.StatusGone)
	b.listen("/api/v1/events?after=6").expect("7 call.arrived call/c")
	b.problem(http.MethodGet, "/api/v1/events?after=x", "", http.StatusBadRequest)
}

func TestTooManyStreams(t *testing.T) {
	b := newBed(t)
	var open []*listening
	for range 128 {
		open = append(open, b.listen("/api/v1/events"))
	}
	b.problem(http.MethodGet, "/api/v1/events", "", http.StatusServiceUnavailable)
	for _, l := range open {
		l.cancel()
	}
}

// The reference names every kind of fact, and only those.
func TestEveryKindIsDocumented(t *testing.T) {
	code, err := os.ReadFile("../../../acd/fact.go")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../docs/reference/events.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`FactKind = "([a-z_.]+)"`).FindAllStringSubmatch(string(code), -1)
	for _, k := range kinds {
		if !strings.Contains(string(text), "\n| `"+k[1]+"` |") {
			t.Errorf("%s is not documented", k[1])
		}
	}
	if n := strings.Count(string(text), "\n| `"); n != len(kinds) || n < 16 {
		t.Errorf("%d kinds and %d documented", len(kinds), n)
	}
}
