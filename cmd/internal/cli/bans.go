package cli

import (
	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

func bansCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "bans", Short: "Addresses that sent wrong SIP passwords; lift a ban", Args: cobra.NoArgs,
		Long: `Addresses that sent wrong SIP passwords to this node lately. Three in a minute as one user
hold that user back from there for 10 to 60 s, ten ban the user there and the address for 10 minutes.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Bans
			if err := o.get(cmd.Context(), "/api/v1/bans", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return o.bansTable(list.Bans) })
		},
	}
	cmd.AddCommand(liftCommand(o))
	return cmd
}

func (o *options) bansTable(list []wire.Ban) string {
	t := newTable("SOURCE", "USER", "STATE", "FAILURES", "FOR ANOTHER", "LAST FAILED")
	for _, b := range list {
		left := "-"
		if b.EndsInMS > 0 {
			left = span(b.EndsInMS)
		}
		last := "-"
		if b.LastFailed != nil {
			last = o.clock(b.LastFailed.Std())
		}
		t.add(b.Source, or(b.User), b.State, number(int64(b.Failures)), left, last)
	}
	return t.text("nobody has failed lately")
}

func liftCommand(o *options) *cobra.Command {
	l := wire.Lift{}
	cmd := &cobra.Command{
		Use: "lift SOURCE [USER]", Short: "Forget the failures of an address, and so lift its ban",
		Args: cobra.RangeArgs(1, 2), Example: "  tierline bans lift 192.0.2.7\n  tierline bans lift 192.0.2.7 1001",
		RunE: func(cmd *cobra.Command, args []string) error {
			l.Source = args[0]
			if len(args) == 2 {
				l.User = args[1]
			}
			if err := o.post(cmd.Context(), "/api/v1/bans/lift", l, nil); err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), "lifted "+args[0]+"\n")
		},
	}
	cmd.Flags().StringVar(&l.By, "by", author(), "who asks")
	return cmd
}
