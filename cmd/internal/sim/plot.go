package sim

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tierline/acd/sim"
	"tierline/routing"
	"tierline/routing/rank"
)

// point is one run of a plot.
type point struct {
	Policy rank.Policy      `json:"-"`
	Name   string           `json:"policy"`
	Load   float64          `json:"load"`
	Tiers  []sim.TierResult `json:"tiers"`
}

// loads are those of a plot, in percent. Without patience there is no wait to
// draw at 1 and above.
func loads(endless bool) []int {
	all := []int{70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120}
	if endless {
		return all[:6]
	}
	return all
}

func (f *flags) runPlot(cmd *cobra.Command, c *sim.Centre) error {
	points, err := f.sweep(cmd, c)
	if err != nil {
		return err
	}
	text := drawing(c, points)
	if err := os.WriteFile(f.plot, []byte(text), 0o644); err != nil { //nolint:gosec // a picture for everybody
		return fmt.Errorf("write the plot: %w", err)
	}
	if f.json {
		return writeJSON(cmd.OutOrStdout(), map[string][]point{"points": points})
	}
	var b strings.Builder
	t := newTable(&b)
	t.row("policy", "load", "tier", "mean wait", "hang up", fmt.Sprintf("in %gs", f.slSeconds))
	for _, p := range points {
		for _, tier := range p.Tiers {
			t.row(p.Name, fmt.Sprintf("%.2f", p.Load), tier.Tier.String(), secs(tier.MeanWait), percent(tier.PAbandon),
				percent(tier.SL))
		}
	}
	t.end()
	return say(cmd.OutOrStdout(), b.String()+"\nwritten to "+f.plot+"\n")
}

// sweep runs a centre at all loads under all policies. All runs have the same
// seed, so that lines differ by policy and load, not by luck.
func (f *flags) sweep(cmd *cobra.Command, c *sim.Centre) ([]point, error) {
	var points []point
	for _, p := range []rank.Policy{rank.PolicyFIFO, rank.PolicyDeadline, rank.PolicyRatio, rank.PolicyStrict} {
		for _, load := range loads(c.Patience == 0) {
			points = append(points, point{Policy: p, Name: p.String(), Load: float64(load) / 100})
		}
	}
	g, ctx := errgroup.WithContext(cmd.Context())
	g.SetLimit(runtime.GOMAXPROCS(0))
	b := newBar(cmd.ErrOrStderr())
	var done atomic.Int64
	for i := range points {
		g.Go(func() error { return f.simulatePoint(ctx, c, &points[i], b, &done, len(points)*f.calls) })
	}
	err := g.Wait()
	b.clear()
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return points, nil
}

func (f *flags) simulatePoint(
	ctx context.Context, c *sim.Centre, p *point, b *bar, done *atomic.Int64, of int,
) error {
	at := *c
	at.Policy = p.Policy
	at.Classes = nil
	factor := p.Load * float64(c.Agents()) / (c.Rate() * c.AHT.Seconds())
	for _, class := range c.Classes {
		class.Rate *= factor
		at.Classes = append(at.Classes, class)
	}
	o, before := f.options(), 0
	o.Progress = func(n, _ int) {
		b.show(int(done.Add(int64(n-before))), of)
		before = n
	}
	r, err := sim.Run(ctx, &at, o)
	if err != nil {
		return err
	}
	done.Add(int64(f.calls - before))
	p.Tiers = r.Tiers
	return nil
}

// drawing lays the panels out: a column for each policy; waits above, and with
// patience those who hung up below.
func drawing(c *sim.Centre, points []point) string {
	title := fmt.Sprintf("%d agents, conversations of %g s, ", c.Agents(), c.AHT.Seconds())
	rows := []panel{{
		name: "mean wait, s", logarithmic: true, value: func(t sim.TierResult) float64 { return t.MeanWait },
	}}
	if c.Patience == 0 {
		title += "endless patience"
	} else {
		title += fmt.Sprintf("patience %g s", c.Patience.Seconds())
		rows = append(rows, panel{
			name: "hang up, %", value: func(t sim.TierResult) float64 { return 100 * t.PAbandon },
		})
	}
	policies := columns(points)
	d := newPicture(title, len(policies), len(rows))
	for r := range rows {
		rows[r].scale(points)
		for col, policy := range policies {
			p := rows[r]
			p.title, p.endless, p.lowest = policy.String(), c.Patience == 0, r == len(rows)-1
			for _, pt := range points {
				if pt.Policy == policy {
					p.add(pt)
				}
			}
			d.panel(col, r, &p)
		}
	}
	return d.end()
}

func columns(points []point) (out []rank.Policy) {
	for i, p := range points {
		if i == 0 || p.Policy != points[i-1].Policy {
			out = append(out, p.Policy)
		}
	}
	return out
}

// panel is one diagram: a line for each tier over the load.
type panel struct {
	title, name string
	logarithmic bool
	endless     bool
	lowest      bool // of its column
	low, high   float64
	value       func(sim.TierResult) float64
	lines       [routing.TierCount][]dot
}

// scale chooses an axis on which all points have a place.
func (p *panel) scale(points []point) {
	least, most := math.Inf(1), 0.0
	for _, pt := range points {
		for _, t := range pt.Tiers {
			if v := p.value(t); v > 0 {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	switch {
	case !p.logarithmic:
		p.high = 10 * math.Ceil(max(most, 1)/10)
	case most == 0:
		p.low, p.high = .1, 1
	default:
		p.low, p.high = math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most)))
		p.high = max(p.high, 10*p.low)
		if most <= .3*p.high && p.high > 10*p.low {
			p.high *= .3
		}
	}
}

// dot is a point of a line.
type dot struct{ load, value float64 }

func (p *panel) add(pt point) {
	for _, t := range pt.Tiers {
		p.lines[t.Tier] = append(p.lines[t.Tier], dot{pt.Load, p.value(t)})
	}
}
