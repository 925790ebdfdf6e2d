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
	t := newTable("CALL", "CALLER", "CALLED", "TIER", "STATE", "QUEUE", "AGENT", "WAITED", "SINCE", "DETAIL")
	for i := range calls {
		c := &calls[i]
		detail := c.Why
		if c.Phase == "menu" || c.Phase == "after" {
			detail = c.Step
		}
		waits := c.Phase == "waiting" || c.Phase == "offered"
		t.add(c.ID, or(c.From), or(c.To), c.Tier, phaseWord(c.Phase), or(c.Queue), or(c.Agent),
			spanOr(c.WaitedMS, waits), span(c.AgeMS), detail)
	}
	return t.text("no calls")
}

func phaseWord(phase string) string {
	switch phase {
	case "menu":
		return "in the menu"
	case "offered":
		return "agent's phone rings"
	case "after":
		return "agent has left"
	}
	return phase // waiting, talking
}

func agentsCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "agents", Short: "Agents and what they are doing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Agents
			if err := o.get(cmd.Context(), "/api/v1/agents", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return agentsTable(list.Agents) })
		},
	}
}

func agentsTable(agents []wire.Agent) string {
	t := newTable("AGENT", "NAME", "STATE", "FOR", "CALL", "THEN", "PHONE", "SKILLS")
	for i := range agents {
		a := &agents[i]
		skills := make([]string, len(a.Skills))
		for j, s := range a.Skills {
			skills[j] = fmt.Sprintf("%s %d", s.Skill, s.Level)
		}
		t.add(a.ID, or(a.Name), stateWord(a), span(a.ForMS), or(a.Call), or(nextWord(a)), phoneWord(a.Phones),
			strings.Join(skills, ", "))
	}
	return t.text("no agents: publish service documents with `tierline apply DIR`")
}

// stateWord says an agent's state, with the reason or how long it still lasts.
func stateWord(a *wire.Agent) string {
	switch a.State {
	case "not_ready":
		return "not ready" + inBrackets(a.Reason)
	case "signed_out":
		return "signed out"
	case "reserved":
		return "gets a call"
	case "alerting":
		return "phone rings"
	case "wrap_up":
		return "wrap-up" + inBrackets(span(a.EndsInMS)+" left")
	case "unreachable":
		return "no phone registered"
	}
	return a.State // ready, talking
}

func nextWord(a *wire.Agent) string {
	if a.Next == "" {
		return ""
	}
	return strings.ReplaceAll(a.Next, "_", " ") + inBrackets(a.NextReason)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func phoneWord(phones []wire.Phone) string {
	registered, fixed := 0, false
	for _, p := range phones {
		if p.Fixed {
			fixed = true
		} else {
			registered++
		}
	}
	switch {
	case registered > 1:
		return fmt.Sprintf("%d registered", registered)
	case registered == 1:
		return "registered"
	case fixed:
		return "fixed"
	}
	return "none"
}

func agentCommand(o *options) *cobra.Command {
	var reason, by string
	words := []string{"ready", "not-ready", "sign-in", "sign-out", "end-wrap-up"}
	cmd := &cobra.Command{
		Use:   "agent ID " + strings.Join(words, "|"),
		Short: "Change an agent's state",
		Long: `Change an agent's state. During a call it sets what follows the call. The agent himself
may do the same from the phone: *11 ready, *12 not ready, *13 sign out, *14 end wrap-up.`,
		Example:   "  tierline agent 1001 not-ready --reason break",
		Args:      cobra.ExactArgs(2),
		ValidArgs: words,
		RunE: func(cmd *cobra.Command, args []string) error {
			word := strings.ReplaceAll(args[1], "_", "-")
			known := false
			for _, w := range words {
				known = known || w == word
			}
			if !known {
				return fmt.Errorf("%q is no state to ask for: %s", args[1], strings.Join(words, ", "))
			}
			var a wire.Agent
			err := o.post(cmd.Context(), "/api/v1/agents/"+url.PathEscape(args[0])+"/state", wire.Command{
				Command: strings.ReplaceAll(word, "-", "_"), Reason: reason, By: by,
			}, &a)
			if err != nil {
				return err
			}
			return o.show(cmd, a, func() string { return agentsTable([]wire.Agent{a}) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why not ready")
	cmd.Flags().StringVar(&by, "by", author(), "who asks")
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
