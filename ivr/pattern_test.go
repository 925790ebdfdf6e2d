package ivr

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// patterns are those that both matchers understand.
func patterns() *rapid.Generator[string] {
	atom := rapid.SampledFrom([]string{"a", "b", "1", ".", `\d`, "[ab]", "[^a]", `\.`})
	times := rapid.SampledFrom([]string{"", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}"})
	word := rapid.Custom(func(t *rapid.T) string { return atom.Draw(t, "atom") + times.Draw(t, "times") })
	sequence := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(word, 0, 3).Draw(t, "words"), "") })
	return rapid.Custom(func(t *rapid.T) string {
		group := "(" + strings.Join(rapid.SliceOfN(sequence, 1, 3).Draw(t, "ways"), "|") + ")" + times.Draw(t, "times")
		text := sequence.Draw(t, "before") + group + sequence.Draw(t, "after")
		if rapid.Bool().Draw(t, "whole") {
			text = "^" + text + "$"
		}
		return text
	})
}

// Where Go's matcher can tell, ours says the same.
func TestBackReferencesDontChangeWhatPatternsMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := patterns().Draw(t, "pattern")
		text := rapid.StringMatching(`[ab1.]{0,8}`).Draw(t, "text")
		ours, err := newBackMatcher(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		if got, want := ours.MatchString(text), regexp.MustCompile(pattern).MatchString(text); got != want {
			t.Fatalf("%s matches %q: %t, want %t", pattern, text, got, want)
		}
	})
}

// The bound is that of a match, not of each place where it could begin.
func TestHostilePatternDoesNotHoldUpACallForSeconds(t *testing.T) {
	m, err := newBackMatcher(`((a*)*)*\1b`)
	if err != nil {
		t.Fatal(err)
	}
	const steps = 1000
	if ok, left := m.match(strings.Repeat("a", 5000), steps); ok || left < -steps { // each open way counts once more
		t.Errorf("%t after %d steps", ok, steps-left)
	}
}

// Whatever a flow asks for and a caller enters, a match is soon over.
func FuzzPattern(f *testing.F) {
	for pattern, text := range map[string]string{
		`^(.)\1*$`: "1111", `((a*)*)*\1b`: strings.Repeat("a", 32), `(.)(.)\2\1`: "1221", `[^\d](x|y){2,9}\1`: "axyx",
		`(\1`: "", `^(\w+)\s?\1$`: "ab ab", `(a|b|)*\1{100}`: "abab", `(.)\1{0,2}$`: "号号",
	} {
		f.Add(pattern, text)
	}
	f.Fuzz(func(_ *testing.T, pattern, text string) {
		m, err := newMatcher(pattern)
		if err != nil {
			return
		}
		m.MatchString(text)
	})
}
