package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tierline/acd"
	"tierline/acd/report/interval"
	"tierline/cluster"
)

// Meter counts what the story tells, from the start of the process on. The
// same facts make the call records, so both show the same numbers.
type Meter struct {
	core Core

	arrived, ended, offersFailed               *prometheus.CounterVec
	queued, answered, abandoned, left, refused *prometheus.CounterVec
	waited, endured, talked                    *prometheus.HistogramVec
	scores, losses, jitters                    *prometheus.HistogramVec
	commits                                    prometheus.Histogram
	lookups                                    *prometheus.CounterVec
	lookupTimes                                *prometheus.HistogramVec

	steps, transfers, surveys                        *prometheus.CounterVec
	callbacksAsked, callbacksMissed, callbacksClosed *prometheus.CounterVec

	// ---- owned by Run ----
	nodes                            map[string]bool // flow and node
	words                            map[string]bool // outcomes, answers
	destinations, questions          map[string]bool
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
		left:         counter("calls_left_queue_total", "Waiting calls that left otherwise", "queue", "tier", "reason"),
		refused:      counter("queue_refused_total", "Calls that a queue didn't take", "queue", "tier", "reason"),
		offersFailed: counter("offers_failed_total", "Offers that became no conversation", "queue", "reason"),
		waited:       histogram("wait_seconds", "Waits of answered calls", waits, "queue", "tier"),
		endured:      histogram("abandoned_wait_seconds", "Waits of abandoned calls", waits, "queue", "tier"),
		scores: histogram("leg_mos", "Estimated listening quality (MOS) of legs that ended, by direction",
			[]float64{1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.3, 4.4}, "side", "direction"),
		losses: histogram("leg_loss_ratio", "Packets that legs that ended have lost, of 1",
			[]float64{0, .001, .005, .01, .02, .03, .05, .1, .2, .5}, "side", "direction"),
		jitters: histogram("leg_jitter_seconds", "Jitter at the end of legs",
			[]float64{.001, .002, .005, .01, .02, .03, .05, .1, .2}, "side", "direction"),
		talked: histogram("talk_seconds", "Lengths of conversations", talks, "queue"),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tierline_commit_seconds", Help: "From proposing an event until it is applied",
			Buckets: []float64{.0005, .001, .002, .003, .005, .008, .012, .02, .03, .05, .1, .25, 1, 5},
		}),
		lookups: counter("lookups_total", "Lookups and messages, by how they ended", "source", "outcome"),
		lookupTimes: histogram("lookup_seconds", "How long lookups and messages took",
			[]float64{.01, .025, .05, .1, .2, .4, .8, 1.5, 3, 10, 30}, "source"),
		steps: counter("flow_steps_total", "Nodes of flows that ended, by how", "flow", "node", "outcome"),
		nodes: map[string]bool{}, words: map[string]bool{},
		destinations: map[string]bool{}, questions: map[string]bool{},
		transfers:       counter("transfers_total", "Callers sent to somebody outside", "destination", "result"),
		surveys:         counter("survey_answers_total", "Answers to surveys", "question", "value"),
		callbacksAsked:  counter("callbacks_requested_total", "Call-backs asked for", "queue"),
		callbacksMissed: counter("callbacks_missed_total", "Attempts that didn't reach the customer", "queue", "reason"),
		callbacksClosed: counter("callbacks_ended_total", "Call-backs that ended", "queue", "cause"),
		trunks:          map[string]bool{}, causes: map[string]bool{},
		queues: map[string]bool{}, outcomes: map[string]bool{},
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

// Asked notes a lookup or a message that ended. It doesn't block.
func (m *Meter) Asked(source, outcome string, took time.Duration) {
	m.lookups.WithLabelValues(source, outcome).Inc()
	m.lookupTimes.WithLabelValues(source).Observe(took.Seconds())
}

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
				m.story(s.Facts)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// story counts what one entry changed.
func (m *Meter) story(facts []acd.Fact) {
	for i := range facts {
		m.fact(&facts[i])
	}
	for s := range interval.Steps(facts) {
		m.step(s)
	}
}

// fact counts one fact. What is counted of queues is step's.
func (m *Meter) fact(f *acd.Fact) {
	if f.Kind == acd.FactCallArrived && f.Direction != acd.DirectionTest { // nobody calls us
		m.arrived.WithLabelValues(bounded(m.trunks, f.Trunk)).Inc()
	}
	if f.Kind == acd.FactOfferFailed && f.Role == "" {
		m.offersFailed.WithLabelValues(bounded(m.queues, f.Queue), bounded(m.outcomes, f.Cause)).Inc()
	}
	if f.Kind == acd.FactAgentReleased && f.Attempt == 0 && f.Role == "" { // conversations of call-backs are no queue's
		m.talked.WithLabelValues(bounded(m.queues, f.Queue)).Observe(seconds(f.TalkMS))
	}
	if f.Kind == acd.FactCallEnded {
		m.ended.WithLabelValues(bounded(m.causes, f.Cause)).Inc()
	}
	if f.Quality != nil {
		m.heard(f)
	}
	m.menuFact(f)
}

// menuFact counts what menus did, and the call-backs that came of it.
func (m *Meter) menuFact(f *acd.Fact) {
	switch f.Kind { //nolint:exhaustive // the others are counted elsewhere or not at all
	case acd.FactCallStep:
		if f.Previous != "" {
			flow, node := m.node(f.Flow, f.Previous)
			m.steps.WithLabelValues(flow, node, bounded(m.words, f.Outcome)).Inc()
		}
	case acd.FactCallTransferred:
		m.transfers.WithLabelValues(bounded(m.destinations, f.To), bounded(m.outcomes, f.Cause)).Inc()
	case acd.FactCallSurveyed:
		m.surveys.WithLabelValues(bounded(m.questions, f.Question), bounded(m.words, f.Value)).Inc()
	case acd.FactCallbackRequested:
		m.callbacksAsked.WithLabelValues(bounded(m.queues, f.Queue)).Inc()
	case acd.FactCallbackMissed:
		m.callbacksMissed.WithLabelValues(bounded(m.queues, f.Queue), bounded(m.outcomes, f.Cause)).Inc()
	case acd.FactCallbackEnded:
		m.callbacksClosed.WithLabelValues(bounded(m.queues, f.Queue), bounded(m.outcomes, f.Cause)).Inc()
	}
}

// maxNodes is how many nodes of flows are counted apart: a flow has some dozens.
const maxNodes = 1000

func (m *Meter) node(flow, node string) (flowLabel, nodeLabel string) {
	key := flow + "/" + node
	if !m.nodes[key] && len(m.nodes) >= maxNodes {
		return "other", "other"
	}
	m.nodes[strings.Clone(key)] = true
	return cmp.Or(flow, "none"), node
}

// step counts at a queue, by the definitions that the reports have.
func (m *Meter) step(s interval.Step) {
	queue, tier := bounded(m.queues, s.Fact.Queue), "none"
	if s.Fact.Tier != nil {
		tier = s.Fact.Tier.String()
	}
	switch {
	case s.Kind == interval.Offered:
		m.queued.WithLabelValues(queue, tier).Inc()
	case s.Kind == interval.Refused:
		m.refused.WithLabelValues(queue, tier, bounded(m.outcomes, s.Outcome)).Inc()
	case s.Outcome == interval.Answered:
		m.answered.WithLabelValues(queue, tier).Inc()
		m.waited.WithLabelValues(queue, tier).Observe(seconds(s.Fact.WaitMS))
	case s.Outcome == interval.Abandoned:
		m.abandoned.WithLabelValues(queue, tier).Inc()
		m.endured.WithLabelValues(queue, tier).Observe(seconds(s.Fact.WaitMS))
	default:
		m.left.WithLabelValues(queue, tier, bounded(m.outcomes, s.Outcome)).Inc()
	}
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
