package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// table lays out rows under a head. Columns are as wide as their widest cell.
type table struct {
	head []string
	rows [][]string
}

func newTable(head ...string) *table { return &table{head: head} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// dropEmpty takes out columns without a word in them.
func (t *table) dropEmpty() {
	for i, name := range slices.Backward(t.head) {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" }) {
			t.drop(name)
		}
	}
}

// drop takes out a column, if it is there.
func (t *table) drop(name string) {
	i := slices.Index(t.head, name)
	if i < 0 {
		return
	}
	t.head = slices.Delete(t.head, i, i+1)
	for j := range t.rows {
		t.rows[j] = slices.Delete(t.rows[j], i, i+1)
	}
}

// text returns the table, or empty, a sentence, if it has no rows.
func (t *table) text(empty string) string {
	if len(t.rows) == 0 {
		return empty + "\n"
	}
	widths := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-width(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// width returns how many columns a terminal gives a text: Chinese characters
// take two.
func width(text string) (n int) {
	for _, r := range text {
		n++
		if slices.ContainsFunc(wide(), func(block [2]rune) bool { return block[0] <= r && r <= block[1] }) {
			n++
		}
	}
	return n
}

// wide lists the blocks of characters of two columns (Unicode TR 11, W and F).
func wide() [][2]rune {
	return [][2]rune{
		{0x1100, 0x115f},
		{0x2e80, 0xa4cf},
		{0xac00, 0xd7a3},
		{0xf900, 0xfaff},
		{0xfe30, 0xfe6f},
		{0xff00, 0xff60},
		{0xffe0, 0xffe6},
		{0x1f300, 0x1faff},
		{0x20000, 0x3fffd},
	}
}

// span writes milliseconds as people say them: 8s, 1m20s, 2h05m, 3d04h.
func span(ms int64) string {
	s := ms / 1000
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
	}
}

// spanOr is span, or a dash for nothing.
func spanOr(ms int64, there bool) string {
	if !there {
		return "-"
	}
	return span(ms)
}

// or returns a text, or a dash for an empty one.
func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (o *options) clock(t time.Time) string { return t.In(o.zone).Format("2006-01-02 15:04:05") }

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
