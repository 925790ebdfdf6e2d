package emodel

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRatingAndScore(t *testing.T) {
	for _, c := range []struct {
		what  string
		loss  float64
		delay time.Duration
		r     float64
		mos   float64
	}{
		{"nothing wrong", 0, 0, 93.2, 4.41}, // G.107: the default R and its score
		{"100 ms", 0, 100 * time.Millisecond, 90.8, 4.36},
		{"300 ms", 0, 300 * time.Millisecond, 72.5, 3.72},
		{"1 %", 0.01, 0, 89.56, 4.33}, // 95·1/26.1 = 3.64
		{"5 %", 0.05, 0, 77.42, 3.92}, // 95·5/30.1 = 15.78
		{"20 %", 0.20, 0, 51.07, 2.64},
		{"everything", 1, 0, 17.26, 1.18},
		{"a minute", 0, time.Minute, 0, 1},
	} {
		r := R(c.loss, c.delay)
		if math.Abs(r-c.r) > 0.02 || math.Abs(MOS(r)-c.mos) > 0.011 {
			t.Errorf("%s: R %.2f, MOS %.3f, want %.2f and %.2f", c.what, r, MOS(r), c.r, c.mos)
		}
	}
}

// TestWorseIsLower: more loss, more delay or more jitter never scores better,
// and a score is a score.
func TestWorseIsLower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
		}
		s := Stream{
			Expected: rapid.Uint64Range(1, 1e6).Draw(t, "expected"), Lost: rapid.Uint64Range(0, 2e6).Draw(t, "lost"),
			Jitter: ms("jitter", 2000), RoundTrip: ms("round trip", 5000), Packet: ms("packet", 60),
		}
		score := s.Score()
		if score < 100 || score > 441 {
			t.Fatalf("%+v scores %d", s, score)
		}
		for what, worse := range map[string]Stream{
			"loss":  {s.Expected, s.Lost + 1 + s.Expected/50, s.Jitter, s.RoundTrip, s.Packet},
			"delay": {s.Expected, s.Lost, s.Jitter, s.RoundTrip + ms("more delay", 1000), s.Packet},
			"shake": {s.Expected, s.Lost, s.Jitter + ms("more jitter", 1000), s.RoundTrip, s.Packet},
		} {
			if worse.Score() > score {
				t.Fatalf("more %s: %+v scores %d instead of %d", what, worse, worse.Score(), score)
			}
		}
	})
	if got := (Stream{Lost: 3}).Score(); got != 0 {
		t.Errorf("nothing was heard and scores %d", got)
	}
}
