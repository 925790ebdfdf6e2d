package ivr

import (
	"errors"
	"maps"
	"slices"

	"tierline/routing/document"
	"tierline/routing/hours"
)

// calendarDoc is a calendar that a flow declares for itself.
type calendarDoc struct {
	Zone       document.Value[string]   `doc:"tz,required"`
	Open       []document.Value[string] `doc:"open,required"`
	Exceptions []document.Value[string] `doc:"exceptions"`
	Holidays   document.Value[string]   `doc:"holidays,nonempty"`
	Force      document.Value[string]   `doc:"force"`
}

// readCalendars reads the flow's own calendars.
func (b *builder) readCalendars() {
	b.hours = map[string]Calendar{}
	for _, e := range b.doc.Calendars {
		b.hours[e.Key.V] = b.readCalendar(e.Value)
	}
}

func (b *builder) readCalendar(d calendarDoc) Calendar {
	var rules []hours.Rule
	for _, v := range d.Open {
		if r, err := hours.ParseRule(v.V); b.hoursOK(v, err) {
			rules = append(rules, r)
		}
	}
	var exceptions []hours.Exception
	for _, v := range d.Exceptions {
		if x, err := hours.ParseException(v.V); b.hoursOK(v, err) {
			exceptions = append(exceptions, x)
		}
	}
	if d.Holidays.Given && b.env.Holidays != nil {
		more, ok := b.env.Holidays[d.Holidays.V]
		if !ok {
			known := slices.Sorted(maps.Keys(b.env.Holidays))
			b.p.Errorf(d.Holidays.Pos, "holidays %q do not exist%s", d.Holidays.V, document.DidYouMean(d.Holidays.V, known))
		}
		exceptions = append(exceptions, more...)
	}
	cal, err := hours.New(d.Zone.V, rules, exceptions)
	if err != nil {
		if d.Zone.Given {
			b.p.Errorf(d.Zone.Pos, "%v", err)
		}
		return &hours.Calendar{}
	}
	switch d.Force.V {
	case "":
	case "open":
		return cal.With(hours.ForcedOpen)
	case "closed":
		return cal.With(hours.ForcedClosed)
	default:
		hint := document.DidYouMean(d.Force.V, []string{"open", "closed"})
		b.p.Errorf(d.Force.Pos, `force is "open", "closed" or ""%s`, hint)
	}
	return cal
}

// hoursOK reports a text that isn't a rule at its place inside the quotes.
func (b *builder) hoursOK(v document.Value[string], err error) bool {
	if err == nil || !v.Given {
		return v.Given
	}
	at, text := v.Pos, err.Error()
	if syntax, ok := errors.AsType[*hours.SyntaxError](err); ok {
		at, text = v.At(syntax.Col-1), syntax.Text
	}
	b.p.Errorf(at, "%q: %s", v.V, text)
	return false
}
