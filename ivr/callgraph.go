package ivr

import (
	"maps"
	"slices"
	"strings"

	"tierline/routing/document"
)

// Calls lists the flows that this one calls.
func (f *Flow) Calls() []string {
	var out []string
	for _, c := range f.calls {
		if !slices.Contains(out, c.flow) {
			out = append(out, c.flow)
		}
	}
	return out
}

// checkCircles finds flows that call each other in a circle: a call would run
// into the limit of its depth.
func checkCircles(flows map[string]*Flow, file func(flow string) string) []document.Problem {
	var out []document.Problem
	done := map[string]bool{}
	var path []string
	var visit func(name string)
	visit = func(name string) {
		path = append(path, name)
		for _, c := range flows[name].calls {
			at := slices.Index(path, c.flow)
			switch {
			case at >= 0:
				p := document.NewProblems(file(name))
				circle := append(slices.Clone(path[at:]), c.flow)
				p.Errorf(c.pos, "flows call each other in a circle: %s", strings.Join(circle, " -> "))
				out = append(out, p.List()...)
			case flows[c.flow] != nil && !done[c.flow]:
				visit(c.flow)
			}
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		if flows[name] != nil && !done[name] {
			visit(name)
		}
	}
	return out
}
