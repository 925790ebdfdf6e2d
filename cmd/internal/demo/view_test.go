package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestFit(t *testing.T) {
	tests := map[string]struct {
		in   string
		n    int
		want string
	}{
		"shorter":         {"Li", 4, "Li  "},
		"exact":           {"李娜", 4, "李娜"},
		"wide, filled":    {"李娜", 6, "李娜  "},
		"cut":             {"Margaret", 5, "Marg…"},
		"wide, cut":       {"欧阳娜娜", 5, "欧阳…"},
		"wide, cut, even": {"欧阳娜娜", 6, "欧阳… "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := fit(tt.in, tt.n)
			if got != tt.want || columns(got) != tt.n {
				t.Errorf("fit(%q, %d) = %q (%d columns), want %q", tt.in, tt.n, got, columns(got), tt.want)
			}
		})
	}
}

func example() board {
	return board{
		Running: 75 * time.Second, Menu: 3, Talking: 2,
		Queues: []queueRow{
			{Name: "human", Waiting: map[string]int{"diamond": 1, "standard": 12}, Longest: 42 * time.Second},
			{Name: "human_vip", Ready: 2},
		},
		Agents: []agentRow{
			{ID: "1001", Name: "李娜", State: "talking", For: 12 * time.Second},
			{ID: "1002", Name: "Margaret Thatcher", State: "not_ready", Reason: "missed", For: 3 * time.Second},
			{ID: "1003", Name: "王", State: "ready"},
		},
		Totals: totals{Calls: 20, Answered: 12, SelfService: 4, Abandoned: 1},
		Events: []string{"0:01 a", "0:02 张 from Shanghai calls 10000"},
	}
}

func TestDrawAligns(t *testing.T) {
	lines := draw(example())
	text := strings.Join(lines, "\n")
	for _, want := range []string{"李娜", "break: missed", "human_vip", "0:42", "12", "of 20 calls", "张 from Shanghai"} {
		if !strings.Contains(text, want) {
			t.Errorf("view lacks %q:\n%s", want, text)
		}
	}
	at := -1
	for _, l := range lines {
		if columns(l) > width {
			t.Errorf("line of %d columns: %s", columns(l), l)
		}
		for _, state := range []string{"talking  ", "break: "} { // the first column's states begin in one column
			if i := strings.Index(l, state); strings.HasPrefix(l, " 100") && i > 0 {
				if c := columns(l[:i]); at >= 0 && c != at {
					t.Errorf("states at columns %d and %d:\n%s", at, c, text)
				} else {
					at = c
				}
			}
		}
	}
	if at < 0 {
		t.Errorf("no state found:\n%s", text)
	}
}

func TestScreenRedraws(t *testing.T) {
	var out bytes.Buffer
	s := screen{w: &out, size: func() (int, int) { return 60, 12 }}
	for range 2 {
		if err := s.show(example()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(out.String(), "\x1b[11A") != 1 { // as many lines as a terminal of twelve rows takes
		t.Errorf("second drawing does not begin by going up:\n%q", out.String())
	}
	for l := range strings.Lines(strings.ReplaceAll(out.String(), "\x1b[2K", "")) {
		if columns(strings.TrimRight(l, "\n")) > 60+5 { // the 5 are the way up
			t.Errorf("line too long for the terminal: %q", l)
		}
	}
}

func TestBox(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(box([]string{"Tierline 电信", "x"})), "\n")
	for _, l := range lines {
		if columns(l) != columns(lines[0]) {
			t.Errorf("box is not straight:\n%s", strings.Join(lines, "\n"))
		}
	}
}
