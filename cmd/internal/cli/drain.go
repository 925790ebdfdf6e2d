package cli

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

// drainPoll is how often a node that is drained is looked at.
const drainPoll = 500 * time.Millisecond

func drainCommand(o *options) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "Take a node out of service without a call that notices",
		Long: `Take a node out of service: its calls and its address go to another node, another one leads, and
what can't move finishes within drain.timeout. The process goes on keeping the log; stop it or
start it anew when the command returns. Its next start brings it back, and it gets its address and
the calls there again. Any node may be asked.`,
		Example: "  tierline drain n2 && ssh n2 systemctl restart tierline",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var done wire.Drained
			path := "/api/v1/nodes/" + url.PathEscape(args[0]) + "/drain"
			if err := o.post(cmd.Context(), path, struct{}{}, &done); err != nil {
				return err
			}
			if done.Left > 0 {
				var err error
				if done.Left, err = o.emptied(cmd.Context(), args[0], wait); err != nil {
					return err
				}
			}
			return o.show(cmd, done, func() string { return drainedText(done) })
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for calls that can't move")
	return cmd
}

// emptied waits until a node has no calls, and returns how many it has.
func (o *options) emptied(ctx context.Context, node string, wait time.Duration) (left int, err error) {
	for end := time.Now().Add(wait); ; {
		var list wire.Nodes
		if err = o.get(ctx, "/api/v1/nodes", nil, &list); err != nil {
			return left, err
		}
		left = 0
		for _, n := range list.Nodes {
			if n.Name == node {
				left = n.Calls
			}
		}
		if left == 0 || time.Now().After(end) {
			return left, nil
		}
		select {
		case <-ctx.Done():
			return left, ctx.Err() //nolint:wrapcheck // interrupted
		case <-time.After(drainPoll):
		}
	}
}

func drainedText(d wire.Drained) string {
	text := fmt.Sprintf("%s: out of service; ", d.Node)
	if d.Heir == "" {
		text += "no other node took its address"
	} else {
		text += fmt.Sprintf("%s has its address and %s", d.Heir, count(d.Moved, "call", "calls"))
	}
	if d.Left > 0 {
		return text + fmt.Sprintf("; %s not ended yet\n", count(d.Left, "call has", "calls have"))
	}
	return text + "; it may be stopped or started anew\n"
}
