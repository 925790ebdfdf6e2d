package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func cdrsCommand(o *options) *cobra.Command {
	var from, until, number, agent string
	var limit int
	cmd := &cobra.Command{
		Use:   "cdrs",
		Short: "Records of ended calls, the newest first",
		Example: `  tierline cdrs --number 13800138000
  tierline cdrs --from 2h -o json
  tierline cdrs --from "2026-11-23 08:00" --until "2026-11-23 12:00" --limit 5000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, text := range map[string]string{"from": from, "until": until} {
				if text == "" {
					continue
				}
				at, err := moment(text, time.Now(), o.zone)
				if err != nil {
					return fmt.Errorf("--%s: %w", name, err)
				}
				query.Set(name, at.UTC().Format(report.Layout))
			}
			for name, text := range map[string]string{"number": number, "agent": agent} {
				if text != "" {
					query.Set(name, text)
				}
			}
			list, err := o.pages(cmd, query, limit)
			if err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return o.cdrsTable(list.CDRs) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "calls that began then or later: a time, or an age such as 2h")
	cmd.Flags().StringVar(&until, "until", "", "calls that began before")
	cmd.Flags().StringVar(&number, "number", "", "caller's or called number")
	cmd.Flags().StringVar(&agent, "agent", "", "calls this agent talked in")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

// pageSize is the most that the API gives at once.
const pageSize = 1000

// pages asks until there are enough records.
func (o *options) pages(cmd *cobra.Command, query url.Values, limit int) (wire.CDRs, error) {
	all := wire.CDRs{CDRs: []report.CDR{}}
	for len(all.CDRs) < limit {
		query.Set("limit", strconv.Itoa(min(pageSize, limit-len(all.CDRs))))
		var page wire.CDRs
		if err := o.get(cmd.Context(), "/api/v1/cdrs", query, &page); err != nil {
			return all, err
		}
		all.CDRs, all.Next = append(all.CDRs, page.CDRs...), page.Next
		if page.Next == "" {
			break
		}
		query.Set("page", page.Next)
	}
	return all, nil
}

// moment reads a time of day in a zone, or an age.
func moment(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if age, err := time.ParseDuration(text); err == nil {
		return now.Add(-age), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time (2026-11-23 08:00) and no age (2h)", text)
}

func (o *options) cdrsTable(list []report.CDR) string {
	t := newTable("STARTED", "CALLER", "CALLED", "TIER", "QUEUE", "WAIT", "AGENT", "TALK", "RESULT", "CALL")
	for i := range list {
		c := &list[i]
		t.add(o.clock(c.Started.Std()), or(c.From), or(c.To), c.Tier.String(), or(c.Queue),
			spanOr(c.WaitMS, c.Queue != ""), or(c.Agent), spanOr(c.TalkMS, c.Answered), resultWord(c), c.Call)
	}
	return t.text("no records")
}

// resultWord says how a call went.
func resultWord(c *report.CDR) string {
	result := "not answered"
	switch {
	case c.Abandoned:
		result = "abandoned"
	case c.Answered:
		result = "answered"
	case c.Queue == "":
		result = "menu only"
	}
	if c.Cause != "normal" && c.Cause != result {
		result += ", " + c.Cause
	}
	if c.EndedBy != "" {
		result += ", " + c.EndedBy + " ended it"
	}
	return result
}
