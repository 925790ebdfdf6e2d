package ivr

import (
	"fmt"
	"reflect"
	"strings"

	"tierline/routing/document"
)

// template is a text with values in it: {expression}. The zero value, or nil,
// is the empty text.
type template struct {
	parts  []part
	secret bool
	mode   templateMode
}

// part is a piece of text, followed by a value unless that is nil.
type part struct {
	text  string
	value *expression
	at    string // the expression as written, for messages
}

// templateMode says how values stand in the text.
type templateMode uint8

const (
	templatePlain templateMode = iota
	templatePath               // escaped: each is one part of a path or query
	templateSQL                // as ? beside the text
)

// readTemplate compiles a text with values.
func (b *builder) readTemplate(v document.Value[string], mode templateMode) *template {
	if !v.Given {
		return nil
	}
	t := &template{mode: mode}
	rest, at := v.V, 0
	for {
		begin := strings.IndexByte(rest, '{')
		if begin < 0 {
			t.parts = append(t.parts, part{text: rest})
			return t
		}
		end := strings.IndexByte(rest[begin:], '}')
		if end < 0 {
			b.p.Errorf(v.At(at+len([]rune(rest[:begin]))), "the { has no }")
			return t
		}
		inner := rest[begin+1 : begin+end]
		place := v
		place.V = inner
		place.Pos = v.At(at + len([]rune(rest[:begin])) + 1)
		place.Quoted = false
		e, reads := b.compileReads(place, anyKind)
		for _, name := range reads {
			x, ok := b.flow.vars.find(name)
			t.secret = t.secret || ok && x.secret
		}
		t.parts = append(t.parts, part{rest[:begin], e, inner})
		if mode != templateSQL {
			b.noSecret(place, reads, "part of an address")
		}
		at += len([]rune(rest[:begin+end+1]))
		rest = rest[begin+end+1:]
	}
}

// constant tells whether there are no values in the text.
func (t *template) constant() bool { return t == nil || len(t.parts) < 2 }

// text fills the values in as they are.
func (t *template) text(env map[string]any) (string, error) {
	if t == nil {
		return "", nil
	}
	var out strings.Builder
	for _, p := range t.parts {
		out.WriteString(p.text)
		if p.value == nil {
			continue
		}
		v, err := p.value.eval(env)
		if err != nil {
			return "", err
		}
		out.WriteString(text(v))
	}
	return out.String(), nil
}

// path fills the values in as parts of a path. An empty value is told apart:
// there is nothing to ask about.
func (t *template) path(env map[string]any) (path string, empty bool, err error) {
	var out strings.Builder
	for _, p := range t.parts {
		out.WriteString(p.text)
		if p.value == nil {
			continue
		}
		v, err := p.value.eval(env)
		if err != nil {
			return "", false, err
		}
		word := text(v)
		if word == "" && !strings.ContainsRune(out.String(), '?') {
			return "", true, nil
		}
		if word != "" {
			if word, err = PathValue(word); err != nil {
				return "", false, fmt.Errorf("{%s}: %w", p.at, err)
			}
		}
		out.WriteString(word)
	}
	return out.String(), false, nil
}

// statement puts a ? for every value, and the values beside it.
func (t *template) statement(env map[string]any) (string, []any, error) {
	var out strings.Builder
	var args []any
	for _, p := range t.parts {
		out.WriteString(p.text)
		if p.value == nil {
			continue
		}
		v, err := p.value.eval(env)
		if err != nil {
			return "", nil, err
		}
		out.WriteByte('?')
		args = append(args, v)
	}
	return out.String(), args, nil
}

// fieldTemplate is a field of a body: an expression, or fields of its own.
type fieldTemplate struct {
	name   string
	value  *expression
	fields []fieldTemplate
}

// readFieldTemplates compiles the fields of a body. It tells whether one of
// them is secret.
func (b *builder) readFieldTemplates(n *document.Node, what string) ([]fieldTemplate, bool) {
	if n == nil {
		return nil, false
	}
	if n.Kind != document.Map {
		b.p.Errorf(n.Pos, "%s: must be a group of fields", what)
		return nil, false
	}
	var out []fieldTemplate
	secret := false
	for _, p := range n.Pairs {
		f := fieldTemplate{name: p.Key.V}
		if p.Value.Kind == document.Map {
			inner, hides := b.readFieldTemplates(p.Value, what)
			f.fields, secret = inner, secret || hides
			out = append(out, f)
			continue
		}
		var v document.Value[string]
		document.Decode(p.Value, &v, p.Key.V, b.p)
		e, reads := b.compileReads(v, anyKind)
		for _, name := range reads {
			x, ok := b.flow.vars.find(name)
			secret = secret || ok && x.secret
		}
		f.value = e
		out = append(out, f)
	}
	return out, secret
}

// fill computes the fields.
func fill(list []fieldTemplate, env map[string]any) ([]Field, error) {
	out := make([]Field, 0, len(list))
	for _, f := range list {
		if f.value == nil {
			inner, err := fill(f.fields, env)
			if err != nil {
				return nil, err
			}
			out = append(out, Field{f.name, inner})
			continue
		}
		v, err := f.value.eval(env)
		if err != nil {
			return nil, err
		}
		out = append(out, Field{f.name, v})
	}
	return out, nil
}

// kind is the kind of an expression's result.
func (e *expression) kind() reflect.Kind {
	if t := e.program.Node().Type(); t != nil {
		return t.Kind()
	}
	return reflect.Invalid
}
