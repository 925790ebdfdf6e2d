package hours_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tierline/routing/hours"
)

func TestParseRule(t *testing.T) {
	for in, want := range map[string]string{
		"Mon-Sun 08:00-22:00":               "",
		"  mon,WED-fri\t9:00-17:30  ":       "",
		"Fri-Mon 00:00-24:00":               "",
		"Sun 22:00-06:00":                   "",
		"Mon 22:00-24:00":                   "",
		"Mon 09:00-12:00,12:00-18:00":       "",
		"":                                  "column 1: one of Mon Tue Wed Thu Fri Sat Sun is needed here",
		"Montag 09:00-18:00":                "column 1: one of Mon Tue Wed Thu Fri Sat Sun is needed here",
		"Mon- 09:00-18:00":                  "column 5: one of Mon Tue Wed Thu Fri Sat Sun is needed here",
		"Mon-Fri,Wed 09:00-18:00":           "column 9: Wed stands twice",
		"Mon-Fri":                           "column 8: hours such as 09:00-18:00 must follow the days",
		"Mon09:00-18:00":                    "column 4: hours such as 09:00-18:00 must follow the days",
		"Mon closed":                        "column 5: a time such as 09:00 is needed here",
		"Mon 9-18":                          "column 5: a time such as 09:00 is needed here",
		"Mon 09:00":                         "column 10: - and the end are missing",
		"Mon 09:60-18:00":                   "column 5: no time of the day",
		"Mon 24:00-18:00":                   "column 5: no time of the day",
		"Mon 09:00-24:01":                   "column 11: no time of the day",
		"Mon 09:00-1:1":                     "column 11: no time of the day",
		"Mon 09:00-09:00":                   "column 5: begins and ends at the same time; the whole day is 00:00-24:00",
		"Mon 09:00-12:00,11:00-13:00":       "column 17: begins before the hours in front of it end",
		"Mon 22:00-06:00,07:00-08:00":       "column 17: begins before the hours in front of it end",
		"Mon 09:00-12:00, 13:00-18:00":      "column 17: a time such as 09:00 is needed here",
		"Mon 09:00-18:00 please":            "column 17: nothing may follow the hours",
		"周一 09:00-18:00":                    "column 1: one of Mon Tue Wed Thu Fri Sat Sun is needed here",
		"Mon " + strings.Repeat("09:", 300): "column 1: longer than 512 bytes",
	} {
		checkSyntax(t, in, want, func() error { _, err := hours.ParseRule(in); return err }())
	}
}

func TestParseException(t *testing.T) {
	for in, want := range map[string]string{
		"2026-10-01 closed":                       "",
		"2026-10-01..2026-10-08 closed 国庆节":       "",
		" 2026-10-10 as thu 调休 ":                  "",
		"2026-10-10 09:00-12:00,13:00-18:00 note": "",
		"2028-02-29 open":                         "",
		"":                                        "column 1: a date such as 2026-10-01 is needed here",
		"2026-02-29 closed":                       "column 1: a date such as 2026-10-01 is needed here",
		"1.10.2026 closed":                        "column 1: a date such as 2026-10-01 is needed here",
		"0001-01-01 closed":                       "column 1: a date such as 2026-10-01 is needed here",
		"2026-10-01..10-08 closed":                "column 13: a date such as 2026-10-01 is needed here",
		"2026-10-08..2026-10-01 closed":           "column 1: the range runs backwards or is longer than a year",
		"2026-10-08..2028-10-01 closed":           "column 1: the range runs backwards or is longer than a year",
		"2026-10-01":                              "column 11: closed, open, as Mon or hours must follow the date",
		"2026-10-01closed":                        "column 11: closed, open, as Mon or hours must follow the date",
		"2026-10-01 shut":                         "column 12: closed, open, as Mon or hours are needed here",
		"2026-10-01 as":                           "column 14: a day such as Mon must follow as",
		"2026-10-01 as Monday":                    "column 15: one of Mon Tue Wed Thu Fri Sat Sun is needed here",
		"2026-10-01 09:00-18:00,":                 "column 24: a time such as 09:00 is needed here",
		"2026-10-01 closed!":                      "column 18: a blank must come before the note",
		"2026-10-01 " + strings.Repeat("x", 600):  "column 1: longer than 512 bytes",
	} {
		checkSyntax(t, in, want, func() error { _, err := hours.ParseException(in); return err }())
	}
}

func checkSyntax(t *testing.T, in, want string, err error) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
		if _, ok := errors.AsType[*hours.SyntaxError](err); !ok {
			t.Errorf("%q: error %T", in, err)
		}
	}
	if got != want {
		t.Errorf("%q: error %q, want %q", in, got, want)
	}
}

// FuzzParse: whatever is read, the place of a mistake lies inside the text, and
// a calendar of what is accepted answers.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"Mon-Fri 09:00-12:00,13:00-18:00", "Fri-Mon 22:00-06:00", "2026-10-01..2026-10-07 closed 国庆节",
		"2026-10-10 as Thu", "2026-12-31 09:00-12:00", "Mon 24:00-", "\x00\xff", "2026-10-01 as \xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := hours.ParseRule(s)
		place(t, s, err)
		var rules []hours.Rule
		if err == nil {
			rules = append(rules, r)
		}
		e, err := hours.ParseException(s)
		place(t, s, err)
		var exceptions []hours.Exception
		if err == nil {
			exceptions = append(exceptions, e)
		}
		c, err := hours.New("Europe/London", rules, exceptions)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)
		open, _ := c.Open(now)
		if next, ok := c.NextChange(now); ok {
			if then, _ := c.Open(next); then == open || !next.After(now) {
				t.Fatalf("%q: %t at %s and at %s", s, open, now, next)
			}
		}
	})
}
