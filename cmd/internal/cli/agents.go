package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

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
		return "not ready" + inBrackets(strings.TrimPrefix(a.Reason+plannedWord(a.ReturnsInMS), ", "))
	case "signed_out":
		return "signed out"
	case "reserved":
		return "gets a call"
	case "alerting":
		return "phone rings"
	case "wrap_up":
		return "wrap-up" + inBrackets(strings.TrimPrefix(a.Disposition+", "+span(a.EndsInMS)+" left", ", "))
	case "unreachable":
		return "no phone registered"
	}
	return a.State + inBrackets(talkWord(a)) // ready, talking
}

// talkWord says what an agent does in his call, beside talking.
func talkWord(a *wire.Agent) string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{{a.Role != "", a.Role}, {a.Mode != "", a.Mode}, {a.Held, "holds"}, {a.Muted, "muted"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

// plannedWord says when an agent wants to be back.
func plannedWord(ms int64) string {
	switch {
	case ms > 0:
		return ", back in " + span(ms)
	case ms < 0:
		return ", late by " + span(-ms)
	}
	return ""
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
	var length time.Duration
	words := []string{"ready", "not-ready", "sign-in", "sign-out", "end-wrap-up", "extend-wrap-up"}
	cmd := &cobra.Command{
		Use:   "agent ID " + strings.Join(words, "|"),
		Short: "Change an agent's state",
		Long: `Change an agent's state. During a call it sets what follows the call. The agent himself
may do the same from the phone: *11 ready, *12 not ready, *13 sign out, *14 end wrap-up.`,
		Example: `  tierline agent 1001 not-ready --reason break --for 15m
  tierline agent 1001 extend-wrap-up --for 1m`,
		Args:      cobra.ExactArgs(2),
		ValidArgs: words,
		RunE: func(cmd *cobra.Command, args []string) error {
			word := strings.ReplaceAll(args[1], "_", "-")
			if !slices.Contains(words, word) {
				return fmt.Errorf("%q is no state to ask for: %s", args[1], strings.Join(words, ", "))
			}
			var a wire.Agent
			err := o.post(cmd.Context(), "/api/v1/agents/"+url.PathEscape(args[0])+"/state", wire.Command{
				Command: strings.ReplaceAll(word, "-", "_"), Reason: reason, By: by, ForMS: length.Milliseconds(),
			}, &a)
			if err != nil {
				return err
			}
			return o.show(cmd, a, func() string { return agentsTable([]wire.Agent{a}) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why not ready")
	cmd.Flags().DurationVar(&length, "for", 0, "how long not ready is planned, or how much longer wrap-up lasts")
	cmd.Flags().StringVar(&by, "by", author(), "who asks")
	return cmd
}

func disposeCommand(o *options) *cobra.Command {
	d := wire.Disposition{}
	cmd := &cobra.Command{
		Use:   "dispose AGENT CODE",
		Short: "Say what became of an agent's call",
		Long: `Say what became of the call that an agent talks in or works on, in one of the disposition
codes of its queue. The last code counts.`,
		Example: "  tierline dispose 1001 solved",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.Code = args[1]
			var a wire.Agent
			err := o.post(cmd.Context(), "/api/v1/agents/"+url.PathEscape(args[0])+"/disposition", d, &a)
			if err != nil {
				return err
			}
			return o.show(cmd, a, func() string { return agentsTable([]wire.Agent{a}) })
		},
	}
	cmd.Flags().StringVar(&d.Call, "call", "", "the call, if not the present one")
	cmd.Flags().StringVar(&d.By, "by", author(), "who says so")
	return cmd
}
