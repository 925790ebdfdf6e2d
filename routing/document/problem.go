package document

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says whether a problem forbids publishing a document.
type Severity uint8

// Severities.
const (
	Error Severity = iota
	Warning
)

// String returns the word that reports use.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	switch string(b) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("%q is no severity", b)
	}
	return nil
}

// Pos is a place in a file. Lines and columns count from 1, columns in
// characters, as editors do.
type Pos struct {
	Line, Col int
}

// Problem is one mistake in one file.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Col      int      `json:"col"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// String returns "file:line:col: error: text", which editors can follow.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Col, p.Severity, p.Text)
}

// HasErrors tells whether one of the problems is an error.
func HasErrors(ps []Problem) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == Error })
}

// Problems collects the mistakes of one file.
type Problems struct {
	file   string
	list   []Problem
	errors int
}

// NewProblems begins an empty collection for a file.
func NewProblems(file string) *Problems { return &Problems{file: file} }

// Errorf adds a mistake that forbids publishing.
func (p *Problems) Errorf(at Pos, format string, args ...any) {
	p.errors++
	p.list = append(p.list, Problem{p.file, at.Line, at.Col, Error, fmt.Sprintf(format, args...)})
}

// Warnf adds something that is allowed but probably not meant.
func (p *Problems) Warnf(at Pos, format string, args ...any) {
	p.list = append(p.list, Problem{p.file, at.Line, at.Col, Warning, fmt.Sprintf(format, args...)})
}

// HasErrors tells whether an error was added.
func (p *Problems) HasErrors() bool { return p.errors > 0 }

// List returns the problems in the order of the file, without repetitions.
func (p *Problems) List() []Problem {
	out := slices.Clone(p.list)
	Sort(out)
	return slices.Compact(out)
}

// Sort orders problems by file, place and text.
func Sort(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Text, b.Text),
		)
	})
}

// Errors counts the errors so far.
func (p *Problems) Errors() int { return p.errors }
