package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func explainCommand(o *options) *cobra.Command {
	var from, to, trunk, at, keys string
	cmd := &cobra.Command{
		Use:   "explain [CALL]",
		Short: "The whole decision about a call: number, hours, tier, way, queue, agents and why",
		Long: `Say what would become of a call, if it came now or at another time: trunk, number, hours, tier,
the way through the flow, the queue, and which agents would be asked in which order and why.
With CALL: why that call waits, who could take it, and what keeps the others from it.

Nothing is changed by it. Business systems are asked what a real call would ask, if that
changes nothing; the rest is assumed, and said so.`,
		Example: `  tierline explain --from 13800138000 --to 10001 --keys 1,3
  tierline explain --from 13800138000 --to 10000 --at "2026-10-01 10:00"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				var e acd.Explanation
				if err := o.get(cmd.Context(), "/api/v1/calls/"+url.PathEscape(args[0])+"/explain", nil, &e); err != nil {
					return err
				}
				return o.show(cmd, e, func() string { return decisionText(&e) })
			}
			if from == "" || to == "" {
				return errors.New("say who calls whom: --from NUMBER --to NUMBER, or name a waiting CALL")
			}
			query := url.Values{"from": {from}, "to": {to}}
			for name, text := range map[string]string{"trunk": trunk, "keys": keys} {
				if text != "" {
					query.Set(name, text)
				}
			}
			if at != "" {
				when, err := moment(at, time.Now(), o.zone)
				if err != nil {
					return fmt.Errorf("--at: %w", err)
				}
				query.Set("at", when.UTC().Format(report.Layout))
			}
			var e wire.Explained
			if err := o.get(cmd.Context(), "/api/v1/explain", query, &e); err != nil {
				return err
			}
			return o.show(cmd, e, func() string { return o.explainedText(&e) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "the caller's number")
	f.StringVar(&to, "to", "", "the number dialled")
	f.StringVar(&trunk, "trunk", "", "by which trunk; not needed if there is only one")
	f.StringVar(&at, "at", "", "when: 2026-10-01 10:00 or RFC 3339; now if not given")
	f.StringVar(&keys, "keys", "", "what the caller presses, one group after another: 1,3")
	return cmd
}

// anotherNumber is what rules say that have nothing to do with the call: in a
// large plan those are nearly all.
const anotherNumber = "another number"

// explainedText tells a decision in the order in which it is made.
func (o *options) explainedText(e *wire.Explained) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("time", "%s", e.At.Std().In(o.zone).Format("Mon 2006-01-02 15:04:05"))
	line("trunk", "%s: %s calls %s", e.Trunk, e.From, e.To)
	for _, r := range e.Rules {
		switch {
		case r.Won:
			line("number", "%s -> flow %s", r.Rule, r.Flow)
		case r.Why != anotherNumber:
			line("", "not %s: %s", r.Rule, r.Why)
		}
	}
	line("customer", "%s", customerText(e))
	for _, h := range e.Calendars {
		state := "closed"
		if h.Open {
			state = "open"
		}
		line("hours", "%s is %s: %s", h.Calendar, state, h.Why)
	}
	for _, s := range e.Path {
		line("way", "%s", stepText(s))
	}
	for _, a := range e.Asked {
		line("asked", "%s %s: %s", a.Source, a.Request, a.Answer)
	}
	for _, a := range e.Assumed {
		line("assumed", "%s", a)
	}
	switch {
	case e.Ended != "":
		line("end", "%s", e.Ended)
	case e.Queue == "":
		line("end", "the caller has pressed all keys, and is at the last node")
	}
	if e.Decision != nil {
		b.WriteString(decisionText(e.Decision))
	}
	return b.String()
}

func customerText(e *wire.Explained) string {
	if !e.Known {
		return "nobody we know, tier " + e.Tier
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s, tier %s, %s", e.Customer.ID, e.Customer.Name, e.Tier, or(e.Language)))
}

func stepText(s wire.PathStep) string {
	text := fmt.Sprintf("%6.1f s  ", float64(s.AtMS)/1000)
	if how := s.Outcome; s.Key != "" || how != "" {
		if s.Key != "" {
			how = "key " + s.Key
		}
		text += how + " -> "
	}
	text += s.Node
	if s.Milestone != "" {
		text += "  (" + s.Milestone + ")"
	}
	return text
}

// decisionText tells a queue's part.
func decisionText(e *acd.Explanation) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", label, fmt.Sprintf(format, args...))
	}
	need := "any agent"
	if e.Requirement != "" {
		need = e.Requirement
	}
	line("queue", "%s, tier %s: needs %s (step %d of %d)", e.Queue, e.Tier, need, e.Step, e.Steps)
	line("place", "%s by policy %s: %s", placeText(e.Place), e.Policy, e.Order)
	if e.Refused != "" {
		line("refused", "the queue would not take it now: %s", e.Refused)
	}
	if e.Preferred != "" {
		line("prefers", "agent %s", e.Preferred)
	}
	if e.Why != "" {
		line("waits", "%s", e.Why)
	}
	for i, c := range e.Candidates {
		line("agent", "%d. %s %s, idle %s, levels %d: %s", i+1, c.Agent, c.Name, span(c.IdleMS), c.Levels, c.Why)
	}
	for _, c := range e.RuledOut {
		line("not", "%s %s: %s", c.Agent, c.Name, c.Why)
	}
	if e.Omitted > 0 {
		line("", "and %d more", e.Omitted)
	}
	for _, h := range e.Helps {
		line("helps", "%s", h)
	}
	return b.String()
}

func placeText(p acd.Place) string {
	text := fmt.Sprintf("number %d", p.Position)
	switch {
	case !p.Known:
		return text + ", wait not known"
	case p.MinMinutes == 0:
		return text + fmt.Sprintf(", wait less than %d min", max(1, p.MaxMinutes))
	}
	return text + fmt.Sprintf(", wait %d to %d min", p.MinMinutes, p.MaxMinutes)
}
