package hours

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Rule is weekly hours, e.g. "Mon-Fri 09:00-12:00,13:00-18:00".
type Rule struct {
	Days  []time.Weekday // in the order written
	spans []span
}

// Date is a day of the calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) utc() time.Time         { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }
func (d Date) add(days int) Date      { return dateOf(d.utc().AddDate(0, 0, days)) }
func (d Date) before(other Date) bool { return d.utc().Before(other.utc()) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

func (d Date) String() string { return d.utc().Format(time.DateOnly) }

// Exception is what holds on some dates instead of the weekly hours.
type Exception struct {
	From, To Date
	spans    []span
	like     *time.Weekday // worked like this day of the week
	text     string
}

// SyntaxError is a rule or exception that can't be read.
type SyntaxError struct {
	Col  int // in characters, from 1
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Col, e.Text) }

// maxText is the longest rule or exception; maxDates the longest range.
const (
	maxText  = 512
	maxDates = 366
)

// ParseRule reads days and hours: "Mon-Sun 08:00-22:00",
// "Sat,Sun 10:00-16:00", "Fri 22:00-06:00" (until Saturday).
// The error is a [*SyntaxError].
func ParseRule(s string) (Rule, error) {
	p := parser{s: s}
	if len(s) > maxText {
		return Rule{}, p.fail(0, "longer than %d bytes", maxText)
	}
	p.blanks()
	days, err := p.days()
	if err != nil {
		return Rule{}, err
	}
	if !p.blanks() {
		return Rule{}, p.fail(p.i, "hours such as 09:00-18:00 must follow the days")
	}
	spans, err := p.spans()
	if err != nil {
		return Rule{}, err
	}
	if p.blanks(); p.i < len(p.s) {
		return Rule{}, p.fail(p.i, "nothing may follow the hours")
	}
	return Rule{Days: days, spans: relabel(spans, strings.TrimSpace(s))}, nil
}

// ParseException reads one date or a range, what holds then, and perhaps a
// note: "2026-10-01..2026-10-08 closed National Day",
// "2026-10-10 as Thu make-up day", "2026-12-31 09:00-12:00", "2026-11-11 open".
// The error is a [*SyntaxError].
func ParseException(s string) (Exception, error) {
	p := parser{s: s}
	if len(s) > maxText {
		return Exception{}, p.fail(0, "longer than %d bytes", maxText)
	}
	e := Exception{text: strings.ToValidUTF8(strings.TrimSpace(s), "?")}
	p.blanks()
	if err := p.dates(&e); err != nil {
		return Exception{}, err
	}
	if !p.blanks() {
		return Exception{}, p.fail(p.i, "closed, open, as Mon or hours must follow the date")
	}
	if err := p.what(&e); err != nil {
		return Exception{}, err
	}
	if end := p.i; !p.blanks() && end < len(p.s) {
		return Exception{}, p.fail(end, "a blank must come before the note")
	}
	e.spans = relabel(e.spans, e.text)
	return e, nil
}

// parser walks over a rule or exception.
type parser struct {
	s string
	i int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Col: utf8.RuneCountInString(p.s[:at]) + 1, Text: fmt.Sprintf(format, args...)}
}

// blanks skips blanks and tells whether there were any.
func (p *parser) blanks() bool {
	from := p.i
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
	return p.i > from
}

// take skips what comes next if it is that.
func (p *parser) take(what string) bool {
	if !strings.HasPrefix(p.s[p.i:], what) {
		return false
	}
	p.i += len(what)
	return true
}

// word returns the letters that come next.
func (p *parser) word() string {
	from := p.i
	for p.i < len(p.s) && (p.s[p.i]|0x20 >= 'a' && p.s[p.i]|0x20 <= 'z') {
		p.i++
	}
	return p.s[from:p.i]
}

// number reads between least and most digits.
func (p *parser) number(least, most int) (int, bool) {
	n, from := 0, p.i
	for p.i < len(p.s) && p.i-from < most && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		n = n*10 + int(p.s[p.i]-'0')
		p.i++
	}
	return n, p.i-from >= least
}

// days reads Mon, Mon-Fri, Fri-Mon, and lists of them.
func (p *parser) days() ([]time.Weekday, error) {
	var out []time.Weekday
	for {
		at := p.i
		first, err := p.weekday()
		if err != nil {
			return nil, err
		}
		last := first
		if p.take("-") {
			if last, err = p.weekday(); err != nil {
				return nil, err
			}
		}
		for d := first; ; d = (d + 1) % 7 {
			if slices.Contains(out, d) {
				return nil, p.fail(at, "%s stands twice", d.String()[:3])
			}
			out = append(out, d)
			if d == last {
				break
			}
		}
		if !p.take(",") {
			return out, nil
		}
	}
}

func (p *parser) weekday() (time.Weekday, error) {
	at := p.i
	w := p.word()
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(w, d.String()[:3]) {
			return d, nil
		}
	}
	return 0, p.fail(at, "one of Mon Tue Wed Thu Fri Sat Sun is needed here")
}

// spans reads 09:00-12:00,13:00-18:00 in ascending order.
func (p *parser) spans() ([]span, error) {
	var out []span
	for {
		at := p.i
		from, err := p.clock(dayMinutes - 1)
		if err != nil {
			return nil, err
		}
		if !p.take("-") {
			return nil, p.fail(p.i, "- and the end are missing")
		}
		to, err := p.clock(dayMinutes)
		if err != nil {
			return nil, err
		}
		switch {
		case from == to:
			return nil, p.fail(at, "begins and ends at the same time; the whole day is 00:00-24:00")
		case len(out) > 0 && from < out[len(out)-1].to:
			return nil, p.fail(at, "begins before the hours in front of it end")
		case to < from:
			to += dayMinutes // overnight
		}
		out = append(out, span{from: from, to: to})
		if !p.take(",") {
			return out, nil
		}
	}
}

// clock reads hh:mm up to a last minute.
func (p *parser) clock(most int) (int, error) {
	at := p.i
	h, okH := p.number(1, 2)
	if !okH || !p.take(":") {
		return 0, p.fail(at, "a time such as 09:00 is needed here")
	}
	m, okM := p.number(2, 2)
	if !okM || m > 59 || h*60+m > most {
		return 0, p.fail(at, "no time of the day")
	}
	return h*60 + m, nil
}

// dates reads 2026-10-01 or 2026-10-01..2026-10-08.
func (p *parser) dates(e *Exception) (err error) {
	at := p.i
	if e.From, err = p.date(); err != nil {
		return err
	}
	e.To = e.From
	if p.take("..") {
		if e.To, err = p.date(); err != nil {
			return err
		}
	}
	if e.To.before(e.From) || e.From.add(maxDates).before(e.To) {
		return p.fail(at, "the range runs backwards or is longer than a year")
	}
	return nil
}

func (p *parser) date() (Date, error) {
	at := p.i
	end := min(p.i+len(time.DateOnly), len(p.s))
	t, err := time.Parse(time.DateOnly, p.s[p.i:end])
	if err != nil || t.Year() < 1970 {
		return Date{}, p.fail(at, "a date such as 2026-10-01 is needed here")
	}
	p.i = end
	return dateOf(t), nil
}

// what reads closed, open, as Mon, or hours.
func (p *parser) what(e *Exception) (err error) {
	at := p.i
	switch w := p.word(); w {
	case "closed":
	case "open":
		e.spans = []span{{from: 0, to: dayMinutes}}
	case "as":
		if !p.blanks() {
			return p.fail(p.i, "a day such as Mon must follow as")
		}
		day, dayErr := p.weekday()
		if dayErr != nil {
			return dayErr
		}
		e.like = &day
	case "":
		e.spans, err = p.spans()
	default:
		return p.fail(at, "closed, open, as Mon or hours are needed here")
	}
	return err
}
