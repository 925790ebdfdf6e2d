package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
	"tierline/routing"
)

func callsCommand(o *options) *cobra.Command {
	var queue, agent string
	cmd := &cobra.Command{
		Use: "calls", Short: "Running calls, and why those that wait do", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Calls
			query := url.Values{}
			if queue != "" {
				query.Set("queue", queue)
			}
			if agent != "" {
				query.Set("agent", agent)
			}
			if err := o.get(cmd.Context(), "/api/v1/calls", query, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return callsTable(list.Calls) })
		},
	}
	cmd.Flags().StringVar(&queue, "queue", "", "only calls in this queue")
	cmd.Flags().StringVar(&agent, "agent", "", "only calls of this agent")
	return cmd
}

func callsTable(calls []wire.Call) string {
	t := newTable("CALL", "CALLER", "CALLED", "TIER", "STATE", "QUEUE", "AGENT", "WAITED", "SINCE", "MOS", "DETAIL")
	for i := range calls {
		c := &calls[i]
		detail := c.Why
		if c.Phase == "menu" || c.Phase == "after" {
			detail = c.Step
		}
		waits := c.Phase == "waiting" || c.Phase == "offered"
		t.add(c.ID, or(c.From), or(c.To), c.Tier, phaseWord(c.Phase), or(c.Queue), or(c.Agent),
			spanOr(c.WaitedMS, waits), span(c.AgeMS), mosOf(c.Legs), detail)
	}
	return t.text("no calls")
}

// mosOf is how a call's worst leg sounds.
func mosOf(legs []wire.LegQuality) string {
	worst := int64(0)
	for i := range legs {
		for _, mos := range []int64{legs[i].MOS, legs[i].RemoteMOS} {
			if mos > 0 && (worst == 0 || mos < worst) {
				worst = mos
			}
		}
	}
	if worst == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(worst)/100)
}

func phaseWord(phase string) string {
	switch phase {
	case "menu":
		return "in the menu"
	case "offered":
		return "agent's phone rings"
	case "after":
		return "agent has left"
	case "dormant":
		return "not due yet"
	case "dialling":
		return "customer's phone rings"
	case "directed":
		return "a colleague's phone rings"
	case "test":
		return "tests the trunk"
	}
	return phase // waiting, talking
}

func moveCommand(o *options) *cobra.Command {
	m := wire.Move{}
	cmd := &cobra.Command{
		Use:   "move CALL",
		Short: "Serve a waiting call before or after the others",
		Long: `Put a waiting call into another band: calls of a smaller band are served before all calls
of greater ones, whatever their tier and wait. Calls begin in band 0.`,
		Example: `  tierline move 019a2c77 --band -1     the next one
  tierline move 019a2c77 --band 0      back to its place`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var c wire.Call
			if err := o.post(cmd.Context(), "/api/v1/calls/"+url.PathEscape(args[0])+"/band", m, &c); err != nil {
				return err
			}
			return o.show(cmd, c, func() string { return callsTable([]wire.Call{c}) })
		},
	}
	cmd.Flags().Int64Var(&m.Band, "band", -1, "-100 to 100")
	cmd.Flags().StringVar(&m.By, "by", author(), "who asks")
	return cmd
}

func queuesCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "queues", Short: "Queues: who waits, who could answer, how today went", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Queues
			if err := o.get(cmd.Context(), "/api/v1/queues", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return queuesTable(&list) })
		},
	}
}

func queuesTable(list *wire.Queues) string {
	head := []string{"QUEUE", "WAITING"}
	for _, tier := range routing.Tiers() {
		head = append(head, strings.ToUpper(tier.String()))
	}
	t := newTable(append(head, "LONGEST", "READY", "ON CALLS", "WRAP-UP", "NOT READY", "NO PHONE",
		"ANSWERED", "ABANDONED", levelHead(list.ServiceLevel), "ASA", "NEEDS")...)
	for i := range list.Queues {
		q := &list.Queues[i]
		row := []string{q.Name, strconv.Itoa(q.Waiting)}
		for _, tier := range routing.Tiers() {
			row = append(row, strconv.Itoa(q.ByTier[tier.String()]))
		}
		n := q.Agents
		row = append(row, spanOr(q.LongestMS, q.Waiting > 0))
		for _, agents := range []int{n.Ready, n.Reserved + n.Alerting + n.Talking, n.WrapUp, n.NotReady, n.Unreachable} {
			row = append(row, strconv.Itoa(agents))
		}
		t.add(append(row, append(todayWords(q.Today), or(q.Requirement))...)...)
	}
	return t.text("no queues: publish service documents with `tierline apply DIR`")
}

// todayWords are the columns of today's numbers.
func todayWords(n *wire.Today) []string {
	if n == nil {
		return []string{"-", "-", "-", "-"}
	}
	return []string{number(n.Answered), number(n.Abandoned), percent(n.ServiceLevel), spanOf(n.ASAMS)}
}
