package service

import (
	"slices"
	"strings"

	"tierline/acd"
	"tierline/routing/document"
	"tierline/routing/trunk"
)

// dialled is what agents may dial.
type dialled struct {
	allow      []string            // beginnings of outside numbers, for whoever has none of his own
	own        map[string][]string // the same, by agent
	extensions map[string]string   // queues, by the number that agents dial
}

// MayCall says whether an agent may call a normalised number outside.
func (s *Service) MayCall(agent, number string) bool {
	allow, own := s.dialled.own[agent]
	if !own {
		allow = s.dialled.allow
	}
	return trunk.Allows(allow, number)
}

// HasAgent says whether there is an agent.
func (s *Service) HasAgent(id string) bool {
	_, ok := s.agentConfig(id)
	return ok
}

// AgentName returns an agent's name.
func (s *Service) AgentName(id string) string {
	a, _ := s.agentConfig(id)
	return a.Name
}

func (s *Service) agentConfig(id string) (acd.AgentConfig, bool) {
	i, ok := slices.BinarySearchFunc(s.Config.Agents, id, func(a acd.AgentConfig, id string) int {
		return strings.Compare(a.ID, id)
	})
	if !ok {
		return acd.AgentConfig{}, false
	}
	return s.Config.Agents[i], true
}

// HasQueue says whether there is a queue.
func (s *Service) HasQueue(name string) bool {
	return slices.ContainsFunc(s.Config.Queues, func(q acd.QueueConfig) bool { return q.Name == name })
}

// Extension returns the queue that agents reach by a number.
func (s *Service) Extension(number string) (queue string, ok bool) {
	queue, ok = s.dialled.extensions[number]
	return queue, ok
}

// extension gives a queue a number that agents can dial.
func (c *compiler) extension(p *document.Problems, queue string, v document.Value[string]) {
	switch {
	case !v.Given:
	case !isNumber(v.V) || strings.HasPrefix(v.V, "+"):
		p.Errorf(v.Pos, "%q is no extension: digits that agents dial", v.V)
	case c.service.dialled.extensions[v.V] != "":
		p.Errorf(v.Pos, "extension %s is also that of queue %s", v.V, c.service.dialled.extensions[v.V])
	default:
		c.service.dialled.extensions[v.V] = queue
	}
}
