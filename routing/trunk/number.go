package trunk

import "strings"

// maxNumber is the longest number we look at; longer ones are cut.
const maxNumber = 64

// China's country code, whose numbers we know by their shape.
const china = "86"

// Numbering says how a peer writes numbers. The zero value is China's public
// network.
type Numbering struct {
	Country       string    // country code; "" means 86
	International string    // prefix of foreign numbers; "" means 00
	National      string    // prefix of numbers of other areas; "" means 0
	Area          string    // area code without the prefix, for numbers without one, e.g. 10 or 571
	Rewrites      []Rewrite // tried first; the longest prefix wins
}

// Rewrite changes the beginning of a number before it is understood: a peer's
// routing prefix goes, a private number becomes public.
type Rewrite struct {
	Prefix string // of the digits as received, a leading + included
	Length int    // of the whole number; 0 means any
	Strip  int    // characters to take off the front
	Add    string // to put there instead
}

// Normalise turns a number into its E.164 form with a plus. Service codes,
// extensions and what isn't understood stay as they are, without separators;
// withheld numbers become empty.
func (n Numbering) Normalise(number string) string {
	s, isNumber := clean(number)
	if !isNumber {
		return s
	}
	s = rewritten(n.Rewrites, s)
	country, international, national := n.country(), orDefault(n.International, "00"), orDefault(n.National, "0")
	switch {
	case strings.HasPrefix(s, "+"):
	case strings.HasPrefix(s, international) && len(s) > len(international)+4:
		s = "+" + s[len(international):]
	case country == china:
		s = n.chinese(s, national)
	case strings.HasPrefix(s, national) && len(s) > len(national)+6:
		s = "+" + country + s[len(national):]
	}
	return n.home(s, national)
}

// Home says whether a normalised number is one of this country, or a service
// code.
func (n Numbering) Home(number string) bool {
	return !strings.HasPrefix(number, "+") || strings.HasPrefix(number, "+"+n.country())
}

func (n Numbering) country() string { return orDefault(n.Country, china) }

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// clean drops what people and gateways put between digits. A name is left as
// it is; only + and digits, * and # are numbers.
func clean(s string) (cleaned string, isNumber bool) {
	s, _, _ = strings.Cut(s, ";") // parameters of a tel URI
	if len(s) > maxNumber {
		s = s[:maxNumber]
	}
	switch strings.ToLower(s) {
	case "anonymous", "unknown", "unavailable", "private", "restricted", "withheld":
		return "", false
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9', c == '+' && i == 0:
			b.WriteRune(c)
		case c == '-' || c == '.' || c == '(' || c == ')' || c == ' ':
		default:
			return s, false
		}
	}
	if b.String() == "+" {
		return "", false
	}
	return b.String(), b.Len() > 0
}

// rewritten is a number after the best of some rewrites.
func rewritten(rules []Rewrite, s string) string {
	best := -1
	for i, r := range rules {
		if !strings.HasPrefix(s, r.Prefix) || r.Length != 0 && r.Length != len(s) ||
			r.Strip < 0 || r.Strip > len(s) {
			continue
		}
		if best < 0 || longer(r, rules[best]) {
			best = i
		}
	}
	if best < 0 {
		return s
	}
	r := rules[best]
	return r.Add + s[r.Strip:]
}

func longer(a, b Rewrite) bool {
	if len(a.Prefix) != len(b.Prefix) {
		return len(a.Prefix) > len(b.Prefix)
	}
	return a.Length != 0 && b.Length == 0
}

// home looks at a number in international form: behind our own country code
// some gateways leave the national prefix, or put the code before a short one.
func (n Numbering) home(s, national string) string {
	rest, ours := strings.CutPrefix(s, "+"+n.country())
	if !ours {
		return s
	}
	for len(rest) > 6 && strings.HasPrefix(rest, national) {
		rest = rest[len(national):]
	}
	if len(rest) <= 6 && len(rest) > 0 {
		return rest
	}
	return "+" + n.country() + rest
}

// chinese understands a number without + or 00 by its shape.
func (n Numbering) chinese(s, national string) string {
	if rest, ok := strings.CutPrefix(s, national); ok {
		return chineseNational(s, rest)
	}
	rest, coded := strings.CutPrefix(s, china)
	switch {
	case coded && (len(rest) == 10 || len(rest) == 11):
		return "+" + s
	case coded && n.Area == "" && serviceCode(rest):
		return rest // with an area 8610000 is a subscriber's number of seven digits
	case mobile(s), hotline(s):
		return "+" + china + s
	case n.Area != "" && (len(s) == 7 || len(s) == 8) && s[0] >= '2':
		return "+" + china + n.Area + s
	}
	return s
}

// chineseNational understands what stands behind the national prefix.
func chineseNational(s, rest string) string {
	switch len(rest) {
	case 9, 10, 11: // area and subscriber, or 0 before a mobile number
		return "+" + china + rest
	case 7, 8: // 021 10000, 0571 10000: a service code of that area
		if code := rest[areaLength(rest):]; serviceCode(code) {
			return code
		}
	}
	return s
}

func mobile(s string) bool { return len(s) == 11 && s[0] == '1' && s[1] >= '3' }

func hotline(s string) bool {
	return len(s) == 10 && (strings.HasPrefix(s, "400") || strings.HasPrefix(s, "800"))
}

func serviceCode(s string) bool { return len(s) == 5 && (s[0] == '1' || s[0] == '9') }

// areaLength is the length of the area code a national number begins with:
// Beijing is 10, eight other cities are 2x, the rest have three digits.
func areaLength(s string) int {
	if strings.HasPrefix(s, "10") || strings.HasPrefix(s, "2") {
		return 2
	}
	return 3
}
