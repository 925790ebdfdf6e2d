package ivr

import (
	"time"

	"tierline/routing/document"
)

// question is a prompt and the keys that answer it: what menu, collect,
// authenticate, callback, record and survey have in common. It is the only
// place where keys and the timers between them are dealt with.
type question struct {
	input
	prompt []item
	short  []item // after silence or a wrong key
	keys   reader
	secret bool // what is entered must not leave the session
	asked  bool // for who the caller is: nobody else's business, though no secret
}

// reader makes entries of keys.
type reader interface {
	// read takes one more key.
	read(sofar string, key, terminator rune) (string, verdict)
	// complete tells whether an entry is one although no key ended it.
	complete(sofar string) bool
	// binds tells whether a key alone means something.
	binds(key rune) bool
}

// asker is a node that asks. A node may ask several questions, one after
// another.
type asker interface {
	asks(s *Session) *question // the question that is being asked
	answered(s *Session, entry string)
	exhausted(s *Session)
}

// Stages of a question.
const (
	stageGreeting = iota // the prompt is spoken
	stageScolding        // the error prompt is spoken: keys don't count
	stageWaiting         // for a key
)

// ask puts the node's question. Who typed the answer ahead isn't asked.
func (s *Session) ask(n asker) {
	q, p := n.asks(s), &s.st.Place
	p.Heard, p.Secret = false, q.secret
	if !q.typeAhead {
		s.st.Typed = ""
	}
	if s.st.Typed != "" {
		p.Stage = stageWaiting
		s.pump(n)
		return
	}
	s.greet(n, false)
}

// greet speaks the question, the short way to those who have heard it.
func (s *Session) greet(n asker, short bool) {
	q, p := n.asks(s), &s.st.Place
	p.Stage, p.Digits, p.Heard, p.Short, p.Secret = stageGreeting, "", true, short, q.secret
	prompt := q.prompt
	if short && q.short != nil {
		prompt = q.short
	}
	s.speak(prompt, q.bargeIn, func() { s.listen(n) })
}

// listen begins to wait for the first key, or takes those that are there.
func (s *Session) listen(n asker) {
	s.st.Place.Stage = stageWaiting
	if s.st.Typed != "" {
		s.pump(n)
		return
	}
	s.restartTimer(n.asks(s).first)
}

// askHandle takes an input for a question.
func (s *Session) askHandle(n asker, in Input) {
	switch in := in.(type) {
	case Key:
		s.askKey(n, in)
	case PromptDone:
		if !s.spoken(in) {
			return
		}
		if s.st.Place.Stage == stageScolding {
			s.retry(n)
			return
		}
		s.listen(n)
	case TimerFired:
		if in.ID == s.st.Place.Timer {
			s.st.Place.Timer = 0
			s.silence(n)
		}
	default: // belongs to something that is over
	}
}

func (s *Session) askKey(n asker, in Key) {
	p := &s.st.Place
	if p.Stage == stageScolding || !s.press(in) {
		return
	}
	if p.Stage == stageGreeting {
		if !n.asks(s).bargeIn {
			return // waits in the queue
		}
		s.stopSpeaking()
		p.Stage = stageWaiting
	}
	s.pump(n)
}

// pump reads the queued keys one by one.
func (s *Session) pump(n asker) {
	q, p := n.asks(s), &s.st.Place
	for s.st.Typed != "" {
		key := rune(s.st.Typed[0])
		s.st.Typed = s.st.Typed[1:]
		if q.secret || q.asked {
			s.readSecret++
		} else {
			s.readPlain++
		}
		if p.Digits == "" {
			p.Since = s.now.UnixMilli()
		}
		entry, v := q.keys.read(p.Digits, key, q.terminator)
		p.Digits = entry
		switch v {
		case verdictComplete:
			s.complete(n, entry, key)
			return
		case verdictWrong:
			s.fail(n, false)
			return
		case verdictMore:
		}
	}
	left := q.total - time.Duration(s.now.UnixMilli()-p.Since)*time.Millisecond
	s.restartTimer(max(0, min(q.inter, left)))
}

// complete ends a question. Who ends an entry that was already complete with
// the terminator does it by habit.
func (s *Session) complete(n asker, entry string, last rune) {
	q := n.asks(s)
	s.st.Place.Digits = ""
	s.cancelTimer(&s.st.Place.Timer)
	if last != q.terminator && !q.keys.binds(q.terminator) {
		s.swallow(q.terminator)
	}
	n.answered(s, entry)
}

// silence is the end of waiting: for the first key or for the next.
func (s *Session) silence(n asker) {
	digits := s.st.Place.Digits
	if digits != "" && n.asks(s).keys.complete(digits) {
		s.complete(n, digits, 0)
		return
	}
	s.fail(n, digits == "")
}

// fail counts a wrong or missing entry. Keys that were typed ahead are
// dropped: they were meant for something else.
func (s *Session) fail(n asker, silent bool) {
	p := &s.st.Place
	s.st.Typed, p.Digits = "", ""
	s.cancelTimer(&p.Timer)
	p.Attempts++
	if p.Attempts >= n.asks(s).attempts {
		n.exhausted(s)
		return
	}
	p.Silent = silent
	s.scold(n)
}

// scold plays the nth prompt of the list after the nth failure.
func (s *Session) scold(n asker) {
	q, p := n.asks(s), &s.st.Place
	p.Stage = stageScolding
	prompts := q.invalid
	if p.Silent {
		prompts = q.noInput
	}
	var say []item
	if len(prompts) > 0 {
		say = prompts[min(max(p.Attempts, 1), len(prompts))-1:][:1]
	}
	s.speak(say, false, func() { s.retry(n) })
}

func (s *Session) retry(n asker) {
	s.st.Typed = ""
	s.greet(n, s.st.Place.Heard)
}

// askAgain goes on with a question on another node: what was spoken is spoken
// again, and who waited for a key waits anew.
func (s *Session) askAgain(n asker) {
	p := &s.st.Place
	switch {
	case p.Stage == stageScolding:
		s.scold(n)
	case p.Stage == stageWaiting && p.Digits != "":
		s.restartTimer(n.asks(s).inter)
	case p.Stage == stageWaiting:
		s.greet(n, p.Heard)
	default:
		s.greet(n, p.Short)
	}
}

// digits reads numbers of a certain length.
type digits struct {
	min, max int
	empty    bool // the terminator alone is an entry
	any      bool // a pattern decides what may be in an entry
}

func (d digits) read(sofar string, key, terminator rune) (string, verdict) {
	switch {
	case key == terminator && (len(sofar) >= d.min || (sofar == "" && d.empty)):
		return sofar, verdictComplete
	case key == terminator, !d.any && (key < '0' || key > '9'):
		return sofar, verdictWrong
	case len(sofar)+1 >= d.max:
		return sofar + string(key), verdictComplete
	}
	return sofar + string(key), verdictMore
}

func (d digits) complete(sofar string) bool { return len(sofar) >= d.min }

func (d digits) binds(rune) bool { return false }

// lengthDoc is how long a number that callers enter is.
type lengthDoc struct {
	Min document.Value[int] `doc:"min,required,min=1,max=32"`
	Max document.Value[int] `doc:"max,required,min=1,max=32"`
}

func (b *builder) readLength(d lengthDoc) digits {
	if d.Min.Given && d.Max.Given && d.Min.V > d.Max.V {
		b.p.Errorf(d.Max.Pos, "max is less than min")
	}
	return digits{min: d.Min.V, max: d.Max.V}
}

// confirmDoc asks whether what was entered is right.
type confirmDoc struct {
	Prompt items                  `doc:"prompt,required,nonempty"`
	Accept document.Value[string] `doc:"accept"`
	Retry  document.Value[string] `doc:"retry"`
}

// Answers to a question of confirmation.
const (
	confirmed  = "accept"
	otherEntry = "retry"
)

// readConfirm compiles a question of confirmation. Its answers are words, not
// keys.
func (b *builder) readConfirm(d *confirmDoc, in input) *question {
	if d == nil {
		return nil
	}
	accept, retry := b.choiceKey(d.Accept, "1"), b.choiceKey(d.Retry, "2")
	if accept == retry {
		b.p.Errorf(d.Prompt.pos(), "accept and retry are the same key")
	}
	q := &question{input: in, prompt: b.readItems(d.Prompt), keys: newKeyTable(map[string]string{
		accept: confirmed, retry: otherEntry,
	})}
	q.typeAhead = false // who hears something to confirm must not have answered before
	return q
}

// choiceKey reads a single key.
func (b *builder) choiceKey(v document.Value[string], otherwise string) string {
	if !v.Given {
		return otherwise
	}
	if len(v.V) != 1 || !isKeys(v.V) {
		b.p.Errorf(v.Pos, "%q is no key (0-9, *, #, A-D)", v.V)
		return otherwise
	}
	return v.V
}

// choice is what a key of a question with few answers stands for.
func (q *question) choice(entry string) string {
	t, _ := q.keys.(keyTable)
	return t.entries[entry]
}
