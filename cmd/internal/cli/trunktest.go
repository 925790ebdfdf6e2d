package cli

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/console/wire"
)

// errTrunkFails is how a test ends that found something wrong.
var errTrunkFails = errors.New("the trunk doesn't work as it should")

func trunkTestCommand(o *options) *cobra.Command {
	var ring, talk time.Duration
	w := wire.TrunkTest{}
	cmd := &cobra.Command{
		Use: "test NAME [NUMBER]", Short: "Ask a trunk's targets by OPTIONS, or call a number through it",
		Long: `Without a NUMBER each target of the trunk is asked by OPTIONS.

With one it is really called, by the trunk's rules and at its cost: whoever answers hears the ringing
tone for a few seconds. Told are what each target said, how long it took to ring and to be answered,
the codec, and whether sound came back. Exit 1 if something is wrong.`,
		Example: `  tierline trunks test carrier
  tierline trunks test carrier 13800138000 --ring 30s`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				w.Number = args[1]
			}
			w.RingMS, w.TalkMS = ring.Milliseconds(), talk.Milliseconds()
			var got wire.TrunkTested
			path := "/api/v1/trunks/" + url.PathEscape(args[0]) + "/test"
			if err := o.postSlowly(cmd.Context(), wire.MostTest*time.Millisecond, path, w, &got); err != nil {
				return err
			}
			if err := o.show(cmd, got, func() string { return trunkTested(&got) }); err != nil {
				return err
			}
			if !works(&got) {
				return errTrunkFails
			}
			return nil
		},
	}
	cmd.Flags().DurationVar(&ring, "ring", 45*time.Second, "how long it may ring")
	cmd.Flags().DurationVar(&talk, "talk", 6*time.Second, "how long to stay after the answer")
	cmd.Flags().StringVar(&w.By, "by", author(), "who asks")
	return cmd
}

// works says whether a trunk does what it should: at least one target lives, a
// call is answered, and both sides hear each other.
func works(got *wire.TrunkTested) bool {
	if got.Call != nil {
		return got.Call.Outcome == "answered" && len(got.Call.Findings) == 0
	}
	for _, t := range got.Tries {
		if t.Status >= 200 && t.Status != 408 && t.Status != 503 {
			return true
		}
	}
	return false
}

func trunkTested(got *wire.TrunkTested) string {
	t := newTable("TARGET", "HOST", "ANSWER", "AFTER")
	for _, try := range got.Tries {
		said := try.Trouble
		if try.Status != 0 {
			said = fmt.Sprintf("%d %s", try.Status, try.Reason)
		}
		t.add(shortTarget(try.Target), or(try.Host), said, fmt.Sprintf("%d ms", try.TookMS))
	}
	text := t.text("no target was asked")
	if got.Call == nil {
		return text
	}
	return text + "\n" + trialText(got.Call)
}

// trialText tells a call, a line for each thing.
func trialText(c *wire.TrialCall) string {
	t := newTable("WHAT", "HOW")
	t.add("number", c.Number+", called as "+or(c.Called)+", shows "+or(c.Shown))
	t.add("outcome", c.Outcome)
	for _, e := range []struct {
		what string
		ms   int64
	}{{"rang after", c.RangMS}, {"heard after", c.HeardMS}, {"answered after", c.AnsweredMS}} {
		if e.ms != 0 {
			t.add(e.what, fmt.Sprintf("%d ms", e.ms))
		}
	}
	if c.AnsweredMS > 0 {
		sound := or(c.Codec) + ", not encrypted"
		if c.Cipher != "" {
			sound = or(c.Codec) + ", encrypted with " + c.Cipher
		}
		t.add("sound", sound)
		t.add("packets", fmt.Sprintf("%d sent, %d received, %d lost, jitter %d ms", c.Sent, c.Received, c.Lost, c.JitterMS))
	}
	for _, finding := range c.Findings {
		t.add("wrong", finding)
	}
	t.add("more", "tierline trace "+c.Call)
	return t.text("")
}
