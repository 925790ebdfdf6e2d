package dtmf

import "time"

// Source is a way for a key to reach us.
type Source uint8

// Sources.
const (
	Event       Source = iota // RFC 4733
	Info                      // SIP INFO
	Inband                    // tones in the sound
	SourceCount               // how many there are
)

// String returns the source as documents and logs spell it.
func (s Source) String() string {
	switch s {
	case Event:
		return "rfc4733"
	case Info:
		return "info"
	case Inband:
		return "inband"
	case SourceCount:
	}
	return "unknown"
}

// ParseSource is the inverse of String.
func ParseSource(name string) (Source, bool) {
	for s := range SourceCount {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}

// Sources is a set of sources.
type Sources uint8

// SourcesOf returns a set.
func SourcesOf(sources ...Source) Sources {
	var set Sources
	for _, s := range sources {
		set |= 1 << s
	}
	return set
}

// Has reports whether a source is in the set.
func (s Sources) Has(one Source) bool { return s&(1<<one) != 0 }

// sameKey is how far apart two sources may tell the same press.
const sameKey = 200 * time.Millisecond

// Stroke is a key as one source tells it: known at a moment, pressed for a
// time before it.
type Stroke struct {
	Source Source
	Key    rune
	At     time.Time     // when it was told
	Held   time.Duration // pressed for so long by then; a source that tells a key at its end
}

// Merger makes one sequence of keys out of all sources of one call.
type Merger struct {
	from   Sources
	events bool    // a key came by RFC 4733: who can do that does nothing else
	recent [4]told // the newest presses, oldest first
	known  int     // how many of them there are
}

// told is a press and who has told of it.
type told struct {
	first Stroke
	by    Sources
}

// NewMerger returns a merger that listens to some sources only.
func NewMerger(from Sources) Merger { return Merger{from: from} }

// Accept takes one stroke and reports whether it is a key of its own. The same
// key from another source within 200 ms is the same press; two strokes of one
// source are two presses.
func (m *Merger) Accept(s Stroke) bool {
	if _, known := Code(s.Key); !known || s.Source >= SourceCount || !m.from.Has(s.Source) {
		return false
	}
	if s.Source == Event {
		m.events = true
	} else if m.events {
		return false
	}
	for i := range m.known { // each source tells presses in their order
		if p := &m.recent[i]; !p.by.Has(s.Source) && p.first.same(s) {
			p.by |= SourcesOf(s.Source)
			return false
		}
	}
	if m.known == len(m.recent) {
		copy(m.recent[:], m.recent[1:])
		m.known--
	}
	m.recent[m.known] = told{first: s, by: SourcesOf(s.Source)}
	m.known++
	return true
}

// same reports whether two strokes of different sources are one press: neither
// began more than sameKey after the other was over.
func (s Stroke) same(t Stroke) bool {
	return s.Key == t.Key &&
		t.At.Add(-t.Held).Sub(s.At) <= sameKey && s.At.Add(-s.Held).Sub(t.At) <= sameKey
}
