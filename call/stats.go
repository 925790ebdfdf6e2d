package call

import (
	"maps"
	"sync"
	"sync/atomic"

	"tierline/media/dtmf"
)

// counters are what /metrics shows of this package.
type counters struct {
	faults         atomic.Uint64
	missingPrompts atomic.Uint64
	unspoken       atomic.Uint64
	troubles       atomic.Uint64
	reminders      atomic.Uint64
	digits         [dtmf.SourceCount]atomic.Uint64

	mu         sync.Mutex // guards the maps
	refused    map[string]uint64
	finished   map[string]uint64
	recordings map[string]uint64
	outward    map[string]uint64
	controls   map[string]uint64
	denied     map[string]uint64
	silences   map[string]uint64
}

// Stats is a copy of the switch's counters.
type Stats struct {
	Live           int
	Faults         uint64            // calls ended by a fault of ours
	MissingPrompts uint64            // prompts that a flow named and nobody recorded
	Digits         map[string]uint64 // keys of callers, by the way they came
	Refused        map[string]uint64 // new calls refused, by reason
	Finished       map[string]uint64 // calls ended, by cause
	Unspoken       uint64            // texts that the speech engine didn't speak in time
	Troubles       uint64            // faults inside flows
	Finishing      int               // lookups that carry on after their calls
	Recordings     map[string]uint64 // made, empty, failed
	Outward        map[string]uint64 // calls that we made, by outcome
	Controls       map[string]uint64 // what agents did with their calls, by action
	Denied         map[string]uint64 // what was refused of it, by reason
	Silences       map[string]uint64 // of callers who waited, by what for
	Reminders      uint64            // of callers on hold
}

func (c *counters) refuse(reason string) { c.count(&c.refused, reason) }

func (c *counters) end(cause Cause) { c.count(&c.finished, cause.Reason) }

// count adds one to an entry of one of the maps.
func (c *counters) count(of *map[string]uint64, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *of == nil {
		*of = map[string]uint64{}
	}
	(*of)[name]++
}

// Stats returns the switch's counters.
func (s *Switch) Stats() Stats {
	out := Stats{
		Live: s.Live(), Faults: s.stats.faults.Load(), MissingPrompts: s.stats.missingPrompts.Load(),
		Digits:  map[string]uint64{},
		Refused: map[string]uint64{}, Finished: map[string]uint64{}, Recordings: map[string]uint64{},
		Controls: map[string]uint64{}, Denied: map[string]uint64{},
		Silences: map[string]uint64{}, Reminders: s.stats.reminders.Load(),
		Outward: map[string]uint64{}, Unspoken: s.stats.unspoken.Load(), Troubles: s.stats.troubles.Load(),
	}
	s.mu.Lock()
	out.Finishing = s.outlive
	s.mu.Unlock()
	for source := range dtmf.SourceCount {
		out.Digits[source.String()] = s.stats.digits[source].Load()
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	maps.Copy(out.Refused, s.stats.refused)
	maps.Copy(out.Finished, s.stats.finished)
	maps.Copy(out.Recordings, s.stats.recordings)
	maps.Copy(out.Outward, s.stats.outward)
	maps.Copy(out.Controls, s.stats.controls)
	maps.Copy(out.Denied, s.stats.denied)
	maps.Copy(out.Silences, s.stats.silences)
	return out
}
