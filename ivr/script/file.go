package script

import (
	"strconv"
	"strings"
	"time"

	"tierline/ivr" //nolint:depguard // scripts are about flows
	"tierline/routing/document"
)

// Script is a checked script.
type Script struct {
	File     string
	Flow     document.Value[string] // the flow's file or name
	Tests    []Test
	mocks    []mock
	coverage coverage
}

// Test is one call.
type Test struct {
	Name   string
	Pos    document.Pos
	caller ivr.Caller
	known  bool // the script says who the caller is
	at     time.Time
	mocks  []mock
	steps  []step
}

// coverage is how much must be walked, in percent.
type coverage struct {
	nodes, edges float64
	pos          document.Pos
}

type scriptDoc struct {
	Flow     document.Value[string] `doc:"flow,required"`
	Tests    []testDoc              `doc:"tests,required,nonempty"`
	Mocks    []mockDoc              `doc:"mocks"`
	Coverage coverageDoc            `doc:"coverage"`
}

type testDoc struct {
	Name  document.Value[string] `doc:"name,required"`
	Call  callDoc                `doc:"call"`
	Mocks []mockDoc              `doc:"mocks"`
	Steps []stepDoc              `doc:"steps,required,nonempty"`
}

type callDoc struct {
	ANI      document.Value[string] `doc:"ani"`
	DNIS     document.Value[string] `doc:"dnis"`
	At       document.Value[string] `doc:"at"`
	Customer *customerDoc           `doc:"customer"`
}

type customerDoc struct {
	ID    document.Value[string] `doc:"id"`
	Name  document.Value[string] `doc:"name"`
	Tier  document.Value[string] `doc:"tier"`
	Lang  document.Value[string] `doc:"lang"`
	Phone document.Value[string] `doc:"phone"`
}

type coverageDoc struct {
	Nodes *document.Node `doc:"nodes"`
	Edges *document.Node `doc:"edges"`
}

// reader turns a document into a script.
type reader struct{ p *document.Problems }

// Load reads and checks a script. All mistakes are reported at once; the
// script is nil if there is one.
func Load(name string, src []byte) (*Script, []document.Problem) {
	r := reader{p: document.NewProblems(name)}
	root := document.Parse(src, r.p)
	if root == nil {
		return nil, r.p.List()
	}
	if n := root.Get("nodes"); n != nil && root.Get("tests") == nil {
		r.p.Errorf(n.Owner, "this is a flow: a script has tests")
		return nil, r.p.List()
	}
	var d scriptDoc
	document.Decode(root, &d, "a script", r.p)
	s := &Script{File: name, Flow: d.Flow, mocks: r.mocks(d.Mocks)}
	names := map[string]int{}
	for i, t := range d.Tests {
		if first, twice := names[t.Name.V]; twice && t.Name.Given {
			r.p.Errorf(t.Name.Pos, "two tests are called %q, the first on line %d", t.Name.V, first)
		}
		names[t.Name.V] = t.Name.Pos.Line
		s.Tests = append(s.Tests, r.test(i, t))
	}
	s.coverage = r.coverage(d.Coverage)
	if r.p.HasErrors() {
		return nil, r.p.List()
	}
	return s, r.p.List()
}

// firstCall is when calls come that don't say: a Monday morning in China.
func firstCall() time.Time {
	return time.Date(2026, time.November, 23, 10, 0, 0, 0, time.FixedZone("", 8*60*60))
}

func (r reader) test(i int, d testDoc) Test {
	t := Test{Name: d.Name.V, Pos: d.Name.Pos, at: firstCall(), mocks: r.mocks(d.Mocks)}
	t.caller = ivr.Caller{Call: "test-" + strconv.Itoa(i+1), ANI: d.Call.ANI.V, DNIS: d.Call.DNIS.V}
	if d.Call.At.Given {
		at, err := time.Parse(time.RFC3339, d.Call.At.V)
		if err != nil {
			r.p.Errorf(d.Call.At.Pos, "at: %q is not a time (2026-11-21T10:00:00+08:00)", d.Call.At.V)
		}
		t.at = at
	}
	if c := d.Call.Customer; c != nil {
		t.known, t.caller.Known = true, c.ID.V != "" || c.Tier.V != ""
		t.caller.Customer = ivr.Customer{ID: c.ID.V, Name: c.Name.V, Tier: c.Tier.V, Language: c.Lang.V, Phone: c.Phone.V}
	}
	for _, s := range d.Steps {
		if st, ok := r.step(s); ok {
			t.steps = append(t.steps, st)
		}
	}
	return t
}

func (r reader) coverage(d coverageDoc) coverage {
	var out coverage
	for _, x := range []struct {
		name string
		n    *document.Node
		dst  *float64
	}{{"nodes", d.Nodes, &out.nodes}, {"edges", d.Edges, &out.edges}} {
		if x.n == nil {
			continue
		}
		out.pos = x.n.Owner
		number, ok := strings.CutSuffix(x.n.Text, "%")
		v, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || v < 0 || v > 100 {
			r.p.Errorf(x.n.Pos, "%s: %q is not a share (90%%)", x.name, x.n.Text)
			continue
		}
		*x.dst = v
	}
	return out
}

// Names lists the tests.
func (s *Script) Names() []string {
	out := make([]string, len(s.Tests))
	for i, t := range s.Tests {
		out[i] = t.Name
	}
	return out
}

// Find returns the test of a name, or the first.
func (s *Script) Find(name string) (*Test, bool) {
	for i := range s.Tests {
		if name == "" || s.Tests[i].Name == name {
			return &s.Tests[i], true
		}
	}
	return nil, false
}

// Caller says who calls in a test, and when.
func (t *Test) Caller() (ivr.Caller, time.Time) { return t.caller, t.at }
