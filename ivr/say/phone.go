package say

import (
	"regexp"
	"strings"
)

// phoneGroups cuts a telephone number where people pause. Numbers of plans it
// doesn't know keep the groups they were written in.
func phoneGroups(value string) ([]string, error) {
	written := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" -()", r) })
	digits, abroad := strings.CutPrefix(strings.Join(written, ""), "+")
	if !isDigits(digits) || len(digits) > maxDigits {
		return nil, unreadable("a telephone number is digits, with a + before them at most")
	}
	switch home, ours := withoutCountry(digits, abroad); {
	case ours && home != nil:
		return home, nil
	case ours:
		return behindCountry(digits, abroad), nil
	case abroad && len(written) > 1:
		return written, nil
	case abroad:
		return foreign(digits), nil
	}
	if groups := plan(digits); groups != nil {
		return groups, nil
	}
	if len(written) > 1 {
		return written, nil
	}
	return fours(digits), nil
}

// withoutCountry groups a Chinese number with its country code as people in the
// country say it: without the code, and with the 0 of the area. ours: it has the
// code; nil: but is no number of the plan.
func withoutCountry(digits string, abroad bool) (groups []string, ours bool) {
	prefix := "0086"
	if abroad {
		prefix = "86"
	}
	rest, ours := strings.CutPrefix(digits, prefix)
	if !ours || rest == "" {
		return nil, ours
	}
	if groups = plan(rest); groups == nil {
		groups = plan("0" + rest) // the area code has lost its 0
	}
	return groups, true
}

// behindCountry groups what has our country code and is no number.
func behindCountry(digits string, abroad bool) []string {
	code, rest := "+86", strings.TrimPrefix(digits, "86")
	if !abroad {
		code, rest = "0086", strings.TrimPrefix(digits, "0086")
	}
	if rest == "" {
		return []string{code}
	}
	return append([]string{code}, fours(rest)...)
}

// plan groups numbers of the Chinese plan; nil: it isn't one.
func plan(digits string) []string {
	for _, form := range []struct{ is, cut string }{
		{`^\d{1,6}$`, `^(\d+)$`},                         // short codes, in one go
		{`^\d{7}$`, `^(\d{3})(\d{4})$`},                  // local
		{`^\d{8}$`, `^(\d{4})(\d{4})$`},                  // local, large cities
		{`^[48]00\d{7}$`, `^(\d{3})(\d{3})(\d{4})$`},     // 400 and 800
		{`^1[3-9]\d{9}$`, `^(\d{3})(\d{4})(\d{4})$`},     // mobile
		{`^0(10|2\d)\d{8}$`, `^(\d{3})(\d{4})(\d{4})$`},  // short area code
		{`^0[3-9]\d{9}$`, `^(\d{4})(\d{3})(\d{4})$`},     // long area code, 7 digits
		{`^0[3-9]\d{10}$`, `^(\d{4})(\d{4})(\d{4})$`},    // long area code, 8 digits
		{`^01[3-9]\d{9}$`, `^(0)(\d{3})(\d{4})(\d{4})$`}, // mobile in another city
	} {
		if regexp.MustCompile(form.is).MatchString(digits) {
			return regexp.MustCompile(form.cut).FindStringSubmatch(digits)[1:]
		}
	}
	return nil
}

// foreign groups a number of which nothing but the + is known.
func foreign(digits string) []string {
	groups := fours(digits)
	groups[0] = "+" + groups[0]
	return groups
}

// fours cuts a long number into groups of four from its end; what is left at
// its beginning has three at least if it can.
func fours(digits string) []string {
	var groups []string
	for len(digits) > 5 {
		cut := len(digits) - 4
		if len(digits) == 6 {
			cut = 3
		}
		groups = append([]string{digits[cut:]}, groups...)
		digits = digits[:cut]
	}
	return append([]string{digits}, groups...)
}
