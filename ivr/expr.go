package ivr

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

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
	if err != nil {
		return nil, fmt.Errorf("evaluate %q: %w", e.program.Source().String(), err)
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
	text string
	kind reflect.Kind
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
	c, ok := b.compiled[exprKey{v.V, want}]
	if !ok {
		c = b.compileText(v.V, want)
		b.compiled[exprKey{v.V, want}] = c
	}
	if c.e == nil {
		b.p.Errorf(v.At(c.at), "expression: %s", c.text)
		b.useWords(v.V)
		return nil, nil
	}
	for _, name := range c.reads {
		b.read[name] = true
	}
	return c.e, c.reads
}

func (b *builder) compileText(text string, want reflect.Kind) compiled {
	if len(text) > maxExpression {
		return compiled{text: fmt.Sprintf("longer than %d characters", maxExpression)}
	}
	options := append([]expr.Option{}, b.exprOptions...)
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

// functions are those of the language: on texts, and conversions; nothing that
// loops or reads a clock.
func functions() []string {
	return []string{"len", "int", "string", "upper", "lower", "trim", "hasPrefix", "hasSuffix"}
}

// exprOptions set the language. Predicates such as all() can't be disabled
// here; compileText refuses them.
func exprOptions(env types.Map) []expr.Option {
	out := []expr.Option{expr.Env(env), expr.MaxNodes(maxExprNodes), expr.DisableAllBuiltins()}
	for _, name := range functions() {
		out = append(out, expr.EnableBuiltin(name))
	}
	return out
}

func callType() types.Map {
	return types.Map{
		"ani": types.String, "dnis": types.String, "id": types.String, "language": types.String, "path": types.String,
	}
}

func customerType() types.Map {
	return types.Map{
		"id": types.String, "name": types.String, "tier": types.String, "lang": types.String, "phone": types.String,
		"known": types.Bool,
	}
}
