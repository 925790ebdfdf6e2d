package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/config"
	"tierline/ivr/backend/bss"
	directory "tierline/routing/customer"
	"tierline/routing/document"
	"tierline/routing/trunk"
	documents "tierline/testdata/demo"
)

// business is the demo's business system while it runs.
type business struct {
	at     string
	server *http.Server
	done   chan error
}

// openBusiness serves the business system of the documents' customers. An empty
// address is any free port of this machine.
func openBusiness(ctx context.Context, files fs.FS, at string, log *slog.Logger) (*business, error) {
	src, err := fs.ReadFile(files, "customers.csv")
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	people, problems := directory.Load("customers.csv", src, trunk.Numbering{}.Normalise)
	if document.HasErrors(problems) {
		return nil, fmt.Errorf("read customers: %v", problems[0])
	}
	if at == "" {
		at = "127.0.0.1:0"
	}
	addr, err := netip.ParseAddrPort(at)
	if err != nil || !addr.Addr().IsLoopback() {
		return nil, fmt.Errorf("%q: a loopback address such as 127.0.0.1:8090 is needed, because its PINs are public", at)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen for the business system: %w", err)
	}
	b := &business{at: l.Addr().String(), done: make(chan error, 1), server: &http.Server{
		Handler: bss.New(bss.Config{Customers: people, Log: log}), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() { b.done <- b.server.Serve(l) }()
	return b, nil
}

// close ends it; what is asked at this moment gets no answer.
func (b *business) close() error {
	err := b.server.Close()
	if served := <-b.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// sources says where the demo's flows find it.
func (b *business) sources() map[string]config.Source {
	at := config.Source{URL: "http://" + b.at}
	return map[string]config.Source{"bss": at, "line": at}
}

// BusinessCommand is `tierline bss`.
func BusinessCommand() *cobra.Command {
	var at, service string
	cmd := &cobra.Command{
		Use:   "bss",
		Short: "Run the demo's business system alone, for trying flows",
		Long: `Run the demo's business system alone: customers, PINs, bills, points, orders, plans,
line tests, tickets, complaints and messages, with faults on demand. It is for
trying flows: everything it knows is made up, and its PINs are public.`,
		Example: `  tierline bss --listen 127.0.0.1:8090
  curl -X PUT 127.0.0.1:8090/faults -d '[{"match":"GET /v1/bills/","delay":"2s"}]'`,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			files := documents.Files()
			if service != "" {
				files = os.DirFS(service)
			}
			b, err := openBusiness(ctx, files, at, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			if _, err = fmt.Fprintf(cmd.OutOrStdout(), "business system at http://%s\n", b.at); err != nil {
				return errors.Join(fmt.Errorf("write: %w", err), b.close())
			}
			<-ctx.Done()
			return b.close()
		},
	}
	cmd.Flags().StringVar(&at, "listen", "127.0.0.1:8090", "loopback address")
	cmd.Flags().StringVar(&service, "service", "", "service directory with customers.csv (default: the demo's)")
	return cmd
}
