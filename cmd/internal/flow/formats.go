package flow

import (
	"fmt"
	"strings"

	"tierline/ivr"
)

// shape is how a type of node looks: in Mermaid, in DOT, and its colour.
type shape struct {
	open, end string
	dot       string
	fill      string
}

// shapes: what the caller answers is a slanted box, what decides a diamond,
// what asks somebody else a barrel, what brings a person a double box.
func shapeOf(kind string) shape {
	switch kind {
	case "menu", "collect", "authenticate", "survey":
		return shape{"[/", "/]", "parallelogram", "#dbeafe"}
	case "branch", "schedule":
		return shape{"{", "}", "diamond", "#fef3c7"}
	case "lookup", "notify":
		return shape{"[(", ")]", "cylinder", "#e0e7ff"}
	case "queue", "callback", "transfer":
		return shape{"[[", "]]", "box3d", "#dcfce7"}
	case "hangup", "return":
		return shape{"([", "])", "oval", "#fee2e2"}
	case "record":
		return shape{">", "]", "cds", "#fce7f3"}
	case "call":
		return shape{"[[", "]]", "component", "#f3f4f6"}
	}
	return shape{"[", "]", "box", "#f3f4f6"}
}

// mermaid writes a flowchart. Ids are numbers, because Mermaid takes some
// words ("end") for its own.
func mermaid(d drawing) string {
	var b strings.Builder
	ids := map[string]string{theEnd: "stop"}
	for i, n := range d.nodes {
		ids[n.ID] = fmt.Sprintf("n%d", i+1)
	}
	fmt.Fprintf(&b, "%%%% flow %s\nflowchart TD\n  begin((call)) --> %s\n", d.name, ids[d.start])
	for i, c := range d.clusters {
		indent := "  "
		if c.name != "" {
			fmt.Fprintf(&b, "  subgraph m%d[%s]\n", i+1, mermaidText(c.name))
			indent = "    "
		}
		for _, n := range c.nodes {
			s := shapeOf(n.Type)
			fmt.Fprintf(&b, "%s%s%s%s%s\n", indent, ids[n.ID], s.open, mermaidText(title(n, "<br/>")), s.end)
		}
		if c.name != "" {
			b.WriteString("  end\n")
		}
	}
	if d.ends {
		b.WriteString("  stop((end))\n")
	}
	for _, l := range d.lines {
		b.WriteString("  " + ids[l.from] + mermaidArrow(l) + ids[l.to] + "\n")
	}
	if len(d.shared) > 0 {
		b.WriteString("  every>\"in every menu\"]\n")
		for _, l := range d.shared {
			to, ok := ids[l.to]
			if !ok {
				to = "every_" + strings.Trim(l.to, "@")
				fmt.Fprintf(&b, "  %s>%s]\n", to, mermaidText(spoken(l.to)))
			}
			b.WriteString("  every" + mermaidArrow(l) + to + "\n")
		}
	}
	fills := map[string][]string{}
	var order []string
	for _, n := range d.nodes {
		fill := shapeOf(n.Type).fill
		if fills[fill] == nil {
			order = append(order, fill)
		}
		fills[fill] = append(fills[fill], ids[n.ID])
	}
	for i, fill := range order {
		fmt.Fprintf(&b, mermaidClass, i+1, fill)
		fmt.Fprintf(&b, "  class %s c%d\n", strings.Join(fills[fill], ","), i+1)
	}
	return b.String()
}

// title is what stands in a node.
func title(n ivr.Node, br string) string { return n.ID + br + n.Type }

// spoken says what a special target does.
func spoken(target string) string {
	switch target {
	case "@repeat":
		return "repeat"
	case "@back":
		return "back"
	}
	return target
}

func mermaidArrow(l line) string {
	label := strings.Trim(l.label, ", ")
	switch {
	case label == "":
		return " --> "
	case l.keyed:
		return " -- " + mermaidText(label) + " --> "
	}
	return " -. " + mermaidText(label) + " .-> "
}

// mermaidText quotes a text; # and " have meanings of their own inside.
func mermaidText(s string) string {
	return `"` + strings.NewReplacer("#", "#35;", `"`, "#quot;").Replace(s) + `"`
}

// dotStyle is how everything looks that isn't said to look otherwise.
//
//nolint:misspell // graphviz's word
const dotStyle = `  graph [fontname="Helvetica", nodesep=0.3, ranksep=0.5, newrank=true];
  node [fontname="Helvetica", fontsize=11, style=filled, color="#6b7280", fillcolor="#f3f4f6"];
  edge [fontname="Helvetica", fontsize=9, color="#6b7280"];
`

// dotCluster begins a milestone.
//
//nolint:misspell // graphviz's word
const dotCluster = "  subgraph cluster_%d {\n    label=%q; color=\"#9ca3af\"; style=rounded;\n"

// mermaidClass gives a group of nodes its colours.
//
//nolint:misspell // Mermaid's word
const mermaidClass = "  classDef c%d fill:%s,stroke:#6b7280,color:#111827\n"

// dot writes a digraph for graphviz.
func dot(d drawing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n%s", d.name, dotStyle)
	fmt.Fprintf(&b, "  \"@call\" [shape=circle, label=\"call\"];\n  \"@call\" -> %q;\n", d.start)
	for i, c := range d.clusters {
		indent := "  "
		if c.name != "" {
			fmt.Fprintf(&b, dotCluster, i+1, c.name)
			indent = "    "
		}
		for _, n := range c.nodes {
			s := shapeOf(n.Type)
			fmt.Fprintf(&b, "%s%q [shape=%s, fillcolor=%q, label=\"%s\"];\n", indent, n.ID, s.dot, s.fill, title(n, `\n`))
		}
		if c.name != "" {
			b.WriteString("  }\n")
		}
	}
	if d.ends {
		fmt.Fprintf(&b, "  %q [shape=circle, label=\"end\"];\n", theEnd)
	}
	for _, l := range d.lines {
		fmt.Fprintf(&b, "  %q -> %q%s;\n", l.from, l.to, dotLabel(l))
	}
	if len(d.shared) > 0 {
		b.WriteString("  \"@every\" [shape=note, label=\"in every menu\"];\n")
		for _, l := range d.shared {
			if l.to == "@repeat" || l.to == "@back" {
				fmt.Fprintf(&b, "  %q [shape=note, label=%q];\n", l.to, spoken(l.to))
			}
			fmt.Fprintf(&b, "  \"@every\" -> %q%s;\n", l.to, dotLabel(l))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

func dotLabel(l line) string {
	label := strings.Trim(l.label, ", ")
	switch {
	case label == "":
		return ""
	case l.keyed:
		return fmt.Sprintf(" [label=%q]", label)
	}
	return fmt.Sprintf(" [label=%q, style=dashed]", label)
}
