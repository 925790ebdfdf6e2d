package service

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"tierline/ivr/say"
	"tierline/routing/document"
)

// Wanted is a sound that the documents ask for.
type Wanted struct {
	Key      string // as in a bundle: welcome.zh, say/yi4.zh, music/hold-1
	Language string // empty for music
	Text     string // empty for music and the pause
	Pinyin   string // how a Chinese text is read, if somebody said so
	Kind     WantedKind
	File     string // the document that asks for it first; empty for fragments
	Line     int
}

// WantedKind says what a sound is for.
type WantedKind string

// Kinds of sounds.
const (
	WantedPrompt   WantedKind = "prompt"
	WantedFragment WantedKind = "fragment" // of readings
	WantedMusic    WantedKind = "music"
)

// Sounds lists the sounds that documents ask for, sorted by key, and the
// mistakes of the documents: if there are errors, not all sounds are known. A
// language in which a flow reads values out wants
// all its fragments: the values come when the call does.
func Sounds(b *Bundle) ([]Wanted, []document.Problem) {
	c := compile(b)
	var out []Wanted
	for _, s := range c.speakers {
		for _, t := range s.prompts {
			if t.File != "" {
				key := strings.TrimSuffix(t.File, ".wav")
				out = append(out, Wanted{Key: key, Kind: WantedMusic, File: s.file, Line: t.Pos.Line})
				continue
			}
			for _, text := range t.Texts {
				out = append(out, Wanted{
					Key: soundKey(t.ID, text.Language), Language: text.Language, Text: text.Text, Pinyin: text.Pinyin,
					Kind: WantedPrompt, File: s.file, Line: t.Pos.Line,
				})
			}
		}
	}
	for _, language := range c.readIn() {
		out = append(out, Readings(language)...)
	}
	slices.SortStableFunc(out, func(a, b Wanted) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(out, func(a, b Wanted) bool { return a.Key == b.Key }), c.problems
}

// Readings lists the sounds of all readings in a language.
func Readings(language string) []Wanted {
	var out []Wanted
	for _, f := range say.Fragments(language) {
		out = append(out, Wanted{
			Key: FragmentKey(f.ID, language), Language: language, Text: f.Text, Pinyin: f.Pinyin, Kind: WantedFragment,
		})
	}
	return out
}

// readIn lists the languages in which flows read values out.
func (c *compiler) readIn() []string {
	item := regexp.MustCompile(`\bsay:`)
	var out []string
	for _, s := range c.speakers {
		data, _ := c.bundle.File(s.file)
		if path.Dir(s.file) == "flows" && item.Match(data) {
			out = append(out, s.languages...)
		}
	}
	for _, g := range c.service.greetings {
		if slices.Contains(slices.Concat(g.Caller, g.Agent), SayAgent) {
			out = append(out, c.service.languages...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
