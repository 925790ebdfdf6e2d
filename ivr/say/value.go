package say

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// unreadable says why a value can't be read.
func unreadable(why string) error { return fmt.Errorf("%w: %s", ErrUnreadable, why) }

// decimal is a number as it was written: no float comes near it.
type decimal struct {
	negative bool
	whole    uint64
	fraction string // the digits behind the point
}

// largest whole number that is read: what an int64 holds.
const largest = 1<<63 - 1

// parseDecimal takes 12, -12 and 12.50; neither grouping commas nor exponents.
func parseDecimal(value string) (decimal, error) {
	var d decimal
	rest, negative := strings.CutPrefix(value, "-")
	whole, fraction, pointed := strings.Cut(rest, ".")
	if !isDigits(whole) || pointed && !isDigits(fraction) {
		return d, unreadable("a number is digits, with a point and a minus at most: 12, -0.5")
	}
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || n > largest {
		return d, unreadable("larger than 9223372036854775807")
	}
	if len(fraction) > maxDigits {
		return d, unreadable(fmt.Sprintf("more than %d digits", maxDigits))
	}
	d = decimal{whole: n, fraction: fraction}
	d.negative = negative && (n > 0 || strings.Trim(fraction, "0") != "") // there is no minus zero
	return d, nil
}

// parseWhole takes a whole number.
func parseWhole(value string) (decimal, error) {
	d, err := parseDecimal(value)
	if err == nil && d.fraction != "" {
		return d, unreadable("not a whole number")
	}
	return d, err
}

// parseOrdinal takes a whole number that isn't negative.
func parseOrdinal(value string) (decimal, error) {
	d, err := parseWhole(value)
	if err == nil && d.negative {
		return d, unreadable("a place in an order is not negative")
	}
	return d, err
}

// checkPosition refuses what is no place in a queue.
func checkPosition(value string) error {
	if d, err := parseWhole(value); err != nil || d.negative || d.whole == 0 {
		return unreadable("a position is 1 or more")
	}
	return nil
}

// parseMoney takes yuan with at most two decimals and returns whole yuan and
// fen.
func parseMoney(value string) (d decimal, fen uint64, err error) {
	if d, err = parseDecimal(value); err != nil {
		return d, 0, err
	}
	if len(d.fraction) > 2 {
		return d, 0, unreadable("an amount has at most two decimals")
	}
	for i := range 2 {
		fen *= 10
		if i < len(d.fraction) {
			fen += uint64(d.fraction[i] - '0')
		}
	}
	return d, fen, nil
}

// maxDigits bounds what is read digit by digit.
const maxDigits = 40

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseYear takes 1 to 9999.
func parseYear(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || !isDigits(value) || n < 1 || n > 9999 {
		return 0, unreadable("a year is 1 to 9999")
	}
	return n, nil
}

// parseDate takes 2026-11-21, or the date of a date and time.
func parseDate(value string) (time.Time, error) {
	if len(value) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, value)
		if err != nil || t.Year() < 1 {
			return t, unreadable("no such day; a date is YYYY-MM-DD")
		}
		return t, nil
	}
	t, err := parseDatetime(value)
	if err != nil {
		return t, unreadable("a date is YYYY-MM-DD")
	}
	return t, nil
}

// parseMonth takes 2026-02, or the month of a date.
func parseMonth(value string) (time.Time, error) {
	if len(value) != len("2006-01") {
		return parseDate(value)
	}
	t, err := time.Parse("2006-01", value)
	if err != nil || t.Year() < 1 {
		return t, unreadable("no such month; a month is YYYY-MM")
	}
	return t, nil
}

// parseDatetime takes the forms of ISO 8601 with minutes at least; the clock
// is read as it stands, whatever its zone.
func parseDatetime(value string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
		time.DateTime, "2006-01-02 15:04",
	} {
		if t, err := time.Parse(layout, value); err == nil && t.Year() >= 1 {
			return t, nil
		}
	}
	return time.Time{}, unreadable("no such time; a date and time is YYYY-MM-DDTHH:MM")
}

// parseClock takes 14:02, or the time of a date and time. Seconds are not
// read.
func parseClock(value string) (time.Time, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	t, err := parseDatetime(value)
	if err != nil {
		return t, unreadable("no such time; a time is HH:MM")
	}
	return t, nil
}

// parts are a duration's days, hours, minutes and seconds.
func parseDuration(value string) (parts [4]uint64, err error) {
	d, err := parseWhole(value)
	if err == nil && d.negative {
		err = unreadable("a duration is not negative")
	}
	if err != nil {
		return parts, err
	}
	n := d.whole
	parts[3], n = n%60, n/60
	parts[2], n = n%60, n/60
	parts[1], parts[0] = n%24, n/24
	return parts, nil
}

// parseWait takes a range of minutes: 2-5, or 3; 0-1 is less than a minute.
func parseWait(value string) (low, high uint64, err error) {
	first, last, ranged := strings.Cut(value, "-")
	if !ranged {
		last = first
	}
	a, err := parseWhole(first)
	if err != nil {
		return 0, 0, unreadable("a wait is minutes: 3 or 2-5")
	}
	b, err := parseWhole(last)
	if err != nil || b.whole < a.whole || b.negative {
		return 0, 0, unreadable("a wait is minutes: 3 or 2-5")
	}
	return a.whole, b.whole, nil
}

// parseVolume takes 2.5GB, 500 MB, or bytes.
func parseVolume(value string) (d decimal, unit string, err error) {
	number := strings.TrimRight(value, "BKMGTbkmgti ")
	given := strings.ToUpper(strings.TrimSpace(value[len(number):]))
	if given == "" {
		return bytesVolume(number)
	}
	unit, ok := map[string]string{
		"B": "B", "K": "K", "KB": "K", "KIB": "K", "M": "M", "MB": "M", "MIB": "M",
		"G": "G", "GB": "G", "GIB": "G", "T": "T", "TB": "T", "TIB": "T",
	}[given]
	if !ok {
		return d, "", unreadable("a volume is bytes or has B, KB, MB, GB or TB behind it")
	}
	d, err = parseDecimal(number)
	if err == nil && d.negative {
		err = unreadable("a volume is not negative")
	}
	if err == nil && unit == "B" && d.fraction != "" {
		err = unreadable("bytes are whole")
	}
	return d, unit, err
}

// bytesVolume chooses the largest unit of which there is one, and rounds to
// two decimals: that is what a caller can take in.
func bytesVolume(value string) (d decimal, unit string, err error) {
	if d, err = parseWhole(value); err == nil && d.negative {
		err = unreadable("a volume is not negative")
	}
	if err != nil || d.whole < 1024 {
		return d, "B", err
	}
	units, i, scale := []string{"B", "K", "M", "G", "T"}, 0, uint64(1)
	for i < len(units)-1 && rounded(d.whole, scale) >= 1024*100 {
		i, scale = i+1, scale*1024
	}
	hundredths := rounded(d.whole, scale)
	d.whole = hundredths / 100
	d.fraction = strings.TrimRight(fmt.Sprintf("%02d", hundredths%100), "0")
	return d, units[i], nil
}

// rounded returns n/scale in hundredths.
func rounded(n, scale uint64) uint64 {
	return n/scale*100 + (n%scale*100+scale/2)/scale
}
