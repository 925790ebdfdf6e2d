package media

import (
	"sync/atomic"
	"time"
)

const (
	// moving is how long others take at most to go on with the calls of a node that
	// is cut off, and to tell the peers so.
	moving = 5 * time.Second
	// present is how old a peer's last packet may be who still talks to us.
	present = 100 * time.Millisecond
)

// hush is when nothing may leave, because others may have gone on with what this
// node has.
//
// It doesn't know whether they have. But who goes on with a leg has its peer send
// there, at another address or at this one on another machine, so in the end the
// peer tells: if we still get its sound long after others would have moved it, it
// hears nobody but us. Then it hears us again, for as long as it does talk to us.
// That is what is left of a cluster whose members have all lost each other.
type hush struct {
	since atomic.Int64 // of the engine's clock, in ns; 0 = everything may leave
}

// set begins or ends it.
func (h *hush) set(may bool, clock func() time.Duration) {
	switch since := h.since.Load(); {
	case may && since != 0:
		h.since.Store(0)
	case !may && since == 0:
		h.since.CompareAndSwap(0, int64(max(clock(), 1)))
	}
}

func (h *hush) on() bool { return h.since.Load() != 0 }

// spares reports whether sound may leave for a peer, given when it was heard.
func (h *hush) spares(heard, now time.Duration) bool {
	since := time.Duration(h.since.Load())
	return since == 0 || now-since >= moving && now-heard < present
}
