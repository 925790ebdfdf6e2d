package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tierline/call/phone"
	"tierline/media/wav"
)

// ErrExpectation is returned when a call did not bring what was asked of it;
// the program then exits with 1.
var ErrExpectation = errors.New("the call did not meet its expectation")

type dialFlags struct {
	keys, record, from, user, password, listen, transport string
	hear, expectHeard                                     string
	limit, every                                          time.Duration
	speak, expect                                         int
}

// DialCommand is `tierline dial`.
func DialCommand() *cobra.Command {
	var f dialFlags
	cmd := &cobra.Command{
		Use:   "dial URI",
		Short: "Place one test call with real SIP and RTP and say what happens",
		Long: `Place one test call with real SIP and RTP and say what happens.

URI is sip:10000@127.0.0.1:5060 or just 10000@127.0.0.1:5060. The call ends when
the other side hangs up, after --for, or with Ctrl-C.`,
		Example: `  tierline dial 10000@127.0.0.1:5060 --from 13800138000 --keys 1
  tierline dial 10001@127.0.0.1:5060 --keys 2,1 --record call.wav --for 30s`,
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return f.dial(ctx, cmd.OutOrStdout(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.keys, "keys", "", "keys to press, one group after another: 1,3 or 1,12345#; 5s waits longer")
	flags.DurationVar(&f.every, "every", 3*time.Second, "time before each group of keys")
	flags.StringVar(&f.record, "record", "", "write what is heard to this WAV file")
	flags.DurationVar(&f.limit, "for", time.Minute, "hang up after this time")
	flags.StringVar(&f.from, "from", "13800138000", "the caller's number")
	flags.StringVar(&f.user, "user", "", "user for digest authentication, such as an agent's number")
	flags.StringVar(&f.password, "password", "", "its password")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to call from")
	flags.StringVar(&f.transport, "transport", "udp", "udp or tcp")
	flags.IntVar(&f.speak, "speak", 1400, "frequency in Hz to speak into the call; 0: silence")
	flags.StringVar(&f.hear, "hear", "", "name the prompts that are heard: a service directory with their sounds")
	flags.StringVar(&f.expectHeard, "expect-heard", "", "with --hear: exit with 1 unless these are heard, "+
		"in this order, with others between: bill_intro.en,say/en/twenty")
	flags.IntVar(&f.expect, "expect-tone", 0, "exit with 1 unless this frequency in Hz is heard for half a second")
	return cmd
}

// expectFor is how long the expected tone must be heard.
const expectFor = 500 * time.Millisecond

func (f *dialFlags) dial(ctx context.Context, out io.Writer, uri string) error {
	quiet := slog.New(slog.DiscardHandler)
	phone.QuietLibrary(quiet)
	user := f.user
	if user == "" {
		user = f.from
	}
	pack, err := f.pack()
	if err != nil {
		return err
	}
	e, err := phone.Open(ctx, phone.Config{
		User: user, Password: f.password, Listen: f.listen, Transport: f.transport, Logger: quiet,
	})
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	say := func(m phone.Moment) { _, _ = fmt.Fprintf(out, "%7.2f s  %s\n", m.At.Seconds(), m.What) }
	report := e.Call(ctx, phone.Plan{
		Target: uri, From: f.from, Speak: f.speak, Listen: f.frequencies(), Keys: f.groups(),
		Limit: f.limit, Record: f.record != "" || pack != nil, Watch: say,
	})
	err = errors.Join(report.Err, e.Close(context.WithoutCancel(ctx)))
	f.tell(out, report)
	found := heardPrompts(out, pack, report.Samples)
	if f.record != "" && report.Answered > 0 {
		err = errors.Join(err, save(f.record, report.Samples))
	}
	return errors.Join(err, f.verdict(report), f.verdictHeard(pack, found))
}

// frequencies are those that `dial` recognises: the expected one and a grid
// over the telephone band.
func (f *dialFlags) frequencies() []int {
	var all []int
	for hz := 350; hz <= 3300; hz += 50 {
		all = append(all, hz)
	}
	if f.expect > 0 && !slices.Contains(all, f.expect) {
		all = append(all, f.expect)
	}
	return all
}

func (f *dialFlags) groups() []phone.Keys {
	var all []phone.Keys
	after := f.every
	for digits := range strings.SplitSeq(f.keys, ",") {
		digits = strings.TrimSpace(digits)
		if d, err := time.ParseDuration(digits); err == nil && strings.HasSuffix(digits, "s") {
			after += d
		} else if digits != "" {
			all = append(all, phone.Keys{Digits: digits, After: after})
			after = f.every
		}
	}
	return all
}

func (f *dialFlags) tell(out io.Writer, r phone.Report) {
	if r.Answered == 0 {
		_, _ = fmt.Fprintf(out, "not answered: %d %s\n", r.Status, r.Reason)
		return
	}
	h := r.Heard
	_, _ = fmt.Fprintf(out, "answered after %.2f s, %.1f s of audio heard (%.1f s of sound), %d packets, %d lost\n",
		r.Answered.Seconds(), h.Audio.Seconds(), h.Sound.Seconds(), h.Packets, h.Lost)
	if r.Sent != "" {
		_, _ = fmt.Fprintf(out, "keys pressed: %s\n", r.Sent)
	}
	for _, t := range h.Tones {
		if t.For >= expectFor {
			_, _ = fmt.Fprintf(out, "tone of %d Hz from %.1f s on, for %.1f s\n", t.Hz, t.First.Seconds(), t.For.Seconds())
		}
	}
}

func (f *dialFlags) verdict(r phone.Report) error {
	switch {
	case r.Answered == 0:
		return fmt.Errorf("%w: not answered", ErrExpectation)
	case f.expect > 0 && r.Heard.Tone(f.expect) < expectFor:
		return fmt.Errorf("%w: no tone of %d Hz", ErrExpectation, f.expect)
	}
	return nil
}

func save(file string, samples []int16) error {
	w, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := wav.Write(w, wav.FromSamples(samples)); err != nil {
		return errors.Join(err, w.Close())
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
