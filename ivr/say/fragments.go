package say

import (
	"slices"
	"strconv"
	"strings"
)

// Fragment is one sound that readings are made of.
type Fragment struct {
	ID     string // names the sound: prompt say/ID
	Text   string // as it is written
	Pinyin string // of a Chinese fragment: xiao3 shi2
}

// Fragments lists all sounds of a language, sorted by id.
func Fragments(lang string) []Fragment {
	var all []word
	for _, kind := range Kinds() {
		if kind == "count" {
			continue
		}
		for _, o := range []Options{{Clock: 12}, {Clock: 24, Hao: true, Exact: true}, {And: true, Yao: true}} {
			all = append(all, words(lang, kind, o, samples(kind))...)
		}
	}
	for i, unit := range Units(lang) { // what they count is the same for all
		values := []string{"1", "2", "100"}
		if i == 0 {
			values = samples("count")
		}
		all = append(all, words(lang, "count", Options{Unit: unit}, values)...)
	}
	slices.SortStableFunc(all, func(a, b word) int { return strings.Compare(a.fragment, b.fragment) })
	all = slices.CompactFunc(all, func(a, b word) bool { return a.fragment == b.fragment })
	out := make([]Fragment, len(all))
	for i, w := range all {
		out[i] = Fragment{ID: w.fragment, Text: strings.Trim(w.text, " -，,"), Pinyin: pinyin(lang, w.fragment)}
	}
	return out
}

// Needs lists the fragments that values of a kind can come to, sorted.
func Needs(lang, kind string, o Options) ([]string, error) {
	if err := Check(lang, kind, o); err != nil {
		return nil, err
	}
	var out []string
	name, _, _ := strings.Cut(kind, ":")
	for _, w := range words(lang, kind, o, samples(name)) {
		out = append(out, w.fragment)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// words reads values and returns what they were made of.
func words(lang, kind string, o Options, values []string) []word {
	read, o, err := find(lang, kind, o)
	if err != nil {
		return nil
	}
	var out []word
	for _, value := range values {
		p, err := read(value, o)
		if err == nil { // a negative date, half a position: samples are shared
			out = append(out, p...)
		}
	}
	return out
}

// samples are values with every word of their kind.
func samples(kind string) []string {
	switch kind {
	case "date", "datetime", "month", "weekday", "year":
		return dates(kind)
	case "time", "time12", "time24":
		var out []string
		for i := range 60 {
			minute := strconv.Itoa(100 + i)[1:]
			out = append(out, strconv.Itoa(100 + i%24)[1:]+":00", "10:"+minute)
		}
		return out
	case "wait":
		return append(pairs("", numbers()), "0-1", "0-2", "1-2", "2-3", "5-5")
	case "duration":
		out := append(numbers(), "60", "120", "3600", "7200", "86400")
		for i := range 60 {
			out = append(out, strconv.Itoa(3600*(i%24)+i), strconv.Itoa(172800+i), strconv.Itoa(60*i), strconv.Itoa(60*i+1))
		}
		return append(out, pairs("", scaled(86400))...)
	case "volume":
		out := numbers()
		for _, unit := range []string{"B", "K", "M", "G", "T"} {
			for _, n := range append(numbers(), fractions()...) {
				out = append(out, n+unit)
			}
		}
		return out
	case "phone", "digits":
		return []string{"0123456789", "+14155550100"}
	}
	return append(append(numbers(), fractions()...), amounts()...)
}

// numbers holds every word and every tone of whole numbers.
func numbers() []string {
	out := []string{"-1"}
	for n := range uint64(21) {
		out = append(out, strconv.FormatUint(n, 10))
	}
	for n := uint64(30); n < 100; n += 10 {
		out = append(out, strconv.FormatUint(n, 10), strconv.FormatUint(n+2, 10))
	}
	for n := uint64(3); n < 20; n++ {
		out = append(out, strconv.FormatUint(n*1000, 10))
	}
	for n := uint64(100); n <= 1e18; n *= 10 {
		for _, m := range []uint64{n, n + 1, 2 * n, 5 * n, 9 * n} {
			out = append(out, strconv.FormatUint(m, 10))
		}
	}
	return out
}

// scaled holds the numbers so many times.
func scaled(by uint64) []string {
	var out []string
	for _, s := range numbers() {
		n, err := strconv.ParseUint(s, 10, 64)
		if err == nil && n <= largest/by {
			out = append(out, strconv.FormatUint(n*by, 10))
		}
	}
	return out
}

// pairs adds to each number the range up to it and the one from it.
func pairs(before string, list []string) []string {
	out := list
	for _, n := range list {
		out = append(out, before+"2-"+n, n+"-9000000000000000000")
	}
	return out
}

// fractions holds every digit behind and before a point.
func fractions() []string {
	out := []string{"0.0123456789", "-0.5", "100.5"}
	for i := range 10 {
		out = append(out, strconv.Itoa(i)+"."+strconv.Itoa(i))
	}
	return out
}

// amounts holds every number of fen, with yuan and without.
func amounts() []string {
	var out []string
	for i := range 100 {
		fen := strconv.Itoa(100 + i)[1:]
		out = append(out, "0."+fen, "3."+fen)
	}
	return out
}

func dates(kind string) []string {
	out := []string{"1905", "1900", "2005", "2026", "2000", "9999", "800", "5", "1000-01-01T00:00"}
	for i := range 100 {
		year := strconv.Itoa(10000 + 19*100 + i)[1:]
		month, day := strconv.Itoa(101 + i%12)[1:], strconv.Itoa(101 + i%31)[1:]
		date := year + "-" + month + "-" + day
		out = append(out, date+"T"+strconv.Itoa(100 + i%24)[1:]+":00", "2026-10-10T10:"+strconv.Itoa(100 + i%60)[1:])
		if kind == "year" {
			out = append(out, strconv.Itoa(100*i+i), strconv.Itoa(2000+i))
		}
		out = append(out, strconv.Itoa(10000 + 100*i + i)[1:]+"-01-01T00:00")
	}
	return out
}

// Units lists the units that counts in a language can have; English ones in the
// singular.
func Units(lang string) []string {
	var out []string
	if lang == Chinese {
		for _, u := range zhUnits() {
			out = append(out, u.text)
		}
		return out
	}
	for _, u := range enUnits() {
		out = append(out, u[0])
	}
	return out
}

// pinyin tells how a Chinese fragment is pronounced; English has none.
func pinyin(lang, fragment string) string {
	if lang != Chinese || fragment == Pause {
		return ""
	}
	if letter, ok := strings.CutPrefix(fragment, "letter-"); ok {
		return map[string]string{"k": "kei1", "m": "ai1 mu3", "g": "ji4", "t": "ti4"}[letter]
	}
	syllables, _, _ := strings.Cut(fragment, "-")
	var b strings.Builder
	for i, r := range syllables {
		b.WriteRune(r)
		if strings.ContainsRune("1234", r) && i < len(syllables)-1 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// longestWhole is how many fragments a recorded whole can take the place of.
const longestWhole = 16

// Sounds chooses what to play for fragments: a recorded whole, whose name is
// those of its fragments joined by _, before its parts, the longest first. A
// fragment that isn't known stands for itself, so that it is missed.
func Sounds(fragments []string, known func(id string) bool) []string {
	var out []string
	for len(fragments) > 0 {
		n := min(len(fragments), longestWhole)
		for n > 1 && !known(strings.Join(fragments[:n], "_")) {
			n--
		}
		out = append(out, strings.Join(fragments[:n], "_"))
		fragments = fragments[n:]
	}
	return out
}
