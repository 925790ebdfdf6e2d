package service

import (
	"slices"
	"strings"

	"tierline/acd"
	"tierline/ivr"
	"tierline/routing/document"
)

type featuresDoc struct {
	Languages []document.Value[string]         `doc:"languages,required,nonempty"`
	Codes     []codeDoc                        `doc:"codes,required,nonempty"`
	Refused   document.Value[string]           `doc:"refused,required"`
	Reasons   document.Entries[reasonDoc]      `doc:"reasons"`
	Prompts   document.Entries[*document.Node] `doc:"prompts"`
	Callbacks callbacksDoc                     `doc:"callbacks"`
	InCall    []inCallDoc                      `doc:"in_call"`
}

// callbacksDoc is what call-backs say, to both sides.
type callbacksDoc struct {
	Agent    document.Value[string] `doc:"agent,nonempty"`
	Customer document.Value[string] `doc:"customer,nonempty"`
}

type codeDoc struct {
	Code    document.Value[string] `doc:"code,required"`
	Command document.Value[string] `doc:"command,required"`
	Prompt  document.Value[string] `doc:"prompt,required"`
}

// reasonDoc is one reason for being not ready, by the digit behind the code.
type reasonDoc struct {
	Name  document.Value[string] `doc:"name,required"`
	Title titles                 `doc:"title"`
}

func commandNames() []string {
	return []string{"ready", "not_ready", "sign_out", "end_wrap_up", "extend_wrap_up"}
}

func (c *compiler) features() {
	var d featuresDoc
	p := c.read("features.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, l := range d.Languages {
		c.service.languages = append(c.service.languages, l.V)
	}
	known := c.featurePrompts(p, d)
	c.featureNames = known
	for _, code := range d.Codes {
		reference(p, code.Prompt, known, "prompt")
		c.code(p, code, d.Reasons)
	}
	for _, r := range d.Reasons {
		if name := r.Value.Name.V; name != "" && !slices.Contains(c.service.Config.Reasons, name) {
			c.service.Config.Reasons = append(c.service.Config.Reasons, name)
		}
	}
	reference(p, d.Refused, known, "prompt")
	c.service.refused = d.Refused.V
	reference(p, d.Callbacks.Agent, known, "prompt")
	reference(p, d.Callbacks.Customer, known, "prompt")
	c.inCall(p, d.InCall)
	c.service.Callbacks = CallbackPrompts{Agent: d.Callbacks.Agent.V, Customer: d.Callbacks.Customer.V}
}

func (c *compiler) code(p *document.Problems, d codeDoc, reasons document.Entries[reasonDoc]) {
	if !d.Code.Given {
		return
	}
	if len(d.Code.V) < 2 || d.Code.V[0] != '*' || strings.Trim(d.Code.V[1:], "0123456789") != "" {
		p.Errorf(d.Code.Pos, "%q is no feature code such as *11", d.Code.V)
		return
	}
	f := Feature{Prompt: d.Prompt.V}
	switch d.Command.V {
	case "ready":
		f.Command = acd.GoReady
	case "not_ready":
		f.Command = acd.GoNotReady
	case "sign_out":
		f.Command = acd.SignOut
	case "end_wrap_up":
		f.Command = acd.EndWrapUp
	case "extend_wrap_up":
		f.Command = acd.ExtendWrapUp
	default:
		reference(p, d.Command, commandNames(), "command")
		return
	}
	c.dial(p, d.Code, d.Code.V, f)
	if f.Command != acd.GoNotReady {
		return
	}
	for _, r := range reasons {
		if len(r.Key.V) != 1 || strings.Trim(r.Key.V, "0123456789") != "" {
			p.Errorf(r.Key.Pos, "a reason is one digit, not %q", r.Key.V)
			continue
		}
		checkName(p, r.Value.Name, "a reason")
		f.Reason = r.Value.Name.V
		c.dial(p, d.Code, d.Code.V+r.Key.V, f)
	}
}

// dial enters one dialled number; two codes must not meet, not even with a
// reason's digit.
func (c *compiler) dial(p *document.Problems, at document.Value[string], number string, f Feature) {
	if _, twice := c.service.features[number]; twice {
		p.Errorf(at.Pos, "feature code %s is given twice", number)
		return
	}
	c.service.features[number] = f
}

// featurePrompts reads the texts of the feature codes' prompts.
func (c *compiler) featurePrompts(p *document.Problems, d featuresDoc) []string {
	texts := ivr.ReadPrompts(d.Prompts, c.service.languages, p)
	names := make([]string, 0, len(texts))
	for _, t := range texts {
		names = append(names, t.ID)
	}
	c.speakers = append(c.speakers, speaker{"features.yaml", c.service.languages, texts})
	return names
}
