package sim

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tierline/routing/document"
)

// maxIntervals is a year of quarters of an hour, and some.
const maxIntervals = 50_000

// interval is what one row of an intervals file says.
type interval struct {
	start string
	calls float64
	rate  float64 // per second
	aht   float64 // s
}

func (i *interval) name() string {
	if i.start == "" {
		return fmt.Sprintf("%g calls/s", i.rate)
	}
	return "interval " + i.start
}

// intervalColumns says where what stands; -1: nowhere.
type intervalColumns struct{ start, calls, aht int }

// readIntervals reads a CSV file with the columns start, calls and, if not aht
// is to count for all, aht_s. Other columns don't matter.
func readIntervals(file string, src []byte, aht, seconds float64) ([]interval, error) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(src) {
		return nil, fmt.Errorf("%s: not UTF-8", file)
	}
	r := csv.NewReader(bytes.NewReader(src))
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: is empty", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c, err := findColumns(head)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", file, err)
	}
	var out []interval
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		line, _ := r.FieldPos(0)
		i, err := c.read(row, aht)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		case len(out) == maxIntervals:
			return nil, fmt.Errorf("%s: more than %d intervals", file, maxIntervals)
		}
		i.rate = i.calls / seconds
		out = append(out, i)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: has no intervals", file)
	}
	return out, nil
}

func findColumns(head []string) (intervalColumns, error) {
	names := make([]string, 0, len(head))
	for _, h := range head {
		names = append(names, strings.ToLower(strings.TrimSpace(h)))
	}
	c := intervalColumns{
		start: slices.Index(names, "start"), calls: slices.Index(names, "calls"), aht: slices.Index(names, "aht_s"),
	}
	for _, needed := range []struct {
		name string
		at   int
	}{{"start", c.start}, {"calls", c.calls}} {
		if needed.at < 0 {
			return c, fmt.Errorf("there is no column %q%s", needed.name, document.DidYouMean(needed.name, names))
		}
	}
	return c, nil
}

func (c *intervalColumns) read(row []string, aht float64) (interval, error) {
	i := interval{start: strings.TrimSpace(row[c.start]), aht: aht}
	if i.start == "" {
		return i, errors.New("start is empty")
	}
	calls, err := strconv.ParseFloat(strings.TrimSpace(row[c.calls]), 64)
	if err != nil || !(calls >= 0 && calls <= 1e9) {
		return i, fmt.Errorf("calls: %q is no number of calls", row[c.calls])
	}
	i.calls = calls
	if c.aht < 0 {
		return i, nil
	}
	i.aht, err = strconv.ParseFloat(strings.TrimSpace(row[c.aht]), 64)
	if err != nil || !(i.aht > 0 && i.aht <= 1e6) {
		return i, fmt.Errorf("aht_s: %q is no number of seconds", row[c.aht])
	}
	return i, nil
}
