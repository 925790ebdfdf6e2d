package sim

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd/sim"
	"tierline/acd/sim/theory"
)

// staffFlags are those of `tierline staff`.
type staffFlags struct {
	rate     float64
	aht      time.Duration
	patience time.Duration
	sl       string
	csv      string
	interval time.Duration
	json     bool
}

// goal is a service level: so many callers within so many seconds.
type goal struct{ share, seconds float64 }

// staffed is how many agents an interval needs, and what callers then meet.
type staffed struct {
	Start     string  `json:"start,omitempty"`
	Calls     float64 `json:"calls,omitempty"` // of an interval
	Rate      float64 `json:"rate"`
	AHT       float64 `json:"aht_s"`
	Load      float64 `json:"load"` // erlangs
	Agents    int     `json:"agents"`
	SL        float64 `json:"sl"`
	MeanWait  float64 `json:"mean_wait_s"`
	PAbandon  float64 `json:"p_abandon"`
	Occupancy float64 `json:"occupancy"`
}

// StaffCommand is `tierline staff`.
func StaffCommand() *cobra.Command {
	f := staffFlags{}
	cmd := &cobra.Command{
		Use:   "staff",
		Short: "Say how many agents are enough for a service level",
		Long: `Say how many agents are enough: the fewest with whom the service level is met, by Erlang C, or with
--patience by Erlang A. All callers are served in the order they came.

  tierline staff --rate 0.1022 --aht 180s --sl 80/20
  tierline staff --csv monday.csv --patience 120s

The CSV file has a first row with the names of its columns: start, calls (in the interval) and aht_s; without
aht_s the flag --aht counts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	s := cmd.Flags()
	s.Float64Var(&f.rate, "rate", 0.1022, "calls per second")
	s.DurationVar(&f.aht, "aht", 180*time.Second, "mean conversation with wrap-up")
	s.DurationVar(&f.patience, "patience", 0, "mean patience of waiting callers; 0: endless")
	s.StringVar(&f.sl, "sl", "80/20", "service level: 80 % of all callers answered within 20 s")
	s.StringVar(&f.csv, "csv", "", "a row for each interval from this CSV file")
	s.DurationVar(&f.interval, "interval", 30*time.Minute, "length of an interval of --csv")
	s.BoolVar(&f.json, "json", false, "the same as -o json")
	cmd.MarkFlagsMutuallyExclusive("csv", "rate")
	return cmd
}

func (f *staffFlags) run(cmd *cobra.Command) error {
	g, err := parseGoal(f.sl)
	if err != nil {
		return fmt.Errorf("--sl: %w", err)
	}
	if f.patience < 0 || f.interval <= 0 {
		return errors.New("--patience must not be below 0, --interval must be above")
	}
	intervals := []interval{{rate: f.rate, aht: f.aht.Seconds()}}
	if f.csv != "" {
		src, err := os.ReadFile(f.csv)
		if err != nil {
			return fmt.Errorf("read the intervals: %w", err)
		}
		if intervals, err = readIntervals(f.csv, src, f.aht.Seconds(), f.interval.Seconds()); err != nil {
			return err
		}
	}
	rows := make([]staffed, 0, len(intervals))
	for _, i := range intervals {
		s, err := staff(i, f.patience.Seconds(), g)
		if err != nil {
			return err
		}
		rows = append(rows, s)
	}
	if f.json || wantsJSON(cmd) {
		return f.writeJSON(cmd, rows)
	}
	return say(cmd.OutOrStdout(), f.text(rows, g))
}

func (f *staffFlags) writeJSON(cmd *cobra.Command, rows []staffed) error {
	if f.csv == "" {
		return writeJSON(cmd.OutOrStdout(), rows[0])
	}
	return writeJSON(cmd.OutOrStdout(), map[string][]staffed{"intervals": rows})
}

func (f *staffFlags) text(rows []staffed, g goal) string {
	var b strings.Builder
	t := newTable(&b)
	first, calls := "start", "calls"
	if f.csv == "" {
		first, calls = "calls/s", ""
	}
	t.row(first, calls, "aht", "erlangs", "agents", fmt.Sprintf("in %gs", g.seconds), "mean wait", "hang up", "occupancy")
	for _, s := range rows {
		first, calls = s.Start, fmt.Sprintf("%g", s.Calls)
		if f.csv == "" {
			first, calls = fmt.Sprintf("%g", s.Rate), ""
		}
		t.row(first, calls, fmt.Sprintf("%g s", s.AHT), fmt.Sprintf("%.2f", s.Load), strconv.Itoa(s.Agents), percent(s.SL),
			secs(s.MeanWait), percent(s.PAbandon), percent(s.Occupancy))
	}
	t.end()
	return b.String()
}

// parseGoal reads 80/20.
func parseGoal(text string) (goal, error) {
	share, seconds, ok := strings.Cut(text, "/")
	p, err1 := strconv.ParseFloat(share, 64)
	s, err2 := strconv.ParseFloat(seconds, 64)
	if !ok || errors.Join(err1, err2) != nil || !(p > 0 && p < 100) || !(s >= 0 && s <= 1e6) {
		return goal{}, fmt.Errorf("%q is no service level (80/20: 80 %% within 20 s)", text)
	}
	return goal{share: p / 100, seconds: s}, nil
}

// staff finds the fewest agents who meet a goal. More agents are never worse.
func staff(i interval, patience float64, g goal) (staffed, error) {
	out := staffed{Start: i.start, Calls: i.calls, Rate: i.rate, AHT: i.aht, Load: i.rate * i.aht}
	if i.rate == 0 {
		out.SL = 1
		return out, nil
	}
	q := theory.Queue{Agents: sim.MaxAgents, Rate: i.rate, AHT: i.aht, Patience: patience}
	if err := q.Check(); err != nil {
		return out, fmt.Errorf("%s: %w", i.name(), err)
	}
	least := 1
	if patience == 0 {
		least = int(q.Load()) + 1
	}
	level := func(n int) float64 {
		q.Agents = n
		sl, err := q.ServiceLevel(g.seconds)
		if err != nil {
			return 0 // more than these agents can take
		}
		return sl
	}
	most := least
	for ; level(most) < g.share; most *= 2 {
		if most > sim.MaxAgents {
			return out, fmt.Errorf("%s: %d agents are not enough for %.4g erlangs", i.name(), sim.MaxAgents, out.Load)
		}
	}
	out.Agents = least + sort.Search(most-least, func(k int) bool { return level(least+k) >= g.share })
	out.SL = level(out.Agents)
	figures, err := q.Figures()
	if err != nil {
		return out, fmt.Errorf("%s: %w", i.name(), err)
	}
	out.MeanWait, out.PAbandon, out.Occupancy = figures.MeanWait, figures.PAbandon, figures.Occupancy
	return out, nil
}
