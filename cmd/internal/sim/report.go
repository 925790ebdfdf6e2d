package sim

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"tierline/acd/sim"
)

// report is one run with what theory says of it.
type report struct {
	centre *sim.Centre
	flags  *flags
	result *sim.Result
	theory *sim.Expectation // nil: not asked for
}

// intervals is the part of JSON that --ci adds.
type intervals struct {
	Overall sim.Limits            `json:"overall"`
	Tiers   map[string]sim.Limits `json:"tiers"`
}

// json is the documented form: with a skills file also by class and group, and
// what flags ask for.
func (r *report) json() any {
	out := struct {
		sim.Result
		CI     *intervals       `json:"ci,omitempty"`
		Theory *sim.Expectation `json:"theory,omitempty"`
	}{Result: *r.result, Theory: r.theory}
	if r.flags.skills == "" {
		out.Classes, out.Groups = nil, nil
	}
	if r.flags.ci {
		out.CI = &intervals{Overall: r.result.Overall.Interval, Tiers: map[string]sim.Limits{}}
		for _, t := range r.result.Tiers {
			out.CI.Tiers[t.Tier.String()] = t.Interval
		}
	}
	return out
}

// text is the same for people.
func (r *report) text() string {
	var b strings.Builder
	r.head(&b)
	t := newTable(&b)
	t.row("", "offered", "answered", "abandoned", "mean wait", r.plus("theory"), "p50", "p95", "max",
		fmt.Sprintf("in %gs", r.flags.slSeconds))
	for _, tier := range r.result.Tiers {
		r.part(t, tier.Tier.String(), tier.Part, r.expectedWait(tier))
	}
	if r.flags.skills != "" {
		for i, class := range r.result.Classes {
			theory := ""
			if r.theory != nil && len(r.theory.Classes) > i {
				theory = secs(r.theory.Classes[i].MeanWait)
			}
			r.part(t, "class "+class.Class, class.Part, theory)
		}
	}
	t.end()
	b.WriteString("\n")
	r.overall(&b)
	return b.String()
}

func (r *report) head(b *strings.Builder) {
	c := r.centre
	load := c.Rate() * c.AHT.Seconds()
	patience := "endless patience"
	if c.Patience > 0 {
		patience = "patience " + c.Patience.String()
	}
	fmt.Fprintf(b, "%d agents, %.4g calls/s of %s: %.4g erlangs, load %.3f; %s; policy %s; seed %d\n\n",
		c.Agents(), c.Rate(), c.AHT, load, load/float64(c.Agents()), patience, c.Policy, r.flags.seed)
}

// plus is the head of a column that only theory has.
func (r *report) plus(name string) string {
	if r.theory == nil {
		return ""
	}
	return name
}

func (r *report) expectedWait(t sim.TierResult) string {
	if r.theory == nil {
		return ""
	}
	for _, e := range r.theory.Tiers {
		if e.Tier == t.Tier {
			return secs(e.MeanWait)
		}
	}
	return "-"
}

func (r *report) part(t *table, name string, p sim.Part, theory string) {
	mean := secs(p.MeanWait)
	if r.flags.ci {
		mean += fmt.Sprintf(" ± %.2f", p.Interval.MeanWait)
	}
	t.row(name, fmt.Sprint(p.Offered), fmt.Sprint(p.Answered), fmt.Sprint(p.Abandoned), mean, theory,
		secs(p.P50), secs(p.P95), secs(p.Max), percent(p.SL))
}

func (r *report) overall(b *strings.Builder) {
	t := newTable(b)
	o := r.result.Overall
	var e sim.ExpectedOverall
	known := r.theory != nil && r.theory.Overall != nil
	if known {
		e = *r.theory.Overall
	}
	row := func(name, value string, half float64, theory string) {
		if r.flags.ci && half > 0 {
			value += fmt.Sprintf(" ± %.4f", half)
		}
		if !known {
			theory = ""
		}
		t.row(name, value, theory)
	}
	t.row("all calls", "", r.plus("theory"))
	row("mean wait", secs(o.MeanWait), o.Interval.MeanWait, secs(e.MeanWait))
	row("wait at all", percent(o.PWait), o.Interval.PWait, percent(e.PWait))
	row("hang up", percent(o.PAbandon), o.Interval.PAbandon, percent(e.PAbandon))
	level := ""
	if e.SL != nil {
		level = percent(*e.SL)
	}
	row(fmt.Sprintf("in %gs", r.flags.slSeconds), percent(o.SL), o.Interval.SL, level)
	row("occupancy", percent(o.Occupancy), 0, percent(e.Occupancy))
	row("longest overtake", secs(o.MaxOvertake), 0, "")
	if r.flags.skills != "" {
		for i, g := range r.result.Groups {
			theory := ""
			if r.theory != nil && len(r.theory.Groups) > i {
				theory = percent(r.theory.Groups[i].Occupancy)
			}
			t.row("busy: "+g.Group, percent(g.Occupancy), theory)
		}
	}
	t.end()
	if r.theory != nil && r.theory.Note != "" {
		b.WriteString("\n" + r.theory.Note + "\n")
	}
}

func secs(v float64) string    { return fmt.Sprintf("%.2f s", v) }
func percent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

// table lines columns up; columns without any text are left out.
type table struct {
	b    *strings.Builder
	rows [][]string
}

func newTable(b *strings.Builder) *table { return &table{b: b} }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) end() {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	used := map[int]bool{}
	for _, row := range t.rows {
		for i, cell := range row {
			used[i] = used[i] || cell != ""
		}
	}
	width := 0
	for _, row := range t.rows {
		width = max(width, len(row[0]))
	}
	for _, row := range t.rows {
		line := []string{fmt.Sprintf("%-*s", width, row[0])}
		for i, cell := range row[1:] {
			if used[i+1] {
				line = append(line, cell)
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(line, "\t")+"\t") // a Builder takes everything
	}
	_ = w.Flush()
	for line := range strings.Lines(text.String()) { // the first column stands at the left
		t.b.WriteString(strings.TrimRight(strings.TrimPrefix(line, "  "), " \n") + "\n")
	}
}
