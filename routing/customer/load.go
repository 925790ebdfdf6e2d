package customer

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tierline/routing"
	"tierline/routing/document"
)

// maxProblems is how many mistakes are named; a file in the wrong form would
// have one in each row.
const maxProblems = 100

// columns says where what stands. The first row of the file decides.
type columns struct {
	id, name, tier, language, phone int
	extra                           []column
	count                           int
}

type column struct {
	name  string
	index int
}

// Load reads customers.csv: UTF-8 with or without a byte order mark, a first
// row that names the columns id, name, tier, lang and phone and any further
// ones, several phones separated by semicolons. normalise brings a phone into
// the form in which calls come in. With a mistake the directory is nil.
func Load(file string, src []byte, normalise func(string) string) (*Directory, []document.Problem) {
	l := loader{file: file, d: &Directory{form: normalise}}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	switch {
	case len(src) > math.MaxUint32:
		l.report(1, 1, "larger than 4 GB")
	case !utf8.Valid(src):
		l.encoding(src)
	default:
		l.d.text = string(src)
		l.read()
		countCharacters(l.problems, src)
	}
	if len(l.problems) == 0 {
		return l.d, nil
	}
	if l.unnamed > 0 {
		last := l.problems[len(l.problems)-1]
		last.Text = fmt.Sprintf("and %d more mistakes", l.unnamed)
		l.problems = append(l.problems, last)
	}
	return nil, l.problems
}

type loader struct {
	file     string
	d        *Directory
	reader   *csv.Reader
	problems []document.Problem
	unnamed  int // problems beyond those
	ids      []idRow
	lines    []int32 // of the file, by row
}

type idRow struct {
	id  string
	row uint32
}

func (l *loader) report(line, col int, format string, args ...any) {
	if len(l.problems) == maxProblems {
		l.unnamed++
		return
	}
	l.problems = append(l.problems, document.Problem{
		File: l.file, Line: line, Col: col, Severity: document.Error, Text: fmt.Sprintf(format, args...),
	})
}

// encoding finds the first byte that is not UTF-8.
func (l *loader) encoding(src []byte) {
	line := 1
	for row := range bytes.Lines(src) {
		for i := 0; i < len(row); {
			r, size := utf8.DecodeRune(row[i:])
			if r == utf8.RuneError && size == 1 {
				l.report(line, utf8.RuneCount(row[:i])+1, "not UTF-8 (saved by a spreadsheet as GBK?)")
				return
			}
			i += size
		}
		line++
	}
}

func (l *loader) read() {
	l.reader = csv.NewReader(strings.NewReader(l.d.text))
	l.reader.FieldsPerRecord = -1
	l.reader.ReuseRecord = true
	head, err := l.reader.Read()
	if errors.Is(err, io.EOF) {
		l.report(1, 1, "the first row must name the columns id, name, tier, lang, phone")
		return
	}
	if err != nil {
		l.syntax(err)
		return
	}
	if !l.head(head) {
		return
	}
	for {
		begin := l.reader.InputOffset()
		record, err := l.reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.syntax(err)
			return // where the next row begins is anybody's guess
		}
		l.row(uint32(begin), record)
	}
	l.index()
}

// countCharacters turns columns in bytes into columns in characters, and puts
// the problems in order.
func countCharacters(problems []document.Problem, src []byte) {
	slices.SortStableFunc(problems, func(a, b document.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	line, next := 0, 0
	for row := range bytes.Lines(src) {
		line++
		for ; next < len(problems) && problems[next].Line == line; next++ {
			before := min(max(problems[next].Col-1, 0), len(row))
			problems[next].Col = utf8.RuneCount(row[:before]) + 1
		}
		if next == len(problems) {
			return
		}
	}
}

func (l *loader) syntax(err error) {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		l.report(p.Line, p.Column, "%v", p.Err)
		return
	}
	l.report(1, 1, "%v", err)
}

// head reads the names of the columns.
func (l *loader) head(names []string) bool {
	c := &l.d.columns
	c.count = len(names)
	places := map[string]*int{"id": &c.id, "name": &c.name, "tier": &c.tier, "lang": &c.language, "phone": &c.phone}
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		line, col := l.reader.FieldPos(i)
		switch place := places[name]; {
		case name == "":
			l.report(line, col, "a column without a name")
		case seen[name]:
			l.report(line, col, "column %s stands twice", name)
		case place != nil:
			*place = i
		default:
			c.extra = append(c.extra, column{name: name, index: i})
		}
		seen[name] = true
	}
	for _, name := range []string{"id", "name", "tier", "lang", "phone"} {
		if !seen[name] {
			l.report(1, 1, "column %s is missing", name)
		}
	}
	return len(l.problems) == 0
}

// row checks one customer and remembers where it stands.
func (l *loader) row(begin uint32, record []string) {
	c := l.d.columns
	line, _ := l.reader.FieldPos(0)
	if len(record) != c.count {
		l.report(line, 1, "%d fields where the first row has %d", len(record), c.count)
		return
	}
	n := uint32(len(l.d.rows))
	l.d.rows = append(l.d.rows, begin)
	l.lines = append(l.lines, int32(line))
	if id := record[c.id]; id == "" {
		l.at(c.id, "the id is empty")
	} else {
		l.ids = append(l.ids, idRow{id: strings.Clone(id), row: n})
	}
	if _, err := routing.ParseTier(record[c.tier]); err != nil {
		l.at(c.tier, "%v", err)
	}
	if lang := record[c.language]; !language(lang) {
		l.at(c.language, "%q is no language such as zh or en", lang)
	}
	for phone := range phonesOf(record[c.phone]) {
		key, ok := phoneKey(l.d.form(phone))
		if !ok {
			l.at(c.phone, "%q is no telephone number", phone)
			continue
		}
		l.d.phones = append(l.d.phones, phoneRow{key: key, row: n})
	}
}

func (l *loader) at(column int, format string, args ...any) {
	line, col := l.reader.FieldPos(column)
	l.report(line, col, format, args...)
}

// index sorts for lookups; what stands twice then stands side by side.
func (l *loader) index() {
	d := l.d
	slices.SortFunc(d.phones, func(a, b phoneRow) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row))
	})
	d.phones, d.rows = slices.Clone(d.phones), slices.Clone(d.rows) // without what append kept in reserve
	slices.SortFunc(l.ids, func(a, b idRow) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.row, b.row)) })
	for i := 1; i < len(d.phones); i++ {
		if a, b := d.phones[i-1], d.phones[i]; a.key == b.key {
			l.report(int(l.lines[b.row]), 1, "a phone of line %d again", l.lines[a.row])
		}
	}
	d.ids = make([]uint32, 0, len(l.ids))
	for i, e := range l.ids {
		d.ids = append(d.ids, e.row)
		if i > 0 && l.ids[i-1].id == e.id {
			l.report(int(l.lines[e.row]), 1, "id %q stands in line %d already", e.id, l.lines[l.ids[i-1].row])
		}
	}
}

// language accepts what flows name languages by.
func language(s string) bool {
	if s == "" {
		return true
	}
	return len(s) >= 2 && len(s) <= 8 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// phonesOf yields the numbers of a phone column.
func phonesOf(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for phone := range strings.SplitSeq(s, ";") {
			if phone = strings.TrimSpace(phone); phone != "" && !yield(phone) {
				return
			}
		}
	}
}
