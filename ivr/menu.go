package ivr

import (
	"slices"
	"time"

	"tierline/routing/document"
)

// maxChoices is how many choices callers can keep in mind.
const maxChoices = 8

// menu speaks and goes where the caller's keys say.
type menu struct {
	id     string
	prompt []item
	short  []item // after silence or a wrong key
	keys   keyTable
	out    []edge
	input
}

type menuDoc struct {
	*common
	inputDoc
	Prompt items                                    `doc:"prompt,required,nonempty"`
	Short  items                                    `doc:"short,nonempty"`
	Keys   document.Entries[document.Value[string]] `doc:"keys,required"`
}

func readMenu(b *builder, c *common, n *document.Node) node {
	d := menuDoc{common: c}
	document.Decode(n, &d, "a menu node", b.p)
	m := &menu{id: c.id.V, prompt: b.readItems(d.Prompt), input: b.mergeInput(d.inputDoc, b.input)}
	m.short = m.prompt
	if d.Short != nil {
		m.short = b.readItems(d.Short)
	}
	all := d.Keys
	for _, k := range b.doc.Defaults.Keys {
		if !slices.ContainsFunc(d.Keys, func(o document.Entry[document.Value[string]]) bool { return o.Key.V == k.Key.V }) {
			all = append(all, k)
		}
	}
	m.keys = newKeyTable(b.keyMap(all))
	m.out = keyEdges(all)
	for i := len(d.Keys); i < len(all); i++ {
		m.out[i].inherited = true
	}
	exhausted := d.Exhausted
	if !exhausted.Given {
		exhausted = b.exhausted
	}
	if !exhausted.Given {
		b.p.Errorf(n.Owner, `outcome "exhausted" is not handled: give the menu or defaults.input an "exhausted"`)
	}
	m.out = append(m.out, edge{
		to: exhausted, label: "exhausted", silent: true, inherited: !d.Exhausted.Given,
	})
	b.checkMenu(d, m)
	return m
}

func (b *builder) checkMenu(d menuDoc, m *menu) {
	if len(d.Keys) > maxChoices {
		b.p.Warnf(d.id.Pos, "%d choices in one menu: callers keep %d in mind", len(d.Keys), maxChoices)
	}
	for _, k := range d.Keys {
		if longer := m.keys.longerThan(k.Key.V); longer != "" {
			b.p.Warnf(k.Key.Pos, "keys %q and %q share a prefix: callers wait for the inter-digit timeout", k.Key.V, longer)
		}
	}
}

// Phases of a menu.
const (
	phaseGreeting = iota // the prompt is spoken
	phaseScolding        // the error prompt is spoken: keys don't count
	phaseWaiting         // for a key
)

func (m *menu) enter(s *Session) {
	s.remember(m.id)
	if !m.typeAhead {
		s.st.Typed = ""
	}
	if s.st.Typed != "" {
		s.st.Place.Phase = phaseWaiting
		m.pump(s)
		return
	}
	m.greet(s, m.prompt)
}

// again is @repeat: who asks for it hears the whole prompt.
func (m *menu) again(s *Session) { m.greet(s, m.prompt) }

func (m *menu) greet(s *Session, prompt []item) {
	s.st.Place.Phase, s.st.Place.Digits, s.st.Place.Heard = phaseGreeting, "", true
	s.speak(prompt, m.bargeIn, func() { m.await(s) })
}

// await begins to wait for the first key, or takes those that are there.
func (m *menu) await(s *Session) {
	s.st.Place.Phase = phaseWaiting
	if s.st.Typed != "" {
		m.pump(s)
		return
	}
	s.restartTimer(m.first)
}

func (m *menu) handle(s *Session, in Input) {
	switch in := in.(type) {
	case Key:
		m.key(s, in)
	case PromptDone:
		m.promptDone(s, in)
	case TimerFired:
		if in.ID == s.st.Place.Timer {
			s.st.Place.Timer = 0
			m.silence(s)
		}
	case QueueLeft, AgentConnected, AgentDone, HungUp:
	}
}

func (m *menu) key(s *Session, in Key) {
	p := &s.st.Place
	if p.Phase == phaseScolding || !s.press(in) {
		return
	}
	if p.Phase == phaseGreeting {
		if !m.bargeIn {
			return // waits in the queue
		}
		s.stopSpeaking()
		p.Phase = phaseWaiting
	}
	m.pump(s)
}

func (m *menu) promptDone(s *Session, in PromptDone) {
	if !s.spoken(in) {
		return
	}
	if s.st.Place.Phase == phaseScolding {
		m.retry(s)
		return
	}
	m.await(s)
}

// pump matches the queued keys one by one.
func (m *menu) pump(s *Session) {
	p := &s.st.Place
	for s.st.Typed != "" {
		key := rune(s.st.Typed[0])
		s.st.Typed = s.st.Typed[1:]
		if p.Digits == "" {
			p.Since = s.now.UnixMilli()
		}
		keys, v := m.keys.read(p.Digits, key, m.terminator)
		p.Digits = keys
		switch v {
		case verdictComplete:
			m.choose(s, keys, key)
			return
		case verdictWrong:
			m.fail(s, m.invalid)
			return
		case verdictMore:
		}
	}
	left := m.total - time.Duration(s.now.UnixMilli()-p.Since)*time.Millisecond
	s.restartTimer(max(0, min(m.inter, left)))
}

func (m *menu) choose(s *Session, keys string, last rune) {
	p := &s.st.Place
	p.Digits = ""
	s.cancelTimer(&p.Timer)
	if _, used := m.keys.entries[string(m.terminator)]; !used && last != m.terminator {
		s.swallow(m.terminator)
	}
	s.key = keys
	s.goTo(outcomeKey, m.keys.entries[keys])
}

// silence is the end of waiting: for the first key or for the next.
func (m *menu) silence(s *Session) {
	digits := s.st.Place.Digits
	if _, ok := m.keys.entries[digits]; ok {
		m.choose(s, digits, 0)
		return
	}
	if digits == "" {
		m.fail(s, m.noInput)
		return
	}
	m.fail(s, m.invalid)
}

// fail counts a wrong or missing entry. Keys that were typed ahead are
// dropped: they were meant for something else. The nth failure plays the nth
// prompt of the list.
func (m *menu) fail(s *Session, prompts []item) {
	p := &s.st.Place
	s.st.Typed, p.Digits = "", ""
	s.cancelTimer(&p.Timer)
	p.Attempts++
	if p.Attempts >= m.attempts {
		s.goTo("exhausted", m.out[len(m.out)-1].to.V)
		return
	}
	p.Phase = phaseScolding
	var say []item
	if len(prompts) > 0 {
		say = prompts[min(p.Attempts, len(prompts))-1:][:1]
	}
	s.speak(say, false, func() { m.retry(s) })
}

func (m *menu) retry(s *Session) {
	s.st.Typed = ""
	if s.st.Place.Heard {
		m.greet(s, m.short)
		return
	}
	m.greet(s, m.prompt)
}

func (m *menu) edges() []edge { return m.out }
