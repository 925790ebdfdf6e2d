package document

import (
	"fmt"
	"unicode/utf8"
)

// DidYouMean returns ` (did you mean "x"?)` for the known word nearest to a
// wrong one, or nothing if none is near enough to be a slip of the finger.
func DidYouMean(word string, known []string) string {
	if best, ok := Nearest(word, known); ok {
		return fmt.Sprintf(" (did you mean %q?)", best)
	}
	return ""
}

// Nearest returns the known word that was probably meant: at most one slip in
// three letters away. Of equally near words the first wins.
func Nearest(word string, known []string) (best string, ok bool) {
	const longest = 64 // nobody mistypes longer names; bounds the work
	w := []rune(word)
	if len(w) == 0 || len(w) > longest {
		return "", false
	}
	limit := max(1, (len(w)+1)/3)
	least := limit + 1
	for _, k := range known {
		if n := utf8.RuneCountInString(k); n > longest || n < len(w)-limit || n > len(w)+limit || k == word {
			continue
		}
		r := []rune(k)
		if d := distance(w, r); d < least {
			best, least = k, d
		}
	}
	return best, least <= limit
}

// distance counts insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b []rune) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
