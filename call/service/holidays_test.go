package service

import (
	"strings"
	"testing"
	"time"
)

// TestHolidays shares the days of one file between a calendar of the service
// and one of a flow.
func TestHolidays(t *testing.T) {
	b, _ := demo(t)
	b = add(b, "holidays-cn.yaml", `exceptions: ["2026-11-23 closed", "2026-11-28 as Mon make-up workday"]`)
	b = change(t, b, "calendars.yaml", "calendars:\n", `calendars:
  banks: {tz: Asia/Shanghai, open: ["Mon-Fri 09:00-17:00"], holidays: holidays-cn.yaml}
`)
	s, problems := Compile(b)
	if s == nil {
		t.Fatal(problems)
	}
	for day, want := range map[string]bool{"2026-11-23": false, "2026-11-24": true, "2026-11-28": true, "2026-11-29": false} {
		at, err := time.Parse(time.RFC3339, day+"T10:00:00+08:00")
		if err != nil {
			t.Fatal(err)
		}
		if open, why := s.Calendars["banks"].Open(at); open != want {
			t.Errorf("%s: open %v (%s), want %v", day, open, why, want)
		}
	}
	if len(s.Environment.Holidays["holidays-cn.yaml"]) != 2 {
		t.Errorf("flows know of %v", s.Environment.Holidays)
	}
}

// add puts a document into a copy of a bundle.
func add(b *Bundle, name, text string) *Bundle {
	out := &Bundle{Prompts: b.Prompts, lengths: b.lengths}
	for _, f := range b.Files {
		if len(out.Files) > 0 && out.Files[len(out.Files)-1].Name < name && strings.Compare(f.Name, name) > 0 {
			out.Files = append(out.Files, File{name, []byte(text)})
		}
		out.Files = append(out.Files, f)
	}
	return out
}
