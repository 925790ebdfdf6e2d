package ivr

import (
	"fmt"
	"reflect"
	"slices"

	"tierline/routing/document"
)

// maxStack is how deep flows may call each other.
const maxStack = 5

// subflow runs another flow and comes back.
type subflow struct {
	flow   string
	with   []argument
	result []bound
	then   outcomes
	pos    document.Pos
}

// argument gives a variable of the called flow a value.
type argument struct {
	name   string
	value  *expression
	secret bool // of this flow
	pos    document.Pos
}

// bound takes a value that the called flow returns.
type bound struct {
	into, name string
	pos        document.Pos
}

type subflowDoc struct {
	*common
	Flow   document.Value[string]                   `doc:"flow,required"`
	With   document.Entries[document.Value[string]] `doc:"with"`
	Result document.Entries[document.Value[string]] `doc:"result"`
	Then   document.Entries[document.Value[string]] `doc:"then,required"`
}

func readSubflow(b *builder, c *common, n *document.Node) node {
	d := subflowDoc{common: c}
	document.Decode(n, &d, "a call node", b.p)
	if d.Flow.Given && b.env.FlowNames != nil && !slices.Contains(b.env.FlowNames, d.Flow.V) {
		b.p.Errorf(d.Flow.Pos, "flow %q does not exist%s", d.Flow.V, document.DidYouMean(d.Flow.V, b.env.FlowNames))
	}
	out := &subflow{
		flow: d.Flow.V, pos: d.Flow.Pos,
		then: b.readThen(n, "a call node", []string{outcomeOK, outcomeError}, nil),
	}
	for _, w := range d.With {
		known := len(b.secretsRead)
		e, _ := b.compileReads(w.Value, anyKind)
		out.with = append(out.with, argument{w.Key.V, e, len(b.secretsRead) > known, w.Key.Pos})
	}
	for _, r := range d.Result {
		if x := b.readInto(r.Key); x != nil && x.kind == reflect.Map {
			b.p.Errorf(r.Key.Pos, "%q is an object: only a lookup fills it", r.Key.V)
		}
		out.result = append(out.result, bound{r.Key.V, r.Value.V, r.Value.Pos})
	}
	b.flow.calls = append(b.flow.calls, out)
	return out
}

func (n *subflow) enter(s *Session) {
	to := s.root.find(n.flow)
	if to == nil || len(s.st.Stack)+1 >= maxStack {
		s.trouble("flow " + n.flow + " can't be called: it isn't there, or too many called each other")
		n.then.end(s, outcomeError, outcomeError)
		return
	}
	env := s.environment()
	vars := to.vars.start(s.st.Caller)
	inherit(vars, s.st.Vars)
	for _, a := range n.with {
		v, err := a.value.eval(env)
		if err != nil {
			s.exceed(err.Error())
			return
		}
		if x, ok := to.vars.find(a.name); !ok || reflect.TypeOf(v).Kind() != x.kind || (a.secret && !x.secret) {
			s.trouble("flow " + n.flow + " takes no such " + a.name)
			n.then.end(s, outcomeError, outcomeError)
			return
		}
		vars[a.name] = v
	}
	s.st.Stack = append(s.st.Stack, s.st.frame)
	s.st.frame = frame{Flow: to.name, Vars: vars, Visits: map[string]int{}}
	s.flow = to
	s.goTo("called", to.start)
}

// inherit gives a declared customer what the calling flow knows of him.
func inherit(vars, from map[string]any) {
	to, declared := vars["cust"].(map[string]any)
	known, has := from["cust"].(map[string]any)
	if !declared || !has {
		return
	}
	for name, v := range known {
		if old, ok := to[name]; ok && reflect.TypeOf(old) == reflect.TypeOf(v) {
			to[name] = v
		}
	}
}

func (n *subflow) handle(*Session, Input) {} // never waits

// edges: whether the flow that is called asks the caller nobody knows here, so
// a circle through it is not taken for an endless loop.
func (n *subflow) edges() []edge { return n.then.edges(false) }

// back takes the results of the flow that was called.
func (n *subflow) back(s *Session, outcome string, results map[string]any) {
	for _, r := range n.result {
		x, _ := s.flow.vars.find(r.into)
		v, ok := results[r.name]
		if !ok {
			v = x.fresh()
		}
		if reflect.TypeOf(v).Kind() != x.kind {
			s.trouble(fmt.Sprintf("flow %s returned a %T as %s", n.flow, v, r.name))
			outcome = outcomeError
			continue
		}
		s.put(r.into, v)
	}
	n.then.end(s, outcome, outcome)
}

// giveBack ends a flow that was called.
type giveBack struct {
	outcome string
	result  []argument
}

type giveBackDoc struct {
	*common
	Outcome document.Value[string]                   `doc:"outcome"`
	Result  document.Entries[document.Value[string]] `doc:"result"`
}

func readReturn(b *builder, c *common, n *document.Node) node {
	d := giveBackDoc{common: c}
	document.Decode(n, &d, "a return node", b.p)
	out := &giveBack{outcome: outcomeOK}
	if b.oneOf(d.Outcome, outcomeError, outcomeOK) {
		out.outcome = outcomeError
	}
	for _, r := range d.Result {
		e, reads := b.compileReads(r.Value, anyKind)
		b.noSecret(r.Value, reads, "returned")
		out.result = append(out.result, argument{name: r.Key.V, value: e, pos: r.Key.Pos})
		b.flow.returns = append(b.flow.returns, r.Key.V)
	}
	return out
}

func (n *giveBack) enter(s *Session) {
	depth := len(s.st.Stack)
	if depth == 0 { // a number leads to this flow itself, or it is aside
		s.st.Returned = n.outcome
		s.disconnect(CauseNormal)
		return
	}
	env := s.environment()
	results := make(map[string]any, len(n.result))
	for _, r := range n.result {
		v, err := r.value.eval(env)
		if err != nil {
			s.exceed(err.Error())
			return
		}
		results[r.name] = v
	}
	s.st.frame = s.st.Stack[depth-1]
	s.st.Stack = s.st.Stack[:depth-1]
	s.flow = s.root.find(s.st.Flow)
	s.st.Place, s.st.Came = place{}, s.now.UnixMilli()
	if call, ok := s.node().(*subflow); ok {
		call.back(s, n.outcome, results)
	}
}

func (n *giveBack) handle(*Session, Input) {} // never waits

func (n *giveBack) edges() []edge { return nil }

// unwind leaves all flows that were called.
func (s *Session) unwind() {
	if len(s.st.Stack) == 0 {
		return
	}
	s.leave() // what the node there began
	s.leaveQueue("")
	s.st.frame, s.st.Stack, s.flow = s.st.Stack[0], nil, s.root
	s.st.Place = place{}
}

// find returns a flow of the same service.
func (f *Flow) find(name string) *Flow {
	if name == f.name {
		return f
	}
	if f.others == nil {
		return nil
	}
	return f.others(name)
}

// CheckCalls checks how flows of one service call each other. It takes them
// by name; nil is one that could not be read.
func CheckCalls(flows map[string]*Flow, file func(flow string) string) []document.Problem {
	var out []document.Problem
	for name, f := range flows {
		if f == nil {
			continue // it couldn't be read
		}
		p := document.NewProblems(file(name))
		for _, c := range f.calls {
			if to := flows[c.flow]; to != nil {
				c.check(p, f, to)
			}
		}
		out = append(out, p.List()...)
	}
	out = append(out, checkCircles(flows, file)...)
	document.Sort(out)
	return out
}

func (n *subflow) check(p *document.Problems, from, to *Flow) {
	for _, l := range from.languages {
		if !slices.Contains(to.languages, l) {
			p.Errorf(n.pos, "flow %q doesn't speak %q", to.name, l)
		}
	}
	names := make([]string, 0, len(to.vars.list))
	for _, v := range to.vars.list {
		names = append(names, v.name)
	}
	for _, a := range n.with {
		x, ok := to.vars.find(a.name)
		switch {
		case !ok:
			p.Errorf(a.pos, "flow %q has no variable %q%s", to.name, a.name, document.DidYouMean(a.name, names))
		case a.value != nil && a.value.kind() != x.kind:
			p.Errorf(a.pos, "variable %q of flow %q is %s", a.name, to.name, article(x.typ))
		case a.secret && !x.secret:
			p.Errorf(a.pos, "what %q of flow %q gets is secret, and it isn't", a.name, to.name)
		}
	}
	for _, r := range n.result {
		if !slices.Contains(to.returns, r.name) {
			p.Errorf(r.pos, "flow %q returns no %q%s", to.name, r.name, document.DidYouMean(r.name, to.returns))
		}
	}
}
