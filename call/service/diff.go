package service

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tierline/routing/customer"
	"tierline/routing/document"
)

// Change is one difference between two generations, in an operator's words.
type Change struct {
	Document string `json:"document"` // the file
	Item     string `json:"item"`     // "queue human"
	Text     string `json:"text"`     // "max_wait 10m → 15m"
}

// String returns the change as plan prints it.
func (c Change) String() string {
	if c.Text == "" {
		return c.Item
	}
	return c.Item + ": " + c.Text
}

// Diff says what changes from old to next, in the order of the files; old may
// be nil. Secrets are named, never shown.
func Diff(old, next *Bundle) []Change {
	if old == nil {
		old = &Bundle{}
	}
	names := map[string]bool{}
	for _, f := range slices.Concat(old.Files, next.Files) {
		names[f.Name] = true
	}
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, hadA := old.File(name)
		b, hasB := next.File(name)
		switch {
		case hadA && hasB && string(a) == string(b):
		case name == customersFile:
			out = append(out, diffCustomers(a, b)...)
		case isCertificates(name):
			out = append(out, Change{Document: name, Item: "certificates " + name, Text: presence(hadA, hasB)})
		case path.Dir(name) == "flows":
			out = append(out, diffFlow(name, hadA, hasB, tree(a), tree(b))...)
		default:
			out = append(out, diffDocument(name, tree(a), tree(b))...)
		}
	}
	return append(out, diffSounds(old.Prompts, next.Prompts)...)
}

// presence says what became of a file.
func presence(was, is bool) string {
	switch {
	case !was:
		return "added"
	case !is:
		return "removed"
	}
	return "changed"
}

// tree reads a document for comparing; what can't be read is nil.
func tree(data []byte) *document.Node {
	if data == nil {
		return nil
	}
	return document.Parse(data, document.NewProblems(""))
}

// leaves are a value's scalars by their path.
func leaves(n *document.Node, at string, out map[string]string) {
	if n == nil {
		return
	}
	switch n.Kind {
	case document.Map:
		for _, p := range n.Pairs {
			leaves(p.Value, joinPath(at, p.Key.V), out)
		}
	case document.List:
		var parts []string
		for i, item := range n.Items {
			if item.Kind == document.Map || item.Kind == document.List {
				leaves(item, joinPath(at, fmt.Sprint(i+1)), out)
				continue
			}
			parts = append(parts, item.Text)
		}
		out[at] = "[" + strings.Join(parts, ", ") + "]"
	case document.Null, document.Bool, document.Int, document.Float, document.String:
		out[at] = n.Text
	}
}

func joinPath(at, field string) string {
	if at == "" {
		return field
	}
	return at + "." + field
}

// isSecret tells fields whose values must not be printed.
func isSecret(field string) bool {
	return slices.ContainsFunc(strings.Split(field, "."), func(s string) bool {
		return s == "secret" || s == "ha1" || s == "password" || s == "pin"
	})
}

// diffValue lists the fields that differ between two values.
func diffValue(a, b *document.Node) []string {
	was, is := map[string]string{}, map[string]string{}
	leaves(a, "", was)
	leaves(b, "", is)
	var out []string
	for _, field := range slices.Sorted(maps.Keys(union(was, is))) {
		x, hadX := was[field]
		y, hasY := is[field]
		name := field
		if name == "" {
			name = "value"
		}
		switch {
		case x == y && hadX == hasY:
		case isSecret(field):
			out = append(out, name+" changed")
		case !hadX:
			out = append(out, name+" "+shown(y)+" added")
		case !hasY:
			out = append(out, name+" "+shown(x)+" removed")
		default:
			out = append(out, name+" "+shown(x)+" → "+shown(y))
		}
	}
	return out
}

func union(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// shown shortens a value for a line of the plan.
func shown(s string) string {
	const most = 60
	if s == "" {
		return `""`
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// singular names one item of a document's list.
func singular(section string) string {
	switch section {
	case "features", "codes":
		return "feature"
	case "reasons":
		return "reason"
	}
	return strings.TrimSuffix(section, "s")
}

// diffDocument compares the items of a document's sections.
func diffDocument(name string, a, b *document.Node) []Change {
	var out []Change
	for _, section := range keysOf(a, b) {
		x, y := a.Get(section), b.Get(section)
		if !isCollection(x) && !isCollection(y) {
			for _, text := range diffValue(wrap(section, x), wrap(section, y)) {
				out = append(out, Change{name, strings.TrimSuffix(path.Base(name), ".yaml"), text})
			}
			continue
		}
		x, y = itemsOf(x), itemsOf(y)
		for _, key := range keysOf(x, y) {
			if c, ok := diffItem(x.Get(key), y.Get(key)); ok {
				out = append(out, Change{name, singular(section) + " " + key, c})
			}
		}
	}
	return out
}

func diffItem(a, b *document.Node) (string, bool) {
	switch {
	case a == nil:
		return "added", true
	case b == nil:
		return "removed", true
	}
	d := diffValue(a, b)
	return strings.Join(d, ", "), len(d) > 0
}

func isCollection(n *document.Node) bool {
	return n != nil && (n.Kind == document.Map || n.Kind == document.List && len(n.Items) > 0 &&
		n.Items[0].Kind == document.Map)
}

// itemsOf returns a collection as a map: items of a list are named by what
// identifies them.
func itemsOf(n *document.Node) *document.Node {
	if n == nil || n.Kind != document.List {
		return n
	}
	out := &document.Node{Kind: document.Map}
	for i, item := range n.Items {
		key := fmt.Sprint(i + 1)
		for _, id := range []string{"number", "prefix", "code"} {
			if v := item.Get(id); v != nil {
				key = v.Text
				break
			}
		}
		if v := item.Get("trunks"); v != nil {
			parts := map[string]string{}
			leaves(v, "", parts)
			key += " " + parts[""]
		}
		if out.Get(key) == nil {
			out.Pairs = append(out.Pairs, document.Pair{Key: document.Value[string]{V: key}, Value: item})
		}
	}
	return out
}

func wrap(key string, n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	return &document.Node{Kind: document.Map, Pairs: []document.Pair{{Key: document.Value[string]{V: key}, Value: n}}}
}

// keysOf lists the keys of both maps in the order of the files.
func keysOf(a, b *document.Node) []string {
	var out []string
	for _, n := range []*document.Node{a, b} {
		if n == nil {
			continue
		}
		for _, p := range n.Pairs {
			if !slices.Contains(out, p.Key.V) {
				out = append(out, p.Key.V)
			}
		}
	}
	return out
}

// diffFlow names the nodes, prompts and sections that differ.
func diffFlow(name string, hadA, hasB bool, a, b *document.Node) []Change {
	item := "flow " + strings.TrimSuffix(path.Base(name), ".yaml")
	switch {
	case !hadA:
		return []Change{{name, item, "added"}}
	case !hasB:
		return []Change{{name, item, "removed"}}
	}
	var parts []string
	for _, section := range keysOf(a, b) {
		x, y := a.Get(section), b.Get(section)
		if section == "nodes" || section == "prompts" || section == "vars" {
			parts = append(parts, diffNames(section, x, y)...)
			continue
		}
		if len(diffValue(x, y)) > 0 {
			parts = append(parts, section+" changed")
		}
	}
	if len(parts) == 0 {
		return nil // comments and layout only
	}
	return []Change{{name, item, strings.Join(parts, "; ")}}
}

// differing lists the keys of two maps whose values differ.
func differing(a, b *document.Node) (changed, added, removed []string) {
	for _, key := range keysOf(a, b) {
		x, y := a.Get(key), b.Get(key)
		switch {
		case x == nil:
			added = append(added, key)
		case y == nil:
			removed = append(removed, key)
		case len(diffValue(x, y)) > 0:
			changed = append(changed, key)
		}
	}
	return changed, added, removed
}

func diffNames(section string, a, b *document.Node) []string {
	changed, added, removed := differing(a, b)
	var out []string
	for _, part := range []struct {
		word  string
		names []string
	}{{"changed", changed}, {"added", added}, {"removed", removed}} {
		if len(part.names) > 0 {
			out = append(out, section+" "+part.word+": "+strings.Join(part.names, ", "))
		}
	}
	return out
}

// diffCustomers counts; the rows themselves are personal data.
func diffCustomers(a, b []byte) []Change {
	was, is := profiles(a), profiles(b)
	var added, removed, changed int
	for id, p := range is {
		switch old, ok := was[id]; {
		case !ok:
			added++
		case old != p:
			changed++
		}
	}
	for id := range was {
		if _, ok := is[id]; !ok {
			removed++
		}
	}
	text := fmt.Sprintf("%d added, %d removed, %d changed", added, removed, changed)
	return []Change{{customersFile, "customers", text}}
}

func profiles(data []byte) map[string]string {
	out := map[string]string{}
	d, _ := customer.Load(customersFile, data, func(s string) string { return s })
	if d == nil {
		return out
	}
	d.All(func(p customer.Profile) bool {
		out[p.ID] = fmt.Sprint(p)
		return true
	})
	return out
}

func diffSounds(a, b map[string]string) []Change {
	var out []Change
	for _, key := range slices.Sorted(maps.Keys(union(a, b))) {
		x, had := a[key]
		y, has := b[key]
		var text string
		switch {
		case x == y && had == has:
			continue
		case !had:
			text = "new recording"
		case !has:
			text = "recording removed"
		default:
			text = "recording replaced"
		}
		out = append(out, Change{SoundFile(key), "prompt " + key, text})
	}
	return out
}
