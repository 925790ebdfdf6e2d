package recognise

import (
	"cmp"
	"slices"
	"time"

	"tierline/media/g711"
	"tierline/media/prompt"
	"tierline/media/wav"
)

const (
	window  = 64             // samples that are looked up at once
	stride  = 800            // samples between two anchors of a sound
	least   = wav.Rate / 10  // samples of a part that prove something
	loud    = 200            // a window below this mean level is no anchor: silence is everywhere
	base    = 1_000_003      // of the rolling hash
	perHash = 32             // anchors that look alike
	graze   = 32             // samples that a cut sound and the next one may share by chance
	hole    = wav.Rate / 10  // what packets that are late or lost take out of a sound at once
	slack   = wav.Rate / 200 // samples at a sound's ends that may be missing of a whole one
)

// Found is one sound in a recording.
type Found struct {
	Name   string
	At     time.Duration // since the recording's beginning
	Length time.Duration // of what was heard of it
	Whole  bool          // all of it, but for holes that lost packets made
}

// Pack is the sounds that can be recognised.
type Pack struct {
	sounds  []sound
	anchors map[uint64][]anchor
}

type sound struct {
	name    string
	samples []int16
}

// anchor is a place within a sound that a recording is searched for.
type anchor struct{ sound, at int }

// Add makes a sound known, in both codecs.
func (p *Pack) Add(name string, c *prompt.Clip) {
	if p.anchors == nil {
		p.anchors = map[uint64][]anchor{}
	}
	p.add(name, c.ALaw(), g711.DecodeA)
	p.add(name, c.MuLaw(), g711.DecodeU)
}

func (p *Pack) add(name string, codes []byte, decode func(byte) int16) {
	s := sound{name, make([]int16, len(codes))}
	for i, code := range codes {
		s.samples[i] = decode(code)
	}
	p.sounds = append(p.sounds, s)
	for from := 0; from+window <= len(s.samples); from += stride {
		at, level := loudest(s.samples[from:min(len(s.samples), from+stride)])
		if level < loud {
			continue
		}
		h := hash(s.samples[from+at : from+at+window])
		if len(p.anchors[h]) < perHash {
			p.anchors[h] = append(p.anchors[h], anchor{len(p.sounds) - 1, from + at})
		}
	}
}

// loudest returns where the loudest window is, and its mean level.
func loudest(s []int16) (at, level int) {
	if len(s) < window {
		return 0, 0
	}
	sum := 0
	for _, v := range s[:window] {
		sum += max(int(v), -int(v))
	}
	best := sum
	for i := window; i < len(s); i++ {
		sum += max(int(s[i]), -int(s[i])) - max(int(s[i-window]), -int(s[i-window]))
		if sum > best {
			best, at = sum, i-window+1
		}
	}
	return at, best / window
}

func hash(s []int16) uint64 {
	var h uint64
	for _, v := range s {
		h = h*base + uint64(uint16(v)) //nolint:gosec // bits of a sample
	}
	return h
}

// match is a stretch of the recording that equals a stretch of a sound.
type match struct {
	sound    int
	from, to int // in the recording
	offset   int // of the sound's beginning in the recording
}

// Find returns the sounds in a recording, in the order in which they were
// heard.
func (p *Pack) Find(recording []int16) []Found {
	matches := p.matches(recording)
	slices.SortStableFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.to-b.from, a.to-a.from), cmp.Compare(a.from, b.from), cmp.Compare(a.sound, b.sound))
	})
	var kept []match
	for _, m := range matches {
		if rest, ok := m.beside(kept); ok {
			kept = append(kept, rest)
		}
	}
	slices.SortFunc(kept, func(a, b match) int { return cmp.Compare(a.from, b.from) })
	out := make([]Found, 0, len(kept))
	for i := 0; i < len(kept); {
		j, heard := i+1, kept[i].to-kept[i].from
		for ; j < len(kept) && kept[j].resumes(kept[j-1]); j++ {
			heard += kept[j].to - kept[j].from
		}
		first, last, s := kept[i], kept[j-1], p.sounds[kept[i].sound]
		out = append(out, Found{
			Name: s.name, At: span(first.from), Length: span(heard),
			Whole: first.from-first.offset <= slack && last.offset+len(s.samples)-last.to <= slack,
		})
		i = j
	}
	return out
}

// resumes tells whether a sound goes on after a hole that lost or late packets
// made, rather than being played again.
func (m match) resumes(after match) bool {
	return m.sound == after.sound && m.from-after.to <= hole && m.from-m.offset >= after.to-after.offset-graze
}

func span(samples int) time.Duration { return time.Duration(samples) * time.Second / wav.Rate }

func (p *Pack) matches(recording []int16) []match {
	if len(recording) < window {
		return nil
	}
	top := uint64(1) // base^(window-1): the weight of the sample that leaves
	for range window - 1 {
		top *= base
	}
	var out []match
	seen := map[[2]int]int{} // by sound and offset: the end of its last match
	h := hash(recording[:window])
	for i := 0; ; i++ {
		for _, a := range p.anchors[h] {
			place := [2]int{a.sound, i - a.at}
			if seen[place] > i {
				continue
			}
			m, ok := p.extend(recording, a, i)
			if ok {
				out = append(out, m)
			}
			seen[place] = max(m.to, i+1)
		}
		if i+window == len(recording) {
			return out
		}
		leaves, enters := uint16(recording[i]), uint16(recording[i+window]) //nolint:gosec // bits of a sample
		h = (h-uint64(leaves)*top)*base + uint64(enters)
	}
}

// extend looks how far recording and sound are the same around an anchor.
func (p *Pack) extend(recording []int16, a anchor, i int) (match, bool) {
	s := p.sounds[a.sound].samples
	m := match{sound: a.sound, from: i, to: i, offset: i - a.at}
	for m.to < len(recording) && m.to-m.offset < len(s) && recording[m.to] == s[m.to-m.offset] {
		m.to++
	}
	for m.from > 0 && m.from > m.offset && recording[m.from-1] == s[m.from-1-m.offset] {
		m.from--
	}
	return m, m.to-m.from >= min(least, len(s))
}

// beside gives way to better matches: it ends where they begin, if they only
// graze it.
func (m match) beside(kept []match) (match, bool) {
	for _, k := range kept {
		switch {
		case m.to <= k.from || k.to <= m.from:
		case m.from < k.from && m.to-k.from <= graze:
			m.to = k.from
		case k.to < m.to && k.to-m.from <= graze:
			m.from = k.to
		default:
			return m, false
		}
	}
	return m, true
}
