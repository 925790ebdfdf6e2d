package say_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tierline/ivr/say"
)

// manyZeros draws 0 to 10^12, most digits of them 0, 1 or 2: that is where
// readings go wrong.
func manyZeros() *rapid.Generator[uint64] {
	return rapid.Custom(func(t *rapid.T) uint64 {
		if rapid.Bool().Draw(t, "any") {
			return rapid.Uint64Range(0, 1e12).Draw(t, "n")
		}
		digits := rapid.SliceOfN(rapid.SampledFrom([]uint64{0, 0, 0, 0, 1, 2, 5, 9}), 1, 12).Draw(t, "digits")
		var n uint64
		for _, d := range digits {
			n = n*10 + d
		}
		return n
	})
}

func read(t rapid.TB, lang, kind, value string) say.Reading {
	t.Helper()
	r, err := say.Read(lang, kind, value, say.Options{})
	if err != nil {
		t.Fatalf("%s %s %s: %v", lang, kind, value, err)
	}
	return r
}

func TestChineseParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := manyZeros().Draw(t, "n")
		text := read(t, "zh", "number", strconv.FormatUint(n, 10)).Text
		if got := parseChinese(t, text); got != n {
			t.Fatalf("%d: %s is %d", n, text, got)
		}
		if n > 0 && (strings.Contains(text, "零零") || strings.HasSuffix(text, "零") || strings.HasPrefix(text, "零")) {
			t.Fatalf("%d: %s", n, text)
		}
		if got := strings.Count(text, "零"); n > 0 && got != zeros(n) {
			t.Fatalf("%d: %s has %d 零, want %d", n, text, got, zeros(n))
		}
		if i := strings.Index(text, "两"); i > 0 {
			t.Fatalf("%d: %s has 两 inside", n, text)
		}
	})
}

// parseChinese is the inverse of a number's reading, written independently.
func parseChinese(t rapid.TB, s string) uint64 {
	for _, scale := range []struct {
		name string
		n    uint64
	}{{"亿", 1e8}, {"万", 1e4}} {
		if i := strings.LastIndex(s, scale.name); i >= 0 {
			return parseChinese(t, s[:i])*scale.n + parseChinese(t, s[i+len(scale.name):])
		}
	}
	var sum, digit uint64
	for _, r := range s {
		switch {
		case strings.ContainsRune("零一二三四五六七八九", r):
			digit = uint64(slices.Index([]rune("零一二三四五六七八九"), r))
		case r == '两':
			digit = 2
		case r == '十':
			sum, digit = sum+max(digit, 1)*10, 0
		case r == '百':
			sum, digit = sum+digit*100, 0
		case r == '千':
			sum, digit = sum+digit*1000, 0
		default:
			t.Fatalf("%s: %c", s, r)
		}
	}
	return sum + digit
}

// zeros counts the 零 that a number needs: one for each run of zeros between
// two digits, unless all it has are the ends of sections that say something.
func zeros(n uint64) int {
	s := strconv.FormatUint(n, 10)
	s = strings.Repeat("0", (4-len(s)%4)%4) + s
	var said []bool // a zero that counts
	for i := 0; i < len(s); i += 4 {
		section := s[i : i+4]
		end := len(strings.TrimRight(section, "0"))
		for j := range 4 {
			said = append(said, section[j] == '0' && (j < end || end == 0))
		}
	}
	first, last := strings.IndexAny(s, "123456789"), strings.LastIndexAny(s, "123456789")
	count, open := 0, false
	for i := first; i <= last; i++ {
		if s[i] != '0' {
			open = false
			continue
		}
		if said[i] && !open {
			count, open = count+1, true
		}
	}
	return count
}

func TestEnglishParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := manyZeros().Draw(t, "n")
		text := read(t, "en", "number", strconv.FormatUint(n, 10)).Text
		if got := parseEnglish(t, text); got != n {
			t.Fatalf("%d: %s is %d", n, text, got)
		}
		if n > 0 && strings.Contains(text, "zero") {
			t.Fatalf("%d: %s", n, text)
		}
	})
}

func parseEnglish(t rapid.TB, s string) uint64 {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen " +
		"fifteen sixteen seventeen eighteen nineteen")
	tens := strings.Fields("0 10 twenty thirty forty fifty sixty seventy eighty ninety")
	large := strings.Fields("unit thousand million billion trillion")
	var sum, section uint64
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '-' }) {
		switch {
		case slices.Contains(small, w):
			section += uint64(slices.Index(small, w))
		case slices.Contains(tens, w):
			section += 10 * uint64(slices.Index(tens, w))
		case w == "hundred":
			section *= 100
		case slices.Contains(large, w):
			scale := uint64(1)
			for range slices.Index(large, w) {
				scale *= 1000
			}
			sum, section = sum+section*scale, 0
		default:
			t.Fatalf("%s: %s", s, w)
		}
	}
	return sum + section
}

func TestMoneyParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fen := manyZeros().Draw(t, "fen")
		value := fmt.Sprintf("%d.%02d", fen/100, fen%100)
		var got uint64
		rest := read(t, "zh", "money", value).Text
		for _, unit := range []struct {
			name string
			fen  uint64
		}{{"元", 100}, {"角", 10}, {"分", 1}} {
			if before, after, ok := strings.Cut(rest, unit.name); ok {
				got, rest = got+parseChinese(t, before)*unit.fen, after
			}
		}
		if got != fen || rest != "" {
			t.Fatalf("%s: %d, %q left", value, got, rest)
		}
		text := read(t, "en", "money", value).Text
		yuan, rest, ok := strings.Cut(text, " yuan")
		if !ok {
			yuan, rest = "zero", " and "+text
		}
		small := uint64(0)
		if rest != "" {
			small = parseEnglish(t, strings.TrimSuffix(strings.TrimPrefix(rest, " and "), " fen"))
		}
		if got := parseEnglish(t, yuan)*100 + small; got != fen {
			t.Fatalf("%s: %s is %d", value, text, got)
		}
	})
}

// Whatever is read, its sounds are among those that were promised.
func TestNeedsAreComplete(t *testing.T) {
	values := map[string]func(*rapid.T) string{
		"date":     func(t *rapid.T) string { return day(t) },
		"month":    func(t *rapid.T) string { return day(t) },
		"weekday":  func(t *rapid.T) string { return day(t) },
		"datetime": func(t *rapid.T) string { return day(t) + "T" + clock(t) },
		"time":     clock, "time12": clock, "time24": clock,
		"year":   func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(1, 9999).Draw(t, "year")) },
		"phone":  func(t *rapid.T) string { return rapid.StringMatching(`\+?[0-9]{1,20}`).Draw(t, "phone") },
		"digits": func(t *rapid.T) string { return rapid.StringMatching(`[0-9]{1,20}`).Draw(t, "digits") },
		"money":  func(t *rapid.T) string { return rapid.StringMatching(`-?[0-9]{1,18}(\.[0-9]{1,2})?`).Draw(t, "money") },
		"wait": func(t *rapid.T) string {
			low := manyZeros().Draw(t, "low")
			return fmt.Sprintf("%d-%d", low, low+manyZeros().Draw(t, "more"))
		},
		"volume": func(t *rapid.T) string {
			return rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,3})?[KMGT]?B?`).Draw(t, "volume")
		},
	}
	for _, lang := range []string{"zh", "en"} {
		for _, kind := range say.Kinds() {
			t.Run(lang+" "+kind, func(t *testing.T) { needs(t, lang, kind, values[kind]) })
		}
	}
}

func needs(t *testing.T, lang, kind string, value func(*rapid.T) string) {
	known := map[say.Options][]string{}
	rapid.Check(t, func(t *rapid.T) {
		o := say.Options{
			Yao: rapid.Bool().Draw(t, "yao"), Hao: rapid.Bool().Draw(t, "hao"), Exact: rapid.Bool().Draw(t, "exact"),
			And: rapid.Bool().Draw(t, "and"), Clock: rapid.SampledFrom([]int{0, 12, 24}).Draw(t, "clock"),
			Unit: rapid.SampledFrom(map[string][]string{
				"zh": {"个", "分", "本", "小时", "点", "号", "两"}, "en": {"points", "people", "text message"},
			}[lang]).Draw(t, "unit"),
		}
		var v string
		if value != nil {
			v = value(t)
		} else {
			v = rapid.StringMatching(`-?[0-9]{1,19}(\.[0-9]{1,5})?`).Draw(t, "value")
		}
		r, err := say.Read(lang, kind, v, o)
		if err != nil {
			return
		}
		promised := known[o]
		if promised == nil {
			if promised, err = say.Needs(lang, kind, o); err != nil {
				t.Fatal(err)
			}
			known[o] = promised
		}
		for _, f := range r.Fragments {
			if !slices.Contains(promised, f) {
				t.Fatalf("%s: %s is not promised: %v", v, f, promised)
			}
		}
	})
}

func day(t *rapid.T) string {
	return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(1, 9999).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"),
		rapid.IntRange(1, 28).Draw(t, "d"))
}

func clock(t *rapid.T) string {
	return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "h"), rapid.IntRange(0, 59).Draw(t, "min"))
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"readings.tsv", "more.tsv"} {
		for _, v := range vectors(f, name) {
			f.Add(v[1], v[2], v[3])
		}
	}
	f.Fuzz(func(t *testing.T, lang, kind, value string) {
		r, err := say.Read(lang, kind, value, say.Options{})
		if (err == nil) != (r.Text != "") || (err == nil) != (len(r.Fragments) > 0) {
			t.Fatalf("%+v, %v", r, err)
		}
		if err == nil && len(r.Fragments) > 120 {
			t.Fatalf("%d fragments of %q", len(r.Fragments), value)
		}
	})
}
