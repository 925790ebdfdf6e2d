package dtmf

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// stroke is one line of a table: when, how, what.
type stroke struct {
	at   int // ms
	from Source
	keys string
	held int // ms
}

func merge(from Sources, in ...stroke) (keys string) {
	m, zero := NewMerger(from), time.Unix(1_700_000_000, 0)
	for _, s := range in {
		for _, k := range s.keys {
			at := zero.Add(time.Duration(s.at) * ms)
			if m.Accept(Stroke{Source: s.from, Key: k, At: at, Held: time.Duration(s.held) * ms}) {
				keys += string(k)
			}
		}
	}
	return keys
}

func TestMerger(t *testing.T) {
	all := SourcesOf(Event, Info, Inband)
	for _, c := range []struct {
		what string
		from Sources
		in   []stroke
		want string
	}{
		{"events alone", all, []stroke{{0, Event, "1", 0}, {90, Event, "1", 0}, {300, Event, "2", 0}}, "112"},
		{"INFO alone, twice the same", all, []stroke{{0, Info, "5", 160}, {150, Info, "5", 160}}, "55"},
		{"INFO alone, a burst", all, []stroke{{0, Info, "1", 0}, {1, Info, "1", 0}, {2, Info, "2", 0}}, "112"},
		{"in-band alone", all, []stroke{{0, Inband, "5", 40}, {90, Inband, "5", 40}}, "55"},
		{"in-band leaks beside RFC 4733, event first", all, []stroke{{0, Event, "5", 0}, {45, Inband, "5", 40}}, "5"},
		{"in-band leaks beside RFC 4733, tone first", all, []stroke{{0, Inband, "5", 40}, {60, Event, "5", 0}}, "5"},
		{"in-band leaks, key after key", all, []stroke{
			{0, Inband, "1", 40}, {60, Event, "1", 0}, {300, Inband, "2", 40}, {310, Event, "2", 0}, {500, Event, "2", 0},
		}, "122"},
		{"INFO beside RFC 4733", all, []stroke{{0, Event, "7", 0}, {160, Info, "7", 160}, {900, Info, "8", 160}, {900, Event, "8", 0}}, "78"},
		{"INFO before RFC 4733", all, []stroke{{0, Info, "7", 100}, {150, Event, "7", 0}}, "7"},
		{"199 ms apart is one", all, []stroke{{0, Info, "7", 0}, {199, Inband, "7", 0}}, "7"},
		{"201 ms apart is two", all, []stroke{{0, Info, "7", 0}, {201, Inband, "7", 0}}, "77"},
		{"another key within 200 ms is another", all, []stroke{{0, Info, "7", 0}, {50, Inband, "8", 0}}, "78"},
		{"INFO at the end of a long key", all, []stroke{{0, Inband, "7", 40}, {960, Info, "7", 1000}}, "7"},
		{"INFO at the end of the second of two keys", all, []stroke{
			{0, Inband, "7", 40}, {60, Info, "7", 100}, {300, Inband, "7", 40}, {360, Info, "7", 100},
		}, "77"},
		{"two quick keys told by both", all, []stroke{
			{0, Inband, "7", 40}, {20, Info, "7", 60}, {100, Inband, "7", 40}, {120, Info, "7", 60},
		}, "77"},
		{"out of order: INFO of two keys, then their tones", all, []stroke{
			{0, Info, "1", 60}, {20, Inband, "1", 40}, {100, Info, "2", 60}, {120, Inband, "2", 40},
		}, "12"},
		{"once RFC 4733 was seen the others are off", all, []stroke{
			{0, Event, "1", 0}, {5000, Info, "2", 0}, {9000, Inband, "3", 40}, {9500, Event, "4", 0},
		}, "14"},
		{"a source that is not allowed", SourcesOf(Event), []stroke{{0, Info, "1", 0}, {500, Inband, "2", 40}, {900, Event, "3", 0}}, "3"},
		{"events not allowed", SourcesOf(Info), []stroke{{0, Event, "1", 0}, {500, Info, "2", 0}}, "2"},
		{"flash and what is no key", all, []stroke{{0, Info, "fx é\x00", 0}, {500, Inband, "R", 40}, {900, Event, "!", 0}}, ""},
		{"all sixteen", all, []stroke{{0, Info, "0123456789*#ABCD", 0}}, "0123456789*#ABCD"},
		{"the clock stands still", all, []stroke{{0, Info, "1", 0}, {0, Inband, "1", 0}, {0, Event, "1", 0}}, "1"},
		{"two INFO overtake two tones", all, []stroke{{0, Info, "11", 0}, {60, Inband, "1", 0}, {140, Inband, "1", 0}}, "11"},
		{"a third tone is a third key", all, []stroke{{0, Info, "11", 0}, {60, Inband, "111", 0}}, "111"},
	} {
		if got := merge(c.from, c.in...); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestMergerAnyMixture: whichever two sources tell each key, in whichever order
// and with whichever delay up to 200 ms, each press is one key.
func TestMergerAnyMixture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewMerger(SourcesOf(Event, Info, Inband))
		pair := rapid.SampledFrom([][2]Source{{Info, Inband}, {Inband, Info}, {Event, Info}, {Event, Inband}, {Inband, Event}, {Info, Event}}).Draw(t, "pair")
		now, want, got := time.Unix(1_700_000_000, 0), "", ""
		for _, k := range rapid.SliceOfN(rapid.SampledFrom([]rune(keys)), 1, 20).Draw(t, "keys") {
			want += string(k)
			lag := time.Duration(rapid.IntRange(0, 200).Draw(t, "lag")) * ms
			for i, source := range pair {
				if m.Accept(Stroke{Source: source, Key: k, At: now.Add(time.Duration(i) * lag)}) {
					got += string(k)
				}
			}
			now = now.Add(lag + time.Duration(rapid.IntRange(201, 3000).Draw(t, "pause"))*ms)
		}
		if got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestSourceNames(t *testing.T) {
	for s := range SourceCount + 1 {
		back, ok := ParseSource(s.String())
		if ok != (s < SourceCount) || ok && back != s {
			t.Errorf("%v is %q is %v", uint8(s), s, back)
		}
	}
}
