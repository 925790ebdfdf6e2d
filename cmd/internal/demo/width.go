package demo

import "strings"

// wide tells whether a terminal gives a character two columns: Chinese,
// Japanese and Korean script and their full-width forms (Unicode Annex 11).
func wide(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return true
	}
	return false
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n++
		if wide(r) {
			n++
		}
	}
	return n
}

// fit cuts or fills a text to exactly n columns.
func fit(s string, n int) string {
	if columns(s) <= n {
		return s + strings.Repeat(" ", n-columns(s))
	}
	var b strings.Builder
	at := 0
	for _, r := range s {
		w := columns(string(r))
		if at+w > n-1 {
			break
		}
		b.WriteRune(r)
		at += w
	}
	b.WriteString("…")
	return b.String() + strings.Repeat(" ", n-1-at)
}
