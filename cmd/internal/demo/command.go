package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tierline/call/certs"
	"tierline/call/phone"
	"tierline/cmd/internal/app"
	"tierline/cmd/internal/config"
	documents "tierline/testdata/demo"
)

// ErrUnmet is returned when simulated calls did not get what they expected.
var ErrUnmet = errors.New("simulated calls did not get what they expected")

type flags struct {
	version, sip, http, data string
	bss                      string
	safe                     string // where TLS and WSS are served
	limit, every             time.Duration
	nodes                    int
	sips, webs               []string // of all nodes
	quiet                    bool
	pace                     pace
}

// Command is `tierline demo`.
func Command(version string) *cobra.Command {
	f := flags{version: version, pace: usual()}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a whole service centre on this machine, with simulated callers and agents",
		Long: `Run a whole service centre on this machine: the switch, twelve agents with
softphones and a stream of callers, all over real SIP and RTP on loopback.
Register your own softphone or call the numbers yourself while it runs.`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
			return f.run(ctx, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&f.sip, "sip", "127.0.0.1:5060",
		"address for SIP, UDP and TCP; the next two ports, if they are free, TLS and WSS")
	cmd.Flags().StringVar(&f.http, "http", "127.0.0.1:8080", "address of the API")
	cmd.Flags().StringVar(&f.bss, "bss", "", "loopback address of the business system (default: a free port)")
	cmd.Flags().StringVar(&f.data, "data", "", "keep data in this directory (default: a temporary one)")
	cmd.Flags().DurationVar(&f.limit, "for", 0,
		"end by itself after this time; exit 0 only if every simulated call met its expectation")
	cmd.Flags().DurationVar(&f.every, "every", 2200*time.Millisecond, "mean time between calls")
	cmd.Flags().IntVar(&f.nodes, "nodes", 1,
		"3 or 5: so many nodes, a process each, from 127.0.0.11 on; http://127.0.0.10:8080 and tierline demo kill kill one")
	cmd.AddCommand(killCommand())
	cmd.Flags().BoolVar(&f.quiet, "quiet-world", false, "no simulated callers and agents")
	return cmd
}

func (f *flags) run(ctx context.Context, out io.Writer) (err error) {
	if f.nodes > 1 {
		f.sip = beyond(f.sip, "127.0.0.1:5060", "127.0.0.11:5060")
		f.http = beyond(f.http, "127.0.0.1:8080", "127.0.0.11:8080")
	}
	s, err := f.settings(ctx)
	if err != nil {
		return err
	}
	if f.data == "" {
		if f.data, err = os.MkdirTemp("", "tierline-demo-"); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(f.data)) }()
	}
	s.DataDir, s.ServiceDir = filepath.Join(f.data, "node"), filepath.Join(f.data, "service")
	if s.TLS.CertFile, s.TLS.KeyFile, err = f.certificate(s.RTP.IP); err != nil {
		return err
	}
	if err = unpack(documents.Files(), s.ServiceDir); err != nil {
		return err
	}
	logs, err := openLogs(f.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.close()) }()
	phone.QuietLibrary(logs.phones)
	shop, err := openBusiness(ctx, documents.Files(), f.bss, logs.node.With("part", "bss"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.close()) }()
	s.Sources, f.bss = shop.sources(), shop.at
	customer, err := openCustomer(ctx, s.RTP.IP, s.ServiceDir, logs.phones)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, customer.Close(context.WithoutCancel(ctx))) }()
	f.private(ctx, &s)
	stop, err := f.centre(ctx, s, logs.node)
	if err != nil {
		return fmt.Errorf("start the centre: %w", err)
	}
	defer stop()
	return f.show(ctx, out, logs.phones)
}

// centre starts the switch: one node in this process, or several of their own.
func (f *flags) centre(ctx context.Context, s config.Settings, log *slog.Logger) (stop func(), err error) {
	f.sips, f.webs = []string{f.sip}, []string{f.http}
	if f.nodes > 1 {
		all, failed := openFleet(ctx, s, f.nodes, f.data)
		if failed != nil {
			return nil, failed
		}
		f.sips, f.webs = all.addresses()
		return func() { _ = all.close() }, nil // it is over, however it ends
	}
	node, err := app.Start(ctx, s, f.version, log)
	if err != nil {
		return nil, err
	}
	return func() { node.Shutdown(context.WithoutCancel(ctx)) }, nil
}

// beyond is another default for a flag that nobody set.
func beyond(value, usual, instead string) string {
	if value == usual {
		return instead
	}
	return value
}

// settings are those of a node on loopback; a taken port is told before
// anything starts.
func (f *flags) settings(ctx context.Context) (config.Settings, error) {
	s := config.Defaults()
	sip, err := netip.ParseAddrPort(f.sip)
	if err != nil {
		return s, fmt.Errorf("--sip %q: an address such as 127.0.0.1:5060 is needed", f.sip)
	}
	web, err := netip.ParseAddrPort(f.http)
	if err != nil {
		return s, fmt.Errorf("--http %q: an address such as 127.0.0.1:8080 is needed", f.http)
	}
	if !sip.Addr().IsLoopback() || !web.Addr().IsLoopback() {
		return s, errors.New("the demo's secrets are public, so it listens on loopback addresses only")
	}
	for _, a := range []struct{ network, addr, flag, example string }{
		{"udp", f.sip, "--sip", "127.0.0.1:5070"},
		{"tcp", f.sip, "--sip", "127.0.0.1:5070"},
		{"tcp", f.http, "--http", "127.0.0.1:8090"},
	} {
		if err = free(ctx, a.network, a.addr); err != nil {
			return s, fmt.Errorf("%s port %s is taken by another program (%w); choose another with %s %s",
				a.network, a.addr, err, a.flag, a.example)
		}
	}
	s.SIP.Listen = []config.Listen{{Transport: "udp", Address: sip}, {Transport: "tcp", Address: sip}}
	s.SIP.Origins = []string{"*"} // whoever tries a page of his own: it needs an agent's password all the same
	s.RTP.IP = sip.Addr()
	s.HTTP.Listen = web
	return s, nil
}

// private adds TLS and WSS at the two ports after that of SIP, if they are free.
// It comes after all else that takes any port.
func (f *flags) private(ctx context.Context, s *config.Settings) {
	sip := s.SIP.Listen[0].Address
	for i, transport := range []string{"tls", "wss"} {
		at := netip.AddrPortFrom(sip.Addr(), sip.Port()+uint16(i)+1)
		if at != s.HTTP.Listen && free(ctx, "tcp", at.String()) == nil {
			s.SIP.Listen = append(s.SIP.Listen, config.Listen{Transport: transport, Address: at})
			f.safe += ", " + strings.ToUpper(transport) + " " + at.String()
		}
	}
}

// certificate makes one for this machine alone.
func (f *flags) certificate(at netip.Addr) (cert, key string, err error) {
	files, err := certs.Init(filepath.Join(f.data, "tls"), []string{"localhost", at.String()})
	if err != nil {
		return "", "", fmt.Errorf("make a certificate: %w", err)
	}
	return files.Cert, files.Key, nil
}

func free(ctx context.Context, network, addr string) error {
	var lc net.ListenConfig
	if network == "udp" {
		c, err := lc.ListenPacket(ctx, network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := lc.Listen(ctx, network, addr)
	if err != nil {
		return err
	}
	return l.Close()
}

// logs are the files that would otherwise disturb the view.
type logs struct {
	node, phones *slog.Logger
	files        []*os.File
}

func openLogs(dir string) (*logs, error) {
	l := &logs{}
	open := func(name string) (*slog.Logger, error) {
		w, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, fmt.Errorf("open log: %w", err)
		}
		l.files = append(l.files, w)
		return slog.New(slog.NewTextHandler(w, nil)), nil
	}
	var err error
	if l.node, err = open("node.log"); err != nil {
		return nil, err
	}
	if l.phones, err = open("phones.log"); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *logs) close() (err error) {
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// show runs the world around a running node until it is over.
func (f *flags) show(ctx context.Context, out io.Writer, log *slog.Logger) error {
	team, err := accounts(documents.Files())
	if err != nil {
		return err
	}
	if _, err = fmt.Fprint(out, box(f.greeting(team))); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	c := newCentre(time.Now(), team)
	a := api{base: "http://" + f.webs[0], others: f.webs, client: &http.Client{}}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var view sync.WaitGroup
	view.Go(func() { a.look(watching, c) })
	view.Go(func() { a.follow(watching, c) })
	view.Go(func() { f.view(watching, out, c) })
	book, err := f.live(ctx, team, a, log)
	unwatch()
	view.Wait()
	if err != nil || book == nil {
		return err
	}
	book.summary(out)
	select {
	case <-ctx.Done(): // somebody ended it: calls were cut, which proves nothing
		return nil
	default:
	}
	if n, unmet := book.len(), len(book.unmet()); f.limit > 0 && (unmet > 0 || n == 0) {
		return fmt.Errorf("%w: %d of %d", ErrUnmet, unmet, n)
	}
	return nil
}

// span is the time in which calls arrive.
func (f *flags) span(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.limit > 0 {
		return context.WithTimeout(ctx, f.limit)
	}
	return context.WithCancel(ctx)
}

// live lets agents work and callers call until the time is over; then no new
// calls are made, and those that go on are finished.
func (f *flags) live(ctx context.Context, team []account, a api, log *slog.Logger) (*ledger, error) {
	if f.quiet {
		span, cancel := f.span(ctx)
		defer cancel()
		<-span.Done()
		return nil, nil //nolint:nilnil // nobody called, so there is no book and nothing went wrong
	}
	people, err := customers(documents.Files())
	if err != nil {
		return nil, err
	}
	last := context.WithoutCancel(ctx)
	team12, err := hire(ctx, team, f.sips, f.pace, log)
	if err != nil {
		return nil, err
	}
	working, closeShop := context.WithCancel(last)
	var agents sync.WaitGroup
	agents.Go(func() { team12.work(working) })
	w := &world{
		targets: f.sips, people: people, agents: len(team), every: f.every, ledger: &ledger{}, log: log,
		going: map[string]bool{},
	}
	arrivals, end := f.span(ctx)
	defer end()
	err = errors.Join(w.run(ctx, arrivals), w.ledger.settle(last, a, team12))
	closeShop()
	agents.Wait()
	leaving, cancel := context.WithTimeout(last, 30*time.Second)
	defer cancel()
	team12.dismiss(leaving)
	return w.ledger, err
}

// view draws the board on a terminal, or prints events line by line.
func (f *flags) view(ctx context.Context, out io.Writer, c *centre) {
	file, isFile := out.(*os.File)
	live := isFile && term.IsTerminal(int(file.Fd()))
	s := screen{w: out, size: func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 80, 25
		}
		return columns, rows
	}}
	printed := 0
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-ctx.Done():
			over = true // once more, with what came last
		case <-tick.C:
		}
		if live {
			if s.show(c.board(time.Now())) != nil {
				return
			}
			continue
		}
		var lines []string
		lines, printed = c.since(printed)
		for _, l := range lines {
			_, _ = fmt.Fprintln(out, l)
		}
	}
}

// greeting is what stands in the box.
func (f *flags) greeting(team []account) []string {
	first, last := team[0], team[len(team)-1]
	lines := []string{
		"TIERLINE  a service centre on this machine       天翼客服演示中心",
		"",
		"SIP   " + f.sip + ", UDP and TCP" + f.safe,
		"API   http://" + f.http + "/api/v1",
		"",
		"Call  10000  people, differentiated by the customer's value",
		"      10001  self-service",
		"as a gold customer, from a second terminal:",
		"      tierline dial 10000@" + f.sip + " --from 13800138000 --keys 1",
		"or his bill, with his PIN:",
		"      tierline dial 10001@" + f.sip + " --from 13800138000 --keys 1,138000",
		"",
		fmt.Sprintf("Own softphone: register %s … %s at %s, password %s", first.ID, last.ID, f.sip, first.Secret),
		"(and so on); then dial *11 ready, *12 break, *13 sign out, *14 end wrap-up",
		"",
		"See   http://" + f.http + "/api/v1/agents, /queues, /calls, /cdrs, /events",
		"      http://" + f.bss + "  business system: bills, PINs, orders, /messages, /faults",
		"      " + filepath.Join(f.data, "service") + "  documents to read and change",
		"      " + filepath.Join(f.data, "tls", certs.CAFile) + "  authority of TLS and WSS",
		"      " + filepath.Join(f.data, "node.log") + "  log",
		"",
	}
	if f.nodes > 1 {
		lines = append(lines, fmt.Sprintf("%d nodes: %s", f.nodes, strings.Join(f.sips, ", ")),
			"Kill one: http://127.0.0.10:8080 or `tierline demo kill n2`; it comes back after some seconds", "")
	}
	if f.quiet {
		return append(lines, "Nobody calls by himself (--quiet-world).  Ctrl-C ends it.")
	}
	return append(lines, "Twelve agents and a stream of callers are at work.  Ctrl-C ends it.")
}
