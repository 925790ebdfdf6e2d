package service

import (
	"path"
	"strings"
)

// FlowChange is how a flow differs between two generations.
type FlowChange struct {
	Flow    string
	New     bool // there was none of this name
	Gone    bool
	Changed []string // nodes, in the order of the files
	Added   []string
	Removed []string
}

// DiffFlows says which nodes change from old to next; old may be nil. A flow
// whose prompts alone change has no nodes in it.
func DiffFlows(old, next *Bundle) []FlowChange {
	if old == nil {
		old = &Bundle{}
	}
	var out []FlowChange
	for _, c := range Diff(old, &Bundle{Files: next.Files, Prompts: old.Prompts}) {
		if path.Dir(c.Document) != "flows" {
			continue
		}
		a, hadA := old.File(c.Document)
		b, hasB := next.File(c.Document)
		f := FlowChange{Flow: strings.TrimSuffix(path.Base(c.Document), ".yaml"), New: !hadA, Gone: !hasB}
		f.Changed, f.Added, f.Removed = differing(tree(a).Get("nodes"), tree(b).Get("nodes"))
		out = append(out, f)
	}
	return out
}
