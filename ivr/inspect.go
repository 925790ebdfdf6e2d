package ivr

import (
	"slices"
	"strings"
)

// Path returns the milestones so far.
func (s *Session) Path() []string { return slices.Clone(s.st.Path) }

// Variable returns the value of a variable, or of an object's field
// ("bill.total"). A secret one has no value for anybody.
func (s *Session) Variable(name string) (value any, ok bool) {
	name, field, isField := strings.Cut(name, ".")
	v, ok := s.flow.vars.find(name)
	if !ok || v.secret {
		return nil, false
	}
	value, ok = s.st.Vars[name]
	if !isField {
		return value, ok
	}
	fields, _ := value.(map[string]any)
	value, ok = fields[field]
	return value, ok
}

// Variables lists the flow's variables that are not secret.
func (f *Flow) Variables() []string {
	var out []string
	for _, v := range f.vars.list {
		if !v.secret {
			out = append(out, v.name)
		}
	}
	return out
}
