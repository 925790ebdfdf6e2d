package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of one document. Ten thousand agents fit.
const (
	MaxBytes = 4 << 20
	MaxDepth = 40
)

// Kind is the shape of a value.
type Kind uint8

// Kinds of values.
const (
	Null Kind = iota
	Bool
	Int
	Float
	String
	List
	Map
)

// String returns the word that messages use.
func (k Kind) String() string {
	switch k {
	case Null:
		return "nothing"
	case Bool:
		return "yes or no"
	case Int, Float:
		return "a number"
	case String:
		return "a text"
	case List:
		return "a list"
	case Map:
		return "a group of fields"
	}
	return "an unknown kind"
}

// Node is one value of a document.
type Node struct {
	Kind  Kind
	Pos   Pos
	Owner Pos     // the key that this value stands under; for a list item its own place
	Text  string  // of a scalar
	Items []*Node // of a list
	Pairs []Pair  // of a map, in the order of the file, without repetitions
	// Quoted tells a quoted scalar; its Pos is that of the quote.
	Quoted bool
}

// Pair is one entry of a map.
type Pair struct {
	Key   Value[string]
	Value *Node
}

// Get returns the value of a key, nil if there is none.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key.V == key {
			return n.Pairs[i].Value
		}
	}
	return nil
}

// Parse reads one document. It returns nil if the file is so broken, or so
// empty, that there is nothing to look at.
func Parse(src []byte, p *Problems) *Node {
	if len(src) > MaxBytes {
		p.Errorf(Pos{1, 1}, "the file has %d bytes, more than %d", len(src), MaxBytes)
		return nil
	}
	tokens, ok := tokenize(src, p)
	if !ok {
		return nil
	}
	file, err := parseTokens(tokens)
	if err != nil {
		reportSyntax(err, p)
		return nil
	}
	docs := file.Docs
	for len(docs) > 0 && docs[len(docs)-1].Body == nil {
		docs = docs[:len(docs)-1]
	}
	if len(docs) == 0 {
		p.Errorf(Pos{1, 1}, "the document is empty")
		return nil
	}
	if len(docs) > 1 {
		p.Errorf(posOf(docs[1].Body), "only one document a file")
		return nil
	}
	if _, ok := docs[0].Body.(*ast.CommentGroupNode); ok {
		p.Errorf(Pos{1, 1}, "the document is empty")
		return nil
	}
	return convert(docs[0].Body, Pos{1, 1}, 0, p)
}

// parseTokens turns a panic of the library into an error: operators' files
// must not be able to stop the process.
func parseTokens(tokens token.Tokens) (f *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file can't be read: %v", r)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

func reportSyntax(err error, p *Problems) {
	at, text := Pos{1, 1}, err.Error()
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		text = syntax.Message
		if syntax.Token != nil {
			at = tokenPos(syntax.Token)
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	p.Errorf(at, "%s", text)
}

// tokenize refuses, before anything recursive runs, what documents have no
// use for and what could make the parser recurse without bound.
func tokenize(src []byte, p *Problems) (tokens token.Tokens, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			p.Errorf(Pos{1, 1}, "the file can't be read: %v", r)
			ok = false
		}
	}()
	tokens = lexer.Tokenize(string(src))
	depth, entries, line := 0, 0, 0
	for _, t := range tokens {
		at := tokenPos(t)
		if at.Line != line {
			entries, line = 0, at.Line
		}
		if what := refused(t); what != "" {
			p.Errorf(at, "%s are not allowed", what)
			return nil, false
		}
		switch t.Type { //nolint:exhaustive // only what nests matters here
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingValueType:
			if depth == 0 {
				entries++
			}
		case token.InvalidType:
			p.Errorf(at, "%s", invalidText(t))
			return nil, false
		}
		if depth > MaxDepth || entries > MaxDepth || at.Col > maxColumn {
			p.Errorf(at, "nested more than %d deep", MaxDepth)
			return nil, false
		}
	}
	return tokens, true
}

// maxColumn bounds nesting by indentation, where each level needs at least
// one more column.
const maxColumn = 20000

func invalidText(t *token.Token) string {
	if t.Error != "" {
		return t.Error
	}
	return "this is no YAML"
}

func refused(t *token.Token) string {
	switch t.Type { //nolint:exhaustive // the others are allowed
	case token.AnchorType, token.AliasType:
		return "anchors and aliases"
	case token.TagType:
		return "tags"
	case token.MergeKeyType:
		return "merge keys"
	case token.MappingKeyType:
		return "keys with a question mark"
	case token.DirectiveType:
		return "directives"
	}
	return ""
}

func tokenPos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{max(1, t.Position.Line), max(1, t.Position.Column)}
}

func posOf(n ast.Node) Pos {
	switch n := n.(type) {
	case nil:
		return Pos{1, 1}
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return posOf(n.Values[0])
		}
		return tokenPos(n.Start)
	case *ast.MappingValueNode:
		return tokenPos(n.Key.GetToken())
	default:
		return tokenPos(n.GetToken())
	}
}

// convert copies the library's tree into ours, so that nothing else depends
// on it.
func convert(n ast.Node, owner Pos, depth int, p *Problems) *Node {
	out := &Node{Pos: posOf(n), Owner: owner}
	if depth > MaxDepth {
		p.Errorf(out.Pos, "nested more than %d deep", MaxDepth)
		return out
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out.Kind = Map
		out.Pairs = convertPairs(n.Values, depth, p)
	case *ast.MappingValueNode:
		out.Kind = Map
		out.Pairs = convertPairs([]*ast.MappingValueNode{n}, depth, p)
	case *ast.SequenceNode:
		out.Kind = List
		for _, v := range n.Values {
			out.Items = append(out.Items, convert(v, posOf(v), depth+1, p))
		}
	case *ast.StringNode:
		out.Kind, out.Text = String, n.Value
		out.Quoted = isQuote(n.Token)
	case *ast.LiteralNode:
		out.Kind, out.Text, out.Quoted = String, n.Value.Value, true
	case *ast.IntegerNode:
		out.Kind, out.Text = Int, n.Token.Value
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.Kind, out.Text = Float, n.GetToken().Value
	case *ast.BoolNode:
		out.Kind, out.Text = Bool, n.Token.Value
	case *ast.NullNode:
		out.Pos = owner
	default:
		p.Errorf(out.Pos, "this kind of YAML is not allowed")
	}
	return out
}

func isQuote(t *token.Token) bool {
	return t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType
}

func convertPairs(values []*ast.MappingValueNode, depth int, p *Problems) []Pair {
	out := make([]Pair, 0, len(values))
	first := make(map[string]int, len(values))
	for _, v := range values {
		t := v.Key.GetToken()
		key := Value[string]{Pos: tokenPos(t), V: t.Value, Given: true}
		if s, ok := v.Key.(*ast.StringNode); ok {
			key.V = s.Value
		} else {
			p.Errorf(key.Pos, "write the key in quotes: %q", t.Value)
		}
		value := convert(v.Value, key.Pos, depth+1, p)
		if line, ok := first[key.V]; ok {
			p.Errorf(key.Pos, "%q is given twice, first on line %d", key.V, line)
			continue
		}
		first[key.V] = key.Pos.Line
		out = append(out, Pair{key, value})
	}
	return out
}
