package console

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tierline/acd"
	"tierline/cluster"
)

// Meter counts what the story tells, from the start of the process on. The
// same facts make the call records, so both show the same numbers.
type Meter struct {
	core Core

	arrived, ended, queued, answered, abandoned, left, offersFailed *prometheus.CounterVec
	waited, talked                                                  *prometheus.HistogramVec
	commits                                                         prometheus.Histogram

	// ---- owned by Run ----
	trunks, causes, queues, outcomes map[string]bool
}

// NewMeter returns a meter whose figures are in the registry.
func NewMeter(core Core, r *prometheus.Registry) *Meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tierline_" + name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tierline_" + name, Help: help, Buckets: buckets,
		}, labels)
		r.MustRegister(v)
		return v
	}
	waits := []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600}
	talks := []float64{5, 15, 30, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1800}
	m := &Meter{
		core:         core,
		arrived:      counter("calls_arrived_total", "Calls that came in", "trunk"),
		ended:        counter("calls_ended_total", "Calls that ended", "cause"),
		queued:       counter("calls_queued_total", "Calls that began to wait", "queue", "tier"),
		answered:     counter("calls_answered_total", "Waiting calls that an agent answered", "queue", "tier"),
		abandoned:    counter("calls_abandoned_total", "Waiting calls whose callers hung up", "queue", "tier"),
		left:         counter("calls_left_queue_total", "Calls that left without an agent", "queue", "tier", "reason"),
		offersFailed: counter("offers_failed_total", "Offers that became no conversation", "queue", "reason"),
		waited:       histogram("wait_seconds", "Waits of answered calls", waits, "queue", "tier"),
		talked:       histogram("talk_seconds", "Lengths of conversations", talks, "queue"),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tierline_commit_seconds", Help: "From proposing an event until it is applied",
			Buckets: []float64{.0005, .001, .002, .003, .005, .008, .012, .02, .03, .05, .1, .25, 1, 5},
		}),
		trunks: map[string]bool{}, causes: map[string]bool{}, queues: map[string]bool{}, outcomes: map[string]bool{},
	}
	clock := newClock(core)
	r.MustRegister(m.commits, Collector(func() []Figure { return longestWaits(core, clock) }))
	return m
}

// longestWaits go on growing between entries; so they can't come from the
// state alone.
func longestWaits(core Core, c *clock) (out []Figure) {
	var queues []acd.QueueView
	var last int64
	core.Read(func(s *acd.State) { queues, last = s.Queues(), s.Now() })
	since := c.now(last) - last
	for i := range queues {
		q := &queues[i]
		out = append(out, Gauge("queue_longest_wait_seconds", "Longest present wait",
			float64(longest(q, since))/1000, "queue", q.Name))
	}
	return out
}

// Committed notes how long a commit took. It doesn't block.
func (m *Meter) Committed(d time.Duration) { m.commits.Observe(d.Seconds()) }

// Run counts until the context ends.
func (m *Meter) Run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("count the story: panic: %v\n%s", p, debug.Stack())
		}
	}()
	after := m.core.Stats().Applied
	for {
		for s, err := range m.core.Follow(ctx, after) {
			switch {
			case errors.Is(err, cluster.ErrCompacted): // fell far behind: the counters lack what was between
				after = m.core.Stats().Applied
			case err != nil && ctx.Err() != nil:
				return nil
			case err != nil:
				return fmt.Errorf("count the story: %w", err)
			default:
				after = s.Index
				for i := range s.Facts {
					m.fact(&s.Facts[i])
				}
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// fact counts one fact. Kinds without a figure are left out on purpose.
func (m *Meter) fact(f *acd.Fact) {
	queue, tier := bounded(m.queues, f.Queue), "none"
	if f.Tier != nil {
		tier = f.Tier.String()
	}
	switch f.Kind {
	case acd.FactCallArrived:
		m.arrived.WithLabelValues(bounded(m.trunks, f.Trunk)).Inc()
	case acd.FactCallQueued:
		m.queued.WithLabelValues(queue, tier).Inc()
	case acd.FactCallLeftQueue:
		m.left.WithLabelValues(queue, tier, bounded(m.outcomes, f.Cause)).Inc()
	case acd.FactOfferFailed:
		m.offersFailed.WithLabelValues(queue, bounded(m.outcomes, f.Cause)).Inc()
	case acd.FactCallConnected:
		m.answered.WithLabelValues(queue, tier).Inc()
		m.waited.WithLabelValues(queue, tier).Observe(seconds(f.WaitMS))
	case acd.FactAgentReleased:
		m.talked.WithLabelValues(queue).Observe(seconds(f.TalkMS))
	case acd.FactCallEnded:
		m.ended.WithLabelValues(bounded(m.causes, f.Cause)).Inc()
		if f.Abandoned {
			m.abandoned.WithLabelValues(queue, tier).Inc()
		}
	case acd.FactConfigPublished, acd.FactAgentState, acd.FactAgentNext, acd.FactPhoneRegistered,
		acd.FactPhoneUnregistered, acd.FactCallStep, acd.FactCallOffered, acd.FactCallRinging, acd.FactNodeRestarted:
	}
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
