package ivr

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"

	"tierline/routing/document"
)

// flowDoc is a flow file.
type flowDoc struct {
	Version   document.Value[int]                      `doc:"version,required"`
	Flow      document.Value[string]                   `doc:"flow,required"`
	Title     document.Entries[document.Value[string]] `doc:"title"`
	Languages []document.Value[string]                 `doc:"languages,required,nonempty"`
	Start     document.Value[string]                   `doc:"start,required"`
	Limits    limitsDoc                                `doc:"limits"`
	Defaults  defaultsDoc                              `doc:"defaults"`
	Vars      document.Entries[varDoc]                 `doc:"vars"`
	Calendars document.Entries[calendarDoc]            `doc:"calendars"`
	Sources   SourceDocs                               `doc:"sources"`
	Auth      document.Entries[policyDoc]              `doc:"auth"`
	Nodes     document.Entries[*document.Node]         `doc:"nodes,required,nonempty"`
	Prompts   document.Entries[*document.Node]         `doc:"prompts"`
}

type limitsDoc struct {
	MaxSteps    document.Value[int]           `doc:"max_steps,min=10,max=10000"`
	MaxVisits   document.Value[int]           `doc:"max_visits,min=1,max=1000"`
	MaxDuration document.Value[time.Duration] `doc:"max_duration,min=10s,max=24h"`
	OnExceeded  document.Value[string]        `doc:"on_exceeded,nonempty"`
}

type defaultsDoc struct {
	Input inputDoc                                 `doc:"input"`
	Keys  document.Entries[document.Value[string]] `doc:"keys"`
	Wait  items                                    `doc:"wait,nonempty"`
}

// inputDoc are the fields of a node that collects keys, and the defaults for
// all of them.
type inputDoc struct {
	First      document.Value[time.Duration] `doc:"first,min=500ms,max=60s"`
	Inter      document.Value[time.Duration] `doc:"inter,min=500ms,max=60s"`
	Total      document.Value[time.Duration] `doc:"total,min=1s,max=10m"`
	Terminator document.Value[string]        `doc:"terminator"`
	Attempts   document.Value[int]           `doc:"attempts,min=1,max=10"`
	BargeIn    document.Value[bool]          `doc:"barge_in"`
	TypeAhead  document.Value[bool]          `doc:"type_ahead"`
	NoInput    items                         `doc:"no_input"`
	Invalid    items                         `doc:"invalid"`
	Exhausted  document.Value[string]        `doc:"exhausted,nonempty"`
}

// builder turns a flow's document into a Flow.
type builder struct {
	p    *document.Problems
	env  Environment
	doc  flowDoc
	flow *Flow

	ids       map[string]document.Pos // of nodes
	idList    []string
	promptIDs []string
	input     input // defaults of nodes that collect keys
	exhausted document.Value[string]

	exprEnv      types.Map
	exprOptions  []expr.Option
	valueOptions []expr.Option // where "value" is known too
	withValue    bool
	compiled     map[exprKey]compiled
	secretsRead  []string // by expressions so far

	node         *document.Node // of the file
	secretive    bool
	usedPolicies map[string]bool
	heard        map[sayKey]bool // readings whose sounds were looked for

	comfort comfort // of waiting for an answer
	auth    map[string]*policy
	hours   map[string]Calendar // calendars of the flow

	used  map[string]bool // prompts
	read  map[string]bool // variables
	meant map[string]bool // nodes that a misspelt target probably means

	hinted int // names compared for hints
	gaps   int // ways that nodes lack

	usedSources   map[string]bool
	usedCalendars map[string]bool
}

// Load reads and checks a flow. All mistakes are reported at once; the flow is
// nil if one of them is an error.
func Load(name string, src []byte, env Environment) (*Flow, []document.Problem) {
	b := &builder{
		p: document.NewProblems(name), env: env, ids: map[string]document.Pos{}, compiled: map[exprKey]compiled{},
		used: map[string]bool{}, read: map[string]bool{}, meant: map[string]bool{}, usedPolicies: map[string]bool{},
		usedSources: map[string]bool{}, usedCalendars: map[string]bool{},
		flow: &Flow{nodes: map[string]*step{}, prompts: map[string]*promptText{}, others: env.Flows},
	}
	root := document.Parse(src, b.p)
	if root == nil {
		return nil, b.p.List()
	}
	b.node = root
	document.Decode(root, &b.doc, "a flow", b.p)
	b.build()
	if b.p.HasErrors() {
		return nil, b.p.List()
	}
	return b.flow, b.p.List()
}

func (b *builder) build() {
	d := &b.doc
	b.head()
	for _, n := range d.Nodes {
		b.ids[n.Key.V] = n.Key.Pos
		b.idList = append(b.idList, n.Key.V)
	}
	b.readPrompts(d.Prompts)
	b.exprEnv = b.readVars(d.Vars)
	b.exprOptions = exprOptions(b.exprEnv)
	withValue := maps.Clone(b.exprEnv)
	withValue["value"] = types.String
	b.valueOptions = exprOptions(withValue)
	b.readDefaults()
	b.readLimits()
	b.readCalendars()
	b.readPolicies()
	var order []checked
	for _, n := range d.Nodes {
		order = append(order, b.readNode(n))
	}
	for _, v := range b.flow.vars.list {
		b.secretive = b.secretive || v.secret
	}
	b.flow.secretive = b.secretive
	b.check(order)
}

func (b *builder) head() {
	d := &b.doc
	if d.Version.Given && d.Version.V != 1 {
		b.p.Errorf(d.Version.Pos, "flow format %d is not known: this version of tierline reads format 1", d.Version.V)
	}
	if d.Flow.Given && !isPromptID(d.Flow.V) {
		b.p.Errorf(d.Flow.Pos, "%q can't be the name of a flow: letters, digits, - and _ only", d.Flow.V)
	}
	b.flow.name, b.flow.sources = d.Flow.V, d.Sources
	NewSources().Declare(b.p, "this file", d.Sources)
	for _, l := range d.Languages {
		if slices.Contains(b.flow.languages, l.V) {
			b.p.Errorf(l.Pos, "language %q is given twice", l.V)
			continue
		}
		if l.Given && (!isPromptID(l.V) || l.V == "pinyin" || l.V == "file") {
			b.p.Errorf(l.Pos, "%q is no language", l.V)
		}
		b.flow.languages = append(b.flow.languages, l.V)
	}
	for _, t := range d.Title {
		if !slices.Contains(b.flow.languages, t.Key.V) {
			b.p.Errorf(t.Key.Pos, "%q is not a language of this flow (%s)", t.Key.V, strings.Join(b.flow.languages, ", "))
		}
	}
}

func (b *builder) readDefaults() {
	d := b.doc.Defaults.Input
	b.exhausted = d.Exhausted
	b.comfort = b.readComfort(b.doc.Defaults.Wait)
	b.input = b.mergeInput(d, input{
		first: 6 * time.Second, inter: 3 * time.Second, total: 30 * time.Second, terminator: '#', attempts: 3,
		bargeIn: true, typeAhead: true,
	})
}

// mergeInput lays what a document says over defaults.
func (b *builder) mergeInput(d inputDoc, in input) input {
	in.first, in.inter, in.total = d.First.Or(in.first), d.Inter.Or(in.inter), d.Total.Or(in.total)
	in.attempts = d.Attempts.Or(in.attempts)
	in.bargeIn, in.typeAhead = d.BargeIn.Or(in.bargeIn), d.TypeAhead.Or(in.typeAhead)
	if d.Terminator.Given {
		in.terminator = 0
		if d.Terminator.V != "" {
			r, size := utf8.DecodeRuneInString(d.Terminator.V)
			in.terminator = r
			if size != len(d.Terminator.V) || !isKeys(d.Terminator.V) {
				b.p.Errorf(d.Terminator.Pos, "the terminator is one key (0-9, *, #, A-D)")
			}
		}
	}
	if d.NoInput != nil {
		in.noInput = b.readItems(d.NoInput)
	}
	if d.Invalid != nil {
		in.invalid = b.readItems(d.Invalid)
	}
	if d.Exhausted.Given {
		in.exhausted = d.Exhausted.V
	}
	return in
}

func (b *builder) readLimits() {
	d := b.doc.Limits
	b.flow.limits = limits{
		maxSteps: d.MaxSteps.Or(300), maxVisits: d.MaxVisits.Or(15), maxDuration: d.MaxDuration.Or(20 * time.Minute),
		onExceeded: d.OnExceeded.Or(targetHangup),
	}
	b.target(edge{to: d.OnExceeded})
	b.flow.start = b.doc.Start.V
	if _, ok := b.ids[b.flow.start]; !ok && b.doc.Start.Given {
		b.missing(b.doc.Start)
	}
}

// readNode compiles one node.
func (b *builder) readNode(n document.Entry[*document.Node]) checked {
	out := checked{id: n.Key.V, pos: n.Key.Pos}
	if !isPromptID(n.Key.V) {
		b.p.Errorf(n.Key.Pos, "%q can't be the name of a node: letters, digits, - and _ only", n.Key.V)
	}
	c := common{id: n.Key}
	before, gaps := b.p.Errors(), b.gaps
	k, ok := b.kindOf(n.Value)
	if !ok {
		out.node, out.broken = b.readBroken(n.Value), true
		return out
	}
	out.kind = k.name
	out.node = k.read(b, &c, n.Value)
	for _, e := range out.node.edges() {
		b.target(e)
		if !e.to.Given && e.label != outcomeExhausted {
			b.gaps++ // a field that is missing
		}
	}
	st := &step{
		node: out.node, id: c.id.V, kind: k.name, pos: c.id.Pos,
		milestone: c.Milestone.V, set: b.readSets(c.Set), maxVisits: c.MaxVisits.V,
	}
	b.flow.nodes[st.id] = st
	b.flow.order = append(b.flow.order, st.id)
	// A node with a wrong field may miss a way out: the field's words may be it.
	if out.broken = b.p.Errors() > before; out.broken {
		out.gaps = b.gaps - gaps
		out.node = maimed{out.node, b.readBroken(n.Value).edges()}
	}
	return out
}

// kindOf finds the reader of a node's type.
func (b *builder) kindOf(n *document.Node) (kind, bool) {
	t := n.Get("type")
	if n.Kind != document.Map || t == nil || t.Kind != document.String {
		if n.Kind == document.Map && t == nil {
			b.p.Errorf(n.Owner, `a node needs the field "type"`)
		} else {
			b.p.Errorf(n.Pos, "a node is a group of fields with a type")
		}
		return kind{}, false
	}
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == t.Text })
	switch {
	case i < 0:
		names := make([]string, len(all))
		for j, k := range all {
			names[j] = k.name
		}
		b.p.Errorf(t.Pos, "unknown node type %q%s", t.Text, document.DidYouMean(t.Text, names))
		return kind{}, false
	}
	return all[i], true
}

// useWords marks the variables that a text names as read: of an expression
// that can't be compiled, or of a node that can't be read.
func (b *builder) useWords(text string) {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !isWord("_" + string(r)) }) {
		b.read[w] = true
	}
}
