package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

// event writes one event as the API does.
func event(index uint64, seq int, last bool, f acd.Fact) string {
	data, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(wire.Event{
		SpecVersion: "1.0", ID: fmt.Sprintf("%d.%d", index, seq), Type: "tierline." + string(f.Kind) + ".v1",
		Time: at, Index: index, Seq: seq, Data: data,
	})
	if err != nil {
		panic(err)
	}
	id := ""
	if last {
		id = fmt.Sprintf("id: %d\n", index)
	}
	return id + fmt.Sprintf("event: %s\ndata: %s\n\n", f.Kind, text)
}

// streams serves prepared connections one after the other.
func streams(t *testing.T, texts ...string) (url string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests = append(requests, r.URL.RawQuery+" "+r.Header.Get("Last-Event-ID"))
		text := texts[min(len(requests), len(texts))-1]
		if text == "gone" {
			rw.WriteHeader(http.StatusGone)
			text = `{"title":"Gone","status":410,"detail":"the log ends at 5"}`
		}
		_, _ = rw.Write([]byte(text)) // the reader may have enough
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string { mu.Lock(); defer mu.Unlock(); return requests }
}

func TestEventsAreTakenUpAgainWhereTheyWere(t *testing.T) {
	gold := routing.Gold
	arrived := event(4, 0, true, acd.Fact{Kind: acd.FactCallArrived, Call: "c-1", From: "138", To: "10000", Tier: &gold})
	first := event(5, 0, false, acd.Fact{Kind: acd.FactCallOffered, Call: "c-1", Agent: "1001", Queue: "human", WaitMS: 80_000})
	second := event(5, 1, true, acd.Fact{Kind: acd.FactAgentState, Agent: "1001", Previous: "ready", State: "reserved"})
	url, asked := streams(t, "retry: 2000\nid: 3\n\n"+arrived+": alive\n\n"+first, first+second)
	got := run(t, url, "events", "--count", "3", "--types", "call.*,agent.*")
	if got.code != 0 || got.err != "the stream was interrupted, trying again\n" {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
	golden(t, "events", got.out)
	want := "types=call.%2A%2Cagent.%2A  types=call.%2A%2Cagent.%2A 4"
	if strings.Join(asked(), " ") != want {
		t.Errorf("requests %q, want %q", asked(), want)
	}
}

func TestEventsAsJSON(t *testing.T) {
	url, _ := streams(t, event(4, 0, true, acd.Fact{Kind: acd.FactCallArrived, Call: "c-1"}))
	got := run(t, url, "events", "--count", "1", "--after", "0", "-o", "json")
	var e wire.Event
	if err := json.Unmarshal([]byte(got.out), &e); err != nil || e.ID != "4.0" || strings.Count(got.out, "\n") != 1 {
		t.Errorf("%v: %s", err, got.out)
	}
}

func TestEventsThatAreGone(t *testing.T) {
	url, _ := streams(t, "gone")
	if got := run(t, url, "events", "--after", "99"); got.code != 1 || got.err != "tierline: the log ends at 5\n" {
		t.Errorf("exit %d, %q", got.code, got.err)
	}
}
