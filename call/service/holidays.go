package service

import (
	"maps"
	"path"
	"slices"
	"strings"

	"tierline/routing/document"
	"tierline/routing/hours"
)

// isHolidays tells files of days that several calendars share: holidays.yaml
// or holidays-NAME.yaml.
func isHolidays(name string) bool {
	base, ok := strings.CutSuffix(name, ".yaml")
	return ok && path.Dir(name) == "." && (base == "holidays" || strings.HasPrefix(base, "holidays-"))
}

type holidaysDoc struct {
	Exceptions []document.Value[string] `doc:"exceptions,required"`
}

// readHolidays reads them all, before the calendars that name them.
func (c *compiler) readHolidays() {
	c.holidays = map[string][]hours.Exception{}
	for _, f := range c.bundle.Files {
		if !isHolidays(f.Name) {
			continue
		}
		c.holidays[f.Name] = nil // its mistakes have no followers
		var d holidaysDoc
		p := c.read(f.Name, &d)
		if p == nil {
			continue
		}
		list, places := readExceptions(p, d.Exceptions)
		if conflict := conflictOf(list); conflict != nil {
			p.Errorf(places[conflict.Second], "%v, the first on line %d", conflict, places[conflict.First].Line)
			list = nil
		}
		c.holidays[f.Name] = list
		c.add(p)
	}
}

// conflictOf finds two exceptions of one list for the same day.
func conflictOf(list []hours.Exception) *hours.ConflictError {
	_, err := hours.New("UTC", nil, list)
	return asConflict(err)
}

// named returns the days of the file that a calendar names.
func (c *compiler) named(p *document.Problems, file document.Value[string]) []hours.Exception {
	if !file.Given {
		return nil
	}
	list, ok := c.holidays[file.V]
	if !ok {
		known := slices.Sorted(maps.Keys(c.holidays))
		p.Errorf(file.Pos, "holidays %q do not exist%s", file.V, document.DidYouMean(file.V, known))
	}
	return list
}
