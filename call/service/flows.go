package service

import (
	"errors"
	"path"
	"strings"
	"time"

	"tierline/ivr"
	"tierline/routing/document"
)

// speaker is a document with prompts.
type speaker struct {
	file      string
	languages []string
	prompts   []ivr.PromptText
}

// spokenText is what a prompt says and where that stands.
type spokenText struct {
	text string
	file string
	line int
}

func (c *compiler) flows() {
	env := ivr.Environment{Calendars: map[string]ivr.Calendar{}}
	for _, q := range c.queueList {
		env.Queues = append(env.Queues, q.name)
	}
	env.Destinations = map[string]ivr.Destination{}
	for name, to := range c.service.Destinations {
		env.Destinations[name] = ivr.Destination{AnyNumber: to.Open}
	}
	for name, cal := range c.service.Calendars {
		env.Calendars[name] = cal
	}
	if c.bundle.lengths != nil {
		env.Length = func(p ivr.Prompt) (time.Duration, bool) {
			d, ok := c.bundle.lengths[soundKey(p.ID, p.Language)]
			return d, ok
		}
	}
	env.Fragment = func(language, id string) bool {
		_, ok := c.bundle.Prompts[FragmentKey(id, language)]
		return ok
	}
	c.outside(&env)
	c.service.Environment = env
	for _, f := range c.bundle.Files {
		if path.Dir(f.Name) == "flows" {
			c.flow(f, env)
		}
	}
	c.problems = append(c.problems, ivr.CheckCalls(c.service.Flows, func(flow string) string {
		return "flows/" + flow + ".yaml"
	})...)
	for _, f := range c.service.Flows {
		if f != nil {
			for _, called := range f.Calls() {
				c.dialled[called] = true
			}
		}
	}
}

// outside says what flows may refer to beside queues, hours and people.
func (c *compiler) outside(env *ivr.Environment) {
	env.Holidays = c.holidays
	env.Sources, env.Channels, env.FlowNames = c.sourceTable.Names(), map[string][]string{}, []string{}
	for _, e := range c.sourcesDoc.Channels {
		templates := []string{}
		for _, t := range e.Value.Templates {
			templates = append(templates, t.V)
		}
		env.Channels[e.Key.V] = templates
	}
	for _, f := range c.bundle.Files {
		if path.Dir(f.Name) == "flows" {
			env.FlowNames = append(env.FlowNames, strings.TrimSuffix(path.Base(f.Name), ".yaml"))
		}
	}
	flows := c.service.Flows
	env.Flows = func(name string) *ivr.Flow { return flows[name] }
	env.Requirement = func(text string) error {
		p := document.NewProblems("")
		c.requirement(p, document.Value[string]{V: text, Given: true})
		if list := p.List(); len(list) > 0 {
			return errors.New(strings.TrimPrefix(list[0].Text, "requirement: "))
		}
		return nil
	}
}

func (c *compiler) flow(file File, env ivr.Environment) {
	f, problems := ivr.Load(file.Name, file.Data, env)
	c.problems = append(c.problems, problems...)
	if f == nil {
		// Its name stays known, so that its mistakes have no followers.
		c.service.Flows[strings.TrimSuffix(path.Base(file.Name), ".yaml")] = nil
		return
	}
	p := document.NewProblems(file.Name)
	defer c.add(p)
	if want := f.Name() + ".yaml"; path.Base(file.Name) != want {
		p.Errorf(document.Pos{Line: 1, Col: 1}, "flow %q must stand in flows/%s", f.Name(), want)
	}
	c.service.Flows[f.Name()] = f
	c.sourceTable.Declare(p, file.Name, f.Sources())
	c.speakers = append(c.speakers, speaker{file.Name, f.Languages(), f.Prompts()})
}

// checkDialled warns of flows that no number leads to. A flow that can't be
// read may call any other.
func (c *compiler) checkDialled() {
	for _, f := range c.service.Flows {
		if f == nil {
			return
		}
	}
	for _, f := range c.bundle.Files {
		name := strings.TrimSuffix(path.Base(f.Name), ".yaml")
		if path.Dir(f.Name) != "flows" || c.service.Flows[name] == nil || c.dialled[name] {
			continue
		}
		p := document.NewProblems(f.Name)
		p.Warnf(document.Pos{Line: 1, Col: 1}, "no number leads to flow %q", name)
		c.add(p)
	}
}

// checkSounds looks at all prompts together: one id says the same everywhere,
// and every text has its sound.
func (c *compiler) checkSounds() {
	c.texts = map[string]spokenText{}
	for _, s := range c.speakers {
		p := document.NewProblems(s.file)
		for _, t := range s.prompts {
			if t.File != "" {
				c.checkSound(p, t.Pos, strings.TrimSuffix(t.File, ".wav"), "no sound file prompts/"+t.File)
				continue
			}
			for _, text := range t.Texts {
				c.checkText(p, s.file, t, text)
				c.checkSound(p, t.Pos, soundKey(t.ID, text.Language), "no audio for prompt "+t.ID+" in "+text.Language)
			}
		}
		c.add(p)
	}
}

func (c *compiler) checkText(p *document.Problems, file string, t ivr.PromptText, text ivr.Text) {
	key := soundKey(t.ID, text.Language)
	old, twice := c.texts[key]
	if !twice {
		c.texts[key] = spokenText{text.Text, file, t.Pos.Line}
		return
	}
	if old.text != text.Text {
		p.Errorf(t.Pos, "prompt %q says something else in %s:%d: they share one recording", t.ID, old.file, old.line)
	}
}

func (c *compiler) checkSound(p *document.Problems, at document.Pos, key, text string) {
	if _, ok := c.bundle.Prompts[key]; !ok {
		p.Warnf(at, "%s", text)
	}
}
