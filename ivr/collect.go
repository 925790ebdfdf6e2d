package ivr

import (
	"reflect"
	"strconv"

	"tierline/routing/document"
)

// collect has the caller enter a number.
type collect struct {
	entry   question
	twice   *question
	confirm *question
	pattern matcher     // nil: any
	empty   *expression // what the terminator alone means
	reject  *expression
	into    *variable
	next    edge
	out     edge // exhausted
}

type collectDoc struct {
	*common
	inputDoc
	lengthDoc
	Prompt     items                  `doc:"prompt,required,nonempty"`
	Short      items                  `doc:"short,nonempty"`
	Pattern    document.Value[string] `doc:"pattern,nonempty"`
	AllowEmpty document.Value[string] `doc:"allow_empty,nonempty"`
	Confirm    *confirmDoc            `doc:"confirm"`
	Twice      items                  `doc:"twice,nonempty"`
	Reject     document.Value[string] `doc:"reject,nonempty"`
	Into       document.Value[string] `doc:"into,required"`
	Next       document.Value[string] `doc:"next,required"`
}

// Phases of a collect node.
const (
	collectEntry = iota
	collectTwice
	collectConfirm
)

func readCollect(b *builder, c *common, n *document.Node) node {
	d := collectDoc{common: c}
	document.Decode(n, &d, "a collect node", b.p)
	in := b.mergeInput(d.inputDoc, b.input)
	keys := b.readLength(d.lengthDoc)
	keys.empty, keys.any = d.AllowEmpty.Given, d.Pattern.Given
	out := &collect{next: edge{to: d.Next, label: outcomeNext}, into: b.readInto(d.Into)}
	secret := out.into != nil && out.into.secret
	out.entry = question{
		input: in, prompt: b.readItems(d.Prompt), short: b.readItems(d.Short), keys: keys, secret: secret,
	}
	out.out = b.exhaustedEdge(d.inputDoc, "collect node", n)
	if d.Pattern.Given {
		out.pattern = b.readPattern(d.Pattern)
	}
	if d.AllowEmpty.Given {
		out.empty = b.compile(d.AllowEmpty, reflect.String)
		if in.terminator == 0 {
			b.p.Errorf(d.AllowEmpty.Pos, "allow_empty needs a terminator: it is what the caller presses")
		}
	}
	b.inValue(func() { out.reject = b.compile(d.Reject, reflect.Bool) })
	if d.Twice != nil {
		out.twice = &question{input: in, prompt: b.readItems(d.Twice), keys: keys, secret: secret}
	}
	b.inValue(func() { out.confirm = b.readConfirm(d.Confirm, in) })
	if secret && d.Confirm != nil {
		b.p.Errorf(d.Confirm.Prompt.pos(), "%q is secret: it is entered twice, not read out", d.Into.V)
	}
	if x := out.into; x != nil && x.kind != reflect.String && x.typ != typeInt {
		b.p.Errorf(d.Into.Pos, "%q is %s: callers enter texts and numbers", x.name, article(x.typ))
	}
	return out
}

func (b *builder) readPattern(v document.Value[string]) matcher {
	m, err := newMatcher(v.V)
	if err != nil {
		b.p.Errorf(v.Pos, "%q is no regular expression", v.V)
		return nil
	}
	return m
}

func (n *collect) enter(s *Session) { s.ask(n) }

// again is @repeat.
func (n *collect) again(s *Session) { s.greet(n, false) }

func (n *collect) handle(s *Session, in Input) { s.askHandle(n, in) }

// resume goes on with the question; a secret that was entered once is entered
// anew.
func (n *collect) resume(s *Session) {
	if p := &s.st.Place; p.Phase == collectTwice && p.First == "" {
		p.Phase, p.Stage = collectEntry, stageGreeting
	}
	s.askAgain(n)
}

func (n *collect) asks(s *Session) *question {
	switch s.st.Place.Phase {
	case collectTwice:
		return n.twice
	case collectConfirm:
		return n.confirm
	}
	return &n.entry
}

func (n *collect) answered(s *Session, entry string) {
	p := &s.st.Place
	switch p.Phase {
	case collectEntry:
		n.entered(s, entry)
	case collectTwice:
		p.Phase = collectEntry
		if entry != p.First {
			p.First = ""
			s.fail(n, false)
			return
		}
		n.sure(s, entry)
	case collectConfirm:
		if n.confirm.choice(entry) == confirmed {
			n.done(s)
			return
		}
		p.Phase, p.Attempts = collectEntry, p.Attempts+1
		if p.Attempts >= n.entry.attempts {
			n.exhausted(s)
			return
		}
		s.ask(n)
	}
}

// entered checks an entry.
func (n *collect) entered(s *Session, entry string) {
	p := &s.st.Place
	p.Value, p.Secret = entry, n.entry.secret
	if entry == "" {
		v, err := n.empty.eval(s.environment())
		if err != nil {
			s.exceed(err.Error())
			return
		}
		if p.Value = text(v); p.Value == "" || !n.fits(p.Value) {
			s.fail(n, false)
			return
		}
		n.sure(s, p.Value)
		return
	}
	refused := n.pattern != nil && !n.pattern.MatchString(entry)
	if !refused && n.reject != nil {
		var err error
		if refused, err = n.reject.truth(s.environment()); err != nil {
			s.exceed(err.Error())
			return
		}
	}
	switch {
	case refused || !n.fits(entry):
		s.fail(n, false)
	case n.twice != nil:
		p.First, p.Phase = entry, collectTwice
		s.ask(n)
	default:
		n.sure(s, entry)
	}
}

// fits tells whether the variable can hold an entry.
func (n *collect) fits(entry string) bool {
	_, err := strconv.Atoi(entry)
	return n.into.kind != reflect.Int || err == nil
}

// sure puts an entry into its variable, and asks whether it is right. Keys
// pressed before that question can't be its answer.
func (n *collect) sure(s *Session, entry string) {
	p := &s.st.Place
	p.Value = ""
	var v any = entry
	if n.into.kind == reflect.Int {
		v, _ = strconv.Atoi(entry)
	}
	s.put(n.into.name, v)
	if n.confirm == nil {
		n.done(s)
		return
	}
	p.Phase, p.Value, p.Heard = collectConfirm, entry, false
	s.ask(n)
}

func (n *collect) done(s *Session) {
	s.st.Place.Value, s.st.Place.First = "", ""
	s.goTo(outcomeNext, n.next.to.V)
}

func (n *collect) exhausted(s *Session) { s.goTo(outcomeExhausted, n.out.to.V) }

func (n *collect) edges() []edge { return []edge{n.next, n.out} }
