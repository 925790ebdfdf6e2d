package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"tierline/acd"
	"tierline/cluster"
	"tierline/cmd/internal/console"
	"tierline/cmd/internal/explain"
	"tierline/cmd/internal/signin"
	"tierline/ivr"
	"tierline/ivr/backend"
	"tierline/media/prompt"
)

// sounds is the prompt library as the API sees it.
type sounds struct{ *prompt.Library }

// Has says whether a sound is there and can be read.
func (s sounds) Has(sha string) bool {
	_, err := s.Get(sha)
	return err == nil
}

// Put stores a sound and returns its hash.
func (s sounds) Put(r io.Reader) (string, error) {
	sha, err := s.Library.Put(r)
	if err != nil {
		return "", fmt.Errorf("store prompt: %w", err)
	}
	return sha, nil
}

// measured hands what parts measure to the meter, which exists later than they.
type measured struct{ meter atomic.Pointer[console.Meter] }

func (c *measured) committed(d time.Duration) {
	if m := c.meter.Load(); m != nil {
		m.Committed(d)
	}
}

func (c *measured) asked(o backend.Observation) {
	if m := c.meter.Load(); m != nil {
		m.Asked(o.Source, string(o.Outcome), o.Took)
	}
}

// startHTTP serves the API, the metrics and the health checks.
func (n *Node) startHTTP(ctx, root context.Context) error {
	registry := console.NewRegistry()
	meter := console.NewMeter(n.cluster, registry)
	n.measured.meter.Store(meter)
	registry.MustRegister(console.Collector(n.figures))
	door, err := n.openDoor()
	if err != nil {
		return err
	}
	web := console.New(console.Config{
		Node: n.settings.Node, Version: n.version, Core: n.cluster, Ready: n.Ready,
		Publisher: n.publisher, Records: n.store, Library: sounds{n.library}, Metrics: registry,
		Customer: n.customer, Documents: n.documents, Trunks: n.sw.Trunks,
		TrunkTests: n.sw, Calls: n.sw, Archive: n.archive,
		Nodes: n.cluster.Nodes, Control: n.sw.Control, Supervise: n.sw.Supervise,
		Traces: n.traceSource(), Members: n.cluster, Backup: n.Backup, Prompts: n.spreader,
		Drain: n.Drain, Remove: n.remover(),
		Suspects: n.registrar, Door: door,
		Logger: n.log.With("part", "http"),
	})
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", n.settings.HTTP.Listen.String())
	if err != nil {
		return fmt.Errorf("listen on %s: %w", n.settings.HTTP.Listen, err)
	}
	n.httpAddr = l.Addr().String()
	if n.settings.HTTP.TLS {
		l = tls.NewListener(l, n.certs.Server(tls.NoClientCert))
	}
	n.run(root, "meter", meter.Run)
	if n.traces != nil {
		n.run(root, "traces", n.followStory)
	}
	if visitors := n.cluster.Visitors(); visitors != nil {
		n.run(root, "requests of other nodes", func(ctx context.Context) error { return web.ServeMembers(ctx, visitors) })
	}
	n.run(root, "HTTP", func(ctx context.Context) error { return web.Serve(ctx, l) })
	return nil
}

// openDoor reads who may use the API; nil: nobody is asked.
func (n *Node) openDoor() (console.Door, error) {
	s := n.settings.HTTP
	if s.UsersFile == "" {
		return nil, nil //nolint:nilnil // no door is no error
	}
	d, err := signin.Open(s.UsersFile, n.log.With("part", "http"))
	if err != nil {
		return nil, fmt.Errorf("http.users_file: %w", err)
	}
	if !s.TLS && !s.Listen.Addr().IsLoopback() {
		n.log.Warn("tokens of the API can be read on their way: set http.tls, or put a proxy with TLS before it")
	}
	return d, nil
}

// run starts a part that works until it is stopped.
func (n *Node) run(root context.Context, name string, part func(context.Context) error) {
	ctx, end := context.WithCancel(root)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := part(ctx); err != nil {
			n.log.Error("part ended", "name", name, "err", err)
		}
	}()
	n.undo(func() { end(); <-done })
}

// figures is what the parts say of themselves at a scrape.
func (n *Node) figures() []console.Figure {
	out := console.StateFigures(n.cluster)
	out = append(out, console.ClusterFigures(n.cluster.Stats())...)
	out = append(out, console.RecordFigures(n.cursor.Stats())...)
	out = append(out, n.callFigures()...)
	out = append(out, n.shipperFigures()...)
	out = append(out, console.TrunkFigures(n.sw.Trunks())...)
	out = append(out, n.sipFigures()...)
	out = append(out, n.registrarFigures()...)
	out = append(out, n.gateFigures()...)
	out = append(out, n.sourceFigures()...)
	out = append(out, n.speechFigures()...)
	out = append(out, n.certFigures()...)
	out = append(out, n.traceFigures()...)
	return append(out, n.mediaFigures()...)
}

func (n *Node) callFigures() []console.Figure {
	s := n.sw.Stats()
	out := []console.Figure{
		console.Gauge("node_calls", "Calls on this node", s.Live),
		console.Counter("call_faults_total", "Calls ended by a fault of ours", s.Faults),
		console.Counter("prompts_missing_total", "Prompts that a flow named and that have no sound", s.MissingPrompts),
		console.Counter("texts_unspoken_total", "Texts that the speech engine didn't speak in time", s.Unspoken),
		console.Counter("flow_troubles_total", "Faults inside flows: a limit, an expression that failed", s.Troubles),
		console.Counter("hold_reminders_total", "Agents reminded of a caller on hold", s.Reminders),
		console.Gauge("lookups_finishing", "Lookups that carry on after their calls", s.Finishing),
	}
	out = append(out, console.Counters("digits_total", "Keys pressed by callers", "source", s.Digits)...)
	out = append(out, console.Counters("recordings_total", "Recordings, by how they ended", "outcome", s.Recordings)...)
	out = append(out, console.Counters("call_controls_total", "What agents did in calls", "action", s.Controls)...)
	out = append(out, console.Counters("call_controls_denied_total", "What of it was refused", "reason", s.Denied)...)
	out = append(out, console.Counters("silences_ended_total", "Callers who waited in silence", "in", s.Silences)...)
	out = append(out, console.Counters("calls_outward_total", "Calls that we made", "outcome", s.Outward)...)
	return append(out, console.Counters("calls_refused_total", "New calls refused", "reason", s.Refused)...)
}

func (n *Node) sipFigures() []console.Figure {
	s := n.ua.Stats()
	out := []console.Figure{
		console.Gauge("sip_legs", "SIP dialogs, early ones included", s.Legs),
		console.Gauge("sip_transactions", "Unfinished transactions", s.Transactions),
		console.Counter("sip_faults_total", "Panics while handling a message", s.Faults),
	}
	for _, transport := range slices.Sorted(maps.Keys(s.Streams)) {
		out = append(out, console.Gauge(
			"sip_connections", "SIP connections", s.Streams[transport], "transport", transport))
	}
	out = append(out, console.Counters("sip_received_total", "Messages by method or status", "kind", s.In)...)
	out = append(out, console.Counters("sip_sent_total", "Messages by method or status", "kind", s.Out)...)
	return append(out, console.Counters("sip_dropped_total", "Messages ignored", "reason", s.Drops)...)
}

// gapAfter goes on with the oldest stories kept when those before are gone.
func gapAfter(err error) (after uint64, ok bool) {
	gone, ok := errors.AsType[*cluster.CompactedError](err)
	if !ok {
		return 0, false
	}
	return gone.Floor, true
}

// customer finds whose number it is in the current documents.
func (n *Node) customer(number string) (acd.Customer, bool) {
	g := n.services.Current()
	if g == nil {
		return acd.Customer{}, false
	}
	p, ok := g.Customers.ByNumber(number)
	return acd.Customer{ID: p.ID, Name: p.Name, Tier: p.Tier, Language: p.Language}, ok
}

// documents are what a call that nobody makes is decided by.
func (n *Node) documents() (explain.World, bool) {
	g := n.services.Current()
	if g == nil {
		return explain.World{}, false
	}
	return explain.World{
		Service: g.Service,
		Length: func(p ivr.Prompt) time.Duration {
			clip, ok := g.Clip(p.ID, p.Language)
			if !ok {
				return 0
			}
			return clip.Duration()
		},
		Lookup: func(ctx context.Context, l ivr.Lookup) ivr.LookedUp {
			policy, ok := g.Source(l.Source)
			if !ok {
				return ivr.LookedUp{Status: ivr.LookupError}
			}
			return n.backend.Lookup(ctx, policy, l)
		},
	}, true
}
