package ivr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"tierline/routing/document"
)

// Bounds of one expression: longer ones belong into a lookup.
const (
	maxExpression = 500 // characters
	maxExprNodes  = 100
)

// expression is a compiled expression. It is immutable.
type expression struct{ program *vm.Program }

// eval computes an expression. It fails at run time on what types can't tell:
// a division by zero, an index out of range.
func (e *expression) eval(env map[string]any) (any, error) {
	v, err := expr.Run(e.program, env)
	if err != nil { // its text may hold a value, which may be secret
		return nil, fmt.Errorf("%w: %q", errExpression, e.program.Source().String())
	}
	return v, nil
}

// text is the expression as the flow has it; of one that can't be compiled "".
func (e *expression) text() string {
	if e == nil {
		return ""
	}
	return e.program.Source().String()
}

// reads tells whether the expression reads a field of this name.
func (e *expression) reads(field string) bool {
	return strings.Contains(e.text(), "."+field)
}

// errExpression is what types can't tell: a division by zero, a text that is no
// number.
var errExpression = errors.New("an expression has no value")

// truth computes a condition.
func (e *expression) truth(env map[string]any) (bool, error) {
	v, err := e.eval(env)
	if err != nil {
		return false, err
	}
	yes, _ := v.(bool) // compiled with AsBool
	return yes, nil
}

// anyKind is a result that may be of any scalar type.
const anyKind = reflect.Invalid

// compiled is an expression and the words it reads; kept because flows repeat
// theirs.
type compiled struct {
	e     *expression
	reads []string
	text  string // why it can't be compiled
	at    int    // characters from its start
}

type exprKey struct {
	text  string
	kind  reflect.Kind
	value bool
}

// compile reads an expression with a result of a kind. It returns nil after
// reporting a mistake.
func (b *builder) compile(v document.Value[string], want reflect.Kind) *expression {
	e, _ := b.compileReads(v, want)
	return e
}

// compileReads is compile that also tells which variables are read.
func (b *builder) compileReads(v document.Value[string], want reflect.Kind) (*expression, []string) {
	if !v.Given {
		return nil, nil
	}
	key := exprKey{v.V, want, b.withValue}
	c, ok := b.compiled[key]
	if !ok {
		c = b.compileText(v.V, want)
		b.compiled[key] = c
	}
	if c.e == nil {
		b.p.Errorf(v.At(c.at), "expression: %s", c.text)
		b.useWords(v.V)
		return nil, nil
	}
	for _, name := range c.reads {
		b.read[name] = true
		if x, ok := b.flow.vars.find(name); ok && x.secret {
			b.secretsRead = append(b.secretsRead, name)
		}
	}
	return c.e, c.reads
}

func (b *builder) compileText(text string, want reflect.Kind) compiled {
	if len(text) > maxExpression {
		return compiled{text: fmt.Sprintf("longer than %d characters", maxExpression)}
	}
	options := append([]expr.Option{}, b.exprOptions...)
	if b.withValue {
		options = append([]expr.Option{}, b.valueOptions...)
	}
	if want != anyKind {
		options = append(options, expr.AsKind(want))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		if at, ok := errors.AsType[*file.Error](err); ok {
			return compiled{text: at.Message, at: at.Column}
		}
		return compiled{text: err.Error()}
	}
	root := program.Node()
	w := words{}
	ast.Walk(&root, &w)
	if w.refused != nil {
		return compiled{text: fmt.Sprintf("there is no function %q", w.refused.Name), at: w.refused.Location().From}
	}
	if want == anyKind && !isScalar(program) {
		return compiled{text: "must be a text, a number or a condition"}
	}
	return compiled{e: &expression{program}, reads: w.names}
}

func isScalar(p *vm.Program) bool {
	t := p.Node().Type()
	if t == nil {
		return false
	}
	switch t.Kind() { //nolint:exhaustive // all others are not
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return true
	case reflect.Interface: // of a variable whose type is a mistake of its own
		return true
	}
	return false
}

// words are the names that an expression uses.
type words struct {
	names   []string
	refused *ast.BuiltinNode // the first function that isn't allowed
}

// Visit implements ast.Visitor.
func (w *words) Visit(n *ast.Node) {
	switch n := (*n).(type) {
	case *ast.IdentifierNode:
		w.names = append(w.names, n.Value)
	case *ast.BuiltinNode:
		if w.refused == nil && !slices.Contains(functions(), n.Name) {
			w.refused = n
		}
	}
}

// matchesFunction stands for "matches" with a back-reference.
const matchesFunction = "matches_pattern"

// backReferences gives "matches" what Go's regular expressions lack.
type backReferences struct{}

// Visit implements ast.Visitor.
func (backReferences) Visit(n *ast.Node) {
	b, ok := (*n).(*ast.BinaryNode)
	if !ok || b.Operator != "matches" {
		return
	}
	s, ok := b.Right.(*ast.StringNode)
	if !ok {
		return
	}
	m, err := newMatcher(s.Value)
	if back, ok := m.(*backMatcher); ok && err == nil {
		ast.Patch(n, &ast.CallNode{
			Callee:    &ast.IdentifierNode{Value: matchesFunction},
			Arguments: []ast.Node{b.Left, &ast.ConstantNode{Value: back}},
		})
	}
}

func callMatcher(params ...any) (any, error) {
	text, _ := params[0].(string)
	m, _ := params[1].(*backMatcher)
	return m.MatchString(text), nil
}

// inValue runs f with the name "value" known to expressions: what was entered.
func (b *builder) inValue(f func()) {
	b.withValue = true
	defer func() { b.withValue = false }()
	f()
}

// functions are those of the language: on texts, and conversions; nothing that
// loops or reads a clock.
func functions() []string {
	return []string{"len", "int", "string", "upper", "lower", "trim", "hasPrefix", "hasSuffix"}
}

// exprOptions set the language. Predicates such as all() can't be disabled
// here; compileText refuses them.
func exprOptions(env types.Map) []expr.Option {
	out := []expr.Option{
		expr.Env(env), expr.MaxNodes(maxExprNodes), expr.DisableAllBuiltins(),
		expr.Patch(backReferences{}), expr.Function(matchesFunction, callMatcher, new(func(string, *backMatcher) bool)),
	}
	for _, name := range functions() {
		out = append(out, expr.EnableBuiltin(name))
	}
	return out
}

func callType() types.Map {
	return types.Map{
		"ani": types.String, "dnis": types.String, "id": types.String, "language": types.String, "path": types.String,
		"position": types.Int, "wait": types.Int, // minutes
	}
}

func customerType() types.Map {
	return types.Map{
		"id": types.String, "name": types.String, "tier": types.String, "lang": types.String, "phone": types.String,
		"known": types.Bool,
	}
}
