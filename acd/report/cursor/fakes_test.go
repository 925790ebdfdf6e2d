package cursor_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"tierline/acd"
	"tierline/acd/report"
)

var (
	errFull      = errors.New("database or disk is full")
	errForgotten = errors.New("forgotten")
)

// fakeLog tells stories and notes acknowledgements.
type fakeLog struct {
	mu      sync.Mutex
	stories []report.Story
	floor   uint64
	grown   chan struct{}
	acked   []uint64
}

func newLog() *fakeLog { return &fakeLog{grown: make(chan struct{})} }

func (l *fakeLog) tell(facts ...acd.Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.floor + uint64(len(l.stories)) + 1
	now := time.Now().UnixMilli()
	l.stories = append(l.stories, report.Story{Index: i, At: now, Wall: now, Facts: facts})
	close(l.grown)
	l.grown = make(chan struct{})
}

func (l *fakeLog) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.floor + uint64(len(l.stories))
}

func (l *fakeLog) wall(index uint64) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index <= l.floor || index > l.floor+uint64(len(l.stories)) {
		return 0, false
	}
	return l.stories[index-l.floor-1].Wall, true
}

func (l *fakeLog) acknowledge(index uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, index)
}

func (l *fakeLog) acks() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked)
}

func (l *fakeLog) follow(ctx context.Context, after uint64) iter.Seq2[report.Story, error] {
	return func(yield func(report.Story, error) bool) {
		for at := after; ; {
			l.mu.Lock()
			if at < l.floor {
				l.mu.Unlock()
				yield(report.Story{}, errForgotten)
				return
			}
			fresh, grown := l.stories[at-l.floor:], l.grown
			l.mu.Unlock()
			for _, s := range fresh {
				if !yield(s, nil) {
					return
				}
				at = s.Index
			}
			select {
			case <-grown:
			case <-ctx.Done():
				yield(report.Story{}, ctx.Err())
				return
			}
		}
	}
}

// commit is one call of fakeStore.Commit that succeeded.
type commit struct {
	at      time.Duration
	cursor  uint64
	events  int
	durable bool
}

type fakeStore struct {
	mu      sync.Mutex
	began   time.Time
	cursor  uint64
	wall    report.Time // of the story there
	open    map[string]report.OpenCall
	ended   []string
	commits []commit
	failing error
	silent  error // what Claim says
	taken   bool  // another node writes
	pruned  []report.Time
	old     int64
}

func newStore() *fakeStore { return &fakeStore{open: map[string]report.OpenCall{}, began: time.Now()} }

// Claim gives the turn to whoever asks, unless another node has it.
func (s *fakeStore) Claim(context.Context, uint64) (bool, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.taken, s.cursor, s.silent
}

func (s *fakeStore) Load(context.Context) (report.Saved, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := report.Saved{Cursor: s.cursor, Wall: s.wall}
	for _, o := range s.open {
		saved.Calls = append(saved.Calls, o)
	}
	return saved, nil
}

func (s *fakeStore) Commit(_ context.Context, b report.Batch, durable bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return s.failing
	}
	if s.taken || b.After != s.cursor {
		return report.ErrTaken
	}
	s.cursor = b.Cursor
	for _, o := range b.Open {
		s.open[o.Call] = o
	}
	for _, c := range b.Ended {
		delete(s.open, c.Call)
		s.ended = append(s.ended, c.Call)
	}
	s.commits = append(s.commits, commit{time.Since(s.began), b.Cursor, len(b.Events), durable})
	return nil
}

func (s *fakeStore) Prune(_ context.Context, before report.Time, limit int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruned = append(s.pruned, before)
	n := min(s.old, int64(limit))
	s.old -= n
	return n, nil
}

func (s *fakeStore) made() []commit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commits)
}

func (s *fakeStore) prunes() []report.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pruned)
}

func (s *fakeStore) recorded() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

func (s *fakeStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
}
