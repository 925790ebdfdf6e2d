package service

import (
	"slices"
	"strings"

	"tierline/ivr"
	"tierline/routing/document"
)

// sourcesFile is the shared place for what several flows ask.
const sourcesFile = "sources.yaml"

type sourcesDoc struct {
	Sources  ivr.SourceDocs               `doc:"sources"`
	Channels document.Entries[channelDoc] `doc:"channels"`
}

// channelDoc is a way to send messages: a path of a source.
type channelDoc struct {
	Source    document.Value[string]   `doc:"source,required"`
	Post      document.Value[string]   `doc:"post,required"`
	Templates []document.Value[string] `doc:"templates,nonempty"`
}

// sources reads the shared declarations. Those of flows follow, one by one.
func (c *compiler) sources() {
	c.sourceTable = ivr.NewSources()
	p := c.read(sourcesFile, &c.sourcesDoc)
	if p == nil {
		return
	}
	defer c.add(p)
	c.sourceTable.Declare(p, sourcesFile, c.sourcesDoc.Sources)
	for _, e := range c.sourcesDoc.Channels {
		checkName(p, e.Key, "a channel")
		if e.Value.Post.Given && !isPath(e.Value.Post.V) {
			p.Errorf(e.Value.Post.Pos, "%q is no path such as /v1/messages", e.Value.Post.V)
		}
	}
}

// channels follow the flows, because a flow may declare a channel's source.
func (c *compiler) channels() {
	for _, name := range c.sourceTable.Names() {
		c.service.sources[name], _ = c.sourceTable.Source(name)
	}
	p := document.NewProblems(sourcesFile)
	defer c.add(p)
	for _, e := range c.sourcesDoc.Channels {
		d := e.Value
		reference(p, d.Source, append([]string{}, c.sourceTable.Names()...), "source")
		source := c.service.sources[d.Source.V]
		if source.Type == ivr.SourceSQL {
			p.Errorf(d.Source.Pos, "source %q is a database: a channel needs one of type http", d.Source.V)
		}
		var templates []string
		for _, t := range d.Templates {
			checkName(p, t, "a template")
			templates = append(templates, t.V)
		}
		c.service.channels[e.Key.V] = ivr.Channel{
			Name: e.Key.V, Source: source, Path: d.Post.V, Templates: templates,
		}
	}
}

// isPath tells whether a text can stand behind a source's address.
func isPath(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.ContainsAny(s, " ?#\\\r\n\t") &&
		!slices.Contains(strings.Split(s, "/"), "..")
}

// Source returns a source that flows may ask.
func (s *Service) Source(name string) (ivr.Source, bool) {
	x, ok := s.sources[name]
	return x, ok
}

// Channel returns a channel that flows may send messages through.
func (s *Service) Channel(name string) (ivr.Channel, bool) {
	x, ok := s.channels[name]
	return x, ok
}

// SourceNames lists the sources, sorted.
func (s *Service) SourceNames() []string {
	var names []string
	for name := range s.sources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
