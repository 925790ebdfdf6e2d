package cluster

import (
	"encoding/json"
	"fmt"
)

// recent is how many stories are kept as they are, for followers who keep up.
const recent = 1024

// atOnce is how many stories are folded whenever some are written, at most: the
// log waits for it.
const atOnce = 16

// kept is a story of a tape. One that only somebody late asks for is folded: its
// facts are JSON, a third of their size. A tape of 65,536 would else hold 50 MB.
type kept struct {
	Story

	folded []byte // nil: it isn't
}

// fold folds what is no longer recent. What isn't acknowledged stays as it is,
// since each snapshot holds it. mu is held.
func (t *tape) fold() {
	last := min(len(t.stories)-recent, t.position(t.acked), t.folded+atOnce)
	for ; t.folded < last; t.folded++ {
		s := &t.stories[t.folded]
		if b, err := json.Marshal(s.Facts); err == nil { // always: they are text and numbers
			s.folded, s.Facts = b, nil
		}
	}
}

// unfold makes stories of what was kept.
func unfold(all []kept) ([]Story, error) {
	if len(all) == 0 {
		return nil, nil
	}
	out := make([]Story, len(all))
	for i := range all {
		out[i] = all[i].Story
		if all[i].folded == nil {
			continue
		}
		if err := json.Unmarshal(all[i].folded, &out[i].Facts); err != nil {
			return nil, fmt.Errorf("unfold story %d: %w", out[i].Index, err)
		}
	}
	return out, nil
}
