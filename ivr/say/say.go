package say

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Languages that values can be read in.
const (
	Chinese = "zh"
	English = "en"
)

// ErrUnreadable says that a value can't be read: it isn't of its kind, or
// larger than anybody says.
var ErrUnreadable = errors.New("can't be read out")

// ErrUnknown says that there is no such language, kind or unit. A checker
// finds it before a caller does.
var ErrUnknown = errors.New("not known")

// Options say how a value is read where there is more than one way.
type Options struct {
	Unit  string // of a count, in the reading's language: 个, 分钟; point or points
	Yao   bool   // digits: 1 is 幺, as in telephone numbers
	Clock int    // of times: 12 or 24; 0 is the language's habit (zh 24, en 12)
	Hao   bool   // dates in Chinese: 号, as people speak, in place of 日
	Exact bool   // full hours in Chinese: 九点整
	And   bool   // numbers in English: one hundred and one, as the British say
}

// Reading is a value in words.
type Reading struct {
	Text      string   // as people write it: 一百二十三元四角五分
	Fragments []string // the sounds it is made of: yi4 bai3 er4 shi2 …
}

// Read reads a value out. The kind may carry an option: count:个, digits:yao,
// time:12, date:hao, time:exact, number:and.
func Read(lang, kind, value string, o Options) (Reading, error) {
	read, o, err := find(lang, kind, o)
	if err != nil {
		return Reading{}, err
	}
	p, err := read(value, o)
	if err != nil {
		return Reading{}, fmt.Errorf("%s %.60q: %w", kind, value, err)
	}
	return p.reading(), nil
}

// Kinds lists what can be read, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds())) }

// Check tells whether a kind can be read with these options at all; the error
// is for whoever wrote them.
func Check(lang, kind string, o Options) error {
	_, _, err := find(lang, kind, o)
	return err
}

// reader reads one kind of value in one language.
type reader func(value string, o Options) (phrase, error)

// kinds holds for each kind the readers in Chinese and English.
func kinds() map[string][2]reader {
	return map[string][2]reader{
		"count":    {zhCount, enCount},
		"date":     {zhDate, enDate},
		"datetime": {zhDatetime, enDatetime},
		"decimal":  {zhNumber, enNumber},
		"digits":   {zhDigits, enDigits},
		"duration": {zhDuration, enDuration},
		"money":    {zhMoney, enMoney},
		"month":    {zhMonth, enMonth},
		"number":   {zhNumber, enNumber},
		"ordinal":  {zhOrdinal, enOrdinal},
		"percent":  {zhPercent, enPercent},
		"phone":    {zhPhone, enPhone},
		"position": {zhPosition, enPosition},
		"time":     {zhTime, enTime},
		"time12":   {zhTime, enTime},
		"time24":   {zhTime, enTime},
		"volume":   {zhVolume, enVolume},
		"wait":     {zhWait, enWait},
		"weekday":  {zhWeekday, enWeekday},
		"year":     {zhYear, enYear},
	}
}

// find looks a kind's reader up and settles its options.
func find(lang, kind string, o Options) (reader, Options, error) {
	name, option, given := strings.Cut(kind, ":")
	both, ok := kinds()[name]
	if !ok {
		return nil, o, fmt.Errorf("kind %.60q: %w (there are %s)", name, ErrUnknown, strings.Join(Kinds(), ", "))
	}
	if given && !o.set(name, option) {
		return nil, o, fmt.Errorf("kind %.60q: option %.60q: %w", name, option, ErrUnknown)
	}
	switch {
	case name == "time12":
		o.Clock = 12
	case name == "time24":
		o.Clock = 24
	case o.Clock == 0 && lang == Chinese:
		o.Clock = 24
	case o.Clock == 0:
		o.Clock = 12
	case o.Clock != 12 && o.Clock != 24:
		return nil, o, fmt.Errorf("clock of %d hours: %w", o.Clock, ErrUnknown)
	}
	if name == "count" {
		if err := checkUnit(lang, o.Unit); err != nil {
			return nil, o, err
		}
	}
	switch lang {
	case Chinese:
		return both[0], o, nil
	case English:
		return both[1], o, nil
	}
	return nil, o, fmt.Errorf("language %.60q: %w (there are en, zh)", lang, ErrUnknown)
}

// set takes the option that stands behind a kind.
func (o *Options) set(kind, option string) bool {
	if kind == "count" {
		o.Unit = option
		return true
	}
	if !slices.Contains(allowed(kind), option) {
		return false
	}
	switch option {
	case "yao":
		o.Yao = true
	case "12":
		o.Clock = 12
	case "24":
		o.Clock = 24
	case "hao":
		o.Hao = true
	case "exact":
		o.Exact = true
	case "and":
		o.And = true
	}
	return true
}

// allowed are the options that may stand behind a kind.
func allowed(kind string) []string {
	switch kind {
	case "digits":
		return []string{"yao"}
	case "date":
		return []string{"hao"}
	case "datetime":
		return []string{"12", "24", "hao", "exact"}
	case "time":
		return []string{"12", "24", "exact"}
	case "time12", "time24":
		return []string{"exact"}
	case "decimal", "money", "number", "ordinal", "percent":
		return []string{"and"}
	}
	return nil
}

// word is one fragment of a reading, with its text: in English the space or
// hyphen before it belongs to it.
type word struct{ text, fragment string }

// phrase is a reading in the making.
type phrase []word

func (p phrase) reading() Reading {
	var r Reading
	var text strings.Builder
	for _, w := range p {
		text.WriteString(w.text)
		if w.fragment != "" {
			r.Fragments = append(r.Fragments, w.fragment)
		}
	}
	r.Text = strings.TrimSpace(text.String())
	return r
}

// Pause is the fragment between groups: silence.
const Pause = "pause"
