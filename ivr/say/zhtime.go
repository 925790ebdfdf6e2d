package say

import (
	"strconv"
	"time"
)

func zhYear(value string, _ Options) (phrase, error) {
	y, err := parseYear(value)
	if err != nil {
		return nil, err
	}
	return zhYearOf(y), nil
}

// zhYearOf reads a year digit by digit.
func zhYearOf(year int) phrase {
	return append(zhString(strconv.Itoa(year), false), word{"年", "nian2"})
}

func zhMonth(value string, _ Options) (phrase, error) {
	t, err := parseMonth(value)
	if err != nil {
		return nil, err
	}
	return zhMonthOf(t), nil
}

// zhMonthOf reads year and month; 一月 and 二月 are names, not amounts.
func zhMonthOf(t time.Time) phrase {
	p := append(zhYearOf(t.Year()), zhCardinal(uint64(t.Month()))...)
	return append(p, word{"月", "yue4"})
}

func zhDate(value string, o Options) (phrase, error) {
	t, err := parseDate(value)
	if err != nil {
		return nil, err
	}
	return zhDateOf(t, o), nil
}

func zhDateOf(t time.Time, o Options) phrase {
	day := word{"日", "ri4"}
	if o.Hao {
		day = word{"号", "hao4"}
	}
	return append(append(zhMonthOf(t), zhCardinal(number(t.Day()))...), day)
}

// number is an int that can't be negative.
func number(n int) uint64 { return uint64(max(n, 0)) }

func zhWeekday(value string, _ Options) (phrase, error) {
	t, err := parseDate(value)
	if err != nil {
		return nil, err
	}
	day := word{"日", "ri4"}
	if t.Weekday() != time.Sunday {
		day = zhDigit(number(int(t.Weekday())))
	}
	return phrase{{"星期", "xing1qi1"}, day}, nil
}

func zhTime(value string, o Options) (phrase, error) {
	t, err := parseClock(value)
	if err != nil {
		return nil, err
	}
	return zhClock(t, o), nil
}

func zhDatetime(value string, o Options) (phrase, error) {
	t, err := parseDatetime(value)
	if err != nil {
		return nil, err
	}
	return append(zhDateOf(t, o), zhClock(t, o)...), nil
}

func zhClock(t time.Time, o Options) phrase {
	var p phrase
	hour := t.Hour()
	if o.Clock == 12 {
		p = phrase{partOfDay(hour)}
		if hour > 12 {
			hour -= 12
		}
	}
	p = append(p, zhAmount(number(hour), word{"点", "dian3"})...)
	minute := t.Minute()
	switch {
	case minute == 0 && o.Exact:
		return append(p, word{"整", "zheng3"})
	case minute == 0:
		return p
	case minute < 10:
		p = append(p, zhDigit(0))
	}
	return append(append(p, zhCardinal(number(minute))...), word{"分", "fen1"})
}

// partOfDay is the word before an hour on a clock of twelve.
func partOfDay(hour int) word {
	for _, part := range []struct {
		before int
		word   word
	}{
		{6, word{"凌晨", "ling2chen2"}},
		{9, word{"早上", "zao3shang4"}},
		{12, word{"上午", "shang4wu3"}},
		{13, word{"中午", "zhong1wu3"}},
		{18, word{"下午", "xia4wu3"}},
	} {
		if hour < part.before {
			return part.word
		}
	}
	return word{"晚上", "wan3shang4"}
}

// zhDuration leaves out what is zero. 分钟 is 分 before seconds, and seconds
// below ten take 零 behind something longer.
func zhDuration(value string, _ Options) (phrase, error) {
	parts, err := parseDuration(value)
	if err != nil {
		return nil, err
	}
	units := [4]word{{"天", "tian1"}, {"小时", "xiao3shi2"}, {"分钟", "fen1zhong1"}, {"秒", "miao3"}}
	if parts[3] > 0 {
		units[2] = word{"分", "fen1"}
	}
	var p phrase
	for i, n := range parts {
		switch {
		case n == 0:
		case i == 3 && n < 10 && len(p) > 0:
			p = append(p, zhDigit(0), zhDigit(n))
			thirds(p, units[i])
			p = append(p, units[i])
		default:
			p = append(p, zhAmount(n, units[i])...)
		}
	}
	if len(p) == 0 {
		p = zhAmount(0, units[3])
	}
	return p, nil
}

func zhWait(value string, _ Options) (phrase, error) {
	low, high, err := parseWait(value)
	if err != nil {
		return nil, err
	}
	minutes := word{"分钟", "fen1zhong1"}
	switch {
	case high <= 1 && low == 0:
		return append(phrase{{"不到", "bu2dao4"}}, zhAmount(1, minutes)...), nil
	case low == 0:
		return append(zhAmount(high, minutes), word{"以内", "yi3nei4"}), nil
	case low == high:
		return append(phrase{{"大约", "da4yue1"}}, zhAmount(high, minutes)...), nil
	}
	from := zhCardinal(low)
	if low == 2 {
		from = phrase{zhTwo()}
	}
	return append(append(from, word{"到", "dao4"}), zhAmount(high, minutes)...), nil
}
