package ivr

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/types"

	"tierline/routing/document"
)

// variables are a flow's variables and what they hold at first. Every one has
// a typed zero value, so that nothing is ever nil.
type variables struct {
	list []variable
}

type variable struct {
	name   string
	typ    string       // as declared
	kind   reflect.Kind // of a scalar; Map for an object
	secret bool
	zero   any
	fields []variable // of an object
}

func (v variables) find(name string) (variable, bool) {
	for _, x := range v.list {
		if x.name == name {
			return x, true
		}
	}
	return variable{}, false
}

// start returns fresh values. A declared "cust" takes over what is known of
// the caller.
func (v variables) start(c Caller) map[string]any {
	out := make(map[string]any, len(v.list))
	for _, x := range v.list {
		out[x.name] = x.fresh()
	}
	if declared, ok := out["cust"].(map[string]any); ok {
		for name, value := range c.fields() {
			if old, has := declared[name]; has && reflect.TypeOf(old) == reflect.TypeOf(value) {
				declared[name] = value
			}
		}
	}
	return out
}

func (x variable) fresh() any {
	if x.kind != reflect.Map {
		return x.zero
	}
	m := make(map[string]any, len(x.fields))
	for _, f := range x.fields {
		m[f.name] = f.fresh()
	}
	return m
}

func (c Caller) fields() map[string]any {
	return map[string]any{
		"id": c.Customer.ID, "name": c.Customer.Name, "tier": c.Customer.Tier, "lang": c.Customer.Language,
		"phone": c.Customer.Phone, "known": c.Known,
	}
}

// varDoc is a variable as a flow declares it.
type varDoc struct {
	Type    document.Value[string]                   `doc:"type,required"`
	Fields  document.Entries[document.Value[string]] `doc:"fields"`
	Default *document.Node                           `doc:"default"`
	Secret  document.Value[bool]                     `doc:"secret"`
}

// Types of variables.
const (
	typeString    = "string"
	typeInt       = "int"
	typeBool      = "bool"
	typeMoney     = "money"    // int, fen
	typeDate      = "date"     // text, YYYY-MM-DD
	typeDatetime  = "datetime" // text, YYYY-MM-DDTHH:MM:SS+08:00
	typeVolume    = "volume"   // int, bytes
	typeRecording = "recording"
	typeObject    = "object"
)

func varKinds() []string {
	return []string{
		typeString, typeInt, typeBool, typeMoney, typeDate, typeDatetime, typeVolume, typeRecording, typeObject,
	}
}

// readVars reads the variables and returns the types of all that expressions
// can name.
func (b *builder) readVars(docs document.Entries[varDoc]) types.Map {
	env := types.Map{"call": callType(), "cust": customerType(), "auth": types.Map{"account": types.String}}
	for _, d := range docs {
		v, ok := b.readVar(d)
		if !ok {
			env[d.Key.V] = types.Any // keeps followers quiet
			continue
		}
		env[v.name] = v.exprType()
		b.flow.vars.list = append(b.flow.vars.list, v)
	}
	return env
}

func (b *builder) readVar(d document.Entry[varDoc]) (variable, bool) {
	v := variable{name: d.Key.V, typ: d.Value.Type.V, secret: d.Value.Secret.V}
	if !isWord(v.name) || slices.Contains([]string{"call", "auth", "value"}, v.name) {
		b.p.Errorf(d.Key.Pos, "%q can't be the name of a variable", v.name)
		return v, false
	}
	var ok bool
	if v.kind, v.zero, ok = b.varType(d.Value.Type, true); !ok {
		return v, false
	}
	if v.kind != reflect.Map && v.name == "cust" {
		b.p.Errorf(d.Value.Type.Pos, `%q must be an object`, v.name)
		return v, false
	}
	if v.kind == reflect.Map {
		return v, b.readFields(&v, d)
	}
	if len(d.Value.Fields) > 0 {
		b.p.Errorf(d.Value.Fields[0].Key.Pos, "only an object has fields")
	}
	if d.Value.Default != nil {
		b.readDefault(&v, d.Value.Default)
	}
	return v, true
}

func (b *builder) readFields(v *variable, d document.Entry[varDoc]) bool {
	if len(d.Value.Fields) == 0 {
		b.p.Errorf(d.Key.Pos, "the object %q has no fields", v.name)
		return false
	}
	if d.Value.Default != nil {
		b.p.Errorf(d.Value.Default.Pos, "an object has no default")
	}
	for _, f := range d.Value.Fields {
		kind, zero, ok := b.varType(f.Value, false)
		if !ok {
			return false
		}
		v.fields = append(v.fields, variable{name: f.Key.V, typ: f.Value.V, kind: kind, zero: zero})
	}
	return true
}

// varType reads a type's name. Amounts are whole numbers (fen, bytes), dates
// and recordings are texts.
func (b *builder) varType(t document.Value[string], object bool) (reflect.Kind, any, bool) {
	switch t.V {
	case typeString, typeDate, typeDatetime, typeRecording:
		return reflect.String, "", true
	case typeInt, typeMoney, typeVolume:
		return reflect.Int, 0, true
	case typeBool:
		return reflect.Bool, false, true
	case typeObject:
		if object {
			return reflect.Map, nil, true
		}
	}
	if t.Given {
		b.p.Errorf(t.Pos, "unknown type %q%s", t.V, document.DidYouMean(t.V, varKinds()))
	}
	return reflect.Invalid, nil, false
}

func (b *builder) readDefault(v *variable, n *document.Node) {
	switch v.kind { //nolint:exhaustive // a scalar is one of these
	case reflect.String:
		v.zero = decodeDefault[string](b, n)
	case reflect.Int:
		v.zero = decodeDefault[int](b, n)
	case reflect.Bool:
		v.zero = decodeDefault[bool](b, n)
	}
}

func decodeDefault[T document.Scalar](b *builder, n *document.Node) T {
	var v document.Value[T]
	document.Decode(n, &v, "default", b.p)
	return v.V
}

func (x variable) exprType() types.Type {
	switch x.kind { //nolint:exhaustive // varType makes no others
	case reflect.Int:
		return types.Int
	case reflect.Bool:
		return types.Bool
	case reflect.Map:
		m := types.Map{}
		for _, f := range x.fields {
			m[f.name] = f.exprType()
		}
		return m
	}
	return types.String
}

// typeOf returns the declared type of a variable or an object's field; "" if
// the text is anything else.
func (b *builder) typeOf(text string) string {
	name, field, nested := strings.Cut(text, ".")
	v, ok := b.flow.vars.find(name)
	if !ok {
		return ""
	}
	if !nested {
		return v.typ
	}
	f, _ := variables{v.fields}.find(field)
	return f.typ
}

// isWord tells whether a name can be used in expressions.
func isWord(s string) bool {
	for i, r := range s {
		letter := r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// assignment is one entry of set: or vars:.
type assignment struct {
	name  string
	value *expression
}

// readSets reads assignments; a secret must not be copied into a variable
// that isn't.
func (b *builder) readSets(docs document.Entries[document.Value[string]]) []assignment {
	var out []assignment
	for _, d := range docs {
		v, ok := b.flow.vars.find(d.Key.V)
		switch {
		case !ok && (d.Key.V == "call" || d.Key.V == "cust" || d.Key.V == "auth"):
			b.p.Errorf(d.Key.Pos, "%q belongs to the switch and can't be set", d.Key.V)
		case !ok && b.exprEnv[d.Key.V] == nil:
			b.p.Errorf(d.Key.Pos, "variable %q is not declared under vars%s", d.Key.V,
				document.DidYouMean(d.Key.V, b.varNames()))
		case ok && v.kind == reflect.Map:
			b.p.Errorf(d.Key.Pos, "%q is an object: only a lookup fills it", d.Key.V)
		case ok:
			e, reads := b.compileReads(d.Value, v.kind)
			if !v.secret {
				b.noSecret(d.Value, reads, "copied into "+strconv.Quote(v.name))
			}
			out = append(out, assignment{v.name, e})
		}
	}
	return out
}

func (b *builder) varNames() []string {
	out := make([]string, 0, len(b.flow.vars.list))
	for _, v := range b.flow.vars.list {
		out = append(out, v.name)
	}
	return out
}

// noSecret reports a secret variable where it must not appear.
func (b *builder) noSecret(at document.Value[string], reads []string, what string) {
	for _, name := range reads {
		if v, ok := b.flow.vars.find(name); ok && v.secret {
			b.p.Errorf(at.Pos, "%q is secret and must not be %s", name, what)
		}
	}
}
