package ivr

import (
	"strings"

	"tierline/routing/document"
)

// Targets that are no nodes.
const (
	targetRepeat = "@repeat" // hear this node again
	targetBack   = "@back"   // the menu before this one
	targetHangup = "@hangup" // the end
)

// target checks where an edge leads.
func (b *builder) target(e edge) {
	if !e.to.Given {
		return
	}
	switch {
	case e.to.V == targetHangup:
	case e.to.V == targetRepeat || e.to.V == targetBack:
		if !e.keyed {
			b.p.Errorf(e.to.Pos, "%s is only for keys", e.to.V)
		}
	case strings.HasPrefix(e.to.V, "@"):
		b.p.Errorf(e.to.Pos, "%q is no target%s", e.to.V,
			document.DidYouMean(e.to.V, []string{targetRepeat, targetBack, targetHangup}))
	default:
		if _, ok := b.ids[e.to.V]; !ok {
			b.missing(e.to)
		}
	}
}

// missing reports a target that doesn't exist.
func (b *builder) missing(to document.Value[string]) {
	b.p.Errorf(to.Pos, "node %q does not exist%s", to.V, document.DidYouMean(to.V, b.idList))
	if meant, ok := document.Nearest(to.V, b.idList); ok {
		b.meant[meant] = true
	}
}

// isKeys tells whether a text consists of telephone keys.
func isKeys(s string) bool { return s != "" && strings.Trim(s, "0123456789*#ABCD") == "" }

// keyMap reads key bindings.
func (b *builder) keyMap(docs document.Entries[document.Value[string]]) map[string]string {
	out := make(map[string]string, len(docs))
	for _, d := range docs {
		if !isKeys(d.Key.V) {
			b.p.Errorf(d.Key.Pos, "%q is not something callers can press (0-9, *, #, A-D)", d.Key.V)
			continue
		}
		out[d.Key.V] = d.Value.V
	}
	return out
}

func keyEdges(docs document.Entries[document.Value[string]]) []edge {
	out := make([]edge, 0, len(docs))
	for _, d := range docs {
		out = append(out, edge{to: d.Value, label: d.Key.V, keyed: true})
	}
	return out
}
