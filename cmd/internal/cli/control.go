package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

var errTargets = errors.New("name one of --agent, --queue, --number and --flow")

func controlCommand(o *options) *cobra.Command {
	w := wire.Control{}
	words := []string{"hold", "resume", "mute", "unmute", "consult", "swap", "transfer", "conference", "drop"}
	cmd := &cobra.Command{
		Use:   "call AGENT " + strings.Join(words, "|") + " [PARTY]",
		Short: "Hold, mute, consult, transfer or confer for an agent",
		Long: `What an agent does with his call. Without a target transfer and conference are about whom
the agent asks already (consult). swap changes between the caller and whom he asks. drop lets
one go: PARTY, or whom he asks.`,
		Example: `  tierline call 1001 hold
  tierline call 1001 consult --agent 1002
  tierline call 1001 transfer
  tierline call 1001 transfer --queue billing
  tierline call 1001 conference --number 02087654321
  tierline call 1001 drop 1002`,
		Args:      cobra.RangeArgs(2, 3),
		ValidArgs: words,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.Action = args[1]
			if !slices.Contains(words, w.Action) {
				return fmt.Errorf("%q is nothing to do with a call: %s", w.Action, strings.Join(words, ", "))
			}
			if len(args) == 3 {
				w.Party = args[2]
			}
			named := slices.DeleteFunc([]string{w.Agent, w.Queue, w.Number, w.Flow}, func(s string) bool { return s == "" })
			if len(named) > 1 || w.Action == "consult" && len(named) == 0 {
				return errTargets
			}
			var a wire.Agent
			if err := o.post(cmd.Context(), "/api/v1/agents/"+url.PathEscape(args[0])+"/call", w, &a); err != nil {
				return err
			}
			return o.show(cmd, a, func() string { return agentsTable([]wire.Agent{a}) })
		},
	}
	cmd.Flags().StringVar(&w.Agent, "agent", "", "another agent")
	cmd.Flags().StringVar(&w.Queue, "queue", "", "a queue's longest idle agent; transfer: its line")
	cmd.Flags().StringVar(&w.Number, "number", "", "a number outside, or a destination of the documents")
	cmd.Flags().StringVar(&w.Flow, "flow", "", "transfer: a flow")
	cmd.Flags().StringVar(&w.By, "by", author(), "who asks")
	return cmd
}
