package ivr

import (
	"maps"
	"slices"

	"tierline/routing/document"
)

// schedule goes on by the hour.
type schedule struct {
	calendar     Calendar
	open, closed document.Value[string]
}

type scheduleDoc struct {
	*common
	Calendar document.Value[string] `doc:"calendar,required"`
	Open     document.Value[string] `doc:"open,required"`
	Closed   document.Value[string] `doc:"closed,required"`
}

func readSchedule(b *builder, c *common, n *document.Node) node {
	d := scheduleDoc{common: c}
	document.Decode(n, &d, "a schedule node", b.p)
	out := &schedule{open: d.Open, closed: d.Closed, calendar: b.env.Calendars[d.Calendar.V]}
	b.usedCalendars[d.Calendar.V] = true
	if own, ok := b.hours[d.Calendar.V]; ok {
		out.calendar = own
	}
	if out.calendar == nil && b.env.Calendars != nil && d.Calendar.Given {
		known := slices.Sorted(maps.Keys(b.hours))
		known = slices.AppendSeq(known, maps.Keys(b.env.Calendars))
		slices.Sort(known)
		meant, _ := b.nearest(d.Calendar.V, known)
		b.usedCalendars[meant] = true
		b.p.Errorf(d.Calendar.Pos, "calendar %q does not exist%s", d.Calendar.V, hint(meant))
	}
	return out
}

func (n *schedule) enter(s *Session) {
	open := n.calendar == nil
	if !open {
		open, _ = n.calendar.Open(s.now)
	}
	if open {
		s.goTo("open", n.open.V)
		return
	}
	s.goTo("closed", n.closed.V)
}

func (n *schedule) handle(*Session, Input) {} // never waits

func (n *schedule) edges() []edge {
	return []edge{{to: n.open, label: "open", silent: true}, {to: n.closed, label: "closed", silent: true}}
}
