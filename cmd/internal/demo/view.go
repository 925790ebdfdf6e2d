package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// board is what the view shows: the centre at one moment.
type board struct {
	Running time.Duration
	Queues  []queueRow
	Agents  []agentRow
	Menu    int // callers who listen to greetings and menus
	Talking int
	Totals  totals
	Events  []string // newest last
	Problem string   // why the rest may be stale
}

type queueRow struct {
	Name    string
	Waiting map[string]int // by tier
	Longest time.Duration
	Ready   int
}

type agentRow struct {
	ID, Name, State, Reason, With string
	For                           time.Duration
}

type totals struct {
	Calls, Answered, Abandoned, SelfService, Failed int
}

func tiers() []string { return []string{"diamond", "gold", "silver", "standard"} }

// words says an agent's state as people do.
func words(state, reason string) string {
	var w string
	switch state {
	case "ready":
		w = "ready"
	case "reserved", "alerting":
		w = "ringing"
	case "talking":
		w = "talking"
	case "wrap_up":
		w = "wrap-up"
	case "not_ready":
		w = "break"
	case "unreachable":
		w = "no phone"
	case "signed_out":
		w = "signed out"
	default:
		w = state
	}
	if reason != "" && (state == "not_ready" || state == "unreachable") {
		w += ": " + reason
	}
	return w
}

// The board fits a terminal of 80 columns.
const (
	width      = 79
	eventLines = 6
)

// draw writes the whole board, one line after another.
func draw(b board) []string {
	out := []string{
		fmt.Sprintf("WAITING  %d in menus · %d talking · running %s", b.Menu, b.Talking, clock(b.Running)),
		fmt.Sprintf("  %s %8s %8s %8s %8s   %-8s  %s", fit("queue", 14), "diamond", "gold", "silver", "standard",
			"longest", "agents ready"),
	}
	for _, q := range b.Queues {
		w := q.Waiting
		line := fmt.Sprintf("  %s %8s %8s %8s %8s", fit(q.Name, 14), dot(w["diamond"]), dot(w["gold"]),
			dot(w["silver"]), dot(w["standard"]))
		longest := "–"
		if q.Longest > 0 {
			longest = clock(q.Longest)
		}
		out = append(out, line+fmt.Sprintf("   %s  %d", fit(longest, 8), q.Ready))
	}
	out = append(out, "", "AGENTS")
	out = append(out, agents(b.Agents)...)
	t := b.Totals
	out = append(out, "", fmt.Sprintf("ENDED    %d of %d calls: %d with an agent, %d in the menu, %d gave up, %d failed",
		t.Answered+t.SelfService+t.Abandoned+t.Failed, t.Calls, t.Answered, t.SelfService, t.Abandoned, t.Failed),
		"", "LAST EVENTS")
	events := b.Events[max(0, len(b.Events)-eventLines):]
	for _, e := range events {
		out = append(out, "  "+strings.TrimRight(fit(e, width-2), " "))
	}
	for range eventLines - len(events) {
		out = append(out, "")
	}
	if b.Problem != "" {
		out = append(out, "! "+b.Problem)
	}
	return out
}

// agents puts two agents on a line.
func agents(rows []agentRow) []string {
	half := (len(rows) + 1) / 2
	var out []string
	for i := range half {
		line := " " + agentCell(rows[i])
		if j := i + half; j < len(rows) {
			line += " " + agentCell(rows[j])
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

func agentCell(a agentRow) string {
	return fmt.Sprintf("%s %s %s%5s", fit(a.ID, 4), fit(a.Name, 14), fit(words(a.State, a.Reason), 13), clock(a.For))
}

func dot(n int) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprint(n)
}

// clock writes a time as m:ss.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// screen draws boards over each other on a terminal.
type screen struct {
	w     io.Writer
	size  func() (columns, rows int)
	lines int // drawn before
}

// show replaces the board that was drawn before.
func (s *screen) show(b board) error {
	var out strings.Builder
	if s.lines > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", s.lines)
	}
	lines := draw(b)
	wide, high := s.size()
	lines = lines[:min(len(lines), max(1, high-1))] // more would scroll, and could not be drawn over
	for _, l := range lines {
		if columns(l) > wide {
			l = fit(l, wide)
		}
		out.WriteString("\x1b[2K" + l + "\n")
	}
	out.WriteString("\x1b[J")
	s.lines = len(lines)
	if _, err := io.WriteString(s.w, out.String()); err != nil {
		return fmt.Errorf("draw view: %w", err)
	}
	return nil
}

// box frames lines.
func box(lines []string) string {
	n := columns(slices.MaxFunc(lines, func(a, b string) int { return columns(a) - columns(b) }))
	var b strings.Builder
	b.WriteString("┌" + strings.Repeat("─", n+2) + "┐\n")
	for _, l := range lines {
		b.WriteString("│ " + fit(l, n) + " │\n")
	}
	b.WriteString("└" + strings.Repeat("─", n+2) + "┘\n")
	return b.String()
}
