package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"tierline/call/service"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/publish"
	"tierline/media/prompt"
	"tierline/routing/document"
)

// Command returns `tierline serve`.
func Command(version string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run one node",
		Long: `Run one node until it gets SIGTERM or SIGINT. It then takes no new calls, lets the
running ones finish within drain.timeout, and exits with 0. A second signal ends it at once.`,
		Example:      "  tierline serve --config tierline.yaml --service testdata/demo",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(cmd *cobra.Command, _ []string) error { return serve(cmd, version) },
	}
	config.Register(cmd)
	return cmd
}

func serve(cmd *cobra.Command, version string) error {
	s, warnings, err := config.Load(cmd)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	log := newLogger(cmd.ErrOrStderr(), s.Log, s.Node)
	for _, w := range warnings {
		log.Warn("settings", "finding", w)
	}
	economise()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	n, err := Start(ctx, s, version, log)
	if wrong, ok := errors.AsType[*publish.ProblemsError](err); ok {
		for _, p := range wrong.Problems {
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), p) // a lost line of stderr can't be told anybody
		}
	}
	if err != nil {
		return err
	}
	log.Info("serving", "version", version, "sip", n.SIPAddrs(), "http", n.HTTPAddr())
	<-ctx.Done()
	// The context of the signal is used up: a second signal cuts the drain.
	again, cancel := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	n.Shutdown(again)
	return nil
}

// heapGrowth is how much the heap may grow before it is cleaned up, in percent.
// Go's 100 doubles the memory of a node whose calls cost some 20 kB each; half
// of it costs less than one percent of a processor.
const heapGrowth = 50

// economise keeps the node small, unless the operator says otherwise.
func economise() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// readDocuments packs a service directory; its sounds go into the library.
func readDocuments(dir string, lib *prompt.Library) ([]byte, []document.Problem) {
	b, problems := service.ReadDir(dir, lib)
	if document.HasErrors(problems) {
		_, more := service.Compile(b) // all mistakes at once
		return nil, append(problems, more...)
	}
	return b.Encode(), nil
}
