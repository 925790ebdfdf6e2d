package ivr

import (
	"slices"
	"strings"
	"time"

	"tierline/routing/document"
)

// slot is a stretch of time in which a caller wants to be called.
type slot struct {
	key      string
	now      bool
	days     int // from today
	from, to int // minutes from midnight
	zone     *time.Location
}

type slotsDoc struct {
	Prompt items                                    `doc:"prompt,required,nonempty"`
	Zone   document.Value[string]                   `doc:"tz,required"`
	Keys   document.Entries[document.Value[string]] `doc:"keys,required,nonempty"`
}

// readSlots reads the choice of times: now, 14:00-18:00, tomorrow 09:00-12:00.
func (b *builder) readSlots(d *slotsDoc, in input) (*question, []slot) {
	zone, err := time.LoadLocation(d.Zone.V)
	if d.Zone.Given && (err != nil || d.Zone.V == "Local") {
		b.p.Errorf(d.Zone.Pos, "%q is no time zone such as Asia/Shanghai", d.Zone.V)
	}
	if zone == nil {
		zone = time.UTC
	}
	var slots []slot
	table := map[string]string{}
	for _, k := range d.Keys {
		if len(k.Key.V) != 1 || !isKeys(k.Key.V) {
			b.p.Errorf(k.Key.Pos, "%q is no key (0-9, *, #, A-D)", k.Key.V)
			continue
		}
		s, ok := parseSlot(k.Value.V)
		if !ok && k.Value.Given {
			b.p.Errorf(k.Value.Pos, "%q is no time slot: now, 14:00-18:00, tomorrow 09:00-12:00", k.Value.V)
		}
		s.key, s.zone = k.Key.V, zone
		slots = append(slots, s)
		table[k.Key.V] = k.Key.V
	}
	return &question{input: in, prompt: b.readItems(d.Prompt), keys: newKeyTable(table)}, slots
}

func parseSlot(text string) (slot, bool) {
	if text == "now" {
		return slot{now: true}, true
	}
	var s slot
	rest, tomorrow := strings.CutPrefix(text, "tomorrow ")
	if tomorrow {
		s.days = 1
	}
	from, to, ok := strings.Cut(rest, "-")
	a, errA := time.Parse("15:04", from)
	z, errZ := time.Parse("15:04", to)
	if !ok || errA != nil || errZ != nil || !a.Before(z) {
		return s, false
	}
	s.from, s.to = a.Hour()*60+a.Minute(), z.Hour()*60+z.Minute()
	return s, true
}

func indexOfSlot(slots []slot, key string) int {
	return max(0, slices.IndexFunc(slots, func(s slot) bool { return s.key == key }))
}

// at is the slot's time; a slot of today that is over is tomorrow's.
func (s slot) at(now time.Time) (notBefore, notAfter time.Time) {
	if s.now {
		return time.Time{}, time.Time{}
	}
	day := now.In(s.zone).AddDate(0, 0, s.days)
	for {
		from := time.Date(day.Year(), day.Month(), day.Day(), 0, s.from, 0, 0, s.zone)
		to := time.Date(day.Year(), day.Month(), day.Day(), 0, s.to, 0, 0, s.zone)
		if now.Before(to) {
			return later(from, now), to
		}
		day = day.AddDate(0, 0, 1)
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
