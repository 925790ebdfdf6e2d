package sim

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"tierline/acd/sim"
	"tierline/routing"
	"tierline/routing/document"
	"tierline/routing/rank"
)

// skillsFile is agents with skills and classes of calls with rates.
type skillsFile struct {
	Agents  []groupEntry `doc:"agents,required,nonempty"`
	Classes []classEntry `doc:"classes,required,nonempty"`
}

type groupEntry struct {
	Name   document.Value[string]                `doc:"name,required"`
	Count  document.Value[int]                   `doc:"count,required,min=1,max=100000"`
	Skills document.Entries[document.Value[int]] `doc:"skills,min=1,max=10"`
}

type classEntry struct {
	Name        document.Value[string]                `doc:"name,required"`
	Rate        rate                                  `doc:"rate,required"`
	Requirement document.Value[string]                `doc:"requirement"`
	Mix         document.Entries[document.Value[int]] `doc:"mix,min=0,max=1000000000"`
}

// rate is calls per second, written 0.9/s, 54/min or 3240/h.
type rate float64

// DecodeDocument implements document.Decoder.
func (r *rate) DecodeDocument(n *document.Node, p *document.Problems) {
	v, err := parseRate(n.Text)
	if err != nil {
		p.Errorf(n.Pos, "rate: %v", err)
		return
	}
	*r = rate(v)
}

// readSkills reads a skills file. All its mistakes come as one error.
func readSkills(file string, src []byte, mix sim.Mix) ([]sim.Group, []sim.Class, error) {
	p := document.NewProblems(file)
	var f skillsFile
	document.Decode(document.Parse(src, p), &f, "a skills file", p)
	if p.HasErrors() {
		return nil, nil, listed(p)
	}
	groups, known := f.groups(p)
	var classes []sim.Class
	for i := range f.Classes {
		e := &f.Classes[i]
		if slices.ContainsFunc(classes, func(c sim.Class) bool { return c.Name == e.Name.V }) {
			p.Errorf(e.Name.Pos, "class %q is described twice", e.Name.V)
		}
		c := sim.Class{Name: e.Name.V, Rate: float64(e.Rate), Requirement: e.Requirement.V, Mix: e.mix(mix, p)}
		e.check(groups, known, p)
		classes = append(classes, c)
	}
	if p.HasErrors() {
		return nil, nil, listed(p)
	}
	return groups, classes, nil
}

func listed(p *document.Problems) error {
	errs := make([]error, 0, len(p.List()))
	for _, problem := range p.List() {
		errs = append(errs, errors.New(problem.String()))
	}
	return errors.Join(errs...)
}

func (f *skillsFile) groups(p *document.Problems) (groups []sim.Group, known []string) {
	for i := range f.Agents {
		e := &f.Agents[i]
		if slices.ContainsFunc(groups, func(g sim.Group) bool { return g.Name == e.Name.V }) {
			p.Errorf(e.Name.Pos, "agents %q are described twice", e.Name.V)
		}
		g := sim.Group{Name: e.Name.V, Count: e.Count.V}
		for _, s := range e.Skills {
			g.Skills = append(g.Skills, routing.SkillLevel{
				Skill: routing.Skill(s.Key.V), Level: routing.Level(s.Value.V), //nolint:gosec // 1 to 10
			})
			known = append(known, s.Key.V)
		}
		slices.SortFunc(g.Skills, func(a, b routing.SkillLevel) int { return cmp.Compare(a.Skill, b.Skill) })
		groups = append(groups, g)
	}
	return groups, known
}

// check finds requirements that nobody meets.
func (e *classEntry) check(groups []sim.Group, known []string, p *document.Problems) {
	need, err := rank.Parse(e.Requirement.V)
	if syntax, ok := errors.AsType[*rank.SyntaxError](err); ok {
		at := utf8.RuneCountInString(e.Requirement.V[:min(syntax.Offset, len(e.Requirement.V))])
		p.Errorf(e.Requirement.At(at), "requirement: %s", syntax.What)
		return
	}
	if slices.ContainsFunc(groups, func(g sim.Group) bool { _, able := need.Able(g.Skills); return able }) {
		return
	}
	p.Errorf(e.Requirement.Pos, "no agent meets %s%s", need, unknown(need, known))
}

// unknown points to a skill of a requirement that nobody has.
func unknown(need *rank.Requirement, known []string) string {
	between := func(r rune) bool { return strings.ContainsRune(" ()>=", r) }
	for word := range strings.FieldsFuncSeq(need.String(), between) {
		if !slices.Contains(known, word) {
			if hint := document.DidYouMean(word, known); hint != "" {
				return hint
			}
		}
	}
	return ""
}

func (e *classEntry) mix(otherwise sim.Mix, p *document.Problems) sim.Mix {
	if len(e.Mix) == 0 {
		return otherwise
	}
	var parts [routing.TierCount]float64
	for _, entry := range e.Mix {
		t, err := routing.ParseTier(entry.Key.V)
		if err != nil {
			p.Errorf(entry.Key.Pos, "mix: %v", err)
			return otherwise
		}
		parts[t] = float64(entry.Value.V)
	}
	m, err := shares(parts)
	if err != nil {
		p.Errorf(e.Mix[0].Key.Pos, "mix: %v", err)
	}
	return m
}
