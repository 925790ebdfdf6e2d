package report_test

import (
	"testing"

	"tierline/acd"
	"tierline/acd/report"
)

// TestOlderRecords: a call that was being offered when an older release stopped
// ends like any other.
func TestOlderRecords(t *testing.T) {
	f, err := report.Resume(report.Saved{Cursor: 5, Calls: []report.OpenCall{{Call: "a", Record: []byte(`{
		"cdr": {"call": "a", "segments": [{"kind": "ivr"}, {"kind": "queue"}, {"kind": "offer", "agent": "1001", "offer": 4}]},
		"arrived": 1000, "begun": [1000, 2000, 3000], "running": ["queue", "offer"], "rang": 3500}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	f.Take(report.Story{Index: 6, At: 5000, Wall: 5000, Facts: []acd.Fact{
		{Kind: acd.FactCallConnected, Call: "a", Agent: "1001", Offer: 4},
		{Kind: acd.FactCallEnded, Call: "a"},
	}})
	b, err := f.Flush()
	if err != nil || len(b.Ended) != 1 {
		t.Fatalf("%+v, %v", b, err)
	}
	if offer := b.Ended[0].Segments[2]; offer.Outcome != "answered" || offer.RingMS != 1500 || offer.DurationMS != 2000 {
		t.Errorf("the offer is %+v", offer)
	}
}

// phones are agents who are ready.
func phones(ids ...string) (out []acd.AgentConfig) {
	for _, id := range ids {
		out = append(out, acd.AgentConfig{ID: id, Contact: "sip:" + id + "@127.0.0.1", SignedIn: true})
	}
	return out
}
