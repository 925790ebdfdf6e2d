package say

import "time"

func enYear(value string, _ Options) (phrase, error) {
	y, err := parseYear(value)
	if err != nil {
		return nil, err
	}
	return enYearOf(number(y)), nil
}

// enYearOf reads a year in pairs: nineteen oh five, twenty twenty-six; but
// nineteen hundred, two thousand five.
func enYearOf(y uint64) phrase {
	century, rest := y/100, y%100
	switch {
	case y < 1000 || century%10 == 0 && rest < 10:
		return enCardinal(y, false)
	case rest == 0:
		return append(enBelow100(century), en("hundred"))
	case rest < 10:
		return append(append(enBelow100(century), en("oh")), enBelow100(rest)...)
	}
	return append(enBelow100(century), enBelow100(rest)...)
}

func enMonth(value string, _ Options) (phrase, error) {
	t, err := parseMonth(value)
	if err != nil {
		return nil, err
	}
	return append(phrase{en(t.Month().String())}, enYearOf(number(t.Year()))...), nil
}

func enDate(value string, _ Options) (phrase, error) {
	t, err := parseDate(value)
	if err != nil {
		return nil, err
	}
	return enDateOf(t), nil
}

func enDateOf(t time.Time) phrase {
	p := append(phrase{en(t.Month().String())}, enOrdinalOf(number(t.Day()), false)...)
	return append(append(p, comma()), enYearOf(number(t.Year()))...)
}

func enWeekday(value string, _ Options) (phrase, error) {
	t, err := parseDate(value)
	if err != nil {
		return nil, err
	}
	return phrase{en(t.Weekday().String())}, nil
}

func enTime(value string, o Options) (phrase, error) {
	t, err := parseClock(value)
	if err != nil {
		return nil, err
	}
	return enClock(t, o), nil
}

func enDatetime(value string, o Options) (phrase, error) {
	t, err := parseDatetime(value)
	if err != nil {
		return nil, err
	}
	return append(append(enDateOf(t), comma(), en("at")), enClock(t, o)...), nil
}

func enClock(t time.Time, o Options) phrase {
	hour := number(t.Hour())
	half := word{" A M", "am"}
	if hour >= 12 {
		half = word{" P M", "pm"}
	}
	if o.Clock == 12 {
		if hour %= 12; hour == 0 {
			hour = 12
		}
	}
	p := enBelow100(hour)
	switch minute := number(t.Minute()); {
	case minute == 0:
		p = append(p, word{" o'clock", "oclock"})
	case minute < 10:
		p = append(append(p, en("oh")), enBelow100(minute)...)
	default:
		p = append(p, enBelow100(minute)...)
	}
	if o.Clock == 12 {
		p = append(p, half)
	}
	return p
}

// enDuration leaves out what is zero.
func enDuration(value string, o Options) (phrase, error) {
	parts, err := parseDuration(value)
	if err != nil {
		return nil, err
	}
	var p phrase
	for i, unit := range []string{"day", "hour", "minute", "second"} {
		if parts[i] == 0 && (i < 3 || len(p) > 0) {
			continue
		}
		if len(p) > 0 {
			p = append(p, comma())
		}
		p = append(p, enAmount(decimal{whole: parts[i]}, o.And, unit, unit+"s")...)
	}
	return p, nil
}

func enWait(value string, o Options) (phrase, error) {
	low, high, err := parseWait(value)
	if err != nil {
		return nil, err
	}
	minutes := enAmount(decimal{whole: high}, o.And, "minute", "minutes")
	switch {
	case high <= 1 && low == 0:
		return phrase{{"less than a minute", "less-than-a-minute"}}, nil
	case low == 0:
		return append(phrase{{"less than", "less-than"}}, minutes...), nil
	case low == high:
		return append(phrase{en("about")}, minutes...), nil
	}
	return append(append(enCardinal(low, o.And), en("to")), minutes...), nil
}
