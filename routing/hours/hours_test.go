package hours_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tierline/routing/hours"
)

func calendar(t testing.TB, zone string, rules, exceptions []string) *hours.Calendar {
	t.Helper()
	var rs []hours.Rule
	for _, s := range rules {
		r, err := hours.ParseRule(s)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	var es []hours.Exception
	for _, s := range exceptions {
		e, err := hours.ParseException(s)
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	c, err := hours.New(zone, rs, es)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func at(t testing.TB, c *hours.Calendar, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, c.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The centre of 2026: work on weekdays with a lunch break, a shift on Friday
// night, the National Day holiday with the make-up days the government set.
func centre(t testing.TB) *hours.Calendar {
	return calendar(t, "Asia/Shanghai", []string{
		"Mon-Fri 09:00-12:00,13:00-18:00",
		"Sat 10:00-16:00",
		"Fri 22:00-06:00",
	}, []string{
		"2026-10-01..2026-10-07 closed 国庆节",
		"2026-09-20 as Mon 调休",
		"2026-10-10 as Thu make-up day",
		"2026-12-31 09:00-12:00 New Year's Eve",
		"2026-11-11 open",
		"2026-06-19 22:00-02:00",
	})
}

func TestOpen(t *testing.T) {
	c := centre(t)
	const weekdays = "Mon-Fri 09:00-12:00,13:00-18:00"
	tests := map[string]struct {
		open   bool
		reason string
	}{
		"2026-11-23 08:59": {false, "outside the weekly hours"},
		"2026-11-23 09:00": {true, weekdays},
		"2026-11-23 11:59": {true, weekdays},
		"2026-11-23 12:00": {false, "outside the weekly hours"},
		"2026-11-23 13:00": {true, weekdays},
		"2026-11-23 18:00": {false, "outside the weekly hours"},
		"2026-11-27 23:30": {true, "Fri 22:00-06:00"},
		"2026-11-28 05:59": {true, "Fri 22:00-06:00"},
		"2026-11-28 06:00": {false, "outside the weekly hours"},
		"2026-11-28 10:00": {true, "Sat 10:00-16:00"},
		"2026-11-29 10:00": {false, "outside the weekly hours"},
		// National Day: Thursday to Wednesday closed, and Friday's night shift with it.
		"2026-09-30 17:59": {true, weekdays},
		"2026-10-01 10:00": {false, "2026-10-01..2026-10-07 closed 国庆节"},
		"2026-10-02 23:00": {false, "2026-10-01..2026-10-07 closed 国庆节"},
		"2026-10-07 10:00": {false, "2026-10-01..2026-10-07 closed 国庆节"},
		"2026-10-08 10:00": {true, weekdays},
		// Make-up workdays: a Sunday like a Monday, a Saturday like a Thursday.
		"2026-09-20 10:00": {true, "2026-09-20 as Mon 调休"},
		"2026-09-20 12:30": {false, "2026-09-20 as Mon 调休"},
		"2026-10-10 17:00": {true, "2026-10-10 as Thu make-up day"},
		// What began on Friday night ends at midnight before a make-up day.
		"2026-10-09 23:59": {true, "Fri 22:00-06:00"},
		"2026-10-10 00:00": {false, "2026-10-10 as Thu make-up day"},
		"2026-12-31 11:59": {true, "2026-12-31 09:00-12:00 New Year's Eve"},
		"2026-12-31 14:00": {false, "2026-12-31 09:00-12:00 New Year's Eve"},
		"2026-11-11 00:00": {true, "2026-11-11 open"},
		"2026-11-11 23:59": {true, "2026-11-11 open"},
		"2026-11-12 00:00": {false, "outside the weekly hours"},
		// Special hours overnight run into an ordinary day.
		"2026-06-20 01:59": {true, "2026-06-19 22:00-02:00"},
		"2026-06-20 02:00": {false, "outside the weekly hours"},
	}
	for when, tt := range tests {
		open, reason := c.Open(at(t, c, when))
		if open != tt.open || reason != tt.reason {
			t.Errorf("%s: %t %q, want %t %q", when, open, reason, tt.open, tt.reason)
		}
	}
}

// The same moment is judged alike whatever zone it is expressed in.
func TestOpenInAnotherZone(t *testing.T) {
	c := centre(t)
	noon := at(t, c, "2026-11-23 09:30")
	if open, _ := c.Open(noon.UTC()); !open {
		t.Error("closed in UTC")
	}
}

func TestForce(t *testing.T) {
	c := centre(t)
	night := at(t, c, "2026-11-23 03:00")
	for force, want := range map[hours.Force]string{hours.ForcedOpen: "forced open", hours.ForcedClosed: "forced closed"} {
		f := c.With(force)
		if open, reason := f.Open(night); open != (force == hours.ForcedOpen) || reason != want {
			t.Errorf("%t %q", open, reason)
		}
		if when, ok := f.NextChange(night); ok {
			t.Errorf("changes at %s", when)
		}
	}
	if open, _ := c.Open(night); open {
		t.Error("the calendar itself was changed")
	}
	var none hours.Calendar
	if open, reason := none.Open(night); open || reason != "no hours" {
		t.Errorf("zero calendar: %t %q", open, reason)
	}
	if _, ok := none.NextChange(night); ok {
		t.Error("zero calendar changes")
	}
}

func TestNextChange(t *testing.T) {
	c := centre(t)
	for from, want := range map[string]string{
		"2026-11-23 03:00": "2026-11-23 09:00",
		"2026-11-23 09:00": "2026-11-23 12:00",
		"2026-11-23 12:00": "2026-11-23 13:00",
		"2026-11-27 22:00": "2026-11-28 06:00",
		"2026-11-28 16:00": "2026-11-30 09:00",
		"2026-09-30 18:00": "2026-10-08 09:00",
		"2026-10-09 22:30": "2026-10-10 00:00",
		"2026-11-10 19:00": "2026-11-11 00:00",
		"2026-11-11 05:00": "2026-11-12 00:00",
	} {
		got, ok := c.NextChange(at(t, c, from))
		if !ok || !got.Equal(at(t, c, want)) {
			t.Errorf("after %s: %s, %t, want %s", from, got, ok, want)
		}
	}
	always := calendar(t, "Asia/Shanghai", []string{"Mon-Sun 00:00-24:00"}, nil)
	if when, ok := always.NextChange(at(t, always, "2026-11-23 12:00")); ok {
		t.Errorf("a service that never closes closes at %s", when)
	}
	never := calendar(t, "Asia/Shanghai", nil, []string{"2026-11-23 08:00-09:00"})
	if when, ok := never.NextChange(at(t, never, "2026-11-23 09:00")); ok {
		t.Errorf("a service that is over opens at %s", when)
	}
	if when, ok := never.NextChange(at(t, never, "2026-11-23 08:30")); !ok || !when.Equal(at(t, never, "2026-11-23 09:00")) {
		t.Errorf("its last close: %s, %t", when, ok)
	}
	// Round the clock but for a holiday that is far away.
	far := calendar(t, "Asia/Shanghai", []string{"Mon-Sun 00:00-24:00"}, []string{"2027-10-01 closed"})
	if when, ok := far.NextChange(at(t, far, "2026-11-23 12:00")); !ok || !when.Equal(at(t, far, "2027-10-01 00:00")) {
		t.Errorf("holiday far away: %s, %t", when, ok)
	}
}

// New York 2026: clocks go forward on March 8 (no 02:30) and back on November 1
// (01:30 twice).
func TestChangeOfClocks(t *testing.T) {
	c := calendar(t, "America/New_York", []string{"Sun 02:30-04:00", "Sun 05:00-06:00", "Sat 23:00-01:30"}, nil)
	utc := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for when, want := range map[string]bool{
		"2026-03-08T06:29:00Z": true,  // 01:29 EST
		"2026-03-08T06:30:00Z": false, // 01:30 EST
		"2026-03-08T06:59:00Z": false, // 01:59 EST
		"2026-03-08T07:00:00Z": true,  // 03:00 EDT: 02:30 never came
		"2026-03-08T07:59:00Z": true,  // 03:59 EDT
		"2026-03-08T08:00:00Z": false, // 04:00 EDT
		"2026-11-01T05:15:00Z": true,  // 01:15 EDT
		"2026-11-01T05:45:00Z": true,  // 01:45 EDT: 01:30 comes once more
		"2026-11-01T06:15:00Z": true,  // 01:15 EST
		"2026-11-01T06:30:00Z": false, // 01:30 EST
		"2026-11-01T07:30:00Z": true,  // 02:30 EST
	} {
		if open, reason := c.Open(utc(when)); open != want {
			t.Errorf("%s: %t (%s)", when, open, reason)
		}
	}
	if next, ok := c.NextChange(utc("2026-11-01T05:00:00Z")); !ok || !next.Equal(utc("2026-11-01T06:30:00Z")) {
		t.Errorf("next change %s, %t", next, ok)
	}
	if next, ok := c.NextChange(utc("2026-03-08T06:45:00Z")); !ok || !next.Equal(utc("2026-03-08T07:00:00Z")) {
		t.Errorf("next change %s, %t", next, ok)
	}
	// Samoa had no December 30, 2011 at all.
	apia := calendar(t, "Pacific/Apia", []string{"Mon-Sun 09:00-17:00"}, nil)
	thursday := at(t, apia, "2011-12-29 17:00")
	if next, ok := apia.NextChange(thursday); !ok || !next.Equal(at(t, apia, "2011-12-31 09:00")) {
		t.Errorf("Samoa opens at %s, %t", next, ok)
	}
}

func TestZones(t *testing.T) {
	for _, zone := range []string{"", "Local", "Asia/Peking", "../etc/passwd", "Mars/Base"} {
		if _, err := hours.New(zone, nil, nil); err == nil {
			t.Errorf("zone %q accepted", zone)
		}
	}
	if _, err := hours.New("UTC", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestTwoExceptionsForADate(t *testing.T) {
	var list []hours.Exception
	for _, s := range []string{"2026-10-01..2026-10-08 closed", "2026-12-31 open", "2026-10-05 as Mon"} {
		e, err := hours.ParseException(s)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	_, err := hours.New("UTC", nil, list)
	c, ok := errors.AsType[*hours.ConflictError](err)
	if !ok || c.First != 0 || c.Second != 2 || c.Error() != "2026-10-05 has two exceptions" {
		t.Errorf("error %v", err)
	}
}

// Between now and the next change nothing changes, and there it does.
func TestNextChangeAgreesWithOpen(t *testing.T) {
	zones := []string{"Asia/Shanghai", "America/New_York", "Europe/London", "Pacific/Apia", "Australia/Lord_Howe"}
	rules := []string{
		"Mon-Fri 09:00-12:00,13:00-18:00", "Sat,Sun 10:00-16:00", "Fri 22:00-06:00", "Sun 01:30-02:30",
		"Mon-Sun 00:00-24:00", "Wed 23:59-00:01", "Sun 00:00-02:00",
	}
	exceptions := []string{
		"2026-10-01..2026-10-07 closed", "2026-10-10 as Fri", "2026-03-08 open", "2026-11-01 01:15-01:45",
		"2026-03-29 22:00-02:00", "2026-04-05 as Sun",
	}
	rapid.Check(t, func(rt *rapid.T) {
		some := func(list []string, label string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(list), 0, 4, rapid.ID[string]).Draw(rt, label)
		}
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		c := calendar(t, zone, some(rules, "rules"), some(exceptions, "exceptions"))
		first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now := first.Add(time.Duration(rapid.IntRange(0, 365*24*60).Draw(rt, "minute")) * time.Minute)
		open, _ := c.Open(now)
		next, ok := c.NextChange(now)
		if !ok {
			next = now.AddDate(0, 0, 30)
		}
		if !next.After(now) {
			rt.Fatalf("next change %s is not after %s", next, now)
		}
		for range 50 {
			between := now.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(now))-1).Draw(rt, "between")))
			if o, why := c.Open(between); o != open {
				rt.Fatalf("%s %t, but %s %t (%s) before %s", now, open, between, o, why, next)
			}
		}
		if o, _ := c.Open(next); ok && o == open {
			rt.Fatalf("still %t at %s", o, next)
		}
	})
}

func place(t *testing.T, s string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, ok := errors.AsType[*hours.SyntaxError](err)
	if !ok || e.Col < 1 || e.Col > len([]rune(s))+1 {
		t.Fatalf("%q: %v", s, err)
	}
}
