package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd/sim"
	"tierline/routing"
	"tierline/routing/rank"
)

// flags are those of `tierline sim`.
type flags struct {
	agents     int
	rate       float64
	aht        time.Duration
	patience   time.Duration
	mix        string
	policy     string
	headStart  string
	objective  string
	skills     string
	calls      int
	warmUp     int
	seed       uint64
	slSeconds  float64
	theory, ci bool
	json       bool
	plot       string
}

// Command is `tierline sim`.
func Command() *cobra.Command {
	f := flags{}
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate a service centre: who waits how long under which policy",
		Long: `Simulate a service centre in virtual time. The switch's own core decides who is served by whom; callers
arrive at random, talk for an exponential time and, with --patience, hang up after an exponential time.

  tierline sim --policy strict --theory
  tierline sim --patience 120s --rate 0.12 --calls 200000 --json
  tierline sim --plot waits.svg --patience 120s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	s := cmd.Flags()
	s.IntVar(&f.agents, "agents", 20, "agents who can take every call")
	s.Float64Var(&f.rate, "rate", 0.1022, "calls per second")
	s.DurationVar(&f.aht, "aht", 180*time.Second, "mean conversation")
	s.DurationVar(&f.patience, "patience", 0, "mean patience of waiting callers; 0: endless")
	s.StringVar(&f.mix, "mix", "diamond=5,gold=15,silver=30,standard=50", "parts of the tiers")
	s.StringVar(&f.policy, "policy", "deadline", "deadline, strict, ratio or fifo")
	s.StringVar(&f.headStart, "head-start", "diamond=120s,gold=60s,silver=30s,standard=0s", "for deadline: head starts")
	s.StringVar(&f.objective, "objective", "diamond=15s,gold=30s,silver=60s,standard=120s", "for ratio: objectives")
	s.StringVar(&f.skills, "skills", "",
		"YAML file of agents with skills and classes of calls, in place of --agents and --rate")
	s.IntVar(&f.calls, "calls", 1_000_000, "calls that are counted; for each run of a --plot 100000 unless given")
	s.IntVar(&f.warmUp, "warm-up", 0, "calls before those; a twentieth of them, at most 50000, unless given")
	s.Uint64Var(&f.seed, "seed", 1, "of the random numbers: the same seed gives the same result")
	s.Float64Var(&f.slSeconds, "sl-seconds", 20, "service level: answered within so many seconds, of all callers")
	s.BoolVar(&f.theory, "theory", false, "add what queueing theory says")
	s.BoolVar(&f.ci, "ci", false, "add 95 % intervals, by batch means")
	s.StringVar(&f.plot, "plot", "", "write the waits by tier under all policies at loads 0.7 to 1.2 to this SVG file;"+
		" below 1 without --patience")
	s.BoolVar(&f.json, "json", false, "the same as -o json")
	cmd.MarkFlagsMutuallyExclusive("skills", "agents")
	cmd.MarkFlagsMutuallyExclusive("skills", "rate")
	cmd.MarkFlagsMutuallyExclusive("plot", "policy")
	return cmd
}

func (f *flags) run(cmd *cobra.Command) error {
	f.json = f.json || wantsJSON(cmd)
	if f.plot != "" && !cmd.Flags().Changed("calls") {
		f.calls = 100_000
	}
	if !cmd.Flags().Changed("warm-up") {
		f.warmUp = min(f.calls/20, enough)
	}
	c, err := f.centre()
	if err != nil {
		return err
	}
	if f.plot != "" {
		return f.runPlot(cmd, c)
	}
	if err = f.warn(cmd.ErrOrStderr(), c); err != nil {
		return err
	}
	r, err := f.simulate(cmd.Context(), c, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	rep := report{centre: c, flags: f, result: r}
	if f.theory {
		if rep.theory, err = sim.Expect(c, f.slSeconds); err != nil {
			return err
		}
	}
	if f.json {
		return writeJSON(cmd.OutOrStdout(), rep.json())
	}
	return say(cmd.OutOrStdout(), rep.text())
}

// enough is a warm-up that fills all but the largest centres.
const enough = 50_000

// wantsJSON looks at the flag -o of the root command, if there is one.
func wantsJSON(cmd *cobra.Command) bool {
	o := cmd.Flag("output")
	return o != nil && o.Value.String() == "json"
}

func (f *flags) simulate(ctx context.Context, c *sim.Centre, errs io.Writer) (*sim.Result, error) {
	b := newBar(errs)
	o := f.options()
	o.Progress = b.show
	r, err := sim.Run(ctx, c, o)
	b.clear()
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	return r, nil
}

func (f *flags) options() sim.Options {
	return sim.Options{Calls: f.calls, WarmUp: f.warmUp, Seed: f.seed, Within: f.slSeconds}
}

// centre is what the flags describe.
func (f *flags) centre() (*sim.Centre, error) {
	mix, err := parseMix(f.mix)
	if err != nil {
		return nil, fmt.Errorf("--mix: %w", err)
	}
	c := &sim.Centre{AHT: f.aht, Patience: f.patience}
	if c.Policy, err = rank.ParsePolicy(f.policy); err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	if c.HeadStart, err = parseTimes(f.headStart); err != nil {
		return nil, fmt.Errorf("--head-start: %w", err)
	}
	if c.Objective, err = parseTimes(f.objective); err != nil {
		return nil, fmt.Errorf("--objective: %w", err)
	}
	if f.skills == "" {
		c.Groups = []sim.Group{{Name: "agents", Count: f.agents}}
		c.Classes = []sim.Class{{Name: "calls", Rate: f.rate, Mix: mix}}
		return c, c.Check()
	}
	src, err := os.ReadFile(f.skills)
	if err != nil {
		return nil, fmt.Errorf("read the skills: %w", err)
	}
	if c.Groups, c.Classes, err = readSkills(f.skills, src, mix); err != nil {
		return nil, err
	}
	return c, c.Check()
}

// warn says what makes a result meaningless.
func (f *flags) warn(w io.Writer, c *sim.Centre) error {
	load := c.Rate() * c.AHT.Seconds()
	if c.Patience > 0 || load < float64(c.Agents()) {
		return nil
	}
	return say(w, fmt.Sprintf("tierline: %.4g erlangs are more than %d agents can take, and nobody hangs up:"+
		" waits grow as long as the run is; give callers --patience\n", load, c.Agents()))
}

func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the output: %w", err)
	}
	return say(w, string(text)+"\n")
}

func say(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// tierList is a value for each tier, for flags such as
// diamond=5,gold=15,silver=30,standard=50.
func tierList[T any](text string, parse func(string) (T, error)) (out [routing.TierCount]T, err error) {
	seen := map[routing.Tier]bool{}
	for part := range splitList(text) {
		name, value, ok := cutEqual(part)
		if !ok {
			return out, fmt.Errorf("%q: write tier=value, with commas between", part)
		}
		t, err := routing.ParseTier(name)
		if err != nil {
			return out, err
		}
		if seen[t] {
			return out, fmt.Errorf("%s is given twice", t)
		}
		seen[t] = true
		if out[t], err = parse(value); err != nil {
			return out, fmt.Errorf("%s: %w", t, err)
		}
	}
	return out, nil
}
