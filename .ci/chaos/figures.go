package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const head = "| what happens | legs | alive | gap p50 | p99 | longest | new calls p50 / longest | else |\n" +
	"|---|---|---|---|---|---|---|---|"

// figures are what was measured.
type figures struct {
	legs, alive int
	gaps        []time.Duration // longest hole of each leg of the node that it happened to
	answers     []time.Duration // new calls: until the final answer
	more        []figure        // what only some trials have
}

// figure is a time with a name.
type figure struct {
	name string
	took time.Duration
}

// limits are what the design allows; 0: nothing is said.
type limits struct {
	p50, p99 time.Duration            // of the gaps
	answer   time.Duration            // of new calls, the longest
	more     map[string]time.Duration // by name of the figure
}

func (f *figures) add(o *figures) {
	f.legs, f.alive = f.legs+o.legs, f.alive+o.alive
	f.gaps, f.answers = append(f.gaps, o.gaps...), append(f.answers, o.answers...)
	f.more = append(f.more, o.more...)
}

func (f *figures) note(name string, took time.Duration) {
	f.more = append(f.more, figure{name, took})
}

// worst returns the longest time of each name, in the order of their coming.
func (f *figures) worst() (out []figure) {
	for _, m := range f.more {
		i := slices.IndexFunc(out, func(o figure) bool { return o.name == m.name })
		if i < 0 {
			out = append(out, m)
			continue
		}
		out[i].took = max(out[i].took, m.took)
	}
	return out
}

// percentile of a list; 0 if it is empty.
func percentile(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func (f *figures) row(name string) string {
	var more []string
	for _, m := range f.worst() {
		more = append(more, m.name+" "+seconds(m.took))
	}
	return fmt.Sprintf("| %s | %d | %.1f %% | %s | %s | %s | %s / %s | %s |", name,
		f.legs, 100*float64(f.alive)/float64(max(1, f.legs)),
		seconds(percentile(f.gaps, 50)), seconds(percentile(f.gaps, 99)), seconds(percentile(f.gaps, 100)),
		seconds(percentile(f.answers, 50)), seconds(percentile(f.answers, 100)), strings.Join(more, ", "))
}

// misses says which limits were passed.
func (f *figures) misses(t trial, slack float64) (faults []string) {
	if float64(f.alive) < 0.999*float64(f.legs) {
		faults = append(faults, fmt.Sprintf("%s: %d of %d legs are alive", t.name, f.alive, f.legs))
	}
	check := func(what string, is, limit time.Duration) {
		if limit > 0 && slack > 0 && is > time.Duration(slack*float64(limit)) {
			faults = append(faults, fmt.Sprintf("%s: %s %s, allowed are %s", t.name, what, seconds(is), seconds(limit)))
		}
	}
	check("gap p50", percentile(f.gaps, 50), t.limits.p50)
	check("gap p99", percentile(f.gaps, 99), t.limits.p99)
	check("new calls: longest", percentile(f.answers, 100), t.limits.answer)
	for _, m := range f.worst() {
		check(m.name, m.took, t.limits.more[m.name])
	}
	return faults
}
