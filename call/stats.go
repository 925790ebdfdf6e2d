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
	digits         [dtmf.SourceCount]atomic.Uint64

	mu       sync.Mutex // guards the maps
	refused  map[string]uint64
	finished map[string]uint64
}

// Stats is a copy of the switch's counters.
type Stats struct {
	Live           int
	Faults         uint64            // calls ended by a fault of ours
	MissingPrompts uint64            // prompts that a flow named and nobody recorded
	Digits         map[string]uint64 // keys of callers, by the way they came
	Refused        map[string]uint64 // new calls refused, by reason
	Finished       map[string]uint64 // calls ended, by cause
}

func (c *counters) refuse(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[string]uint64{}
	}
	c.refused[reason]++
}

func (c *counters) end(cause Cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished == nil {
		c.finished = map[string]uint64{}
	}
	c.finished[cause.Reason]++
}

// Stats returns the switch's counters.
func (s *Switch) Stats() Stats {
	out := Stats{
		Live: s.Live(), Faults: s.stats.faults.Load(), MissingPrompts: s.stats.missingPrompts.Load(),
		Digits:  map[string]uint64{},
		Refused: map[string]uint64{}, Finished: map[string]uint64{},
	}
	for source := range dtmf.SourceCount {
		out.Digits[source.String()] = s.stats.digits[source].Load()
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	maps.Copy(out.Refused, s.stats.refused)
	maps.Copy(out.Finished, s.stats.finished)
	return out
}
