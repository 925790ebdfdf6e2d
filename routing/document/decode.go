package document

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decoder is a type that reads its own value, because it has several forms.
type Decoder interface {
	DecodeDocument(n *Node, p *Problems)
}

// Entries is a map in the order of the file, with the place of each key.
type Entries[T any] []Entry[T]

// Entry is one key and its value.
type Entry[T any] struct {
	Key   Value[string]
	Value T
}

// Decode reads a value into dst, a pointer to a struct, [Value], slice,
// [Entries], *[Node] or [Decoder]. Fields carry the tag
//
//	doc:"name,required,nonempty,min=1,max=10"
//
// with whole numbers or durations as limits; a field without the tag is not
// read; embedded structs (or pointers to them, not nil) lend their fields. All mistakes go to p; what could
// be read is in dst anyway. "what" names the thing in messages: "a menu node".
func Decode(n *Node, dst any, what string, p *Problems) {
	if n == nil {
		return
	}
	decode(n, reflect.ValueOf(dst).Elem(), rules{name: what}, p)
}

type scalarDecoder interface {
	decode(n *Node, r rules, p *Problems)
}

type entriesDecoder interface {
	decodeEntries(n *Node, r rules, p *Problems)
}

func decode(n *Node, v reflect.Value, r rules, p *Problems) {
	switch dst := v.Addr().Interface().(type) {
	case **Node:
		*dst = n
		return
	case Decoder:
		dst.DecodeDocument(n, p)
		return
	case scalarDecoder:
		dst.decode(n, r, p)
		return
	case entriesDecoder:
		dst.decodeEntries(n, r, p)
		return
	}
	switch v.Kind() { //nolint:exhaustive // the rest is a programmer's error
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		decode(n, v.Elem(), r, p)
	case reflect.Slice:
		decodeList(n, v, r, p)
	case reflect.Struct:
		decodeStruct(n, v, r, p)
	default:
		panic(fmt.Sprintf("document: can't decode into %s", v.Type()))
	}
}

func decodeList(n *Node, v reflect.Value, r rules, p *Problems) {
	if n.Kind != List {
		p.Errorf(n.Pos, "%s: must be a list%s", r.name, instead(n))
		return
	}
	if len(n.Items) == 0 && r.nonempty {
		p.Errorf(n.Pos, "%s: must not be empty", r.name)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		decode(item, v.Index(i), rules{name: r.name, nonempty: true, min: r.min, max: r.max}, p)
	}
}

func (e *Entries[T]) decodeEntries(n *Node, r rules, p *Problems) {
	if n.Kind != Map {
		p.Errorf(n.Pos, "%s: must be a group of fields%s", r.name, instead(n))
		return
	}
	if len(n.Pairs) == 0 && r.nonempty {
		p.Errorf(n.Pos, "%s: must not be empty", r.name)
	}
	*e = make(Entries[T], len(n.Pairs))
	for i, pair := range n.Pairs {
		(*e)[i].Key = pair.Key
		inner := rules{name: pair.Key.V, nonempty: true, min: r.min, max: r.max}
		decode(pair.Value, reflect.ValueOf(&(*e)[i].Value).Elem(), inner, p)
	}
}

func decodeStruct(n *Node, v reflect.Value, r rules, p *Problems) {
	if n.Kind != Map {
		p.Errorf(n.Pos, "%s: must be a group of fields%s", r.name, instead(n))
		return
	}
	fields := fieldsOf(v, nil)
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
		value := n.Get(f.name)
		if value == nil {
			if f.required {
				p.Errorf(n.Owner, "%s needs the field %q", r.name, f.name)
			}
			continue
		}
		decode(value, f.value, f.rules, p)
	}
	for _, pair := range n.Pairs {
		if !slices.Contains(names, pair.Key.V) {
			p.Errorf(pair.Key.Pos, "%s has no field %q%s", r.name, pair.Key.V, DidYouMean(pair.Key.V, names))
		}
	}
}

type field struct {
	rules
	value reflect.Value
}

func fieldsOf(v reflect.Value, out []field) []field {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if sf.Anonymous {
			out = fieldsOf(reflect.Indirect(v.Field(i)), out)
			continue
		}
		tag, ok := sf.Tag.Lookup("doc")
		if !ok {
			continue
		}
		out = append(out, field{rules: parseRules(tag), value: v.Field(i)})
	}
	return out
}

// rules are what a field's tag demands.
type rules struct {
	name               string
	required, nonempty bool
	min, max           string
}

func parseRules(tag string) rules {
	parts := strings.Split(tag, ",")
	r := rules{name: parts[0]}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "required":
			r.required = true
		case "nonempty":
			r.nonempty = true
		case "min":
			r.min = value
		case "max":
			r.max = value
		default:
			panic("document: unknown rule " + part)
		}
	}
	return r
}

func (r rules) span() string {
	switch {
	case r.max == "":
		return "at least " + r.min
	case r.min == "":
		return "at most " + r.max
	}
	return r.min + " to " + r.max
}

func (r rules) minInt() int                { return mustInt(r.min) }
func (r rules) maxInt() int                { return mustInt(r.max) }
func (r rules) minDuration() time.Duration { return mustDuration(r.min) }
func (r rules) maxDuration() time.Duration { return mustDuration(r.max) }

// mustInt reads a limit from a tag; a wrong one is a programmer's error.
func mustInt(s string) int {
	i, err := strconv.Atoi(s)
	if err != nil {
		panic("document: limit " + s + " is no number")
	}
	return i
}

func mustDuration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic("document: limit " + s + " is no duration")
	}
	return d
}
