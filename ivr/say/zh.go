package say

import "strings"

// zhDigit is a digit as it stands in a number.
func zhDigit(d uint64) word {
	return [...]word{
		{"零", "ling2"},
		{"一", "yi1"},
		{"二", "er4"},
		{"三", "san1"},
		{"四", "si4"},
		{"五", "wu3"},
		{"六", "liu4"},
		{"七", "qi1"},
		{"八", "ba1"},
		{"九", "jiu3"},
	}[d]
}

// zhTwo is 2 before a measure word, and leading before 千, 万 and 亿.
func zhTwo() word { return word{"两", "liang3"} }

// tone is that of a fragment's first syllable; 0 if it has none.
func tone(fragment string) byte {
	if i := strings.IndexAny(fragment, "1234"); i >= 0 {
		return fragment[i] - '0'
	}
	return 0
}

// measured puts a measure word behind a number and changes the tone of the
// number's end: a lone 一 is yi4, before a fourth tone yi2; the first of two
// third tones becomes a second. 一 at the end of a longer number keeps yi1.
func measured(number phrase, unit word) phrase {
	last := &number[len(number)-1]
	switch t := tone(unit.fragment); {
	case last.fragment != "yi1" || len(number) > 1 || t == 0:
		thirds(number, unit)
	case t == 4:
		last.fragment = "yi2"
	default:
		last.fragment = "yi4"
	}
	return append(number, unit)
}

// thirds changes a third tone at the end of a phrase before another one.
func thirds(p phrase, next word) {
	last := &p[len(p)-1]
	if tone(next.fragment) != 3 {
		return
	}
	switch last.fragment {
	case "wu3", "jiu3", "liang3", "bai3":
		last.fragment = strings.TrimSuffix(last.fragment, "3") + "2"
	}
}

// zhCardinal reads a whole number: sections of four digits with their names,
// one 零 for any run of zeros that doesn't end a section.
func zhCardinal(n uint64) phrase {
	if n == 0 {
		return phrase{zhDigit(0)}
	}
	return zhLarge(n, true)
}

// zhLarge reads n > 0; first: nothing stands before it. Above 亿 the scheme
// repeats: 10^12 is 一万亿.
func zhLarge(n uint64, first bool) phrase {
	const wan, yi = 10_000, 100_000_000
	scale, name, gap := uint64(yi), word{"亿", "yi4-e8"}, uint64(yi/10)
	switch {
	case n < wan:
		return zhSection(n, first)
	case n < yi:
		scale, name, gap = wan, word{"万", "wan4"}, wan/10
	}
	high, low := n/scale, n%scale
	p := zhLarge(high, first)
	if high == 2 && first {
		p = phrase{zhTwo()}
	}
	p = measured(p, name)
	if low == 0 {
		return p
	}
	if low < gap || high >= wan && high%wan == 0 {
		p = append(p, zhDigit(0))
	}
	return append(p, zhLarge(low, false)...)
}

// zhSection reads 1 to 9999.
func zhSection(n uint64, first bool) phrase {
	var p phrase
	begun := func(below uint64) bool { return len(p) > 0 && n < below && n > 0 && p[len(p)-1].fragment != "ling2" }
	if d := n / 1000; d > 0 {
		digit := zhDigit(d)
		if d == 2 && first {
			digit = zhTwo()
		}
		p, n = measured(phrase{digit}, word{"千", "qian1"}), n%1000
		if begun(100) {
			p = append(p, zhDigit(0))
		}
	}
	if d := n / 100; d > 0 {
		p, n = append(p, measured(phrase{zhDigit(d)}, word{"百", "bai3"})...), n%100
		if begun(10) {
			p = append(p, zhDigit(0))
		}
	}
	if d := n / 10; d > 0 {
		if d > 1 || !first || len(p) > 0 {
			p = append(p, zhDigit(d))
		}
		p, n = append(p, word{"十", "shi2"}), n%10
	}
	if n > 0 {
		p = append(p, zhDigit(n))
	}
	return p
}

// zhAmount reads a whole number with its measure word: a lone 2 is 两.
func zhAmount(n uint64, unit word) phrase {
	if n == 2 {
		return measured(phrase{zhTwo()}, unit)
	}
	return measured(zhCardinal(n), unit)
}

// zhSigned puts 负 before what is negative.
func zhSigned(d decimal, p phrase) phrase {
	if d.negative {
		return append(phrase{{"负", "fu4"}}, p...)
	}
	return p
}

// zhDecimal reads a number without its sign.
func zhDecimal(d decimal) phrase {
	p := zhCardinal(d.whole)
	if d.fraction == "" {
		return p
	}
	point := word{"点", "dian3"}
	thirds(p, point)
	return append(append(p, point), zhString(d.fraction, false)...)
}

// zhString reads digit by digit.
func zhString(digits string, yao bool) phrase {
	var p phrase
	for _, c := range []byte(digits) {
		if c == '1' && yao {
			p = append(p, word{"幺", "yao1"})
			continue
		}
		p = append(p, zhDigit(uint64(c-'0')))
	}
	return p
}

func zhNumber(value string, _ Options) (phrase, error) {
	d, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	return zhSigned(d, zhDecimal(d)), nil
}

func zhPercent(value string, _ Options) (phrase, error) {
	d, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	of := zhDecimal(d)
	if d.whole == 100 && d.fraction == "" {
		of = phrase{{"百", "bai3"}}
	}
	return zhSigned(d, append(phrase{{"百分之", "bai3fen1zhi1"}}, of...)), nil
}

func zhOrdinal(value string, _ Options) (phrase, error) {
	d, err := parseOrdinal(value)
	if err != nil {
		return nil, err
	}
	return append(phrase{{"第", "di4"}}, zhCardinal(d.whole)...), nil
}

func zhPosition(value string, o Options) (phrase, error) {
	if err := checkPosition(value); err != nil {
		return nil, err
	}
	p, err := zhOrdinal(value, o)
	if err != nil {
		return nil, err
	}
	return append(p, word{"位", "wei4"}), nil // 一 keeps its tone in an ordinal
}

func zhCount(value string, o Options) (phrase, error) {
	d, err := parseDecimal(value)
	if err != nil {
		return nil, err
	}
	return zhSigned(d, zhQuantity(d, zhUnit(o.Unit), !ordinalUnit(o.Unit))), nil
}

// zhQuantity reads a number that may have a fraction, with its unit.
func zhQuantity(d decimal, unit word, two bool) phrase {
	if d.fraction == "" && (two || d.whole != 2) {
		return zhAmount(d.whole, unit)
	}
	p := zhDecimal(d)
	thirds(p, unit)
	return append(p, unit)
}

// zhMoney speaks the parts that aren't zero; only the first can be 两.
func zhMoney(value string, _ Options) (phrase, error) {
	d, fen, err := parseMoney(value)
	if err != nil {
		return nil, err
	}
	var p phrase
	if d.whole > 0 || fen == 0 {
		p = zhAmount(d.whole, word{"元", "yuan2"})
	}
	part := func(n uint64, unit word) {
		switch {
		case n == 0:
		case len(p) == 0:
			p = zhAmount(n, unit)
		default:
			p = append(p, measured(phrase{zhDigit(n)}, unit)...)
		}
	}
	part(fen/10, word{"角", "jiao3"})
	if fen < 10 && fen > 0 && len(p) > 0 { // 元 directly before 分
		return zhSigned(d, append(p, zhDigit(0), zhDigit(fen), word{"分", "fen1"})), nil
	}
	part(fen%10, word{"分", "fen1"})
	return zhSigned(d, p), nil
}

func zhDigits(value string, o Options) (phrase, error) {
	if !isDigits(value) || len(value) > maxDigits {
		return nil, unreadable("digits only, 40 at most")
	}
	return zhString(value, o.Yao), nil
}

func zhPhone(value string, _ Options) (phrase, error) {
	groups, err := phoneGroups(value)
	if err != nil {
		return nil, err
	}
	var p phrase
	for i, g := range groups {
		if i > 0 {
			p = append(p, word{"，", Pause})
		}
		rest, plus := strings.CutPrefix(g, "+")
		if plus {
			p = append(p, word{"加", "jia1"})
		}
		p = append(p, zhString(rest, true)...)
	}
	return p, nil
}

func zhVolume(value string, _ Options) (phrase, error) {
	d, unit, err := parseVolume(value)
	if err != nil {
		return nil, err
	}
	name := word{unit, "letter-" + strings.ToLower(unit)}
	if unit == "B" {
		name = word{"字节", "zi4jie2"}
	}
	return zhQuantity(d, name, true), nil
}
