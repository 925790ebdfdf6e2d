package ivr

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// swallowTime is how long after an entry of fixed length its terminator is
// taken for a habit and not for an answer to the next question.
const swallowTime = time.Second

// maxTyped bounds the keys that wait for their node.
const maxTyped = 32

// keyTable finds what a sequence of keys means.
type keyTable struct {
	entries map[string]string // keys to target
	longer  map[string]bool   // proper beginnings of entries
}

func newKeyTable(entries map[string]string) keyTable {
	t := keyTable{entries: entries, longer: map[string]bool{}}
	for k := range entries {
		for i := range k {
			t.longer[k[:i]] = true
		}
	}
	return t
}

// longerThan returns the first of the entries that begin with another one.
func (t keyTable) longerThan(keys string) string {
	if !t.longer[keys] {
		return ""
	}
	for _, k := range slices.Sorted(maps.Keys(t.entries)) {
		if len(k) > len(keys) && strings.HasPrefix(k, keys) {
			return k
		}
	}
	return ""
}

// verdict says what the keys so far amount to.
type verdict uint8

const (
	verdictWrong    verdict = iota // no entry begins like this
	verdictMore                    // an entry begins like this
	verdictComplete                // an entry, and no longer one begins like this
)

// read takes one more key. An entry that is no beginning of another fires at
// once; the terminator fires one that is.
func (t keyTable) read(sofar string, key, terminator rune) (string, verdict) {
	keys := sofar + string(key)
	_, exact := t.entries[keys]
	switch {
	case exact && !t.longer[keys]:
		return keys, verdictComplete
	case exact || t.longer[keys]:
		return keys, verdictMore
	case key == terminator && sofar != "":
		if _, ok := t.entries[sofar]; ok {
			return sofar, verdictComplete
		}
	}
	return keys, verdictWrong
}

// complete implements reader.
func (t keyTable) complete(sofar string) bool {
	_, ok := t.entries[sofar]
	return ok
}

// binds implements reader.
func (t keyTable) binds(key rune) bool { return t.complete(string(key)) }

// press takes a key into the digit queue and tells whether it counts.
func (s *Session) press(k Key) bool {
	if !isKeys(string(k.Digit)) {
		return false
	}
	if s.swallows(k.Digit) {
		return false
	}
	if len(s.st.Typed) >= maxTyped {
		return false
	}
	s.st.Typed += string(k.Digit)
	return true
}

// swallows tells whether a key is only the habitual terminator of an entry
// that was already complete.
func (s *Session) swallows(key rune) bool {
	if s.st.Swallow == 0 {
		return false
	}
	until, terminator := s.st.Swallow, s.st.SwallowKey
	s.st.Swallow, s.st.SwallowKey = 0, 0
	return key == terminator && s.now.UnixMilli() <= until
}

// swallow makes the terminator after a complete entry harmless.
func (s *Session) swallow(terminator rune) {
	if terminator == 0 {
		return
	}
	if rest, ok := strings.CutPrefix(s.st.Typed, string(terminator)); ok {
		s.st.Typed = rest
		return
	}
	s.st.Swallow, s.st.SwallowKey = s.now.Add(swallowTime).UnixMilli(), terminator
}

// remember puts a menu on the way that @back goes.
func (s *Session) remember(id string) {
	if i := slices.Index(s.st.History, id); i >= 0 {
		s.st.History = s.st.History[:i+1]
		return
	}
	s.st.History = append(s.st.History, id)
}
