package flow

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tierline/ivr"
)

func graphCommand() *cobra.Command {
	var service, format string
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a flow, as Mermaid or DOT text",
		Long: `Draw a flow as text: Mermaid for pages of GitHub or GitLab, DOT for graphviz. Nodes stand in the
milestone that leads to them. What defaults: says is drawn once, for all menus.`,
		Example: `  tierline flow graph testdata/demo/flows/svc10001.yaml
  tierline flow graph svc.yaml --format dot | dot -Tsvg -o svc.svg`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := map[string]func(drawing) string{"mermaid": mermaid, "dot": dot}[format]
			if !ok {
				return fmt.Errorf("--format %s: there are mermaid and dot", format)
			}
			c, err := newFinder(service).above(args[0])
			if err != nil {
				return report(cmd, err)
			}
			f, err := c.flow(args[0])
			if err != nil {
				return report(cmd, err)
			}
			return say(cmd.OutOrStdout(), write(draw(f)))
		},
	}
	cmd.Flags().StringVar(&service, "service", "", "service directory; by default the one that the flow stands in")
	cmd.Flags().StringVar(&format, "format", "mermaid", "mermaid or dot")
	return cmd
}

// drawing is a flow as both formats draw it.
type drawing struct {
	name     string
	start    string
	nodes    []ivr.Node
	clusters []cluster
	lines    []line
	shared   []line // from all menus
	ends     bool   // some way leads to the end of the call
}

// cluster is a milestone and the nodes that only it leads to.
type cluster struct {
	name  string // "" for nodes of no milestone
	nodes []ivr.Node
}

// line is what leads from one node to another: all its labels.
type line struct {
	from, to string // theEnd for the end of the call
	label    string
	keyed    bool
}

const theEnd = "@hangup"

func draw(f *ivr.Flow) drawing {
	d := drawing{name: f.Name(), start: f.Start(), nodes: f.Nodes()}
	d.clusters = clusters(d.nodes, d.start)
	shared := map[string][]string{}
	for _, n := range d.nodes {
		labels := map[string][]string{}
		var order []string
		keyed := map[string]bool{}
		for _, w := range n.Ways {
			if w.Inherited {
				if !slices.Contains(shared[w.To], w.Label) {
					shared[w.To] = append(shared[w.To], w.Label)
				}
				continue
			}
			if w.Stays() || w.Label == "abandoned" || w.To == "" {
				continue
			}
			if labels[w.To] == nil {
				order = append(order, w.To)
			}
			labels[w.To] = append(labels[w.To], labelOf(w))
			keyed[w.To] = keyed[w.To] || w.Keyed
		}
		for _, to := range order {
			d.lines = append(d.lines, line{n.ID, to, strings.Join(labels[to], ", "), keyed[to]})
			d.ends = d.ends || to == theEnd
		}
	}
	for _, to := range slices.Sorted(maps.Keys(shared)) {
		d.shared = append(d.shared, line{"", to, strings.Join(shared[to], ", "), true})
		d.ends = d.ends || to == theEnd
	}
	return d
}

// labelOf leaves out what says nothing.
func labelOf(w ivr.Way) string {
	const most = 40
	switch text := []rune(w.Text); {
	case w.Label == "next":
		return ""
	case len(text) > most:
		return string(text[:most]) + "…"
	}
	return cmp.Or(w.Text, w.Label)
}

// Where a node belongs that names no milestone itself.
const (
	unknown = "\x00" // nobody leads to it
	nowhere = ""     // it stands in none
)

// clusters puts nodes under milestones: a node of none belongs to the
// milestone of all the nodes that lead to it, if they agree.
func clusters(nodes []ivr.Node, start string) []cluster {
	at, fixed := map[string]string{}, map[string]bool{start: true}
	for _, n := range nodes {
		at[n.ID] = cmp.Or(n.Milestone, unknown)
		fixed[n.ID] = fixed[n.ID] || n.Milestone != ""
	}
	if at[start] == unknown {
		at[start] = nowhere
	}
	for changed := true; changed; {
		changed = false
		for _, n := range nodes {
			changed = spread(n, at, fixed) || changed
		}
	}
	var out []cluster
	place := map[string]int{}
	for _, n := range nodes {
		name := strings.Trim(at[n.ID], unknown)
		i, ok := place[name]
		if !ok {
			i = len(out)
			place[name] = i
			out = append(out, cluster{name: name})
		}
		out[i].nodes = append(out[i].nodes, n)
	}
	return out
}

// spread carries a node's milestone to where it leads. A place only ever goes
// from unknown to a milestone to nowhere, so this comes to an end.
func spread(n ivr.Node, at map[string]string, fixed map[string]bool) (changed bool) {
	from := at[n.ID]
	if from == unknown {
		return false
	}
	for _, w := range n.Ways {
		now, known := at[w.To]
		if !known || fixed[w.To] || w.Inherited || now == from || now == nowhere {
			continue
		}
		at[w.To], changed = from, true
		if now != unknown {
			at[w.To] = nowhere
		}
	}
	return changed
}
