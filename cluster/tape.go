package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"tierline/acd"
)

// ErrCompacted says that the stories asked for are no longer here.
var ErrCompacted = errors.New("stories are no longer kept")

// CompactedError is an ErrCompacted that says where stories begin.
type CompactedError struct {
	After uint64 // what was asked for
	Floor uint64 // all stories after this index are kept
}

// Error implements error.
func (e *CompactedError) Error() string {
	return fmt.Sprintf("stories after %d: %v, the oldest is after %d", e.After, ErrCompacted, e.Floor)
}

// Is makes it an ErrCompacted.
func (e *CompactedError) Is(target error) bool { return target == ErrCompacted }

// Story is what one entry changed.
type Story struct {
	Index uint64     `json:"index"`
	At    int64      `json:"at"`   // log time in ms
	Wall  int64      `json:"wall"` // Unix time in ms
	Facts []acd.Fact `json:"facts"`
}

// tape keeps the latest stories, and all that the story store hasn't yet
// acknowledged.
type tape struct {
	keep int

	mu      sync.Mutex // guards what follows
	stories []kept
	folded  int           // so many of them, the oldest, are folded
	floor   uint64        // stories up to here are gone
	acked   uint64        // the story store has everything up to here
	grown   chan struct{} // closed at the next change; nil while nobody waits
	closed  bool
}

// write appends stories. It never waits for a follower.
func (t *tape) write(s []Story) {
	if len(s) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range s {
		t.stories = append(t.stories, kept{Story: s[i]})
	}
	t.trim()
	t.fold()
	t.wakeLocked()
}

func (t *tape) wakeLocked() {
	if t.grown != nil {
		close(t.grown)
		t.grown = nil
	}
}

func (t *tape) trim() {
	n := min(len(t.stories)-t.keep, t.position(t.acked))
	if n <= 0 {
		return
	}
	t.floor = t.stories[n-1].Index
	clear(t.stories[:n])
	t.stories = t.stories[n:]
	t.folded = max(0, t.folded-n)
}

// position returns how many kept stories are at index or before.
func (t *tape) position(index uint64) int {
	return sort.Search(len(t.stories), func(i int) bool { return t.stories[i].Index > index })
}

func (t *tape) acknowledge(index uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked = max(t.acked, index)
	t.trim()
}

// outbox returns what must survive in a snapshot, and the index before it.
func (t *tape) outbox() ([]Story, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := t.stories[t.position(t.acked):]
	out := make([]Story, len(rest))
	for i := range rest { // none is folded
		out[i] = rest[i].Story
	}
	return out, max(t.acked, t.floor)
}

// since returns all stories after an index.
func (t *tape) since(index uint64) ([]Story, error) {
	t.mu.Lock()
	if index < t.floor {
		defer t.mu.Unlock()
		return nil, &CompactedError{After: index, Floor: t.floor}
	}
	all := slices.Clone(t.stories[t.position(index):])
	t.mu.Unlock()
	return unfold(all)
}

// reset puts a snapshot's outbox in place of everything.
func (t *tape) reset(s []Story, floor uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stories, t.folded, t.floor, t.acked = nil, 0, floor, floor
	for i := range s {
		t.stories = append(t.stories, kept{Story: s[i]})
	}
	t.wakeLocked()
}

func (t *tape) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.wakeLocked()
}

// lengths returns the numbers of all and of unacknowledged stories.
func (t *tape) lengths() (all, unacked int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.stories), len(t.stories) - t.position(t.acked)
}

// wall returns when the story of an entry happened, 0 if the entry has none;
// known is false while it can't be said: it is no longer kept, or not yet.
func (t *tape) wall(index uint64) (at int64, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.position(index)
	switch {
	case index <= t.floor:
		return 0, false
	case i > 0 && t.stories[i-1].Index == index:
		return t.stories[i-1].Wall, true
	}
	return 0, i < len(t.stories)
}

// page is how many stories a follower takes at once.
const page = 256

// after returns the next stories, or a channel to wait for them.
func (t *tape) after(index uint64) ([]Story, <-chan struct{}, error) {
	next, grown, err := t.next(index)
	if err != nil {
		return nil, nil, err
	}
	stories, err := unfold(next)
	return stories, grown, err
}

func (t *tape) next(index uint64) ([]kept, <-chan struct{}, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if index < t.floor {
		return nil, nil, &CompactedError{After: index, Floor: t.floor}
	}
	if s := t.stories[t.position(index):]; len(s) > 0 {
		return slices.Clone(s[:min(len(s), page)]), nil, nil
	}
	if t.closed {
		return nil, nil, ErrClosed
	}
	if t.grown == nil {
		t.grown = make(chan struct{})
	}
	return nil, t.grown, nil
}

func (t *tape) follow(ctx context.Context, index uint64) iter.Seq2[Story, error] {
	return func(yield func(Story, error) bool) {
		for {
			stories, grown, err := t.after(index)
			if err != nil {
				yield(Story{}, err)
				return
			}
			for _, s := range stories {
				if !yield(s, nil) {
					return
				}
				index = s.Index
			}
			if grown == nil {
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
				yield(Story{}, ctx.Err())
				return
			}
		}
	}
}
