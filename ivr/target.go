package ivr

import (
	"fmt"
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
	meant, ok := b.nearest(to.V, b.idList)
	if ok {
		b.meant[meant] = true
	}
	b.p.Errorf(to.Pos, "node %q does not exist%s", to.V, hint(meant))
}

// maxHints bounds the work of guessing what was meant in large files: so many
// names are compared in all.
const maxHints = 1_000_000

// nearest is document.Nearest, as long as the guessing takes no time.
func (b *builder) nearest(word string, known []string) (string, bool) {
	if b.hinted += len(known); b.hinted > maxHints {
		return "", false
	}
	return document.Nearest(word, known)
}

func hint(meant string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", meant)
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
