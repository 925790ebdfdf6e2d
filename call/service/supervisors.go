package service

import (
	"slices"
	"strings"

	"tierline/routing/document"
)

// roleSupervisor is the role of who may join others' calls.
const roleSupervisor = "supervisor"

// everybody stands for all agents in a supervisor's list.
const everybody = "*"

// supervision reads the groups that an agent belongs to and whom he looks after.
func (c *compiler) supervision(p *document.Problems, e document.Entry[agentDoc]) (groups, supervises []string) {
	d := e.Value
	reference(p, d.Role, []string{roleSupervisor}, "role")
	for _, g := range d.Groups {
		checkName(p, g, "a group")
		groups = append(groups, g.V)
	}
	for _, whom := range d.Supervises {
		supervises = append(supervises, whom.V)
	}
	switch {
	case len(supervises) > 0 && d.Role.V != roleSupervisor:
		p.Errorf(d.Supervises[0].Pos, "agent %q is no supervisor: add role: supervisor", e.Key.V)
	case len(supervises) == 0 && d.Role.V == roleSupervisor:
		p.Warnf(d.Role.Pos, "supervisor %q looks after nobody: add supervises", e.Key.V)
	}
	slices.Sort(groups)
	slices.Sort(supervises)
	return slices.Compact(groups), slices.Compact(supervises)
}

// supervised checks that whom supervisors look after is somebody.
func supervised(p *document.Problems, agents document.Entries[agentDoc]) {
	known := []string{everybody}
	for _, e := range agents {
		known = append(known, e.Key.V)
	}
	for _, e := range agents {
		for _, g := range e.Value.Groups {
			if slices.ContainsFunc(agents, func(a document.Entry[agentDoc]) bool { return a.Key.V == g.V }) {
				p.Errorf(g.Pos, "group %q has the name of an agent", g.V)
			}
			known = append(known, g.V)
		}
	}
	slices.SortFunc(known, strings.Compare)
	for _, e := range agents {
		for _, whom := range e.Value.Supervises {
			reference(p, whom, known, "agent or group")
			if whom.V == e.Key.V {
				p.Errorf(whom.Pos, "nobody supervises himself")
			}
		}
	}
}
