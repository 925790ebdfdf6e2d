package script

import (
	"slices"
	"strings"
	"time"

	"tierline/ivr" //nolint:depguard // scripts are about flows
	"tierline/routing/document"
)

// step is one thing that the caller does, or that the script looks for.
type step struct {
	pos    document.Pos
	text   string // as the script has it, for reports
	do     action
	words  []string // what is heard or said
	keys   string
	long   time.Duration
	cause  string
	expect expectation
}

type action uint8

const (
	doHear action = iota + 1
	doSay
	doPress
	doSilence
	doRecord
	doHangUp
	doAgentAnswers
	doAgentLeaves
	doFarEndLeaves
	doQueueLeaves
	doExpect
)

// stepDoc is a step as the script has it: a word or one field.
type stepDoc struct{ node *document.Node }

// DecodeDocument implements document.Decoder.
func (d *stepDoc) DecodeDocument(n *document.Node, _ *document.Problems) { d.node = n }

// alone are the steps that are just words.
func alone() map[string]action {
	return map[string]action{
		"hang up": doHangUp, "agent answers": doAgentAnswers, "agent leaves": doAgentLeaves,
		"far end leaves": doFarEndLeaves,
	}
}

func stepNames() []string {
	return []string{
		"hear", "say", "press", "silence", "record", "hang up", "agent answers", "agent leaves", "far end leaves",
		"queue leaves", "expect",
	}
}

func (r reader) step(d stepDoc) (step, bool) {
	n := d.node
	if n.Kind == document.String {
		do, ok := alone()[n.Text]
		switch {
		case ok:
			return step{pos: n.Pos, text: n.Text, do: do}, true
		case slices.Contains(stepNames(), n.Text):
			r.p.Errorf(n.Pos, "the step %q needs a value", n.Text)
		default:
			r.p.Errorf(n.Pos, "unknown step %q%s", n.Text, document.DidYouMean(n.Text, stepNames()))
		}
		return step{}, false
	}
	if n.Kind != document.Map || len(n.Pairs) != 1 {
		r.p.Errorf(n.Pos, "a step is one thing: a word or one field")
		return step{}, false
	}
	name, value := n.Pairs[0].Key, n.Pairs[0].Value
	s := step{pos: name.Pos, text: name.V + ": " + written(value)}
	return s, r.valued(&s, name, value)
}

// valued reads a step that has a value.
func (r reader) valued(s *step, name document.Value[string], n *document.Node) bool {
	before := r.p.Errors()
	switch name.V {
	case "hear":
		s.do, s.words = doHear, r.texts(name.V, n)
	case "say":
		s.do, s.words = doSay, r.texts(name.V, n)
	case "press":
		s.do, s.keys = doPress, r.text(name.V, n)
		if strings.Trim(s.keys, "0123456789*#ABCD") != "" {
			r.p.Errorf(n.Pos, "%q is not something callers can press (0-9, *, #, A-D)", s.keys)
		}
	case "silence":
		s.do, s.long = doSilence, r.duration(name.V, n)
	case "record":
		s.do, s.long = doRecord, r.duration(name.V, n)
	case "queue leaves":
		causes := []string{ivr.LeftTimeout, ivr.LeftFull, ivr.LeftLong, ivr.LeftNoStaff, ivr.LeftClosed, ivr.LeftOffline}
		s.do, s.cause = doQueueLeaves, r.text(name.V, n)
		r.among(n, s.cause, causes)
	case "expect":
		s.do, s.expect = doExpect, r.expectation(n)
	default:
		if _, ok := alone()[name.V]; ok {
			r.p.Errorf(n.Owner, "the step %q has no value", name.V)
		} else {
			r.p.Errorf(name.Pos, "unknown step %q%s", name.V, document.DidYouMean(name.V, stepNames()))
		}
	}
	return r.p.Errors() == before
}

func (r reader) among(n *document.Node, word string, words []string) {
	if word != "" && !slices.Contains(words, word) {
		r.p.Errorf(n.Pos, "%q is none of %s%s", word, strings.Join(words, ", "), document.DidYouMean(word, words))
	}
}

func (r reader) text(name string, n *document.Node) string {
	v := document.Entries[document.Value[string]]{}
	wrapped := &document.Node{Kind: document.Map, Pos: n.Pos, Pairs: []document.Pair{{
		Key: document.Value[string]{Pos: n.Owner, V: name, Given: true}, Value: n,
	}}}
	document.Decode(wrapped, &v, name, r.p)
	return v[0].Value.V
}

// texts reads a text or a list of them.
func (r reader) texts(name string, n *document.Node) []string {
	if n.Kind != document.List {
		return []string{r.text(name, n)}
	}
	if len(n.Items) == 0 {
		r.p.Errorf(n.Pos, "%s: must not be empty", name)
	}
	var out []string
	for _, item := range n.Items {
		out = append(out, r.text(name, item))
	}
	return out
}

// longest bounds a step.
const longest = 24 * time.Hour

func (r reader) duration(name string, n *document.Node) time.Duration {
	var v document.Value[time.Duration]
	document.Decode(n, &v, name, r.p)
	if v.V > longest {
		r.p.Errorf(n.Pos, "%s: %v is out of range (at most %v)", name, v.V, longest)
	}
	return v.V
}

// written writes a value as YAML on one line.
func written(n *document.Node) string {
	switch n.Kind {
	case document.List:
		parts := make([]string, len(n.Items))
		for i, item := range n.Items {
			parts[i] = written(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case document.Map:
		parts := make([]string, len(n.Pairs))
		for i, p := range n.Pairs {
			parts[i] = p.Key.V + ": " + written(p.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case document.Null, document.Bool, document.Int, document.Float, document.String:
	}
	if n.Quoted {
		return `"` + n.Text + `"`
	}
	return n.Text
}
