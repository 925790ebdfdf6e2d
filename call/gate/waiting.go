package gate

import "time"

// memory is how many slices a caller waits at most: one whose end is never told
// doesn't count for ever.
const memory = 100

// waiting counts callers who wait for their setup, by the slice in which they
// came.
type waiting struct {
	slots [memory]struct {
		slice int64
		calls int
	}
	now int64 // slice
	all int   // of the slots
}

// Begun takes a call that came at a time: its caller waits until SetUp or Gone
// is told with the same time.
func (g *Gate) Begun(at time.Time) { g.wait(at, 1) }

// SetUp measures how long the caller who came at a time waited for us.
func (g *Gate) SetUp(at time.Time) {
	g.Told(Setup, time.Since(at))
	g.setups.Add(1)
	g.Gone(at)
}

// Gone tells that the caller who came at a time waits no longer.
func (g *Gate) Gone(at time.Time) { g.wait(at, -1) }

func (g *Gate) wait(at time.Time, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting.add(at, n, time.Now())
}

// add counts n more, or less, of those who came at a time.
func (w *waiting) add(at time.Time, n int, now time.Time) {
	w.forget(now)
	s := &w.slots[sliceOf(at)%memory]
	if s.slice == sliceOf(at) && s.calls+n >= 0 {
		s.calls += n
		w.all += n
	}
}

// count is how many wait.
func (w *waiting) count(now time.Time) int {
	w.forget(now)
	return w.all
}

// forget drops those who came too long ago.
func (w *waiting) forget(now time.Time) {
	for last := sliceOf(now); w.now < last; {
		w.now = max(w.now+1, last-memory+1)
		s := &w.slots[w.now%memory]
		w.all -= s.calls
		s.slice, s.calls = w.now, 0
	}
}

func sliceOf(t time.Time) int64 { return t.UnixNano() / int64(slice) }
