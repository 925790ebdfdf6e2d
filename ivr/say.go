package ivr

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tierline/ivr/say"
	"tierline/routing/document"
)

// sayItem reads a value out.
type sayItem struct {
	kind  string
	value *expression // nil: the place in the queue, or the wait
	money bool        // the value is fen
	bytes bool        // the value is bytes
	unit  map[string]string
	sayOptions
}

type sayOptions struct{ yao, hao, exact, and bool }

// ttsItem is a text that only a speech engine can say.
type ttsItem struct {
	value    *expression
	fallback *promptText
}

type sayDoc struct {
	Say   document.Value[string]                   `doc:"say,required"`
	Value document.Value[string]                   `doc:"value,nonempty"`
	Unit  document.Entries[document.Value[string]] `doc:"unit"`
	One   document.Value[string]                   `doc:"one"`
	Day   document.Value[string]                   `doc:"day"`
	Exact document.Value[bool]                     `doc:"exact"`
	And   document.Value[bool]                     `doc:"and"`
}

type ttsDoc struct {
	TTS      document.Value[string] `doc:"tts,required,nonempty"`
	Fallback document.Value[string] `doc:"fallback,nonempty"`
}

// Kinds of what is said that need no value.
const (
	sayPosition = "position"
	sayWait     = "wait"
)

// sayTypes says which variables each kind of say reads. A kind that isn't
// listed can't be said.
func sayTypes() map[string][]string {
	dates := []string{typeDate, typeDatetime}
	whole := []string{typeInt}
	return map[string][]string{
		"money": {typeMoney}, "volume": {typeVolume},
		"date": dates, "month": dates, "weekday": dates, "year": dates,
		"datetime": {typeDatetime}, "time": {typeDatetime, typeString},
		"time12": {typeDatetime, typeString}, "time24": {typeDatetime, typeString},
		"count": whole, "number": whole, "ordinal": whole, "percent": whole, "duration": whole,
		"decimal": {typeString, typeInt},
		"digits":  {typeString, typeInt}, "phone": {typeString, typeInt},
		sayPosition: whole, sayWait: whole,
	}
}

func (b *builder) readSay(n *document.Node) []item {
	var d sayDoc
	document.Decode(n, &d, "a say item", b.p)
	allowed, ok := sayTypes()[d.Say.V]
	if !ok {
		if d.Say.Given {
			known := make([]string, 0, len(sayTypes()))
			for k := range sayTypes() {
				known = append(known, k)
			}
			slices.Sort(known)
			b.p.Errorf(d.Say.Pos, "nothing can be said as %q%s", d.Say.V, document.DidYouMean(d.Say.V, known))
		}
		b.useWords(d.Value.V)
		return nil
	}
	out := &sayItem{kind: d.Say.V, money: d.Say.V == "money", bytes: d.Say.V == "volume"}
	out.yao, out.hao = b.oneOf(d.One, "yao", "yi"), b.oneOf(d.Day, "hao", "ri")
	out.exact, out.and = d.Exact.V, d.And.V
	b.readUnit(out, d)
	b.checkReading(out, d.Say.Pos)
	switch waits := out.kind == sayPosition || out.kind == sayWait; {
	case waits && d.Value.Given && out.kind == sayWait:
		b.p.Errorf(d.Value.Pos, "say wait has no value: it is the estimated wait in the queue")
	case !d.Value.Given && !waits:
		b.p.Errorf(n.Owner, `say %s needs the field "value"`, out.kind)
	case d.Value.Given:
		out.value = b.readSaid(d.Value, out.kind, allowed)
	}
	return []item{{say: out}}
}

// oneOf reads an option with two values and tells whether it is the first.
func (b *builder) oneOf(v document.Value[string], yes, no string) bool {
	if v.Given && v.V != yes && v.V != no {
		b.p.Errorf(v.Pos, "must be %q or %q", yes, no)
	}
	return v.V == yes
}

func (b *builder) readUnit(out *sayItem, d sayDoc) {
	if out.kind != "count" {
		if len(d.Unit) > 0 {
			b.p.Errorf(d.Unit[0].Key.Pos, "only a count has a unit")
		}
		return
	}
	out.unit = map[string]string{}
	for _, u := range d.Unit {
		if !slices.Contains(b.flow.languages, u.Key.V) {
			b.p.Errorf(u.Key.Pos, "%q is not a language of this flow (%s)", u.Key.V, strings.Join(b.flow.languages, ", "))
		}
		out.unit[u.Key.V] = u.Value.V
	}
}

// checkReading finds languages in which a kind can't be read.
func (b *builder) checkReading(out *sayItem, at document.Pos) {
	for _, l := range b.flow.languages {
		if err := say.Check(l, out.kind, out.options(l)); err != nil {
			b.p.Errorf(at, "say %s: %v", out.kind, err)
			return
		}
		b.checkFragments(out, l, at)
	}
}

// sayKey is one way of reading values.
type sayKey struct {
	language, kind string
	options        say.Options
}

// checkFragments warns of readings that would have holes, once for each way of
// reading.
func (b *builder) checkFragments(out *sayItem, language string, at document.Pos) {
	key := sayKey{language, out.kind, out.options(language)}
	if b.env.Fragment == nil || b.heard[key] {
		return
	}
	if b.heard == nil {
		b.heard = map[sayKey]bool{}
	}
	b.heard[key] = true
	needs, err := say.Needs(language, out.kind, key.options)
	if err != nil {
		return // checkReading said so
	}
	missing := slices.DeleteFunc(needs, func(id string) bool { return b.env.Fragment(language, id) })
	if n := len(missing); n > 0 {
		b.p.Warnf(at, "no audio for %d pieces of say %s in %s, first %s: tierline prompts build", n, out.kind, language,
			missing[0])
	}
}

// readSaid compiles a value that is read out and checks what it is.
func (b *builder) readSaid(v document.Value[string], kind string, allowed []string) *expression {
	e, reads := b.compileReads(v, anyKind)
	b.noSecret(v, reads, "spoken")
	if e == nil {
		return nil
	}
	is := b.typeOf(v.V)
	if is == "" { // computed
		switch e.kind() { //nolint:exhaustive // compileReads allows no others
		case reflect.Int:
			if !slices.ContainsFunc(allowed, isNumber) {
				is = typeInt
			}
		case reflect.String:
			if !slices.ContainsFunc(allowed, func(t string) bool { return !isNumber(t) }) {
				is = typeString
			}
		case reflect.Interface: // its declaration is a mistake of its own
		default:
			is = e.kind().String()
		}
	}
	if is != "" && !slices.Contains(allowed, is) {
		b.p.Errorf(v.Pos, "say %s needs %s, %q is %s", kind, anyOf(allowed), v.V, article(is))
	}
	return e
}

// article puts "a" or "an" before the name of a type.
func article(typ string) string {
	if typ != "" && strings.Contains("aeiou", typ[:1]) {
		return "an " + typ
	}
	return "a " + typ
}

func anyOf(types []string) string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = article(t)
	}
	return strings.Join(out, " or ")
}

func isNumber(t string) bool { return t == typeInt || t == typeMoney || t == typeVolume }

func (b *builder) readTTS(n *document.Node) []item {
	var d ttsDoc
	document.Decode(n, &d, "a tts item", b.p)
	e, reads := b.compileReads(d.TTS, reflect.String)
	b.noSecret(d.TTS, reads, "spoken")
	out := &ttsItem{value: e}
	switch generic := firstWord(d.TTS.V) + "_generic"; {
	case d.Fallback.Given:
		out.fallback = b.prompt(d.Fallback)
	case b.flow.prompts[generic] != nil:
		b.used[generic] = true
		out.fallback = b.flow.prompts[generic]
	}
	if out.fallback != nil && out.fallback.segments != nil {
		b.p.Errorf(n.Pos, "the fallback must be a prompt with a text in every language")
	}
	return []item{{tts: out}}
}

func firstWord(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return !isWord("_" + string(r)) })
	if end < 0 {
		return s
	}
	return s[:end]
}

// needsPlace tells whether the place in the queue must be known to speak an
// item.
func (i item) needsPlace() bool {
	if i.say != nil && i.say.value == nil {
		return true
	}
	if i.cond != nil && (i.cond.reads("position") || i.cond.reads("wait")) {
		return true
	}
	return slices.ContainsFunc(i.play, item.needsPlace)
}

// reading is what is heard; nothing if there is nothing to say, or if the
// value can't be read.
func (s *Session) reading(i *sayItem) []Prompt {
	value, err := i.spell(s)
	if err != nil || value == "" {
		if err != nil {
			s.trouble(err.Error())
		}
		return nil
	}
	language := s.promptLanguage()
	r, err := readOut(language, i, value)
	if err != nil {
		s.trouble(fmt.Sprintf("a value can't be said as %s in %s", i.kind, language))
		return nil
	}
	return []Prompt{{Language: language, Reading: &r}}
}

func (i *sayItem) options(language string) say.Options {
	return say.Options{Unit: i.unit[language], Yao: i.yao, Hao: i.hao, Exact: i.exact, And: i.and}
}

// readOut turns a value into the sounds of its reading.
func readOut(language string, i *sayItem, value string) (Reading, error) {
	r, err := say.Read(language, i.kind, value, i.options(language))
	if err != nil {
		return Reading{}, fmt.Errorf("read out: %w", err)
	}
	return Reading{Text: r.Text, Fragments: r.Fragments}, nil
}

// spell writes a value in the form that readings are made of.
func (i *sayItem) spell(s *Session) (string, error) {
	if i.value == nil {
		return s.spellPlace(i.kind), nil
	}
	v, err := i.value.eval(s.environment())
	if err != nil {
		return "", err
	}
	n, isInt := v.(int)
	switch {
	case i.money && isInt:
		return spellMoney(n), nil
	case i.bytes && isInt:
		return strconv.Itoa(n), nil
	}
	return text(v), nil
}

func (s *Session) spellPlace(kind string) string {
	l := s.st.Line
	switch {
	case kind == sayPosition && l.Position > 0:
		return strconv.Itoa(l.Position)
	case kind == sayWait && l.Max > 0:
		return fmt.Sprintf("%d-%d", l.Min, l.Max)
	}
	return ""
}

// spellMoney writes fen as yuan.
func spellMoney(fen int) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

// maxSpoken bounds a text for the speech engine.
const maxSpoken = 300

// spoken is a text for the speech engine, or what stands in for it.
func (s *Session) spokenText(i *ttsItem) ([]Prompt, error) {
	v, err := i.value.eval(s.environment())
	if err != nil {
		return nil, err
	}
	words, language := strings.Join(strings.Fields(text(v)), " "), s.promptLanguage()
	p := Prompt{Language: language}
	if i.fallback != nil {
		p.ID = i.fallback.id
	}
	if len(words) <= maxSpoken {
		p.Text = words
	}
	if p.Text == "" && p.ID == "" {
		return nil, nil
	}
	return []Prompt{p}, nil
}
