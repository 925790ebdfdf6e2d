package ivr

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"tierline/routing/document"
)

// longPrompt is the longest prompt that callers listen to.
const longPrompt = 20 * time.Second

// PromptText is what a prompt says, for whoever makes or checks its audio.
type PromptText struct {
	ID    string
	Pos   document.Pos
	File  string // music, instead of texts
	Texts []Text
	// Segments tells that the texts sound one after another, each in its own
	// language, whatever the call's language.
	Segments bool
}

// Text is a prompt in one language.
type Text struct {
	Language string
	Text     string
	Pinyin   string // how a speech engine must read a Chinese text
}

// promptText is a prompt as the session needs it.
type promptText struct {
	music    bool
	segments []Prompt // each in its own language; nil: the call's language
	id       string
}

// audio returns what to play for a prompt in a language.
func (p *promptText) audio(language string) []Prompt {
	if p.segments != nil {
		return p.segments
	}
	return []Prompt{{ID: p.id, Language: language}}
}

// readPrompts reads the prompts' texts.
func (b *builder) readPrompts(docs document.Entries[*document.Node]) {
	b.flow.texts = ReadPrompts(docs, b.flow.languages, b.p)
	for _, t := range b.flow.texts {
		p := &promptText{id: t.ID}
		switch {
		case t.File != "":
			p.music = true
			p.segments = []Prompt{{ID: strings.TrimSuffix(t.File, ".wav")}}
		case t.Segments:
			p.segments = []Prompt{}
			for _, s := range t.Texts {
				p.segments = append(p.segments, Prompt{ID: t.ID, Language: s.Language})
			}
		}
		b.flow.prompts[t.ID] = p
		b.promptIDs = append(b.promptIDs, t.ID)
		b.checkLength(t, p)
	}
}

// ReadPrompts reads a prompts section: {zh: …, en: …, pinyin: …} with a text in
// every language, [{zh: …}, {en: …}] for segments, or {file: …} for music.
func ReadPrompts(docs document.Entries[*document.Node], languages []string, p *document.Problems) []PromptText {
	r := promptReader{languages: languages, p: p}
	out := make([]PromptText, 0, len(docs))
	for _, d := range docs {
		t := PromptText{ID: d.Key.V, Pos: d.Key.Pos}
		if !isPromptID(t.ID) {
			p.Errorf(d.Key.Pos, "%q can't be the name of a prompt: letters, digits, - and _ only", t.ID)
		}
		switch {
		case d.Value.Kind == document.List:
			t.Texts, t.Segments = r.segments(d), true
		case d.Value.Get("file") != nil:
			t.File = r.music(d)
		default:
			t.Texts = r.texts(d, languages)
		}
		out = append(out, t)
	}
	return out
}

type promptReader struct {
	languages []string
	p         *document.Problems
}

// isPromptID tells whether an id can be the name of a file.
func isPromptID(s string) bool {
	const other = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return s != "" && len(s) <= 64 && strings.Trim(s, other) == ""
}

// texts reads {zh: …, en: …, pinyin: …} and wants every language of want.
func (r promptReader) texts(d document.Entry[*document.Node], want []string) []Text {
	var fields document.Entries[document.Value[string]]
	document.Decode(d.Value, &fields, d.Key.V, r.p)
	var out []Text
	var pinyin document.Value[string]
	for _, f := range fields {
		switch {
		case f.Key.V == "pinyin":
			pinyin = f.Value
		case slices.Contains(r.languages, f.Key.V):
			out = append(out, Text{Language: f.Key.V, Text: f.Value.V})
		default:
			r.p.Errorf(f.Key.Pos, "%q is not a language of this flow (%s)", f.Key.V, strings.Join(r.languages, ", "))
		}
	}
	for _, l := range want {
		if d.Value.Kind == document.Map && !slices.ContainsFunc(out, func(t Text) bool { return t.Language == l }) {
			r.p.Errorf(d.Key.Pos, "prompt %q has no text for language %q", d.Key.V, l)
		}
	}
	r.setPinyin(out, pinyin)
	return out
}

func (r promptReader) setPinyin(texts []Text, pinyin document.Value[string]) {
	if !pinyin.Given {
		return
	}
	for i := range texts {
		if texts[i].Language == "zh" {
			texts[i].Pinyin = pinyin.V
			return
		}
	}
	r.p.Errorf(pinyin.Pos, "pinyin is for a text in zh")
}

// segments reads [{zh: …}, {en: …}]: each sounds in its own language.
func (r promptReader) segments(d document.Entry[*document.Node]) []Text {
	var out []Text
	if len(d.Value.Items) == 0 {
		r.p.Errorf(d.Value.Pos, "prompt %q is empty", d.Key.V)
	}
	for _, n := range d.Value.Items {
		got := r.texts(document.Entry[*document.Node]{Key: d.Key, Value: n}, nil)
		if n.Kind == document.Map && len(got) != 1 {
			r.p.Errorf(n.Pos, "a segment has one language")
		}
		for _, t := range got {
			if slices.ContainsFunc(out, func(o Text) bool { return o.Language == t.Language }) {
				r.p.Errorf(n.Pos, "prompt %q has two segments for language %q: join them", d.Key.V, t.Language)
				continue
			}
			out = append(out, t)
		}
	}
	return out
}

type musicDoc struct {
	File document.Value[string] `doc:"file,required"`
}

func (r promptReader) music(d document.Entry[*document.Node]) string {
	var m musicDoc
	document.Decode(d.Value, &m, d.Key.V, r.p)
	name, ok := strings.CutPrefix(m.File.V, "music/")
	name, wav := strings.CutSuffix(name, ".wav")
	if m.File.Given && (!ok || !wav || !isPromptID(name)) {
		r.p.Errorf(m.File.Pos, "a music file is music/<name>.wav")
	}
	return m.File.V
}

// checkLength warns of prompts that nobody listens to: by their sounds, or by
// their texts while there are none.
func (b *builder) checkLength(t PromptText, p *promptText) {
	if p.music {
		return
	}
	for _, l := range b.flow.languages {
		var total time.Duration
		lasts := "lasts"
		for _, a := range p.audio(l) {
			d, ok := time.Duration(0), false
			if b.env.Length != nil {
				d, ok = b.env.Length(a)
			}
			if !ok {
				d, lasts = t.spoken(a.Language), "takes about"
			}
			total += d
		}
		if total > longPrompt {
			b.p.Warnf(t.Pos, "prompt %q %s %.1f s in %s: callers listen for at most %v", p.id, lasts, total.Seconds(), l,
				longPrompt)
			return
		}
	}
}

// spoken is how long the text in a language takes.
func (t PromptText) spoken(language string) time.Duration {
	for _, text := range t.Texts {
		if text.Language == language {
			return Spoken(text.Text)
		}
	}
	return 0
}

// item is one piece of a node's prompt.
type item struct {
	prompt *promptText
	say    *sayItem
	tts    *ttsItem
	cond   *expression // of play; nil: always
	play   []item
}

// items are a prompt as a node spells it.
type items []itemDoc

// itemDoc is one item: a prompt's id or a group of fields.
type itemDoc struct {
	id   document.Value[string]
	node *document.Node
}

// DecodeDocument implements document.Decoder.
func (d *itemDoc) DecodeDocument(n *document.Node, p *document.Problems) {
	if n.Kind == document.Map {
		d.node = n
		return
	}
	document.Decode(n, &d.id, "prompt", p)
}

// pos is the place of the first item.
func (d items) pos() document.Pos {
	switch {
	case len(d) == 0:
		return document.Pos{Line: 1, Col: 1}
	case d[0].node != nil:
		return d[0].node.Pos
	}
	return d[0].id.Pos
}

type ifDoc struct {
	If   document.Value[string] `doc:"if"`
	Play items                  `doc:"play,required,nonempty"`
}

// readItems compiles a prompt.
func (b *builder) readItems(docs items) []item {
	var out []item
	for _, d := range docs {
		switch {
		case d.node != nil:
			out = append(out, b.readSpecial(d.node)...)
		case d.id.Given:
			if p := b.prompt(d.id); p != nil {
				out = append(out, item{prompt: p})
			}
		}
	}
	return out
}

// readSpecial reads an item that isn't just an id.
func (b *builder) readSpecial(n *document.Node) []item {
	switch {
	case n.Get("say") != nil:
		return b.readSay(n)
	case n.Get("tts") != nil:
		return b.readTTS(n)
	}
	var d ifDoc
	document.Decode(n, &d, "a conditional prompt", b.p)
	return []item{{cond: b.compile(d.If, reflect.Bool), play: b.readItems(d.Play)}}
}

// prompt looks a prompt up.
func (b *builder) prompt(id document.Value[string]) *promptText {
	b.used[id.V] = true
	p := b.flow.prompts[id.V]
	if p == nil {
		meant, _ := b.nearest(id.V, b.promptIDs)
		b.p.Errorf(id.Pos, "prompt %q does not exist%s", id.V, hint(meant))
		b.used[meant] = true
	}
	return p
}

// usePrompt marks a word as used if it is a prompt.
func (b *builder) usePrompt(word string) { b.used[word] = true }

// resolve returns what to play now.
func (s *Session) resolve(list []item) ([]Prompt, error) {
	var out []Prompt
	for _, i := range list {
		more, err := s.resolveItem(i)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (s *Session) resolveItem(i item) ([]Prompt, error) {
	switch {
	case i.prompt != nil:
		return i.prompt.audio(s.promptLanguage()), nil
	case i.say != nil:
		return s.reading(i.say), nil
	case i.tts != nil:
		return s.spokenText(i.tts)
	case i.cond != nil:
		yes, err := i.cond.truth(s.environment())
		if err != nil || !yes {
			return nil, err
		}
	}
	return s.resolve(i.play)
}

// promptLanguage is the call's language, if the flow speaks it.
func (s *Session) promptLanguage() string {
	if slices.Contains(s.flow.languages, s.st.Language) {
		return s.st.Language
	}
	return s.flow.languages[0]
}
