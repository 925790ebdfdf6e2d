package service

import (
	"slices"
	"strings"

	"tierline/routing"
	"tierline/routing/document"
)

// Words of a greeting that aren't prompts.
const (
	SayAgent = "@agent" // the agent's number, digit by digit
	SayTier  = "@tier"  // the prompt of the caller's tier: tier_gold
)

// TierPrompt is the prompt for a tier.
func TierPrompt(tier routing.Tier) string { return "tier_" + tier.String() }

// Greeting is what is heard before caller and agent hear each other: prompts, and
// the words above.
type Greeting struct{ Caller, Agent []string }

type greetingDoc struct {
	Caller []document.Value[string] `doc:"caller,nonempty"`
	Agent  []document.Value[string] `doc:"agent,nonempty"`
}

// Greeting is that of a queue's conversations.
func (s *Service) Greeting(queue string) Greeting { return s.greetings[queue] }

// greeting reads what a queue says before a conversation. Its prompts stand in
// features.yaml.
func (c *compiler) greeting(p *document.Problems, queue string, d greetingDoc) {
	var g Greeting
	for _, v := range d.Caller {
		if v.V == SayTier {
			p.Errorf(v.Pos, "callers don't hear their tier: %s is for the agent", SayTier)
			continue
		}
		g.Caller = append(g.Caller, c.greetingWord(p, v))
	}
	for _, v := range d.Agent {
		g.Agent = append(g.Agent, c.greetingWord(p, v))
	}
	if len(g.Caller)+len(g.Agent) > 0 {
		c.service.greetings[queue] = g
	}
}

func (c *compiler) greetingWord(p *document.Problems, v document.Value[string]) string {
	switch {
	case v.V == SayAgent:
	case v.V == SayTier:
		for _, tier := range routing.Tiers() {
			if name := TierPrompt(tier); !slices.Contains(c.featureNames, name) {
				p.Errorf(v.Pos, "%s wants a prompt %q in features.yaml", SayTier, name)
				break
			}
		}
	case strings.HasPrefix(v.V, "@"):
		p.Errorf(v.Pos, "%q is not known (%s, %s)%s", v.V, SayAgent, SayTier,
			document.DidYouMean(v.V, []string{SayAgent, SayTier}))
	case !slices.Contains(c.featureNames, v.V):
		p.Errorf(v.Pos, "prompt %q does not exist in features.yaml%s", v.V, document.DidYouMean(v.V, c.featureNames))
	}
	return v.V
}
