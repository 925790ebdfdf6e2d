package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"tierline/call/sipua"
	"tierline/call/trace"
	"tierline/cluster"
	"tierline/cmd/internal/console"
)

// startTraces makes the memory of traces, unless the settings switch it off.
func (n *Node) startTraces(root context.Context) error {
	t, h := n.settings.Trace, n.settings.HEP
	if !t.Enabled {
		return nil
	}
	c := trace.Config{Bytes: t.MemoryMB << 20, CallBytes: t.CallKB << 10, Calls: t.Calls}
	if h.Address != "" {
		password := ""
		if h.PasswordFile != "" {
			var err error
			if password, err = readSecret(h.PasswordFile); err != nil {
				return fmt.Errorf("hep.password_file: %w", err)
			}
		}
		c.Collector = trace.NewCollector(trace.CollectorConfig{
			Address: h.Address, Node: uint32(h.NodeID), Password: password, //nolint:gosec // checked with the settings
		})
		n.beside.Go(func() { c.Collector.Run(root.Done()) })
	}
	n.traces = trace.New(c)
	return nil
}

// watcher is what sees the SIP messages; nil: nobody does.
func (n *Node) watcher() func(sipua.Sighting) {
	if n.traces == nil {
		return nil
	}
	return func(s sipua.Sighting) { n.traces.SIP(trace.Sighting(s)) }
}

// traceSource is what the API shows of traces; nil: nothing.
func (n *Node) traceSource() console.Traces {
	if n.traces == nil {
		return nil
	}
	return n.traces
}

// followStory puts what the log says of calls into their traces.
func (n *Node) followStory(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("trace the story: panic: %v\n%s", p, debug.Stack())
		}
	}()
	after := n.cluster.Stats().Applied
	for ctx.Err() == nil {
		for s, err := range n.cluster.Follow(ctx, after) {
			switch {
			case errors.Is(err, cluster.ErrCompacted): // fell far behind: traces lack what was between
				after = n.cluster.Stats().Applied
			case err != nil && ctx.Err() != nil:
				return nil
			case err != nil:
				return fmt.Errorf("trace the story: %w", err)
			default:
				after = s.Index
				n.traces.Facts(s.Facts)
			}
		}
	}
	return nil
}

func (n *Node) traceFigures() []console.Figure {
	s := n.traces.Stats()
	return []console.Figure{
		console.Gauge("trace_calls", "Calls whose messages are remembered", s.Calls),
		console.Gauge("trace_bytes", "Memory of that", s.Bytes),
		console.Counter("trace_calls_forgotten_total", "Calls that had to make room", s.Evicted),
		console.Counter("trace_entries_dropped_total", "Entries left out of calls that are remembered", s.Dropped),
		console.Counter("hep_sent_total", "Packets sent to the collector", s.Sent),
		console.Counter("hep_lost_total", "Packets that the collector didn't get", s.Lost),
	}
}
