package ivr

import (
	"reflect"

	"tierline/routing/document"
)

// callback registers the caller's wish to be called when it is his turn. A
// call that waits in a queue goes on waiting until the request is taken, so
// that its place is never lost.
type callback struct {
	prompt      []item
	from        *expression
	offer       *question // takes it or not; nil: the prompt is no question
	ask         *question // for the number
	confirm     *question // the number
	when        *question // the time
	slots       []slot
	queue       string
	requirement *template
	attach      []attachment
	wait        comfort
	then        outcomes
	min, max    int
}

type callbackDoc struct {
	*common
	Prompt items                  `doc:"prompt,required,nonempty"`
	Accept document.Value[string] `doc:"accept,nonempty"`
	Number struct {
		lengthDoc
		From    document.Value[string] `doc:"from,nonempty"`
		Ask     items                  `doc:"ask,nonempty"`
		Confirm *confirmDoc            `doc:"confirm"`
	} `doc:"number,required"`
	Slots       *slotsDoc                                `doc:"slots"`
	Queue       document.Value[string]                   `doc:"queue,required"`
	Requirement document.Value[string]                   `doc:"requirement,nonempty"`
	Attach      document.Entries[document.Value[string]] `doc:"attach"`
	Then        document.Entries[document.Value[string]] `doc:"then,required"`
}

// Phases of a callback node.
const (
	callbackOffer = iota
	callbackAsk
	callbackConfirm
	callbackWhen
	callbackRequest
)

// Outcomes of a callback node.
const (
	outcomeDeclined = "declined"
	outcomeExists   = "exists"
)

func readCallback(b *builder, c *common, n *document.Node) node {
	d := callbackDoc{common: c}
	document.Decode(n, &d, "a callback node", b.p)
	b.checkQueue(d.Queue)
	in := b.input
	out := &callback{
		prompt: b.readItems(d.Prompt), queue: d.Queue.V, attach: b.readAttach(d.Attach), wait: b.comfort,
		requirement: b.readTemplate(d.Requirement, templatePlain), min: d.Number.Min.V, max: d.Number.Max.V,
		then: b.readThen(n, "a callback node", []string{outcomeOK, outcomeDeclined, outcomeError}, []string{outcomeExists}),
	}
	if d.Accept.Given {
		out.offer = &question{input: in, prompt: out.prompt, keys: offerKeys{accept: b.choiceKey(d.Accept, "1")}}
		out.offer.typeAhead = false
	}
	number := d.Number
	if number.From.Given {
		e, reads := b.compileReads(number.From, reflect.String)
		b.noSecret(number.From, reads, "a number to call")
		out.from = e
	}
	if number.Ask != nil {
		out.ask = &question{input: in, prompt: b.readItems(number.Ask), keys: b.readLength(number.lengthDoc)}
	}
	if !number.From.Given && number.Ask == nil {
		b.p.Errorf(n.Owner, `a callback node needs a number: "from" or "ask"`)
	}
	b.inValue(func() { out.confirm = b.readConfirm(number.Confirm, in) })
	if d.Slots != nil {
		out.when, out.slots = b.readSlots(d.Slots, in)
	}
	return out
}

// offerKeys are one key that takes an offer; any other declines it.
type offerKeys struct{ accept string }

func (o offerKeys) read(sofar string, key, _ rune) (string, verdict) {
	return sofar + string(key), verdictComplete
}
func (o offerKeys) complete(string) bool { return true }
func (o offerKeys) binds(key rune) bool  { return string(key) == o.accept }

func (n *callback) enter(s *Session) {
	s.st.Place.Phase = callbackOffer
	if n.offer != nil {
		s.ask(n)
		return
	}
	s.st.Typed = ""
	s.speak(n.prompt, false, func() { n.number(s) })
}

// number takes the caller's own number if it can be called, or asks for one.
func (n *callback) number(s *Session) {
	p := &s.st.Place
	if n.from != nil {
		v, err := n.from.eval(s.environment())
		if err != nil {
			s.exceed(err.Error())
			return
		}
		if number := text(v); n.callable(number) {
			n.numbered(s, number)
			return
		}
	}
	if n.ask == nil {
		n.then.end(s, outcomeDeclined, outcomeDeclined)
		return
	}
	p.Phase, p.Heard = callbackAsk, false
	s.ask(n)
}

// callable tells whether somebody can be reached by a number: as many digits
// as one that is entered, with a + at most.
func (n *callback) callable(number string) bool {
	if number != "" && number[0] == '+' {
		number = number[1:]
		return isDigits(number) && len(number) >= n.min && len(number) <= n.max+3 // the country
	}
	return isDigits(number) && len(number) >= n.min && len(number) <= n.max
}

func (n *callback) numbered(s *Session, number string) {
	p := &s.st.Place
	p.Value, p.Heard = number, false
	switch {
	case n.confirm != nil:
		p.Phase = callbackConfirm
		s.ask(n)
	default:
		n.time(s)
	}
}

func (n *callback) time(s *Session) {
	p := &s.st.Place
	if n.when == nil {
		n.request(s)
		return
	}
	p.Phase, p.Heard = callbackWhen, false
	s.ask(n)
}

func (n *callback) asks(s *Session) *question {
	switch s.st.Place.Phase {
	case callbackAsk:
		return n.ask
	case callbackConfirm:
		return n.confirm
	case callbackWhen:
		return n.when
	}
	return n.offer
}

func (n *callback) answered(s *Session, entry string) {
	p := &s.st.Place
	switch p.Phase {
	case callbackOffer:
		if !n.offer.keys.binds(rune(entry[0])) {
			n.then.end(s, outcomeDeclined, outcomeDeclined)
			return
		}
		n.number(s)
	case callbackAsk:
		n.numbered(s, entry)
	case callbackConfirm:
		n.sure(s, n.confirm.choice(entry))
	case callbackWhen:
		p.Index = indexOfSlot(n.slots, entry)
		n.request(s)
	}
}

// sure goes on with a number that is right, or asks for another.
func (n *callback) sure(s *Session, answer string) {
	p := &s.st.Place
	if answer == confirmed {
		n.time(s)
		return
	}
	p.Attempts++
	if n.ask == nil || p.Attempts >= n.ask.attempts {
		n.exhausted(s)
		return
	}
	p.Phase, p.Value, p.Heard = callbackAsk, "", false
	s.ask(n)
}

// exhausted: who doesn't answer doesn't want to be called.
func (n *callback) exhausted(s *Session) { n.then.end(s, outcomeDeclined, outcomeDeclined) }

// request registers the wish.
func (n *callback) request(s *Session) {
	p := &s.st.Place
	env := s.environment()
	attach, err := attributes(n.attach, env)
	r := RequestCallback{Number: p.Value, Queue: n.queue, Language: s.st.Language, Attach: attach}
	if err == nil {
		r.Requirement, err = n.requirement.text(env)
	}
	if err != nil {
		s.exceed(err.Error())
		return
	}
	if n.when != nil {
		r.NotBefore, r.NotAfter = n.slots[p.Index].at(s.now)
	}
	p.Phase = callbackRequest
	r.ID = s.await()
	s.act(r)
}

func (n *callback) handle(s *Session, in Input) {
	p := &s.st.Place
	switch {
	case p.Phase == callbackRequest:
		if a, ok := in.(CallbackAnswer); ok {
			if s.got(a.ID) {
				n.answer(s, a)
			}
			return
		}
		n.wait.handle(s, in)
	case p.Phase == callbackOffer && n.offer == nil:
		if done, ok := in.(PromptDone); ok && s.spoken(done) {
			n.number(s)
		}
	default:
		s.askHandle(n, in)
	}
}

func (n *callback) answer(s *Session, a CallbackAnswer) {
	// After a take-over the request is made again: that it exists already means
	// that the first one was heard.
	if a.OK || (s.st.Place.Again && a.Reason == outcomeExists) {
		s.st.Waiting, s.st.Overflow = "", false // the call-back has the place now
		n.then.end(s, outcomeOK, outcomeOK)
		return
	}
	n.then.end(s, a.Reason, outcomeError)
}

func (n *callback) resume(s *Session) {
	p := &s.st.Place
	switch {
	case p.Phase == callbackRequest:
		p.Again = true
		n.request(s)
	case p.Phase == callbackOffer && n.offer == nil:
		n.enter(s)
	default:
		s.askAgain(n)
	}
}

func (n *callback) edges() []edge { return n.then.edges(true) }
