package cluster

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	var mono time.Duration
	c := &clock{mono: func() time.Duration { return mono }}
	now := func(want int64) {
		t.Helper()
		if got := c.now(); got != want {
			t.Errorf("log time %d, want %d", got, want)
		}
	}
	now(0)
	mono += 1500 * time.Millisecond
	now(1500)
	c.observe(1000) // an entry of the past changes nothing
	now(1500)
	c.observe(9000) // a leader that is ahead is followed
	now(9000)
	mono += time.Second
	now(10_000)
}

func TestClockAfterARestart(t *testing.T) {
	const at, wall = 50_000, int64(1_790_000_000_000)
	tests := map[string]struct {
		wallNow int64
		want    int64
	}{
		"an hour later":                    {wall + 3_600_000, at + 3_600_000},
		"at once":                          {wall, at},
		"the calendar went back meanwhile": {wall - 86_400_000, at},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &clock{mono: func() time.Duration { return 0 }}
			c.resume(at, wall, tt.wallNow)
			if got := c.now(); got != tt.want {
				t.Errorf("log time %d, want %d", got, tt.want)
			}
		})
	}
	c := &clock{mono: func() time.Duration { return 0 }}
	c.resume(0, 0, wall)
	if got := c.now(); got != 0 {
		t.Errorf("log time %d on the very first start, want 0", got)
	}
}
