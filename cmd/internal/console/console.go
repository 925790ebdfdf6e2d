package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/acd/report/interval"
	"tierline/acd/report/store"
	"tierline/call"
	"tierline/cluster"
	"tierline/cmd/internal/explain"
	"tierline/cmd/internal/publish"
)

// Core is the cluster as the console sees it.
type Core interface {
	Propose(ctx context.Context, ev acd.Event) (acd.Result, uint64, error)
	Settle(ctx context.Context) error
	Read(view func(s *acd.State))
	Follow(ctx context.Context, after uint64) iter.Seq2[cluster.Story, error]
	Stats() cluster.Stats
}

// Records are the stored events, call records and numbers.
type Records interface {
	CDRs(ctx context.Context, q store.Query) ([]report.CDR, error)
	CDR(ctx context.Context, call string) (report.CDR, error)
	Recordings(ctx context.Context, q store.RecordingQuery) ([]store.Recording, error)
	Events(ctx context.Context, after uint64, limit int) ([]report.Event, error)
	Oldest(ctx context.Context) (uint64, error)
	QueueNumbers(ctx context.Context, q interval.Query) (interval.Numbers, []interval.Open, error)
	AgentNumbers(ctx context.Context, q interval.Query) (interval.Numbers, []interval.Open, error)
}

// Library keeps sounds by their SHA-256.
type Library interface {
	Has(sha string) bool
	Put(r io.Reader) (sha string, err error)
}

// Config is what a Console needs.
type Config struct {
	Node, Version string
	Core          Core
	Ready         func() error // nil, or why no new calls are taken
	Publisher     *publish.Publisher
	Records       Records
	Library       Library
	Metrics       *prometheus.Registry
	Documents     func() (explain.World, bool)              // the current ones; false: there are none
	Customer      func(number string) (acd.Customer, bool)  // whose number it is; nil: nobody's
	Trunks        func() []call.TrunkView                   // what they do on this node; nil: there are none
	TrunkTests    TrunkTests                                // nil: there are no trunks
	Nodes         func(context.Context) []cluster.Status    // of the cluster; nil: nothing is told
	Suspects      Suspects                                  // who failed to prove himself to this node; nil: nobody
	Calls         Calls                                     // the running ones of this node; nil: none
	Archive       Archive                                   // nil: there are no recordings
	Door          Door                                      // nil: nobody signs in, and only names of loopback are served
	Control       func(context.Context, call.Control) error // of agents' calls on this node
	Supervise     func(context.Context, call.Oversight) error
	Traces        Traces                                 // nil: none are kept
	Drain         func(context.Context) (Drained, error) // takes the node out of service
	Remove        func(context.Context, string) error    // strikes a node off the members; nil: this node is alone
	Prompts       http.Handler                           // sounds, for other nodes; nil: none
	Members       Members                                // nil: this node is alone
	Backup        func(context.Context, io.Writer) error // nil: there is nothing to keep
	Logger        *slog.Logger

	Target interval.Target  // the service level shown unless asked otherwise; zero: the usual one
	Zone   *time.Location   // whose midnight begins a day; nil: the machine's
	Now    func() time.Time // nil: the clock
}

// Console serves HTTP.
type Console struct {
	c       Config
	clock   *clock
	handler http.Handler
	relay   *relay
	api     huma.API
	streams chan struct{} // a place for each event stream
}

// Limits on what clients may do.
const (
	maxStreams    = 128
	maxDocuments  = 64 << 20
	readTimeout   = 60 * time.Second
	writeTimeout  = 30 * time.Second
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	closeTimeout  = 3 * time.Second
	maxHeader     = 16 << 10
)

// New returns a console.
func New(c Config) *Console {
	if c.Target == (interval.Target{}) {
		c.Target = interval.DefaultTarget()
	}
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	w := &Console{c: c, clock: newClock(c.Core), streams: make(chan struct{}, maxStreams)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", w.healthz)
	mux.HandleFunc("GET /readyz", w.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	config := huma.DefaultConfig("tierline", c.Version)
	config.Info.Description = "State, service documents, call records, numbers and events of a tierline node."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "/api/v1/openapi", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true
	w.api = humago.New(mux, config)
	w.live()
	w.trunks()
	w.nodes()
	w.callbacks()
	w.lockouts()
	w.bans()
	w.explain()
	w.generations()
	w.cdrs()
	w.recordings(mux)
	w.traces(mux)
	w.numbers()
	w.events(mux)
	w.backup(mux)
	mux.HandleFunc("/", notFound)
	w.relay = newRelay(w, mux)
	w.handler = w.guard(w.gatekeeper(w.relay))
	return w
}

// Handler returns everything as one handler.
func (w *Console) Handler() http.Handler { return w.handler }

// OpenAPI returns the description of the API as JSON.
func (w *Console) OpenAPI() ([]byte, error) {
	text, err := json.MarshalIndent(w.api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	return append(text, '\n'), nil
}

// Serve answers on a listener until the context ends. Streams end with it.
func (w *Console) Serve(ctx context.Context, l net.Listener) error { return w.serve(ctx, l, w.handler) }

func (w *Console) serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	s := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(w.c.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := s.Shutdown(last); err != nil {
		err = errors.Join(err, s.Close())
		return fmt.Errorf("stop HTTP: %w", err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}
