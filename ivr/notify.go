package ivr

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"tierline/routing/document"
)

// notify sends a message. It goes on as soon as the channel has taken it.
type notify struct {
	channel  string
	to       *expression
	template string
	data     []fieldTemplate
	wait     comfort
	then     outcomes
}

type notifyDoc struct {
	*common
	Channel  document.Value[string]                   `doc:"channel,required"`
	To       document.Value[string]                   `doc:"to,required"`
	Template document.Value[string]                   `doc:"template,required"`
	Data     *document.Node                           `doc:"data"`
	Then     document.Entries[document.Value[string]] `doc:"then,required"`
}

func readNotify(b *builder, c *common, n *document.Node) node {
	d := notifyDoc{common: c}
	document.Decode(n, &d, "a notify node", b.p)
	b.checkChannel(d.Channel, d.Template)
	out := &notify{
		channel: d.Channel.V, template: d.Template.V, wait: b.comfort,
		then: b.readThen(n, "a notify node", []string{outcomeOK, outcomeError}, nil),
	}
	e, reads := b.compileReads(d.To, reflect.String)
	b.noSecret(d.To, reads, "an address")
	out.to = e
	known := len(b.secretsRead)
	out.data, _ = b.readFieldTemplates(d.Data, "data")
	for _, name := range b.secretsRead[known:] {
		b.p.Errorf(d.Data.Pos, "%q is secret and must not be sent", name)
	}
	slices.SortFunc(out.data, func(a, b fieldTemplate) int { return cmp.Compare(a.name, b.name) })
	return out
}

// checkChannel looks for a channel and for one of its templates.
func (b *builder) checkChannel(channel, template document.Value[string]) {
	if b.env.Channels == nil || !channel.Given {
		return
	}
	templates, known := b.env.Channels[channel.V]
	switch {
	case !known:
		b.p.Errorf(channel.Pos, "channel %q does not exist%s", channel.V,
			document.DidYouMean(channel.V, slices.Sorted(maps.Keys(b.env.Channels))))
	case template.Given && len(templates) > 0 && !slices.Contains(templates, template.V):
		b.p.Errorf(template.Pos, "channel %q has no template %q%s", channel.V, template.V,
			document.DidYouMean(template.V, templates))
	}
}

func (n *notify) enter(s *Session) {
	env := s.environment()
	to, err := n.to.eval(env)
	if err != nil {
		s.exceed(err.Error())
		return
	}
	data, err := fill(n.data, env)
	if err != nil {
		s.exceed(err.Error())
		return
	}
	if text(to) == "" {
		s.trouble("there is nobody to send the message to")
		n.then.end(s, outcomeError, outcomeError)
		return
	}
	s.act(Notify{
		ID: s.await(), Channel: n.channel, To: text(to), Template: n.template, Language: s.st.Language, Data: data,
	})
}

// resume sends the message again: one too many is better than none.
func (n *notify) resume(s *Session) { n.enter(s) }

func (n *notify) handle(s *Session, in Input) {
	a, ok := in.(Notified)
	if !ok {
		n.wait.handle(s, in)
		return
	}
	if !s.got(a.ID) {
		return
	}
	outcome := outcomeError
	if a.OK {
		outcome = outcomeOK
	}
	n.then.end(s, outcome, outcome)
}

func (n *notify) edges() []edge { return n.then.edges(true) }
