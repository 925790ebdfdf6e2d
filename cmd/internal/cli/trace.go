package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tierline/cmd/internal/console/wire"
)

// tracing is what `tierline trace` was told.
type tracing struct {
	o      *options
	what   string
	by     string
	sip    bool
	follow bool
	asJSON bool
	width  int
}

func traceCommand(o *options) *cobra.Command {
	t := &tracing{o: o}
	pcap := ""
	cmd := &cobra.Command{
		Use: "trace CALL", Args: cobra.ExactArgs(1),
		Short: "What happened to a call: SIP, RTP, keys, menu and queue in one ladder",
		Long: `Show a call message by message, of all its legs, with what the menu and the queue decided, how
its sound was, and what was recorded. CALL is a call's id or the beginning of it, the Call-ID
of one of its legs, or a number or agent: then it is the newest call.

Calls that are over are remembered for a while, as long as there is room (trace.memory_mb).
Later, and after a restart, what the records keep is shown, without messages. Credentials,
keys of encryption and digits of secrets are in no trace.`,
		Example: `  tierline trace 13800138000            the newest call of this number
  tierline trace 019ac0e5 --sip         with the messages in full
  tierline trace 019ac0e5 --follow      go on while it runs
  tierline trace 019ac0e5 --pcap call.pcapng`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t.what, t.asJSON = args[0], t.asJSON || o.output == "json"
			if pcap != "" {
				return t.capture(cmd, pcap)
			}
			return t.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&t.sip, "sip", false, "whole messages below the ladder's lines")
	f.BoolVar(&t.asJSON, "json", false, "as the API tells it, the same as -o json")
	f.BoolVarP(&t.follow, "follow", "f", false, "go on until the call is over")
	f.IntVar(&t.width, "width", 0, "columns of the ladder; 0: those of the terminal")
	f.StringVar(&pcap, "pcap", "", "write the messages into this file (pcapng), for Wireshark or sngrep")
	f.StringVar(&t.by, "by", author(), "who asks, for the node's log")
	return cmd
}

// glance is how often a call that is followed is looked at.
const glance = 500 * time.Millisecond

// linger is how long a call that is over is followed, so that its last messages
// are seen.
const linger = 4

func (t *tracing) run(ctx context.Context, out io.Writer) error {
	show := newLadder(t.columns(out), t.o.zone, t.sip)
	after, last := uint64(0), linger
	for {
		var tr wire.Trace
		query := url.Values{"after": {strconv.FormatUint(after, 10)}, "by": {t.by}}
		if err := t.o.get(ctx, "/api/v1/calls/"+url.PathEscape(t.what)+"/trace", query, &tr); err != nil {
			if after > 0 && ctx.Err() != nil {
				return nil //nolint:nilerr // an interrupted follower has done what it was asked to
			}
			return err
		}
		if err := t.show(out, show, &tr, after == 0); err != nil {
			return err
		}
		if tr.Ended {
			last--
		}
		if !t.follow || last < 0 || tr.Source == "records" {
			return nil
		}
		if tr.Call != "" {
			t.what = tr.Call // a number may call again
		}
		after = tr.Next
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(glance):
		}
	}
}

func (t *tracing) show(out io.Writer, l *ladder, tr *wire.Trace, first bool) error {
	if t.asJSON {
		if !first && len(tr.Entries) == 0 {
			return nil
		}
		text, err := indented(tr)
		if err != nil {
			return err
		}
		return say(out, text)
	}
	text := l.add(tr)
	if first {
		text = l.head(tr) + text
	}
	if !t.follow {
		text += l.foot(tr)
	}
	return say(out, text)
}

// columns is the width of the terminal, if it is one.
func (t *tracing) columns(out io.Writer) int {
	if t.width > 0 {
		return t.width
	}
	if f, ok := out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 { //nolint:gosec // a descriptor
			return w
		}
	}
	return defaultWidth
}

func (t *tracing) capture(cmd *cobra.Command, file string) error {
	resp, err := t.o.send(cmd.Context(), request{
		method: http.MethodGet, path: "/api/v1/calls/" + url.PathEscape(t.what) + "/trace.pcapng",
		query: url.Values{"by": {t.by}},
	})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("write the capture: %w", err), resp.Body.Close())
	}
	n, err := io.Copy(f, resp.Body)
	if err = errors.Join(err, f.Close(), resp.Body.Close()); err != nil {
		return fmt.Errorf("write the capture: %w", err)
	}
	return say(cmd.OutOrStdout(), fmt.Sprintf("%s: %d bytes\n", file, n))
}
