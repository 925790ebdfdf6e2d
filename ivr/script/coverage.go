package script

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tierline/ivr"       //nolint:depguard // scripts are about flows
	"tierline/ivr/trial" //nolint:depguard // scripts are about flows
)

// Walked counts the nodes and ways that tests of one flow walked.
type Walked struct {
	flow  *ivr.Flow
	list  []ivr.Node
	nodes map[string]bool
	ways  map[wayKey]bool
}

// wayKey names a way: a node's outcome. The same outcome may have two targets
// nowhere.
type wayKey struct{ from, label string }

// NewWalked returns an empty count.
func NewWalked(f *ivr.Flow) *Walked {
	return &Walked{flow: f, list: f.Nodes(), nodes: map[string]bool{}, ways: map[wayKey]bool{}}
}

// add counts a call.
func (w *Walked) add(c *call) {
	at := "" // the last node of this flow: those of flows that it calls lie between
	for _, s := range c.trial.Steps() {
		if strings.Contains(s.Note.Step, "/") {
			continue
		}
		w.nodes[s.Note.Step] = true
		if s.From = at; at != "" {
			w.take(s)
		}
		at = s.Note.Step
	}
	node, cause, over := c.end()
	if !over {
		return
	}
	for _, way := range w.waysOf(node) {
		abandoned := way.Label == "abandoned"
		if way.Ends() && (abandoned == (cause == "caller" && c.hungUp)) {
			w.ways[wayKey{node, way.Label}] = true
		}
	}
}

// take counts the way that led to a node.
func (w *Walked) take(s trial.Step) {
	var to []ivr.Way
	for _, way := range w.waysOf(s.From) {
		if way.Label == s.Note.Key && way.Keyed || way.Label == s.Note.Outcome && way.To == s.Note.Step {
			w.ways[wayKey{s.From, way.Label}] = true
			return
		}
		if way.To == s.Note.Step && !way.Keyed {
			to = append(to, way)
		}
	}
	if len(to) == 1 {
		w.ways[wayKey{s.From, to[0].Label}] = true
	}
}

func (w *Walked) waysOf(id string) []ivr.Way {
	i := slices.IndexFunc(w.list, func(n ivr.Node) bool { return n.ID == id })
	if i < 0 {
		return nil
	}
	return w.list[i].Ways
}

// Coverage is what of a flow was walked.
type Coverage struct {
	Nodes Share    `json:"nodes"`
	Edges Share    `json:"edges"`
	Left  []Unseen `json:"uncovered"`
}

// Share counts.
type Share struct {
	Walked  int     `json:"walked"`
	All     int     `json:"all"`
	Percent float64 `json:"percent"`
}

func (s *Share) count(walked bool) {
	s.All++
	if walked {
		s.Walked++
	}
	s.Percent = 100 * float64(s.Walked) / float64(s.All)
}

// Unseen is a node that no test entered, or one of its ways that none took.
type Unseen struct {
	Node    string `json:"node"`
	Outcome string `json:"outcome,omitempty"` // "" for the node itself
	To      string `json:"to,omitempty"`
	Line    int    `json:"line"` // of the node
}

// Coverage sums up. @repeat and @back are the engine's ways and don't count; of
// a node that was never entered only the node is named.
func (w *Walked) Coverage() Coverage {
	out := Coverage{Left: []Unseen{}}
	for _, n := range w.list {
		out.Nodes.count(w.nodes[n.ID])
		if !w.nodes[n.ID] {
			out.Left = append(out.Left, Unseen{Node: n.ID, Line: n.Pos.Line})
		}
		for _, way := range n.Ways {
			if way.Stays() {
				continue
			}
			taken := w.ways[wayKey{n.ID, way.Label}]
			out.Edges.count(taken)
			if !taken && w.nodes[n.ID] {
				out.Left = append(out.Left, Unseen{n.ID, way.Label, way.To, n.Pos.Line})
			}
		}
	}
	slices.SortStableFunc(out.Left, func(a, b Unseen) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

// Short tells what a script's thresholds lack.
func (s *Script) Short(c Coverage) []string {
	var out []string
	for _, x := range []struct {
		what string
		got  Share
		want float64
	}{{"nodes", c.Nodes, s.coverage.nodes}, {"edges", c.Edges, s.coverage.edges}} {
		if x.got.Percent < x.want {
			out = append(out, shortage(x.what, x.got, x.want))
		}
	}
	return out
}

func shortage(what string, got Share, want float64) string {
	return fmt.Sprintf("%.1f %% of the %s walked (%d of %d), wanted %g %%", got.Percent, what, got.Walked, got.All, want)
}

// CoverageLine is where the script asks for coverage; 0 if it doesn't.
func (s *Script) CoverageLine() int { return s.coverage.pos.Line }
