package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

func recordingsCommand(o *options) *cobra.Command {
	cmd := listRecordingsCommand(o)
	cmd.AddCommand(getRecordingCommand(o),
		commandRecordingCommand(o, "pause", "Record silence in place of a running conversation"),
		commandRecordingCommand(o, "resume", "Record a running conversation again"), markRecordingCommand(o))
	return cmd
}

func listRecordingsCommand(o *options) *cobra.Command {
	var from, until string
	var limit int
	filters := map[string]*string{}
	cmd := &cobra.Command{
		Use: "recordings", Aliases: []string{"recording"}, Args: cobra.NoArgs,
		Short: "Recordings of ended calls, the newest first; get one; pause, resume or mark one of a running call",
		Example: `  tierline recordings --agent 1003 --from 2h
  tierline recordings get 2026/11/23/019ac0e5-1
  tierline recordings pause 019ac0e5`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(min(limit, pageSize))}}
			for name, text := range map[string]string{"from": from, "until": until} {
				if text == "" {
					continue
				}
				at, err := moment(text, time.Now(), o.zone)
				if err != nil {
					return fmt.Errorf("--%s: %w", name, err)
				}
				query.Set(name, at.UTC().Format(report.Layout))
			}
			for name, text := range filters {
				if *text != "" {
					query.Set(name, *text)
				}
			}
			var list wire.Recordings
			if err := o.get(cmd.Context(), "/api/v1/recordings", query, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return o.recordingsTable(list.Recordings) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "of calls that began then or later: a time, or an age such as 2h")
	f.StringVar(&until, "until", "", "of calls that began before")
	for name, usage := range map[string]string{
		"call": "of this call", "number": "caller's or called number", "agent": "who talked", "queue": "the call's last",
		"kind": "message or conversation",
	} {
		filters[name] = f.String(name, "", usage)
	}
	f.IntVar(&limit, "limit", 50, "how many at most")
	return cmd
}

func (o *options) recordingsTable(list []wire.Recording) string {
	t := newTable("STARTED", "CALLER", "CALLED", "QUEUE", "AGENT", "KIND", "LENGTH", "RECORDING")
	for i := range list {
		r := &list[i]
		length := span(r.LengthMS)
		if r.Failed != "" {
			length = "failed: " + r.Failed
		}
		t.add(o.clock(r.Started.Std()), or(r.From), or(r.To), or(r.Queue), or(r.Agent), r.Kind, length, r.Ref)
	}
	return t.text("no recordings")
}

func getRecordingCommand(o *options) *cobra.Command {
	var file, by string
	cmd := &cobra.Command{
		Use: "get RECORDING", Short: "Save a recording; its checksum is compared with the log's", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				file = args[0][strings.LastIndexByte(args[0], '/')+1:] + ".wav"
			}
			n, sum, err := o.saveRecording(cmd.Context(), args[0], by, file)
			if err != nil {
				return err
			}
			if err = o.checkRecording(cmd.Context(), args[0], sum); err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), fmt.Sprintf("%s: %d bytes\n", file, n))
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "where to; the recording's own name in this directory if not given")
	cmd.Flags().StringVar(&by, "by", author(), "who wants it, for the log")
	return cmd
}

func (o *options) saveRecording(ctx context.Context, ref, by, file string) (n int64, sum string, err error) {
	resp, err := o.send(ctx, request{
		method: http.MethodGet, path: "/api/v1/recordings/" + ref, query: url.Values{"by": {by}, "download": {"1"}},
	})
	if err != nil {
		return 0, "", err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, "", errors.Join(fmt.Errorf("save the recording: %w", err), resp.Body.Close())
	}
	h := sha256.New()
	n, err = io.Copy(io.MultiWriter(f, h), resp.Body)
	if err = errors.Join(err, f.Close(), resp.Body.Close()); err != nil {
		return 0, "", fmt.Errorf("save the recording: %w", errors.Join(err, os.Remove(file)))
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

// checkRecording compares a checksum with the one in the log, if there is one.
func (o *options) checkRecording(ctx context.Context, ref, sum string) error {
	call := ref[strings.LastIndexByte(ref, '/')+1:]
	if i := strings.LastIndexByte(call, '-'); i > 0 {
		call = call[:i]
	}
	var list wire.Recordings
	if err := o.get(ctx, "/api/v1/recordings", url.Values{"call": {call}}, &list); err != nil {
		return err
	}
	for i := range list.Recordings {
		if r := &list.Recordings[i]; r.Ref == ref && r.SHA256 != "" && r.SHA256 != sum {
			return fmt.Errorf("%s is not what was recorded: its SHA-256 is %s, the log says %s", ref, sum, r.SHA256)
		}
	}
	return nil
}

func commandRecordingCommand(o *options, action, short string) *cobra.Command {
	c := wire.RecordingCommand{Action: action}
	cmd := &cobra.Command{
		Use: action + " CALL", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.commandRecording(cmd, args[0], c) },
	}
	cmd.Flags().StringVar(&c.By, "by", author(), "who wants it")
	return cmd
}

func markRecordingCommand(o *options) *cobra.Command {
	c := wire.RecordingCommand{Action: "mark"}
	cmd := &cobra.Command{
		Use: "mark CALL [TEXT]", Short: "Mark this moment on the recording of a running call", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				c.Text = args[1]
			}
			return o.commandRecording(cmd, args[0], c)
		},
	}
	cmd.Flags().StringVar(&c.By, "by", author(), "who wants it")
	return cmd
}

func (o *options) commandRecording(cmd *cobra.Command, call string, c wire.RecordingCommand) error {
	var st wire.RecordingState
	if err := o.post(cmd.Context(), "/api/v1/calls/"+url.PathEscape(call)+"/recording", c, &st); err != nil {
		return err
	}
	return o.show(cmd, st, func() string {
		state := "recording"
		switch {
		case st.Secret:
			state = "silent: the caller is asked for a secret"
		case st.Paused:
			state = "paused"
		}
		return fmt.Sprintf("%s at %s: %s\n", st.Ref, span(st.AtMS), state)
	})
}

func secretCommand(o *options) *cobra.Command {
	s := wire.SecretRequest{}
	cmd := &cobra.Command{
		Use: "secret CALL FLOW", Args: cobra.ExactArgs(2),
		Short: "Have the caller of a conversation enter a secret, unheard by agent and recording",
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Flow = args[1]
			if err := o.post(cmd.Context(), "/api/v1/calls/"+url.PathEscape(args[0])+"/secret", s, nil); err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), "the caller is asked\n")
		},
	}
	cmd.Flags().StringVar(&s.By, "by", author(), "who wants it")
	return cmd
}
