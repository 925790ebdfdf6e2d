package service

import (
	"errors"
	"maps"
	"slices"

	"tierline/routing/document"
	"tierline/routing/hours"
)

type calendarsDoc struct {
	Calendars document.Entries[calendarDoc] `doc:"calendars,required,nonempty"`
}

type calendarDoc struct {
	Zone       document.Value[string]   `doc:"tz,required"`
	Open       []document.Value[string] `doc:"open,required"`
	Exceptions []document.Value[string] `doc:"exceptions"`
	Holidays   document.Value[string]   `doc:"holidays,nonempty"`
	Force      document.Value[string]   `doc:"force"`
}

func (c *compiler) calendars() {
	var d calendarsDoc
	p := c.read("calendars.yaml", &d)
	if p == nil {
		return
	}
	defer c.add(p)
	for _, e := range d.Calendars {
		checkName(p, e.Key, "a calendar")
		c.service.Calendars[e.Key.V] = c.readCalendar(p, e)
	}
}

// calendarNames lists the calendars; never nil, since a centre may have none.
func (c *compiler) calendarNames() []string {
	return append([]string{}, slices.Sorted(maps.Keys(c.service.Calendars))...)
}

// readCalendar reads one calendar; a broken one is never open, which nobody
// sees because its problems refuse the whole service.
func (c *compiler) readCalendar(p *document.Problems, e document.Entry[calendarDoc]) *hours.Calendar {
	d := e.Value
	var rules []hours.Rule
	for _, v := range d.Open {
		r, err := hours.ParseRule(v.V)
		if !reportHours(p, v, err) {
			rules = append(rules, r)
		}
	}
	exceptions, places := readExceptions(p, d.Exceptions)
	for _, x := range c.named(p, d.Holidays) {
		exceptions, places = append(exceptions, x), append(places, d.Holidays.Pos)
	}
	cal, err := hours.New(d.Zone.V, rules, exceptions)
	if conflict := asConflict(err); conflict != nil {
		p.Errorf(places[conflict.Second], "%v, the first on line %d", conflict, places[conflict.First].Line)
	} else if err != nil && d.Zone.Given {
		p.Errorf(d.Zone.Pos, "%v", err)
	}
	if cal == nil {
		cal = &hours.Calendar{}
	}
	switch d.Force.V {
	case "":
	case "open":
		cal = cal.With(hours.ForcedOpen)
	case "closed":
		cal = cal.With(hours.ForcedClosed)
	default:
		hint := document.DidYouMean(d.Force.V, []string{"open", "closed"})
		p.Errorf(d.Force.Pos, `force is "open", "closed" or ""%s`, hint)
	}
	return cal
}

// readExceptions reads days that differ, and where each stands.
func readExceptions(p *document.Problems, docs []document.Value[string]) ([]hours.Exception, []document.Pos) {
	var out []hours.Exception
	var places []document.Pos
	for _, v := range docs {
		x, err := hours.ParseException(v.V)
		if !reportHours(p, v, err) {
			out, places = append(out, x), append(places, v.Pos)
		}
	}
	return out, places
}

func asConflict(err error) *hours.ConflictError {
	conflict, _ := errors.AsType[*hours.ConflictError](err)
	return conflict
}

// reportHours reports a text that isn't a rule at its place inside the quotes.
func reportHours(p *document.Problems, v document.Value[string], err error) bool {
	if err == nil || !v.Given {
		return !v.Given
	}
	at, text := v.Pos, err.Error()
	if syntax, ok := errors.AsType[*hours.SyntaxError](err); ok {
		at, text = v.At(syntax.Col-1), syntax.Text
	}
	p.Errorf(at, "%q: %s", v.V, text)
	return true
}
