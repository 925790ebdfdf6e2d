package cli

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

var errWhom = errors.New("name the agent or the call, and what to do there: listen, whisper, barge, take-over, stop")

func superviseCommand(o *options) *cobra.Command {
	words := []string{"listen", "whisper", "barge", "take-over", "stop"}
	var by string
	cmd := &cobra.Command{
		Use:   "supervise SUPERVISOR [AGENT|CALL] [" + strings.Join(words, "|") + "]",
		Short: "Listen to an agent's call, whisper to him, join it or take it over",
		Long: `The supervisor's phone rings; when he picks up he is in the call. listen: nobody hears him,
whisper: the agent does, barge: everybody does, take-over: he serves the call from now on.
Without agent and call it is about the call he is in. On his phone he does the same with
*1 listen, *2 whisper, *3 barge, *4 take over. Whom he may supervise, agents.yaml says.`,
		Example: `  tierline supervise 1008 1001
  tierline supervise 1008 whisper
  tierline supervise 1008 stop`,
		Args:      cobra.RangeArgs(2, 3),
		ValidArgs: words,
		RunE: func(cmd *cobra.Command, args []string) error {
			whom, word := args[1], "listen"
			switch {
			case len(args) == 3:
				word = args[2]
			case slices.Contains(words, args[1]):
				whom, word = "", args[1]
			}
			if !slices.Contains(words, word) || word == "stop" && whom != "" {
				return errWhom
			}
			var a wire.Agent
			if err := o.supervise(cmd, wire.Supervision{Supervisor: args[0], Mode: word, By: by}, whom, &a); err != nil {
				return err
			}
			return o.show(cmd, a, func() string { return agentsTable([]wire.Agent{a}) })
		},
	}
	cmd.Flags().StringVar(&by, "by", author(), "who asks")
	return cmd
}

// supervise sends the wish; who is no agent is a call.
func (o *options) supervise(cmd *cobra.Command, s wire.Supervision, whom string, out *wire.Agent) error {
	ctx := cmd.Context()
	if s.Mode == "stop" {
		path := "/api/v1/supervisions/" + url.PathEscape(s.Supervisor)
		return o.call(ctx, request{method: http.MethodDelete, path: path}, out)
	}
	s.Mode = strings.ReplaceAll(s.Mode, "-", "_")
	if s.Agent = whom; whom != "" {
		var missing *wire.ProblemError
		err := o.get(ctx, "/api/v1/agents/"+url.PathEscape(whom), nil, out)
		switch {
		case errors.As(err, &missing) && missing.Status == http.StatusNotFound:
			s.Agent, s.Call = "", whom
		case err != nil:
			return err
		}
	}
	return o.post(ctx, "/api/v1/supervisions", s, out)
}
