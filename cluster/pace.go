package cluster

import (
	"sync/atomic"
	"time"
)

// pace notices when this process stood still: stopped, or starved on a busy
// machine. What it believes of others is old then.
type pace struct {
	now    func() time.Duration
	ticked atomic.Int64 // when the clock was last looked at
	woke   atomic.Int64 // when it was, last, after the process had stood still
}

// standstill is by how much a beat must be late.
const standstill = 100 * time.Millisecond

func newPace(now func() time.Duration) *pace {
	p := &pace{now: now}
	p.ticked.Store(int64(now()))
	p.woke.Store(int64(now() - time.Hour))
	return p
}

// tick is called once every beat.
func (p *pace) tick() {
	now := int64(p.now())
	if now-p.ticked.Swap(now) > int64(beat+standstill) {
		p.woke.Store(now)
	}
}

// slept says how long ago this process last stood still.
func (p *pace) slept() time.Duration {
	now := int64(p.now())
	if now-p.ticked.Load() > int64(beat+standstill) {
		return 0
	}
	return time.Duration(now - p.woke.Load())
}
