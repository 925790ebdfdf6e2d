package cli

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

// statsFlags are what both views of numbers have.
type statsFlags struct {
	since, until, interval string
	by                     []string
}

func statsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "stats", Short: "Numbers of queues and agents: service level, waits, times",
		Long: `Numbers of queues and agents since midnight, or of any time. Every figure is defined in
docs/reference/numbers.md; the API and the metrics show the same.`,
	}
	cmd.AddCommand(queueStatsCommand(o), agentStatsCommand(o))
	return cmd
}

func (f *statsFlags) add(cmd *cobra.Command, by string) {
	cmd.Flags().StringVar(&f.since, "since", "", "begin: a time, or an age such as 8h (default the node's midnight)")
	cmd.Flags().StringVar(&f.until, "until", "", "end (default now)")
	cmd.Flags().StringVar(&f.interval, "interval", "", "15m, 30m, 1h or 1d (default all in one)")
	cmd.Flags().StringSliceVar(&f.by, "by", nil, by)
}

// query checks the flags as far as the node doesn't.
func (f *statsFlags) query(o *options) (url.Values, error) {
	query := url.Values{}
	for _, bound := range [][3]string{{"since", "from", f.since}, {"until", "until", f.until}} {
		if bound[2] == "" {
			continue
		}
		at, err := moment(bound[2], time.Now(), o.zone)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", bound[0], err)
		}
		query.Set(bound[1], at.In(o.zone).Format(time.RFC3339)) // with the zone: days begin at its midnight
	}
	if f.interval != "" {
		query.Set("interval", f.interval)
	}
	if len(f.by) > 0 {
		query.Set("by", strings.Join(f.by, ","))
	}
	return query, nil
}

func queueStatsCommand(o *options) *cobra.Command {
	var f statsFlags
	var queue, variant string
	var within, short int
	cmd := &cobra.Command{
		Use: "queues", Short: "What happened at queues", Args: cobra.NoArgs,
		Example: `  tierline stats queues --since 8h --by tier
  tierline stats queues --interval 30m --queue human --variant B --within 15`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(o)
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"queue": queue, "variant": variant} {
				if value != "" {
					query.Set(name, value)
				}
			}
			for name, value := range map[string]int{"within": within, "short": short} {
				if value != 0 {
					query.Set(name, strconv.Itoa(value))
				}
			}
			var report wire.QueueReport
			if err := o.get(cmd.Context(), "/api/v1/stats/queues", query, &report); err != nil {
				return err
			}
			return o.show(cmd, report, func() string { return o.queueStatsTable(&report, f.interval != "") })
		},
	}
	f.add(cmd, "tell these apart: tier, skill")
	cmd.Flags().StringVar(&queue, "queue", "", "only this queue")
	cmd.Flags().StringVar(&variant, "variant", "", "of the service level, A to E (default the node's)")
	cmd.Flags().IntVar(&within, "within", 0, "T of the service level in seconds (default the node's)")
	cmd.Flags().IntVar(&short, "short", 0, "seconds up to which an abandon is short (default the node's)")
	return cmd
}

func (o *options) queueStatsTable(r *wire.QueueReport, intervals bool) string {
	t := newTable("FROM", "QUEUE", "TIER", "SKILL", "OFFERED", "ANSWERED", "ABANDONED", "SHORT", "LEFT", "REFUSED",
		"WAITING", levelHead(r.ServiceLevel), "ASA", "AHT", "WRAP-UP", "MAX WAIT", "CALL-BACKS")
	row := func(q *wire.QueueNumbers) {
		t.add(o.clock(q.Began.Std()), q.Queue, q.Tier, q.Skill, number(q.Offered), number(q.Answered), number(q.Abandoned),
			number(q.ShortAbandoned), leftWord(q.Left), number(q.Refused), number(q.Waiting), percent(q.ServiceLevel),
			spanOf(q.ASAMS), spanOf(q.AHTMS), span(q.WrapUpMS), span(q.MaxWaitMS), callbackWord(q.Callbacks))
	}
	for i := range r.Rows {
		row(&r.Rows[i])
	}
	if len(r.Rows) > 1 {
		total := r.Total
		total.Queue = "all"
		row(&total)
	}
	t.dropEmpty()
	if !intervals {
		t.drop("FROM")
	}
	return t.text("no calls in queues since "+o.clock(r.From.Std())) + o.surveyTable(r.Surveys, intervals)
}

// levelHead names the variant of the service level wherever it is shown.
func levelHead(s wire.ServiceLevel) string { return fmt.Sprintf("SL-%s %ds", s.Variant, s.WithinS) }

func number(n int64) string { return strconv.FormatInt(n, 10) }

func percent(part *float64) string {
	if part == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100**part)
}

func spanOf(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return span(*ms)
}

// callbackWord is how many call-backs were asked for, with what became of them.
func callbackWord(c *wire.CallbackNumbers) string {
	if c == nil {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		word string
		n    int64
	}{
		{"done", c.Done},
		{"failed", c.Failed},
		{"expired", c.Expired},
		{"cancelled", c.Cancelled},
		{"called again", c.CalledAgain},
		{"lost", c.Lost},
		{"open", c.Open},
	} {
		if part.n > 0 {
			parts = append(parts, part.word+" "+number(part.n))
		}
	}
	return number(c.Requested) + inBrackets(strings.Join(parts, ", "))
}

// surveyTable follows a table of numbers, if anybody answered.
func (o *options) surveyTable(surveys []wire.Survey, intervals bool) string {
	if len(surveys) == 0 {
		return ""
	}
	t := newTable("FROM", "QUEUE", "AGENT", "QUESTION", "ANSWERS", "MEAN")
	for i := range surveys {
		s := &surveys[i]
		mean := "-"
		if s.Mean != nil {
			mean = strconv.FormatFloat(*s.Mean, 'f', 2, 64)
		}
		t.add(o.clock(s.Began.Std()), s.Queue, s.Agent, s.Question, leftWord(s.Answers), mean)
	}
	t.dropEmpty()
	if !intervals {
		t.drop("FROM")
	}
	return "\n" + t.text("")
}

// leftWord is a sum with what it consists of.
func leftWord(left map[string]int64) string {
	var sum int64
	var parts []string
	for _, cause := range slices.Sorted(maps.Keys(left)) {
		sum += left[cause]
		parts = append(parts, cause+" "+number(left[cause]))
	}
	return number(sum) + inBrackets(strings.Join(parts, ", "))
}

func agentStatsCommand(o *options) *cobra.Command {
	var f statsFlags
	var agent string
	cmd := &cobra.Command{
		Use: "agents", Short: "What agents did", Args: cobra.NoArgs,
		Example: "  tierline stats agents --since 8h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query(o)
			if err != nil {
				return err
			}
			if agent != "" {
				query.Set("agent", agent)
			}
			var report wire.AgentReport
			if err := o.get(cmd.Context(), "/api/v1/stats/agents", query, &report); err != nil {
				return err
			}
			return o.show(cmd, report, func() string { return o.agentStatsTable(&report, f.interval != "") })
		},
	}
	f.add(cmd, "tell these apart: queue")
	cmd.Flags().StringVar(&agent, "agent", "", "only this agent")
	return cmd
}

func (o *options) agentStatsTable(r *wire.AgentReport, intervals bool) string {
	t := newTable("FROM", "AGENT", "QUEUE", "SIGNED IN", "READY", "RINGING", "TALKING", "WRAP-UP", "NOT READY",
		"NO PHONE", "OFFERS", "ANSWERED", "MISSED", "REJECTED", "OCCUPANCY", "AHT")
	row := func(a *wire.AgentNumbers) {
		t.add(o.clock(a.Began.Std()), a.Agent, a.Queue, span(a.SignedInMS), span(a.ReadyMS),
			span(a.ReservedMS+a.AlertingMS), span(a.TalkingMS), span(a.WrapUpMS),
			span(a.NotReadyMS)+inBrackets(reasonsWord(a.NotReady)), span(a.UnreachableMS),
			number(a.Offers), number(a.Answered), number(a.Missed), number(a.Rejected), percent(a.Occupancy), spanOf(a.AHTMS))
	}
	for i := range r.Rows {
		row(&r.Rows[i])
	}
	if len(r.Rows) > 1 {
		total := r.Total
		total.Agent = "all"
		row(&total)
	}
	t.dropEmpty()
	if !intervals {
		t.drop("FROM")
	}
	return t.text("nobody was signed in since "+o.clock(r.From.Std())) + o.surveyTable(r.Surveys, intervals)
}

func reasonsWord(reasons map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		parts = append(parts, or(reason)+" "+span(reasons[reason]))
	}
	return strings.Join(parts, ", ")
}
