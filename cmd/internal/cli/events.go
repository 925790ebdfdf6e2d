package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
)

// maxEvent bounds one line of the stream.
const maxEvent = 4 << 20

// again is the pause before a lost stream is asked for again.
const again = 2 * time.Second

// errEnough ends the stream after --count.
var errEnough = errors.New("enough")

func eventsCommand(o *options) *cobra.Command {
	f := &follower{o: o}
	var after int64
	cmd := &cobra.Command{
		Use:   "events",
		Short: "What happens, as it happens",
		Long: `Follow what happens until it is interrupted. A lost connection is taken up again where it
was, so nothing is missed. With -o json each line is one event (CloudEvents).`,
		Example: `  tierline events
  tierline events --types 'call.*' --after 0 -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if after >= 0 {
				f.last = strconv.FormatInt(after, 10)
			}
			f.out, f.complain = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return f.run(cmd.Context())
		},
	}
	cmd.Flags().Int64Var(&after, "after", -1, "begin after this log index; 0: with the oldest event kept")
	cmd.Flags().StringVar(&f.types, "types", "", "kinds to show, with commas; call.* means all of calls")
	cmd.Flags().IntVar(&f.count, "count", 0, "end after so many events")
	return cmd
}

// follower shows an event stream.
type follower struct {
	o             *options
	types         string
	count         int    // 0: no end
	last          string // id to go on after; empty: from now
	out, complain io.Writer

	shown int
	seen  map[string]bool // what was shown of the entry that is not complete yet
}

func (f *follower) run(ctx context.Context) error {
	f.seen = map[string]bool{}
	for connected := false; ; connected = true {
		err := f.once(ctx)
		var p *wire.ProblemError
		if errors.Is(err, errEnough) || ctx.Err() != nil {
			return nil //nolint:nilerr // an interrupted follower has done what it was asked to
		}
		final := errors.As(err, &p) && p.Status != http.StatusServiceUnavailable
		if final || err != nil && !connected && f.shown == 0 {
			return err
		}
		if err = say(f.complain, "the stream was interrupted, trying again\n"); err != nil {
			return err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return nil
		}
	}
}

// once follows one connection. It returns nil when the node ends the stream.
func (f *follower) once(ctx context.Context) error {
	query := url.Values{}
	if f.types != "" {
		query.Set("types", f.types)
	}
	header := []string{"Accept", "text/event-stream"}
	if f.last != "" {
		header = append(header, "Last-Event-ID", f.last)
	}
	resp, err := f.o.send(ctx, request{method: http.MethodGet, path: "/api/v1/events", query: query}, header...)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // all of it was read, or nobody wants the rest
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	id, data := "", ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if err := f.event(id, data); err != nil {
				return err
			}
			id, data = "", ""
		}
	}
	return nil // a broken connection is taken up again, whatever broke it
}

// event shows one event, unless it was shown before an interruption.
func (f *follower) event(id, data string) error {
	if data != "" {
		var e wire.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		if !f.seen[e.ID] {
			if err := f.show(e, data); err != nil {
				return err
			}
		}
		f.seen[e.ID] = true
	}
	if id != "" { // the entry is complete
		f.last = id
		clear(f.seen)
	}
	if f.count > 0 && f.shown >= f.count {
		return errEnough
	}
	return nil
}

func (f *follower) show(e wire.Event, data string) error {
	f.shown++
	if f.o.output == "json" {
		return say(f.out, data+"\n")
	}
	var fact acd.Fact
	if err := json.Unmarshal(e.Data, &fact); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	at := e.Time.Std().In(f.o.zone).Format("15:04:05.000")
	line := fmt.Sprintf("%s  %-6d %-20s %s", at, e.Index, fact.Kind, factText(&fact))
	return say(f.out, strings.TrimRight(line, " ")+"\n")
}

// factText says in a line what a fact adds to its kind.
func factText(f *acd.Fact) string {
	var parts []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			parts = append(parts, name+"="+value)
		}
	}
	add("call", f.Call)
	add("agent", f.Agent)
	if f.Previous != "" || f.State != "" {
		parts = append(parts, strings.Trim(f.Previous+"→"+f.State, "→"))
	}
	add("from", f.From)
	add("to", f.To)
	add("step", f.Step)
	add("key", f.Key)
	add("queue", f.Queue)
	if f.Tier != nil {
		add("tier", f.Tier.String())
	}
	add("reason", f.Reason)
	add("cause", f.Cause)
	add("by", f.By)
	if f.WaitMS > 0 {
		add("waited", span(f.WaitMS))
	}
	if f.TalkMS > 0 {
		add("talked", span(f.TalkMS))
	}
	add("contact", f.Contact)
	add("generation", strconv.FormatUint(f.Generation, 10))
	add("note", f.Note)
	return strings.Join(parts, " ")
}
