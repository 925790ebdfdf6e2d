package script

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tierline/ivr"       //nolint:depguard // scripts are about flows
	"tierline/ivr/trial" //nolint:depguard // scripts are about flows
	"tierline/routing/document"
)

// expectation is what a script wants to be so at a point of the call.
type expectation struct {
	list []want
}

// want is one thing that must be so. It tells what is instead.
type want struct {
	name string
	text string // what is wanted
	is   func(c *call) (got string, ok bool)
}

type expectDoc struct {
	Queue    document.Value[string]                   `doc:"queue,nonempty"`
	Attach   document.Entries[document.Value[string]] `doc:"attach"`
	Path     []document.Value[string]                 `doc:"path"`
	End      document.Value[string]                   `doc:"end,nonempty"`
	Cause    document.Value[string]                   `doc:"cause,nonempty"`
	Node     document.Value[string]                   `doc:"node,nonempty"`
	Language document.Value[string]                   `doc:"language,nonempty"`
	Vars     document.Entries[*document.Node]         `doc:"vars"`
	Talking  document.Value[bool]                     `doc:"talking"`
	Lookup   *document.Node                           `doc:"lookup"`
	Notify   *notifyDoc                               `doc:"notify"`
	Callback *callbackDoc                             `doc:"callback"`
	Survey   document.Entries[document.Value[string]] `doc:"survey"`
	Transfer *transferDoc                             `doc:"transfer"`
	Recorded document.Value[int]                      `doc:"recorded,min=0,max=100"`
}

type notifyDoc struct {
	Channel  document.Value[string]           `doc:"channel"`
	To       document.Value[string]           `doc:"to"`
	Template document.Value[string]           `doc:"template"`
	Data     document.Entries[*document.Node] `doc:"data"`
}

type callbackDoc struct {
	Number document.Value[string]                   `doc:"number"`
	Queue  document.Value[string]                   `doc:"queue"`
	Attach document.Entries[document.Value[string]] `doc:"attach"`
}

type transferDoc struct {
	To     document.Value[string] `doc:"to"`
	Number document.Value[string] `doc:"number"`
}

func (r reader) expectation(n *document.Node) expectation {
	var d expectDoc
	document.Decode(n, &d, "expect", r.p)
	var e expectation
	e.about(d)
	e.aboutOutside(r, d)
	if len(e.list) == 0 && n.Kind == document.Map && len(n.Pairs) == 0 {
		r.p.Errorf(n.Pos, "expect: must not be empty")
	}
	return e
}

func (e *expectation) add(name, text string, is func(c *call) (string, bool)) {
	e.list = append(e.list, want{name, text, is})
}

// about adds what is wanted of the call itself.
func (e *expectation) about(d expectDoc) {
	if d.Queue.Given {
		e.add("queue", d.Queue.V, func(c *call) (string, bool) {
			q, ok := c.queue()
			return cmp.Or(q.Queue, "no queue"), ok && q.Queue == d.Queue.V
		})
	}
	if len(d.Attach) > 0 {
		e.add("attach", values(d.Attach), func(c *call) (string, bool) {
			q, _ := c.queue()
			return attached(q.Attach), holds(q.Attach, d.Attach)
		})
	}
	if d.Path != nil {
		path := make([]string, len(d.Path))
		for i, p := range d.Path {
			path[i] = p.V
		}
		e.add("path", strings.Join(path, " > "), func(c *call) (string, bool) {
			got := c.trial.Session().Path()
			return cmp.Or(strings.Join(got, " > "), "no milestone"), slices.Equal(got, path)
		})
	}
	if d.End.Given || d.Cause.Given {
		e.add("end", strings.TrimSpace(d.End.V+" "+d.Cause.V), func(c *call) (string, bool) {
			node, cause, over := c.end()
			if !over {
				return "the call goes on at " + c.trial.Node(), false
			}
			right := (!d.End.Given || d.End.V == node) && (!d.Cause.Given || d.Cause.V == cause)
			return strings.TrimSpace(node + " " + cause), right
		})
	}
	e.aboutState(d)
}

func (e *expectation) aboutState(d expectDoc) {
	if d.Node.Given {
		e.add("node", d.Node.V, func(c *call) (string, bool) { return c.trial.Node(), c.trial.Node() == d.Node.V })
	}
	if d.Language.Given {
		e.add("language", d.Language.V, func(c *call) (string, bool) {
			got := c.trial.Session().Language()
			return got, got == d.Language.V
		})
	}
	if d.Talking.Given {
		e.add("talking", fmt.Sprint(d.Talking.V), func(c *call) (string, bool) {
			return fmt.Sprint(c.trial.Talking()), c.trial.Talking() == d.Talking.V
		})
	}
	for _, v := range d.Vars {
		e.add("vars."+v.Key.V, v.Value.Text, func(c *call) (string, bool) {
			got, ok := c.trial.Session().Variable(v.Key.V)
			if !ok {
				return "no such variable, or a secret", false
			}
			return fmt.Sprint(got), fmt.Sprint(got) == v.Value.Text
		})
	}
}

// aboutOutside adds what must have been asked or told so far.
func (e *expectation) aboutOutside(r reader, d expectDoc) {
	if d.Lookup != nil {
		for _, pattern := range r.texts("lookup", d.Lookup) {
			e.asked("lookup", pattern, func(a ivr.Action) (string, bool, bool) {
				l, ok := a.(ivr.Lookup)
				text := strings.Join(strings.Fields(trial.Asked(l.Request)), " ")
				return text, ok, Matches(pattern, text)
			})
		}
	}
	if w := d.Notify; w != nil {
		e.asked("notify", notified(w), func(a ivr.Action) (string, bool, bool) {
			n, ok := a.(ivr.Notify)
			text, same := w.compare(n)
			return text, ok, same
		})
	}
	if w := d.Callback; w != nil {
		text := strings.TrimSpace(w.Number.V + " " + w.Queue.V + " " + values(w.Attach))
		e.asked("callback", text, func(a ivr.Action) (string, bool, bool) {
			b, ok := a.(ivr.RequestCallback)
			same := agrees(w.Number, b.Number) && agrees(w.Queue, b.Queue) && holds(b.Attach, w.Attach)
			return strings.TrimSpace(b.Number + " " + b.Queue + " " + attached(b.Attach)), ok, same
		})
	}
	if w := d.Transfer; w != nil {
		e.asked("transfer", strings.TrimSpace(w.To.V+" "+w.Number.V), func(a ivr.Action) (string, bool, bool) {
			t, ok := a.(ivr.Transfer)
			return strings.TrimSpace(t.To + " " + t.Number), ok, agrees(w.To, t.To) && agrees(w.Number, t.Number)
		})
	}
	for _, q := range d.Survey {
		e.asked("survey", q.Key.V+"="+q.Value.V, func(a ivr.Action) (string, bool, bool) {
			s, ok := a.(ivr.Answer)
			return s.Question + "=" + s.Value, ok, s.Question == q.Key.V && s.Value == q.Value.V
		})
	}
	if d.Recorded.Given {
		e.add("recorded", fmt.Sprint(d.Recorded.V), func(c *call) (string, bool) {
			n := 0
			for _, q := range c.trial.Questions() {
				if _, ok := q.Ask.(ivr.KeepRecording); ok {
					n++
				}
			}
			return fmt.Sprint(n), n == d.Recorded.V
		})
	}
}

// asked wants that one of the questions so far is the one described by is,
// which tells what was asked, whether it is of that kind, and whether it is it.
func (e *expectation) asked(name, text string, is func(a ivr.Action) (string, bool, bool)) {
	e.add(name, text, func(c *call) (string, bool) {
		var seen []string
		for _, q := range c.trial.Questions() {
			got, kind, same := is(q.Ask)
			if kind && same {
				return got, true
			}
			if kind {
				seen = append(seen, got)
			}
		}
		return cmp.Or(strings.Join(seen, "; "), "none"), false
	})
}

func (w *notifyDoc) compare(n ivr.Notify) (string, bool) {
	got := map[string]string{}
	for _, f := range n.Data {
		got[f.Name] = fmt.Sprint(f.Value)
	}
	same := agrees(w.Channel, n.Channel) && agrees(w.To, n.To) && agrees(w.Template, n.Template)
	for _, f := range w.Data {
		same = same && got[f.Key.V] == f.Value.Text
	}
	parts := []string{n.Channel, n.To, n.Template}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		parts = append(parts, name+"="+got[name])
	}
	return strings.Join(parts, " "), same
}

func notified(w *notifyDoc) string {
	parts := []string{w.Channel.V, w.To.V, w.Template.V}
	for _, f := range w.Data {
		parts = append(parts, f.Key.V+"="+f.Value.Text)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func agrees(want document.Value[string], got string) bool { return !want.Given || want.V == got }

// holds tells whether all wanted attributes are there with their values.
func holds(got []ivr.Attribute, wanted document.Entries[document.Value[string]]) bool {
	for _, w := range wanted {
		if !slices.Contains(got, ivr.Attribute{Name: w.Key.V, Value: w.Value.V}) {
			return false
		}
	}
	return true
}

func values(list document.Entries[document.Value[string]]) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = v.Key.V + "=" + v.Value.V
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func attached(list []ivr.Attribute) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.Name + "=" + a.Value
	}
	return cmp.Or(strings.Join(parts, " "), "nothing")
}
