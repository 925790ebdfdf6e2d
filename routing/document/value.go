package document

import (
	"fmt"
	"strconv"
	"time"
)

// Scalar is what a single value of a document can be.
type Scalar interface {
	string | bool | int | time.Duration
}

// Value is a single value together with its place.
type Value[T Scalar] struct {
	Pos   Pos
	V     T
	Given bool // false: the document doesn't say; V is then zero or the default
	// Quoted tells that Pos is the place of a quote, one before the text.
	Quoted bool
}

// At returns the place of a character of a text, counted from 0. It is exact
// for texts on one line without escapes.
func (v Value[T]) At(char int) Pos {
	at := v.Pos
	at.Col += char
	if v.Quoted {
		at.Col++
	}
	return at
}

// Or returns the value, or a default if the document doesn't say.
func (v Value[T]) Or(otherwise T) T {
	if v.Given {
		return v.V
	}
	return otherwise
}

// ParseDuration reads a duration as documents spell it: 3s, 1500ms, 10m.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration (3s, 1500ms, 10m)", s)
	}
	return d, nil
}

// decode implements scalarDecoder.
func (v *Value[T]) decode(n *Node, r rules, p *Problems) {
	v.Pos, v.Quoted = n.Pos, n.Quoted
	var text string
	switch dst := any(&v.V).(type) {
	case *string:
		text = r.readString(n, dst)
	case *bool:
		text = readBool(n, dst)
	case *int:
		text = r.readInt(n, dst)
	case *time.Duration:
		text = r.readDuration(n, dst)
	}
	if text != "" {
		p.Errorf(n.Pos, "%s: %s", r.name, text)
		return
	}
	v.Given = true
}

func (r rules) readString(n *Node, dst *string) string {
	switch n.Kind {
	case String:
	case Null:
		return "the value is missing"
	case Bool, Int, Float:
		return fmt.Sprintf("write the text in quotes: %q", n.Text)
	case List, Map:
		return "must be a text, not " + n.Kind.String()
	}
	if n.Text == "" && (r.required || r.nonempty) {
		return "must not be empty"
	}
	*dst = n.Text
	return ""
}

func readBool(n *Node, dst *bool) string {
	if n.Kind != Bool || (n.Text != "true" && n.Text != "false") {
		return "must be true or false" + instead(n)
	}
	*dst = n.Text == "true"
	return ""
}

func (r rules) readInt(n *Node, dst *int) string {
	i, err := strconv.Atoi(n.Text)
	if n.Kind != Int || err != nil {
		return "must be a whole number" + instead(n)
	}
	if (r.min != "" && i < r.minInt()) || (r.max != "" && i > r.maxInt()) {
		return fmt.Sprintf("%d is out of range (%s)", i, r.span())
	}
	*dst = i
	return ""
}

func (r rules) readDuration(n *Node, dst *time.Duration) string {
	if n.Kind != String {
		if n.Kind == Int || n.Kind == Float {
			return fmt.Sprintf("%q is not a duration (3s, 1500ms, 10m)", n.Text)
		}
		return "must be a duration (3s, 1500ms, 10m)" + instead(n)
	}
	d, err := ParseDuration(n.Text)
	if err != nil {
		return err.Error()
	}
	if (r.min != "" && d < r.minDuration()) || (r.max != "" && d > r.maxDuration()) {
		return fmt.Sprintf("%s is out of range (%s)", n.Text, r.span())
	}
	*dst = d
	return ""
}

func instead(n *Node) string {
	switch n.Kind {
	case Null:
		return "; the value is missing"
	case List, Map:
		return ", not " + n.Kind.String()
	case Bool, Int, Float, String:
	}
	return fmt.Sprintf(", not %q", n.Text)
}
