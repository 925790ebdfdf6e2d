package hours

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // zones without files of the machine
)

// Force overrides what the hours say.
type Force uint8

// Overrides.
const (
	NotForced Force = iota
	ForcedOpen
	ForcedClosed
)

// Calendar is the hours of one service. The zero value is never open.
type Calendar struct {
	zone   *time.Location
	weekly [7][]span // by time.Weekday, sorted
	dates  map[Date]Exception
	force  Force
}

// span is a stretch of wall-clock time in minutes from the midnight its day
// begins with; one that runs overnight ends beyond 24:00.
type span struct {
	from, to int
	rule     string // as written, for explanations
}

const dayMinutes = 24 * 60

// ConflictError means that two exceptions name the same date.
type ConflictError struct {
	Date          Date
	First, Second int // indices of the exceptions
}

func (e *ConflictError) Error() string { return fmt.Sprintf("%s has two exceptions", e.Date) }

// New builds a calendar in a zone of the IANA database such as Asia/Shanghai.
func New(zone string, rules []Rule, exceptions []Exception) (*Calendar, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, fmt.Errorf("%q is no time zone such as Asia/Shanghai", zone)
	}
	c := &Calendar{zone: loc, dates: make(map[Date]Exception)}
	for _, r := range rules {
		for _, day := range r.Days {
			c.weekly[day] = append(c.weekly[day], r.spans...)
		}
	}
	for day := range c.weekly {
		slices.SortStableFunc(c.weekly[day], func(a, b span) int { return cmp.Compare(a.from, b.from) })
	}
	owner := make(map[Date]int)
	for i, e := range exceptions {
		for d := e.From; !e.To.before(d); d = d.add(1) {
			if first, twice := owner[d]; twice {
				return nil, &ConflictError{Date: d, First: first, Second: i}
			}
			owner[d] = i
			c.dates[d] = e
		}
	}
	return c, nil
}

// With returns the calendar with an override.
func (c *Calendar) With(f Force) *Calendar {
	forced := *c
	forced.force = f
	return &forced
}

// Zone is the calendar's time zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Open tells whether the service is open, and what decided that.
func (c *Calendar) Open(at time.Time) (open bool, reason string) {
	switch c.force {
	case ForcedOpen:
		return true, "forced open"
	case ForcedClosed:
		return false, "forced closed"
	case NotForced:
	}
	if c.zone == nil {
		return false, "no hours"
	}
	today := dateOf(at.In(c.zone))
	for _, d := range [...]Date{today.add(-1), today} {
		for _, s := range c.stretches(d) {
			if !at.Before(s.from) && at.Before(s.to) {
				return true, s.rule
			}
		}
	}
	if e, ok := c.dates[today]; ok {
		return false, e.text
	}
	return false, "outside the weekly hours"
}

// horizon is how many days ahead a change is looked for: beyond a year of
// holidays.
const horizon = 400

// NextChange returns when the service opens or closes next, if that can be
// seen within the next 400 days.
func (c *Calendar) NextChange(at time.Time) (time.Time, bool) {
	if c.force != NotForced || c.zone == nil {
		return time.Time{}, false
	}
	open, _ := c.Open(at)
	closes := at // while open: as far as is known
	day := dateOf(at.In(c.zone)).add(-1)
	for range horizon + 2 {
		for _, s := range c.stretches(day) {
			switch {
			case !s.to.After(closes):
			case !s.from.After(closes): // goes on without a gap
				if open {
					closes = s.to
				}
			case open:
				return closes, true
			default:
				return s.from, true
			}
		}
		day = day.add(1)
	}
	// Nothing opens any more; if closes was reached long ago, that is the change.
	return closes, open && closes.Before(c.instant(day.add(-1), 0, false))
}

// stretch is a span on a certain date.
type stretch struct {
	from, to time.Time
	rule     string
}

// stretches returns the open stretches that begin on a date, in order.
func (c *Calendar) stretches(d Date) []stretch {
	spans := c.weekly[d.Weekday()]
	if e, ok := c.dates[d]; ok {
		spans = e.spans
		if e.like != nil {
			spans = relabel(c.weekly[*e.like], e.text)
		}
	}
	out := make([]stretch, 0, len(spans))
	for _, s := range spans {
		to := s.to
		if _, ok := c.dates[d.add(1)]; ok {
			to = min(to, dayMinutes)
		}
		st := stretch{from: c.instant(d, s.from, false), to: c.instant(d, to, true), rule: s.rule}
		if st.from.Before(st.to) { // a span inside the hour that is skipped is empty
			out = append(out, st)
		}
	}
	return out
}

func relabel(spans []span, rule string) []span {
	out := slices.Clone(spans)
	for i := range out {
		out[i].rule = rule
	}
	return out
}

// instant finds when the wall clock of a date shows a minute. If it does so
// twice, last decides; if never, it is the moment the clock was changed.
func (c *Calendar) instant(d Date, minute int, last bool) time.Time {
	wall := time.Date(d.Year, d.Month, d.Day, 0, minute, 0, 0, time.UTC)
	early := c.under(wall, wall.Add(-day)) // with the offset of the day before
	late := c.under(wall, wall.Add(day))   // with that of the day after
	okEarly, okLate := c.shows(early, wall), c.shows(late, wall)
	switch {
	case okEarly && okLate && last == early.Before(late):
		return late
	case okEarly:
		return early
	case okLate:
		return late
	}
	_, change := wall.Add(-day).In(c.zone).ZoneBounds()
	return change.In(c.zone)
}

const day = 24 * time.Hour

// under reads a wall-clock time with the offset in force at another time.
func (c *Calendar) under(wall, at time.Time) time.Time {
	_, offset := at.In(c.zone).Zone()
	return wall.Add(-time.Duration(offset) * time.Second).In(c.zone)
}

func (c *Calendar) shows(t, wall time.Time) bool {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}
