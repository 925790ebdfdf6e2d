package sim

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"tierline/acd/sim"
	"tierline/routing"
	"tierline/routing/document"
)

func splitList(text string) iter.Seq[string] { return strings.SplitSeq(text, ",") }

func cutEqual(part string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(part, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), ok
}

// parseMix reads parts of any sum: they are shares of their sum.
func parseMix(text string) (sim.Mix, error) {
	parts, err := tierList(text, func(s string) (float64, error) {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v >= 0 && v <= 1e9) {
			return 0, fmt.Errorf("%q is no part", s)
		}
		return v, nil
	})
	if err != nil {
		return sim.Mix{}, err
	}
	return shares(parts)
}

func shares(parts [routing.TierCount]float64) (sim.Mix, error) {
	sum := 0.0
	for _, p := range parts {
		sum += p
	}
	if sum == 0 {
		return sim.Mix{}, errors.New("no tier has a part")
	}
	var m sim.Mix
	for t, p := range parts {
		m[t] = p / sum
	}
	return m, nil
}

func parseTimes(text string) ([routing.TierCount]time.Duration, error) {
	return tierList(text, document.ParseDuration)
}

// parseRate reads a number of calls per unit of time: 0.9/s, 54/min, 3240/h.
func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	per, ok := map[string]float64{"s": 1, "min": 60, "h": 3600}[strings.TrimSpace(unit)]
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v > 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is no rate (0.9/s, 54/min, 3240/h)", text)
	}
	return v / per, nil
}
