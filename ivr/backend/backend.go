package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tierline/ivr"
)

// Config says how to reach the sources.
type Config struct {
	Endpoints map[string]Endpoint
	Log       *slog.Logger
	Observe   func(Observation) // told of every lookup and message that ended; may be nil

	// Dial opens connections to sources of type http; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Backend asks sources and sends messages.
type Backend struct {
	cfg     Config
	sources map[string]*source
	cache   *cache
	outbox  *outbox

	root context.Context //nolint:containedctx // ends what goes on at Close, whoever asked for it
	end  context.CancelFunc

	mu      sync.Mutex // guards closing, and busy against it
	closing bool
	busy    sync.WaitGroup
}

// New returns a backend for the endpoints of a node. All that is wrong with
// them is told at once.
func New(cfg Config) (*Backend, error) {
	b := &Backend{cfg: cfg, sources: map[string]*source{}, cache: newCache(maxCacheBytes)}
	b.root, b.end = context.WithCancel(context.Background())
	b.outbox = newOutbox(b)
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Endpoints)) {
		s, err := newSource(name, cfg.Endpoints[name], cfg)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("source %s: %w", name, err))
			continue
		}
		b.sources[name] = s
	}
	if err := errors.Join(wrong...); err != nil {
		b.Close(b.root)
		return nil, err
	}
	return b, nil
}

// Limit is the longest that Lookup takes with a policy, whatever happens.
func Limit(policy ivr.Source) time.Duration {
	limit := policy.Timeout
	for try := range policy.Retries {
		limit += policy.Timeout + longestPause(try)
	}
	if policy.Poll.Max > 0 {
		limit += policy.Poll.Max + policy.Timeout
	}
	return limit
}

// Lookup asks a source and returns its answer, or what became of the question.
// It blocks no longer than [Limit] and ends early when the context does.
func (b *Backend) Lookup(ctx context.Context, policy ivr.Source, l ivr.Lookup) ivr.LookedUp {
	began := time.Now()
	r := b.lookup(ctx, policy, l)
	out := ivr.LookedUp{ID: l.ID, Status: r.outcome.status(), Took: time.Since(began)}
	if out.Status == ivr.LookupOK {
		out.Body = r.body
	} else {
		out.Err = r.why
	}
	b.observe(Observation{Source: b.label(l.Source), Outcome: r.outcome, Took: out.Took})
	return out
}

func (b *Backend) lookup(ctx context.Context, policy ivr.Source, l ivr.Lookup) (r result) {
	ctx, done, ok := b.begin(ctx)
	if !ok {
		return result{outcome: Cancelled, why: "this node is stopping"}
	}
	defer done()
	defer func() {
		if p := recover(); p != nil {
			b.cfg.Log.Error("lookup failed", "source", l.Source, "panic", fmt.Sprintf("%T", p),
				"stack", string(debug.Stack()))
			r = result{outcome: Failed, why: "internal fault"}
		}
	}()
	s := b.sources[l.Source]
	if s == nil || policy.Name == "" {
		return result{outcome: Unknown, why: "this node's settings have no such source"}
	}
	key, cacheable := cacheKey(l)
	if cacheable {
		if body, hit := b.cache.get(key, l.Cache, time.Now()); hit {
			return result{outcome: Cached, body: body}
		}
	}
	r = s.ask(ctx, policy, l.Request)
	if cacheable && r.outcome == OK {
		b.cache.put(key, r.body, l.Cache, time.Now())
	}
	return r
}

// begin starts something that Close waits for. It ends with the context or
// with the backend.
func (b *Backend) begin(ctx context.Context) (context.Context, func(), bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing {
		return ctx, nil, false
	}
	b.busy.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(b.root, cancel)
	return ctx, func() { unhook(); cancel(); b.busy.Done() }, true
}

func (b *Backend) observe(o Observation) {
	if b.cfg.Observe != nil {
		b.cfg.Observe(o)
	}
}

// label is a source's name for metrics: those of this node are few.
func (b *Backend) label(source string) string {
	if b.sources[source] == nil {
		return "unknown"
	}
	return source
}

// Close lets lookups that were to finish and messages that wait end until the
// context does, and cancels the rest. Nothing is asked afterwards.
func (b *Backend) Close(ctx context.Context) {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	b.outbox.drain()
	idle := make(chan struct{})
	go func() { b.busy.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	b.end()
	<-idle
	for _, s := range b.sources {
		s.asker.close()
	}
}

// Knows tells whether this node's settings say where a source is.
func (b *Backend) Knows(source string) bool { return b.sources[source] != nil }

// SourceStats is how a source does at this moment.
type SourceStats struct {
	Name    string
	Breaker BreakerState
	Asking  int // questions under way
	Waiting int // questions that wait for their turn
}

// Stats is how the backend does at this moment.
type Stats struct {
	Sources    []SourceStats // sorted by name
	CacheBytes int
	Messages   int    // that wait for another try
	Lost       uint64 // messages given up
}

// Stats returns how the backend does at this moment.
func (b *Backend) Stats() Stats {
	out := Stats{CacheBytes: b.cache.bytes()}
	out.Messages, out.Lost = b.outbox.stats()
	for _, name := range slices.Sorted(maps.Keys(b.sources)) {
		s := b.sources[name]
		asking, waiting := s.gate.stats()
		out.Sources = append(out.Sources, SourceStats{
			Name: name, Breaker: s.breaker.state(time.Now()), Asking: asking, Waiting: waiting,
		})
	}
	return out
}
