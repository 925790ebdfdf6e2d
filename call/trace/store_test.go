package trace

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tierline/acd"
)

func small(calls int) *Store { return New(Config{Bytes: 1 << 20, CallBytes: 64 << 10, Calls: calls}) }

func sip(callID, start string, out bool) Sighting {
	return Sighting{
		At: time.Now(), Out: out, Transport: "tls", CallID: callID, Call: true, From: "13800138000", To: "10000",
		Text: []byte(start + "\r\nCSeq: 1 INVITE\r\n\r\n"),
	}
}

func texts(c Call) (all []string) {
	for i := range c.Entries {
		all = append(all, c.Entries[i].tell(c.Legs))
	}
	return all
}

// TestCallIsFound has an INVITE that comes before anybody knows whose it is, as
// each does.
func TestCallIsFound(t *testing.T) {
	s := small(10)
	s.SIP(sip("a@h", "INVITE sip:10000@h SIP/2.0", false))
	s.Begin("0123456789", "13800138000", "10000")
	s.Claim("0123456789", Leg{CallID: "a@h", Role: Caller})
	s.SIP(sip("a@h", "SIP/2.0 200 OK", true))
	s.SIP(sip("b@h", "INVITE sip:1003@h SIP/2.0", true))
	s.Claim("0123456789", Leg{CallID: "b@h", Role: Agent, Name: "1003"})
	s.Facts([]acd.Fact{
		{Kind: acd.FactCallQueued, Call: "0123456789", Queue: "human", Reason: "billing>=1"},
		{Kind: acd.FactCallQueued, Call: "another", Queue: "human"},
		{Kind: acd.FactAgentState, Call: "0123456789", Agent: "1003"},
	})
	s.Key("0123456789", "a@h", Key{Source: "rfc4733"})
	s.RTP("0123456789", "b@h", Sound{Codec: "PCMA", Received: 90, Lost: 10, Sent: 100})
	s.RTP("0123456789", "b@h", Sound{Codec: "PCMA", Received: 190, Lost: 10, Sent: 200})
	log := slog.New(s.Handler("0123456789", slog.DiscardHandler)).With("call", "c")
	log.Debug("unseen")
	log.Warn("agent's answer is unusable", "agent", "1003")
	want := []string{
		"caller: INVITE 10000", "caller: 200 OK (INVITE)", "agent 1003: INVITE 1003",
		"waits in queue human; needs an agent with billing>=1", "caller: a key (which one isn't shown), by rfc4733",
	}
	for _, what := range []string{"0123456789", "012345", "a@h", "b@h", "13800138000", "10000", "1003"} {
		found, ok := s.Find(what, 0)
		if !ok || found.ID != "0123456789" {
			t.Fatalf("%s: %v %+v", what, ok, found.Call)
		}
		got := texts(found.Call)
		if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
			t.Error(diff)
		}
		lossy, clean := found.Entries[5].RTP, found.Entries[6].RTP
		if lossy.Lost != 10 || clean.Lost != 0 || clean.Received != 100 || lossy.MOS >= clean.MOS || clean.MOS < 430 {
			t.Errorf("%+v, then %+v", lossy, clean)
		}
		if last := got[7]; len(got) != 8 || last != "warn: agent's answer is unusable call=c agent=1003" {
			t.Errorf("%d: %s", len(got), last)
		}
	}
	for _, what := range []string{"", "01234", "c@h", "9"} {
		if found, ok := s.Find(what, 0); ok {
			t.Errorf("%q finds %+v", what, found.Call)
		}
	}
	all, _ := s.Find("a@h", 0)
	if rest, _ := s.Find("a@h", all.Entries[6].Seq); len(rest.Entries) != 1 {
		t.Errorf("%d entries after the last but one", len(rest.Entries))
	}
}

func TestRefusedCallIsFoundByItsNumber(t *testing.T) {
	s := small(10)
	s.SIP(sip("x@h", "INVITE sip:9@h SIP/2.0", false))
	s.SIP(sip("x@h", "SIP/2.0 404 Not Found", true))
	found, ok := s.Find("13800138000", 0)
	if !ok || found.ID != "" || len(found.Entries) != 2 || !found.Ended {
		t.Errorf("%v %+v", ok, found)
	}
	register := sip("r@h", "REGISTER sip:h SIP/2.0", false)
	register.Call = false
	s.SIP(register)
	if _, ok = s.Find("r@h", 0); ok {
		t.Error("a registration is kept")
	}
}

func TestNilStoreKeepsNothing(t *testing.T) {
	var s *Store
	s.Begin("c", "", "")
	s.Claim("c", Leg{CallID: "x"})
	s.SIP(Sighting{})
	s.RTP("c", "x", Sound{})
	s.Key("c", "x", Key{})
	s.Facts([]acd.Fact{{Call: "c"}})
	s.End("c")
	if _, ok := s.Find("c", 0); ok || s.Stats() != (Stats{}) || s.Handler("c", slog.DiscardHandler) != slog.DiscardHandler {
		t.Error("something was kept")
	}
}

// TestBounds drives a small store at random: it never keeps more than it may,
// its count of bytes is right, those that run outlive those that are over, and
// a call's beginning stays.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Bytes: 40_000, CallBytes: 8_000, Calls: 6}
		s := New(c)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			n := rapid.IntRange(0, 9).Draw(t, "call")
			id, leg := fmt.Sprintf("call-%d", n), fmt.Sprintf("leg-%d", n)
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				s.Begin(id, "a", "b")
				s.Claim(id, Leg{CallID: leg, Role: Caller})
			case 1:
				s.End(id)
			case 2:
				s.RTP(id, leg, Sound{Received: 5})
			default:
				s.SIP(sip(leg, "OPTIONS "+strings.Repeat("x", rapid.IntRange(1, 900).Draw(t, "size")), false))
			}
		}
		bytes := len(s.calls) * recordSize
		seen := map[*record]bool{}
		for _, all := range []map[string]*record{s.calls, s.legs} {
			for _, r := range all {
				if seen[r] {
					continue
				}
				seen[r] = true
				sum := 0
				for i := range r.entries {
					sum += r.entries[i].size()
				}
				if sum != r.bytes || sum > c.CallBytes {
					t.Fatalf("%s: %d bytes, counted %d", r.id, sum, r.bytes)
				}
				bytes += sum
			}
		}
		if bytes != s.bytes || s.bytes > c.Bytes || len(s.calls) > c.Calls {
			t.Fatalf("%d bytes, counted %d; %d calls", bytes, s.bytes, len(s.calls))
		}
		if len(seen) != s.live.Len()+s.over.Len()+s.loose.Len() {
			t.Fatalf("%d records in lists of %d, %d and %d", len(seen), s.live.Len(), s.over.Len(), s.loose.Len())
		}
	})
}

func TestLongCallLosesFiguresFirst(t *testing.T) {
	s := New(Config{Bytes: 1 << 20, CallBytes: 8_000, Calls: 5})
	s.Begin("call-1", "a", "b")
	s.Claim("call-1", Leg{CallID: "x", Role: Caller})
	s.SIP(sip("x", "INVITE sip:first@h SIP/2.0", false))
	for i := range 400 {
		s.RTP("call-1", "x", Sound{Received: uint64(i)})
	}
	s.SIP(sip("x", "BYE sip:last@h SIP/2.0", false))
	found, _ := s.Find("call-1", 0)
	got := texts(found.Call)
	if got[0] != "caller: INVITE first" || got[len(got)-1] != "caller: BYE last" || found.Dropped < 250 {
		t.Errorf("%d left out: %q", found.Dropped, got)
	}
}

func TestOverIsForgottenBeforeRunning(t *testing.T) {
	s := small(2)
	for _, id := range []string{"call-1", "call-2"} {
		s.Begin(id, "a", "b")
	}
	s.End("call-2")
	s.Begin("call-3", "a", "b")
	s.SIP(sip("x", "INVITE sip:a@h SIP/2.0", false)) // fits again
	_, first := s.Find("call-1", 0)
	_, second := s.Find("call-2", 0)
	if !first || second || s.Stats().Evicted != 1 {
		t.Errorf("%v %v %+v", first, second, s.Stats())
	}
}
