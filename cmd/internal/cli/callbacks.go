package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func callbacksCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "callbacks", Short: "Open call-backs; request one, cancel one", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Callbacks
			if err := o.get(cmd.Context(), "/api/v1/callbacks", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return callbacksTable(list.Callbacks) })
		},
	}
	cmd.AddCommand(requestCallbackCommand(o), cancelCallbackCommand(o))
	return cmd
}

func callbacksTable(list []wire.Callback) string {
	t := newTable("CALL-BACK", "NUMBER", "CUSTOMER", "TIER", "QUEUE", "STATE", "AGENT", "TRIES", "LAST", "DETAIL")
	for i := range list {
		c := &list[i]
		detail := c.Why
		if c.Phase == "dormant" {
			detail = "in " + span(c.DueInMS)
		}
		t.add(c.ID, c.Number, or(c.Customer.Name), c.Tier, c.Queue, phaseWord(c.Phase), or(c.Agent),
			fmt.Sprintf("%d/%d", c.Attempts, c.Most), or(c.Last), detail)
	}
	return t.text("no open call-backs")
}

func requestCallbackCommand(o *options) *cobra.Command {
	r := wire.CallbackRequest{}
	var after, until string
	cmd := &cobra.Command{
		Use: "request NUMBER", Short: "Have a customer called when it is his turn", Args: cobra.ExactArgs(1),
		Long: `Have a customer called when it is his turn. An agent of the queue is called first, then the
customer. Each customer and number has one open call-back at most.`,
		Example: "  tierline callbacks request 13800138000 --queue human --after \"2026-11-24 09:00\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Number = args[0]
			var err error
			if r.NotBefore, err = o.moment("after", after); err != nil {
				return err
			}
			if r.NotAfter, err = o.moment("until", until); err != nil {
				return err
			}
			var c wire.Callback
			if err = o.post(cmd.Context(), "/api/v1/callbacks", r, &c); err != nil {
				return err
			}
			return o.show(cmd, c, func() string { return callbacksTable([]wire.Callback{c}) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Queue, "queue", "", "whose agents call (required)")
	f.StringVar(&r.Requirement, "requirement", "", "what the agent must be able to do beside the queue's own")
	f.StringVar(&r.Tier, "tier", "", "diamond, gold, silver or standard; the customer's if not given")
	f.StringVar(&r.Language, "lang", "", "the customer's if not given")
	f.StringVar(&after, "after", "", "not before this time: 2026-11-24 09:00 or RFC 3339")
	f.StringVar(&until, "until", "", "not after this time")
	f.StringVar(&r.By, "by", author(), "who asks")
	if err := cmd.MarkFlagRequired("queue"); err != nil {
		panic(err) // it is declared above
	}
	return cmd
}

// moment reads a time to come.
func (o *options) moment(flag, text string) (*report.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no wish
	}
	for _, layout := range []string{"2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, o.zone); err == nil {
			at := report.TimeOf(t)
			return &at, nil
		}
	}
	return nil, fmt.Errorf("--%s: %q is no time (2026-11-24 09:00)", flag, text)
}

func cancelCallbackCommand(o *options) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "cancel ID", Short: "Take a call-back back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := o.call(cmd.Context(), request{
				method: http.MethodDelete, path: "/api/v1/callbacks/" + url.PathEscape(args[0]), query: url.Values{"by": {by}},
			}, nil)
			if err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), "cancelled "+args[0]+"\n")
		},
	}
	cmd.Flags().StringVar(&by, "by", author(), "who asks")
	return cmd
}

func lockoutsCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "lockouts", Short: "Accounts on which wrong secrets were tried; unlock one", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Lockouts
			if err := o.get(cmd.Context(), "/api/v1/lockouts", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return lockoutsTable(list.Lockouts) })
		},
	}
	cmd.AddCommand(unlockCommand(o))
	return cmd
}

func lockoutsTable(list []wire.Lockout) string {
	t := newTable("POLICY", "KEY", "FAILURES", "LOCKED", "FORGOTTEN IN")
	for _, l := range list {
		locked := "no"
		if l.Locked {
			locked = "yes"
		}
		t.add(l.Policy, l.Key, number(int64(l.Failures)), locked, span(l.ForgetInMS))
	}
	return t.text("nobody has failed lately")
}

func unlockCommand(o *options) *cobra.Command {
	u := wire.Unlock{}
	cmd := &cobra.Command{
		Use: "clear POLICY [ACCOUNT]", Short: "Forget the failures of an account, and so unlock it",
		Args: cobra.RangeArgs(1, 2), Example: "  tierline lockouts clear pin 13800138000",
		RunE: func(cmd *cobra.Command, args []string) error {
			u.Policy = args[0]
			if len(args) == 2 {
				u.Account = args[1]
			}
			if err := o.post(cmd.Context(), "/api/v1/lockouts/clear", u, nil); err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), "unlocked\n")
		},
	}
	cmd.Flags().StringVar(&u.Key, "key", "", "the account's key as `tierline lockouts` shows it, instead of the account")
	cmd.Flags().StringVar(&u.By, "by", author(), "who asks")
	return cmd
}
