package ivr

import (
	"time"
	"unicode"
)

// Pace of a calm speaker: 240 syllables of Chinese a minute, 15 letters of
// English a second, and a breath at every stop.
const (
	syllable = 250 * time.Millisecond
	letter   = 66 * time.Millisecond
	breath   = 250 * time.Millisecond
)

// Spoken estimates how long a text takes to be spoken.
func Spoken(text string) time.Duration {
	var d time.Duration
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
			d += syllable
		case unicode.IsDigit(r):
			d += syllable
		case unicode.IsPunct(r):
			d += breath
		default:
			d += letter
		}
	}
	return d
}
