package cluster

import (
	"sync"
	"time"

	"tierline/acd"
)

// outlet is where effects leave for whoever carries them out, in order. It can
// be shut for a while.
type outlet struct {
	carry func([]acd.Effect)

	mu    sync.Mutex // guards what follows; held while effects are handed over
	kept  []acd.Effect
	timer *time.Timer // nil: open
}

func (o *outlet) put(effects []acd.Effect) {
	if len(effects) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.kept = append(o.kept, effects...)
		return
	}
	o.carry(effects)
}

// shut keeps what comes for a while, unless it is kept already.
func (o *outlet) shut(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer == nil {
		o.timer = time.AfterFunc(d, o.open)
	}
}

func (o *outlet) open() {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.kept
	o.kept, o.timer = nil, nil
	if len(kept) > 0 {
		o.carry(kept)
	}
}

// close drops what is kept.
func (o *outlet) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.timer.Stop()
	}
	o.kept = nil
}
