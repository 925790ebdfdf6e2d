package ivr

import (
	"time"

	"tierline/routing/document"
)

// record takes a message of the caller's. It is kept if he hangs up.
type record struct {
	prompt       []item
	max, silence time.Duration
	min          time.Duration
	terminator   rune
	beep         bool
	review       *question // nil: kept as it is
	into         *variable
	then         outcomes
}

type recordDoc struct {
	*common
	Prompt     items                                    `doc:"prompt,required,nonempty"`
	Max        document.Value[time.Duration]            `doc:"max,required,min=1s,max=30m"`
	Min        document.Value[time.Duration]            `doc:"min,min=100ms,max=1m"`
	Silence    document.Value[time.Duration]            `doc:"silence,min=1s,max=1m"`
	Terminator document.Value[string]                   `doc:"terminator"`
	Beep       document.Value[bool]                     `doc:"beep"`
	Review     *document.Node                           `doc:"review"`
	Into       document.Value[string]                   `doc:"into,required"`
	Then       document.Entries[document.Value[string]] `doc:"then,required"`
}

type reviewDoc struct {
	Prompt items                  `doc:"prompt,nonempty"`
	Keep   document.Value[string] `doc:"keep"`
	Listen document.Value[string] `doc:"listen"`
	Again  document.Value[string] `doc:"again"`
}

// Phases of a record node.
const (
	recordPrompt = iota
	recordRunning
	recordListening // the caller hears what he said
	recordReview    // he decides
)

// Answers to a review.
const (
	reviewKeep   = "keep"
	reviewListen = "listen"
	reviewAgain  = "again"
)

const outcomeEmpty = "empty"

func readRecord(b *builder, c *common, n *document.Node) node {
	d := recordDoc{common: c}
	document.Decode(n, &d, "a record node", b.p)
	in := b.mergeInput(inputDoc{Terminator: d.Terminator}, b.input)
	out := &record{
		prompt: b.readItems(d.Prompt), max: d.Max.V, min: d.Min.Or(time.Second), silence: d.Silence.Or(5 * time.Second),
		terminator: in.terminator, beep: d.Beep.Or(true), into: b.readInto(d.Into),
		then: b.readThen(n, "a record node", []string{outcomeOK, outcomeEmpty, outcomeError}, nil),
	}
	out.review = b.readReview(d.Review)
	if out.into != nil && out.into.typ != typeRecording {
		b.p.Errorf(d.Into.Pos, "%q is %s: a message needs a recording", out.into.name, article(out.into.typ))
	}
	return out
}

// readReview reads true, false or a prompt with keys of its own.
func (b *builder) readReview(n *document.Node) *question {
	if n == nil {
		return nil
	}
	var d reviewDoc
	if n.Kind == document.Bool {
		var yes document.Value[bool]
		document.Decode(n, &yes, "review", b.p)
		if !yes.V {
			return nil
		}
		b.p.Warnf(n.Pos, "nobody tells the caller what to press: review: {prompt: [id]} (1 keep, 2 listen, 3 again)")
	} else {
		document.Decode(n, &d, "review", b.p)
	}
	keep, listen, again := b.choiceKey(d.Keep, "1"), b.choiceKey(d.Listen, "2"), b.choiceKey(d.Again, "3")
	if keep == listen || listen == again || keep == again {
		b.p.Errorf(n.Pos, "keep, listen and again need different keys")
	}
	q := &question{input: b.input, prompt: b.readItems(d.Prompt), keys: newKeyTable(map[string]string{
		keep: reviewKeep, listen: reviewListen, again: reviewAgain,
	})}
	q.typeAhead = false
	return q
}

func (n *record) enter(s *Session) {
	s.st.Typed = ""
	s.st.Place.Phase = recordPrompt
	s.speak(n.prompt, false, func() { n.record(s) })
}

func (n *record) record(s *Session) {
	p := &s.st.Place
	p.Phase, p.Stage, p.Pending = recordRunning, 0, s.newID()
	s.act(Record{ID: p.Pending, Max: n.max, Silence: n.silence, Beep: n.beep})
}

func (n *record) handle(s *Session, in Input) {
	p := &s.st.Place
	switch p.Phase {
	case recordPrompt:
		if done, ok := in.(PromptDone); ok && s.spoken(done) {
			n.record(s)
		}
	case recordRunning:
		n.running(s, in)
	case recordListening:
		switch in := in.(type) {
		case PromptDone:
			if s.spoken(in) {
				n.decide(s)
			}
		case Key: // who knows what he wants needn't listen to the end
			if s.press(in) {
				s.stopSpeaking()
				n.decide(s)
			}
		default:
		}
	case recordReview:
		s.askHandle(n, in)
	}
}

func (n *record) running(s *Session, in Input) {
	p := &s.st.Place
	switch in := in.(type) {
	case Key:
		if in.Digit == n.terminator && p.Stage == 0 {
			p.Stage = 1 // the answer is on its way
			s.act(StopRecording{ID: p.Pending})
		}
	case Recorded:
		if s.got(in.ID) {
			n.recorded(s, in)
		}
	default:
	}
}

func (n *record) recorded(s *Session, in Recorded) {
	switch {
	case in.Ref == "" && in.Voice:
		n.then.end(s, outcomeError, outcomeError)
	case in.Ref == "", !in.Voice, in.Length < n.min:
		n.drop(s, in.Ref)
		n.then.end(s, outcomeEmpty, outcomeEmpty)
	case n.review == nil:
		n.keep(s, in.Ref)
	default:
		s.st.Review = in.Ref
		n.listen(s)
	}
}

// listen plays the message; where a prompt tells the keys it comes first, and
// the message when it is asked for.
func (n *record) listen(s *Session) {
	p := &s.st.Place
	if len(n.review.prompt) > 0 && p.Phase == recordRunning {
		n.decide(s)
		return
	}
	p.Phase, p.Speaking = recordListening, s.newID()
	s.act(Speak{ID: p.Speaking, Prompts: []Prompt{{Recording: s.st.Review}}, BargeIn: true})
}

func (n *record) decide(s *Session) {
	s.st.Place.Phase = recordReview
	if s.st.Typed != "" { // pressed while he listened
		s.st.Place.Stage = stageWaiting
		s.pump(n)
		return
	}
	s.greet(n, false)
}

func (n *record) asks(*Session) *question { return n.review }

func (n *record) answered(s *Session, entry string) {
	switch n.review.choice(entry) {
	case reviewListen:
		n.listen(s)
	case reviewAgain:
		n.drop(s, s.st.Review)
		s.st.Review = ""
		n.enter(s)
	default:
		n.exhausted(s)
	}
}

// exhausted: who doesn't decide keeps what he said.
func (n *record) exhausted(s *Session) { n.keep(s, s.st.Review) }

func (n *record) keep(s *Session, ref string) {
	s.st.Review = ""
	s.act(KeepRecording{Ref: ref})
	s.put(n.into.name, ref)
	n.then.end(s, outcomeOK, outcomeOK)
}

func (n *record) drop(s *Session, ref string) {
	if ref != "" {
		s.act(DropRecording{Ref: ref})
	}
}

// resume records anew what was being said: the other node has the beginning.
func (n *record) resume(s *Session) {
	switch s.st.Place.Phase {
	case recordListening:
		n.listen(s)
	case recordReview:
		s.askAgain(n)
	default:
		n.enter(s)
	}
}

// quit stops a recording. What was said so far is kept: nothing says
// otherwise.
func (n *record) quit(s *Session) {
	if p := &s.st.Place; p.Phase == recordRunning && p.Pending != 0 {
		s.act(StopRecording{ID: p.Pending})
		p.Pending = 0
	}
	s.st.Review = ""
}

func (n *record) edges() []edge {
	out := n.then.edges(true)
	for i := range out {
		out[i].silent = out[i].label != outcomeOK // there is something to hear in a message
	}
	return out
}
