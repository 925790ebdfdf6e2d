package console

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tierline/acd"
	"tierline/acd/report/cursor"
	"tierline/cluster"
	"tierline/routing"
)

// NewRegistry returns a registry of our own with what Go says of the process.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Figure is one value for /metrics. Labels come in pairs of name and value;
// values must be few and known: queue, tier, trunk, a stable word, never a
// number of a caller or the name of an agent.
type Figure struct {
	Name    string // without the prefix tierline_
	Help    string
	Counter bool // only grows; otherwise it is a gauge
	Value   float64
	Labels  []string
}

// Gauge is a Figure that goes up and down.
func Gauge[N int | int64 | uint64 | float64](name, help string, value N, labels ...string) Figure {
	return Figure{Name: name, Help: help, Value: float64(value), Labels: labels}
}

// Counter is a Figure that only grows; its name should end in _total.
func Counter[N int | int64 | uint64 | float64](name, help string, value N, labels ...string) Figure {
	return Figure{Name: name, Help: help, Value: float64(value), Labels: labels, Counter: true}
}

// Counters makes one counter for each entry of a map from a label's value.
func Counters(name, help, label string, values map[string]uint64) []Figure {
	var out []Figure
	for _, v := range slices.Sorted(maps.Keys(values)) {
		out = append(out, Counter(name, help, values[v], label, v))
	}
	return out
}

// Collector asks a part for its figures at each scrape.
func Collector(figures func() []Figure) prometheus.Collector { return collector(figures) }

type collector func() []Figure

// Describe sends nothing: which label values exist is only known at a scrape.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, f := range c() {
		var names, values []string
		for i := 0; i+1 < len(f.Labels); i += 2 {
			names, values = append(names, f.Labels[i]), append(values, f.Labels[i+1])
		}
		kind := prometheus.GaugeValue
		if f.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc("tierline_"+f.Name, f.Help, names, nil)
		out <- prometheus.MustNewConstMetric(desc, kind, f.Value, values...)
	}
}

// StateFigures are what the replicated state says of this moment.
func StateFigures(core Core) []Figure {
	var calls []acd.CallView
	var agents []acd.AgentView
	var queues []acd.QueueView
	var generation uint64
	core.Read(func(s *acd.State) {
		calls, agents, queues, generation = s.Calls(), s.Agents(), s.Queues(), s.Generation()
	})
	out := []Figure{Gauge("generation", "Current generation of service documents", generation)}
	phases := map[string]int{}
	for _, p := range []acd.Phase{
		acd.PhaseMenu, acd.PhaseWaiting, acd.PhaseOffered, acd.PhaseTalking, acd.PhaseDirected, acd.PhaseAfter,
		acd.PhaseTest,
	} {
		phases[p.String()] = 0
	}
	for i := range calls {
		phases[calls[i].Phase.String()]++
	}
	for _, p := range slices.Sorted(maps.Keys(phases)) {
		out = append(out, Gauge("calls", "Running calls by phase", phases[p], "phase", p))
	}
	states := map[string]int{}
	for s := acd.AgentSignedOut; s <= acd.AgentUnreachable; s++ {
		states[s.String()] = 0
	}
	for i := range agents {
		states[agents[i].State.String()]++
	}
	for _, s := range slices.Sorted(maps.Keys(states)) {
		out = append(out, Gauge("agents", "Agents by state", states[s], "state", s))
	}
	for i := range queues {
		out = append(out, queueFigures(&queues[i])...)
	}
	return out
}

func queueFigures(q *acd.QueueView) []Figure {
	out := []Figure{
		Gauge("queue_agents_ready", "Ready agents who meet the queue's requirement", q.Agents.Ready, "queue", q.Name),
		Gauge("queue_agents_signed_in", "Agents signed in who meet it", q.Agents.SignedIn, "queue", q.Name),
	}
	for tier, n := range q.ByTier {
		out = append(out, Gauge("queue_waiting", "Waiting calls by customer tier", n,
			"queue", q.Name, "tier", routing.Tier(tier).String()))
	}
	return out
}

// ClusterFigures are what the log says of itself.
func ClusterFigures(s cluster.Stats) []Figure {
	leader := 0
	if s.Leader {
		leader = 1
	}
	return []Figure{
		Gauge("cluster_leader", "1 if this node leads", leader),
		Gauge("cluster_term", "Raft term", s.Term),
		Gauge("cluster_applied_index", "Last entry applied", s.Applied),
		Gauge("cluster_last_index", "Last entry of the log", s.LastIndex),
		Gauge("cluster_log_bytes", "Size of the log and its snapshots on disk", s.LogBytes),
		Gauge("cluster_waiting_events", "Posted events that are not in the log yet", s.Waiting),
		Gauge("cluster_stories", "Stories kept for followers", s.Stories),
		Gauge("cluster_stories_unacknowledged", "Stories that the call records don't have yet", s.Unacknowledged),
		Counter("cluster_proposals_total", "Events proposed", s.Proposals),
		Counter("cluster_posts_total", "Events posted", s.Posts),
		Counter("cluster_refused_total", "Events the core refused", s.Refused),
		Counter("cluster_failed_total", "Proposals that could not be committed", s.Failed),
		Counter("cluster_retried_total", "Posted events that had to be sent again", s.Again),
		Counter("cluster_dropped_total", "Posted events that were lost because too many waited", s.Dropped),
		Counter("cluster_faults_total", "Entries the core could not apply", s.Faults),
		Counter("cluster_write_failures_total", "Writes of the log that failed", s.WriteFailures),
	}
}

// RecordFigures are what the writer of call records says of itself.
func RecordFigures(s cursor.Stats) []Figure {
	failing, writes := 0, 0
	if s.Failing != "" {
		failing = 1
	}
	if s.Writes {
		writes = 1
	}
	return []Figure{
		Gauge("records_writer", "1 on the node that writes the call records; all nodes, if each has a file", writes),
		Gauge("records_index", "Last entry written to the call records", s.Index),
		Gauge("records_durable_index", "Last entry that is on the disk for certain", s.Durable),
		Gauge("records_open", "Unfinished call records", s.Open),
		Gauge("records_failing", "1 while the store takes nothing", failing),
		Counter("records_events_total", "Events written", s.Events),
		Counter("records_calls_total", "Call records written", s.Calls),
		Counter("records_failures_total", "Writes that had to be tried again", s.Failures),
	}
}

// Label values that come from the story are bounded: whatever is unknown to a
// reader of dashboards is "other".
const maxLabels = 64

// bounded returns a value, or "other" when there are too many already.
func bounded(seen map[string]bool, value string) string {
	value = strings.ToValidUTF8(value, "?")
	if value == "" {
		return "none"
	}
	if seen[value] {
		return value
	}
	if len(seen) >= maxLabels {
		return "other"
	}
	seen[strings.Clone(value)] = true
	return value
}
