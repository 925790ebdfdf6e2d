package ivr

import (
	"slices"

	"tierline/routing/document"
)

// survey asks the caller for his opinion. Who doesn't answer a question is
// asked the next one.
type survey struct {
	questions []opinion
	next      document.Value[string]
}

type opinion struct {
	id string
	question
}

type surveyDoc struct {
	*common
	inputDoc
	Questions []opinionDoc           `doc:"questions,required,nonempty"`
	Next      document.Value[string] `doc:"next,required"`
}

type opinionDoc struct {
	ID     document.Value[string] `doc:"id,required"`
	Prompt items                  `doc:"prompt,required,nonempty"`
	Short  items                  `doc:"short,nonempty"`
	Keys   document.Value[string] `doc:"keys,required"`
}

func readSurvey(b *builder, c *common, n *document.Node) node {
	d := surveyDoc{common: c}
	document.Decode(n, &d, "a survey node", b.p)
	if d.Exhausted.Given {
		b.p.Errorf(d.Exhausted.Pos, "a survey isn't exhausted: who doesn't answer is asked the next question")
	}
	in := b.mergeInput(d.inputDoc, b.input)
	out := &survey{next: d.Next}
	var ids []string
	for _, q := range d.Questions {
		if !isPromptID(q.ID.V) && q.ID.Given {
			b.p.Errorf(q.ID.Pos, "%q can't be the name of a question: letters, digits, - and _ only", q.ID.V)
		}
		if slices.Contains(ids, q.ID.V) {
			b.p.Errorf(q.ID.Pos, "question %q is asked twice", q.ID.V)
		}
		ids = append(ids, q.ID.V)
		if q.Keys.Given && !isKeys(q.Keys.V) {
			b.p.Errorf(q.Keys.Pos, "%q is not something callers can press (0-9, *, #, A-D)", q.Keys.V)
		}
		table := map[string]string{}
		for _, k := range q.Keys.V {
			table[string(k)] = string(k)
		}
		out.questions = append(out.questions, opinion{q.ID.V, question{
			input: in, prompt: b.readItems(q.Prompt), short: b.readItems(q.Short), keys: newKeyTable(table),
		}})
	}
	return out
}

func (n *survey) enter(s *Session) {
	s.st.Typed = "" // pressed while talking to the agent
	s.ask(n)
}

func (n *survey) handle(s *Session, in Input) { s.askHandle(n, in) }

func (n *survey) resume(s *Session) { s.askAgain(n) }

func (n *survey) asks(s *Session) *question { return &n.questions[s.st.Place.Index].question }

func (n *survey) answered(s *Session, entry string) {
	s.act(Answer{Question: n.questions[s.st.Place.Index].id, Value: entry})
	n.proceed(s)
}

func (n *survey) exhausted(s *Session) { n.proceed(s) }

// proceed asks the next question.
func (n *survey) proceed(s *Session) {
	p := &s.st.Place
	if p.Index+1 >= len(n.questions) {
		s.goTo(outcomeNext, n.next.V)
		return
	}
	*p = place{Index: p.Index + 1}
	s.ask(n)
}

func (n *survey) edges() []edge { return []edge{{to: n.next, label: outcomeNext, silent: true}} }
