package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tierline/ivr"
	"tierline/ivr/script"
	"tierline/ivr/trial"
	"tierline/routing/document"
)

type tryFlags struct {
	service, mocks, test string
	from, to, at         string
	tier, lang           string
	realTime             bool
}

func tryCommand() *cobra.Command {
	f := tryFlags{}
	cmd := &cobra.Command{
		Use:   "try FILE",
		Short: "Walk through a flow on the terminal",
		Long: `Walk through a flow on the terminal: read what it says, type what the caller presses. An empty line
is silence; ? lists what else can be typed. Nothing is real: no node, no call, no message.

The mocks of a script answer what the flow looks up (--mocks); what none of them answers you are asked.
Commands can come from a pipe, one a line.`,
		Example: `  tierline flow try testdata/demo/flows/svc10001.yaml --from 13800138000
  printf '1\n\n' | tierline flow try svc.yaml --mocks svc.test.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return report(cmd, f.run(cmd, args[0])) },
	}
	s := cmd.Flags()
	s.StringVar(&f.service, "service", "", "service directory; by default the one that the flow stands in")
	s.StringVar(&f.mocks, "mocks", "", "script whose mocks answer")
	s.StringVar(&f.test, "test", "", "test of that script whose mocks and caller are taken; by default the first")
	s.StringVar(&f.from, "from", "", "the caller's number, as the flow sees it")
	s.StringVar(&f.to, "to", "", "the number dialled")
	s.StringVar(&f.at, "at", "", "when the call comes (2026-11-21T10:00:00+08:00); by default now")
	s.StringVar(&f.tier, "tier", "", "tier of the caller, who is then a customer")
	s.StringVar(&f.lang, "lang", "", "language of the caller, who is then a customer")
	s.BoolVar(&f.realTime, "real-time", false, "time passes by the clock, not by commands")
	return cmd
}

func (f *tryFlags) run(cmd *cobra.Command, file string) error {
	c, err := newFinder(f.service).above(file)
	if err != nil {
		return err
	}
	fl, err := c.flow(file)
	if err != nil {
		return err
	}
	caller, at, world, err := f.caller(fl, c)
	if err != nil {
		return err
	}
	in := c.surroundings(fl)
	d := newDialogue(cmd.OutOrStdout(), cmd.InOrStdin(), fl)
	world.Missing = func(l ivr.Lookup) (ivr.LookedUp, time.Duration) { return d.ask(cmd.Context(), l) }
	d.begin(caller, at)
	d.call = trial.New(fl, at, script.Lengths(fl, in.Length), world)
	d.call.Begin(caller)
	if f.realTime {
		err = d.byClock(cmd.Context())
	} else {
		err = d.bySteps(cmd.Context())
	}
	d.close()
	if errors.Is(err, context.Canceled) {
		return nil // Ctrl-C is how people leave
	}
	return err
}

// caller says who calls, and what answers him.
func (f *tryFlags) caller(fl *ivr.Flow, c *centre) (ivr.Caller, time.Time, *script.World, error) {
	caller, at, world := ivr.Caller{}, time.Now(), script.NewWorld(fl)
	if f.mocks != "" {
		s, err := readScript(f.mocks)
		if err != nil {
			return caller, at, nil, err
		}
		t, ok := s.Find(f.test)
		if !ok {
			return caller, at, nil, fmt.Errorf("%s has no test %q%s", f.mocks, f.test, document.DidYouMean(f.test, s.Names()))
		}
		caller, at = t.Caller()
		world = s.World(fl, t)
	}
	if f.at != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, f.at); err != nil {
			return caller, at, nil, fmt.Errorf("--at %s is not a time (2026-11-21T10:00:00+08:00)", f.at)
		}
	}
	caller.Call = "try"
	f.overrule(&caller, c)
	return caller, at, world, nil
}

// overrule lays the flags over what is known of the caller.
func (f *tryFlags) overrule(caller *ivr.Caller, c *centre) {
	if f.from != "" {
		caller.ANI = f.from
	}
	if f.to != "" {
		caller.DNIS = f.to
	}
	if c != nil && !caller.Known {
		caller.Customer, caller.Known = c.customer(caller.ANI)
	}
	if f.tier != "" {
		caller.Customer.Tier, caller.Known = f.tier, true
	}
	if f.lang != "" {
		caller.Customer.Language, caller.Known = f.lang, true
	}
}

// interactive tells whether somebody sits at a terminal.
func interactive(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	st, err := file.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// bySteps lets time pass as far as the flow goes on by itself, then waits for
// a line.
func (d *dialogue) bySteps(ctx context.Context) error {
	for {
		d.advance()
		if d.over() {
			return nil
		}
		line, ok := d.read(ctx)
		if !ok {
			d.call.HangUp()
			d.show()
			return ctx.Err()
		}
		before := d.shown
		d.do(line)
		d.advance()
		if isKeys(line) && d.shown == before && d.call.Turn() {
			d.printf("         (no answer to that yet: more keys, or silence)\n")
		}
	}
}

// byClock lets time pass as it does, and takes lines as they come.
func (d *dialogue) byClock(ctx context.Context) error {
	begun := time.Now()
	for {
		d.call.Wait(max(0, time.Since(begun)-d.lost-d.call.Now()))
		d.show()
		if d.over() {
			return nil
		}
		d.prompt()
		timer := time.NewTimer(max(time.Millisecond, min(d.call.Soon()-(time.Since(begun)-d.lost), time.Minute)))
		select {
		case <-ctx.Done():
		case <-timer.C:
			continue
		case line, ok := <-d.lines:
			timer.Stop()
			if ok {
				d.echo(line)
				d.call.Wait(max(0, time.Since(begun)-d.lost-d.call.Now()))
				d.show()
				d.do(line)
				continue
			}
		}
		timer.Stop()
		d.call.HangUp()
		d.show()
		return ctx.Err()
	}
}
