package say

import (
	"slices"
	"strings"
)

// en is an English word with the space before it.
func en(text string) word { return word{" " + text, strings.ToLower(text)} }

// enDigit is a digit by itself.
func enDigit(d byte) word {
	return en([...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}[d-'0'])
}

// enBelow100 reads 1 to 99: twenty-one has a hyphen.
func enBelow100(n uint64) phrase {
	if n < 20 {
		return phrase{en([...]string{
			"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
			"twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
		}[n])}
	}
	p := phrase{en([...]string{
		"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
	}[n/10])}
	if n%10 > 0 {
		unit := enBelow100(n % 10)[0].fragment
		p = append(p, word{"-" + unit, unit})
	}
	return p
}

// enScales are the names of the thousands.
func enScales() []string {
	return []string{"", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"}
}

// enCardinal reads a whole number, American style; and: one hundred and one.
func enCardinal(n uint64, and bool) phrase {
	if n == 0 {
		return phrase{en("zero")}
	}
	var sections []uint64
	for rest := n; rest > 0; rest /= 1000 {
		sections = append(sections, rest%1000)
	}
	var p phrase
	for i, s := range slices.Backward(sections) {
		if s == 0 {
			continue
		}
		if hundreds := s / 100; hundreds > 0 {
			p = append(append(p, enBelow100(hundreds)...), en("hundred"))
		}
		if s%100 > 0 {
			if and && len(p) > 0 && (s > 100 || i == 0) {
				p = append(p, en("and"))
			}
			p = append(p, enBelow100(s%100)...)
		}
		if i > 0 {
			p = append(p, en(enScales()[i]))
		}
	}
	return p
}

func enSigned(d decimal, p phrase) phrase {
	if d.negative {
		return append(phrase{en("minus")}, p...)
	}
	return p
}

// enDecimal reads a number without its sign.
func enDecimal(d decimal, and bool) phrase {
	p := enCardinal(d.whole, and)
	if d.fraction == "" {
		return p
	}
	return append(append(p, en("point")), enString(d.fraction)...)
}

func enString(digits string) phrase {
	var p phrase
	for _, c := range []byte(digits) {
		p = append(p, enDigit(c))
	}
	return p
}

// comma separates the parts of a reading, with a pause.
func comma() word { return word{",", Pause} }

func enNumber(value string, o Options) (phrase, error) {
	d, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	return enSigned(d, enDecimal(d, o.And)), nil
}

func enPercent(value string, o Options) (phrase, error) {
	p, err := enNumber(value, o)
	if err != nil {
		return nil, err
	}
	return append(p, en("percent")), nil
}

func enOrdinal(value string, o Options) (phrase, error) {
	d, err := parseOrdinal(value)
	if err != nil {
		return nil, err
	}
	return enOrdinalOf(d.whole, o.And), nil
}

// enOrdinalOf reads the last word of a number as an ordinal.
func enOrdinalOf(n uint64, and bool) phrase {
	p := enCardinal(n, and)
	last := &p[len(p)-1]
	separator := last.text[:1]
	last.fragment = enOrdinalWord(last.fragment)
	last.text = separator + last.fragment
	return p
}

func enOrdinalWord(cardinal string) string {
	for _, irregular := range [][2]string{
		{"one", "first"},
		{"two", "second"},
		{"three", "third"},
		{"five", "fifth"},
		{"eight", "eighth"},
		{"nine", "ninth"},
		{"twelve", "twelfth"},
	} {
		if cardinal == irregular[0] {
			return irregular[1]
		}
	}
	if tens, ok := strings.CutSuffix(cardinal, "y"); ok {
		return tens + "ieth"
	}
	return cardinal + "th"
}

func enPosition(value string, o Options) (phrase, error) {
	if err := checkPosition(value); err != nil {
		return nil, err
	}
	p, err := enNumber(value, o)
	if err != nil {
		return nil, err
	}
	return append(phrase{en("number")}, p...), nil
}

// enAmount reads a number with its unit, of which one and more are called
// differently.
func enAmount(d decimal, and bool, one, more string) phrase {
	unit := more
	if d.whole == 1 && d.fraction == "" {
		unit = one
	}
	return append(enDecimal(d, and), word{" " + unit, enFragment(unit)})
}

func enCount(value string, o Options) (phrase, error) {
	d, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	one, more, _ := enUnit(o.Unit)
	return enSigned(d, enAmount(d, o.And, one, more)), nil
}

func enMoney(value string, o Options) (phrase, error) {
	d, fen, err := parseMoney(value)
	if err != nil {
		return nil, err
	}
	var p phrase
	if d.whole > 0 || fen == 0 {
		p = append(enCardinal(d.whole, o.And), en("yuan"))
	}
	if fen > 0 {
		if len(p) > 0 {
			p = append(p, en("and"))
		}
		p = append(append(p, enCardinal(fen, o.And)...), en("fen"))
	}
	return enSigned(d, p), nil
}

func enDigits(value string, _ Options) (phrase, error) {
	if !isDigits(value) || len(value) > maxDigits {
		return nil, unreadable("digits only, 40 at most")
	}
	return enString(value), nil
}

func enPhone(value string, _ Options) (phrase, error) {
	groups, err := phoneGroups(value)
	if err != nil {
		return nil, err
	}
	var p phrase
	for i, g := range groups {
		if i > 0 {
			p = append(p, comma())
		}
		rest, plus := strings.CutPrefix(g, "+")
		if plus {
			p = append(p, en("plus"))
		}
		p = append(p, enString(rest)...)
	}
	return p, nil
}

func enVolume(value string, o Options) (phrase, error) {
	d, unit, err := parseVolume(value)
	if err != nil {
		return nil, err
	}
	one := map[string]string{
		"B": "byte", "K": "kilobyte", "M": "megabyte", "G": "gigabyte", "T": "terabyte",
	}[unit]
	return enAmount(d, o.And, one, one+"s"), nil
}
