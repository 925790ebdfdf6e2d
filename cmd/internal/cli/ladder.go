package cli

import (
	"fmt"
	"strings"
	"time"

	"tierline/cmd/internal/console/wire"
)

const (
	defaultWidth = 110
	clockWidth   = 9  // +12.345 and what is between it and the ladder
	leastLane    = 24 // columns from one line of life to the next
	ourName      = "tierline"
)

// ladder draws traces: a line of life for each who takes part, an arrow for each
// message, a line of text for whatever else happened.
type ladder struct {
	width int
	zone  *time.Location
	sip   bool // messages in full

	began time.Time
	peers []peer // in order of their lanes; the last one is shared if there are many
	legs  []int  // lane of each leg
	lane  int    // columns between two lines of life
	again map[string]bool
}

// peer is who has a line of life.
type peer struct{ name, address string }

func newLadder(width int, zone *time.Location, sip bool) *ladder {
	return &ladder{width: max(width, 60), zone: zone, sip: sip, again: map[string]bool{}}
}

// head says whose trace it is.
func (l *ladder) head(tr *wire.Trace) string {
	var b strings.Builder
	name := "call " + tr.Call
	if tr.Call == "" {
		name = "no call of ours: it was refused, or dialled a code"
	}
	fmt.Fprintf(&b, "%s, from %s to %s, on %s at %s\n", name, or(tr.From), or(tr.To), or(tr.Node),
		tr.Began.In(l.zone).Format("2006-01-02 15:04:05.000"))
	if tr.Source == "records" {
		b.WriteString("Its messages are gone (they are kept in memory, for a while); this is what the records say.\n")
	}
	if len(tr.Others) > 0 {
		fmt.Fprintf(&b, "The newest of several; others:\n")
		for _, o := range tr.Others {
			id := o.Call
			if id == "" {
				id = o.SIP
			}
			fmt.Fprintf(&b, "  %s  %s from %s to %s\n", o.Began.In(l.zone).Format("01-02 15:04:05"), id, or(o.From), or(o.To))
		}
	}
	return b.String()
}

// foot says what is missing.
func (l *ladder) foot(tr *wire.Trace) string {
	var b strings.Builder
	if tr.Missing > 0 {
		fmt.Fprintf(&b, "%s left out: the call had no more room (trace.call_kb)\n", count(tr.Missing, "entry", "entries"))
	}
	if !tr.Ended {
		b.WriteString("The call goes on: --follow shows what comes.\n")
	}
	return b.String()
}

// add draws entries.
func (l *ladder) add(tr *wire.Trace) string {
	var b strings.Builder
	if l.began.IsZero() {
		l.began = tr.Began
	}
	if l.seat(tr) {
		b.WriteString(l.names())
	}
	for i := range tr.Entries {
		e := &tr.Entries[i]
		at := fmt.Sprintf("%+.3f", e.At.Sub(l.began).Seconds())
		at += strings.Repeat(" ", max(1, clockWidth-len(at)))
		if e.SIP == nil {
			b.WriteString(l.note(at, e))
			continue
		}
		b.WriteString(strings.TrimRight(at+l.arrow(e), " ") + "\n")
		if l.sip {
			for line := range strings.Lines(strings.ReplaceAll(e.SIP.Text, "\r\n", "\n")) {
				b.WriteString(strings.Repeat(" ", clockWidth) + "  | " + strings.TrimRight(line, "\n") + "\n")
			}
		}
	}
	return b.String()
}

// seat gives each leg its lane; true: there are new ones.
func (l *ladder) seat(tr *wire.Trace) (changed bool) {
	addresses := map[int]string{}
	for i := range tr.Entries {
		if e := &tr.Entries[i]; e.SIP != nil && e.Leg != nil && addresses[*e.Leg] == "" {
			addresses[*e.Leg] = e.SIP.Remote + " " + e.SIP.Transport
		}
	}
	most := max(1, (l.width-clockWidth-2)/leastLane)
	for i := len(l.legs); i < len(tr.Legs); i++ {
		name := strings.TrimSpace(tr.Legs[i].Role + " " + tr.Legs[i].Name)
		if name == "" {
			name = "peer"
		}
		at := -1
		for j, p := range l.peers {
			if p.name == name {
				at = j
			}
		}
		switch {
		case at >= 0:
		case len(l.peers) < most:
			at = len(l.peers)
			l.peers = append(l.peers, peer{name, addresses[i]})
			changed = true
		default:
			at = most - 1
			if p := &l.peers[at]; p.name != "others" {
				*p = peer{"others", ""}
				changed = true
			}
		}
		l.legs = append(l.legs, at)
	}
	if len(l.peers) > 0 {
		l.lane = min((l.width-clockWidth-2)/len(l.peers), 60)
	}
	return changed
}

// column is where the line of life of a lane is; ours comes after the first.
func (l *ladder) column(lane int) int {
	if lane == 0 {
		return 0
	}
	return (lane + 1) * l.lane
}

func (l *ladder) ours() int { return l.lane }

// total is the width of the drawing.
func (l *ladder) total() int { return max(l.ours(), l.column(len(l.peers)-1)) + 1 }

// names heads the lines of life.
func (l *ladder) names() string {
	top, below := l.blank(' '), l.blank(' ')
	put := func(line []rune, at int, text string) {
		text = cut(text, l.lane-2)
		at = min(max(0, at-len([]rune(text))/2), max(0, len(line)-len([]rune(text))))
		copy(line[at:], []rune(text))
	}
	put(top, l.ours(), ourName)
	for i, p := range l.peers {
		put(top, l.column(i), p.name)
		put(below, l.column(i), p.address)
	}
	margin := strings.Repeat(" ", clockWidth)
	lines := "\n" + strings.TrimRight(margin+string(top), " ") + "\n"
	if text := strings.TrimRight(margin+string(below), " "); text != "" {
		lines += text + "\n"
	}
	return lines
}

// blank is a line with nothing but the lines of life.
func (l *ladder) blank(life rune) []rune {
	line := []rune(strings.Repeat(" ", max(l.total(), min(l.total()+8, l.width-clockWidth))))
	line[l.ours()] = life
	for i := range l.peers {
		line[l.column(i)] = life
	}
	return line
}

// arrow draws a message.
func (l *ladder) arrow(e *wire.TraceEntry) string {
	line := l.blank('|')
	lane := 0
	if e.Leg != nil && *e.Leg < len(l.legs) {
		lane = l.legs[*e.Leg]
	}
	from, to := l.column(lane), l.ours()
	if from > to {
		from, to = to, from
	}
	for i := from + 1; i < to; i++ {
		line[i] = '-'
	}
	if outward := e.SIP.Out; outward == (l.column(lane) > l.ours()) {
		line[to-1] = '>'
	} else {
		line[from+1] = '<'
	}
	text := e.Text
	key := fmt.Sprint(lane, e.SIP.Out, e.SIP.Text)
	if l.again[key] {
		text += " (again)"
	}
	l.again[key] = true
	label := []rune(" " + cut(text, to-from-7) + " ")
	copy(line[from+1+(to-from-1-len(label))/2:], label)
	return string(line)
}

// note is a line of text, broken where the terminal ends.
func (l *ladder) note(at string, e *wire.TraceEntry) string {
	text := e.Text
	if e.Leg != nil && *e.Leg < len(l.legs) {
		text = l.peers[l.legs[*e.Leg]].name + ": " + text
	}
	mark := map[string]string{"event": "*", "rtp": "~", "key": "#", "log": "!"}[e.Kind]
	var b strings.Builder
	indent := strings.Repeat(" ", clockWidth)
	for i, line := range folded(text, l.width-clockWidth-4) {
		if i == 0 {
			b.WriteString(at + "  " + mark + " " + line + "\n")
			continue
		}
		b.WriteString(indent + "    " + line + "\n")
	}
	return b.String()
}

// folded splits a text into lines that are no wider than that, at blanks if it
// has some.
func folded(text string, wide int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		for width(word) > wide {
			head := cut(word, wide)
			head = strings.TrimSuffix(head, "…")
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) <= wide:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// cut shortens a text to so many columns.
func cut(text string, wide int) string {
	if width(text) <= wide {
		return text
	}
	out, used := "", 0
	for _, r := range text {
		if used += width(string(r)); used > wide-1 {
			break
		}
		out += string(r)
	}
	return out + "…"
}
