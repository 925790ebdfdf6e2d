package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// An agent's phone rings from the node that has the call; Raft alone lets that
// one know with the next entries, or after its CommitTimeout.
func TestFollowersLearnAtOnceWhatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		lead, others := c.leader(), c.followers()
		mustPropose(t, c.node[lead], centre(1))
		mustPropose(t, c.node[lead], arrive("c1"))
		for i := range 20 {
			time.Sleep(time.Second) // nothing else is on its way
			from := append(others, lead)[i%3]
			began := time.Now()
			mustPropose(t, c.node[from], step("c1", i))
			for _, name := range others {
				c.until(name+" applied it", func() bool { return c.node[name].Stats().Applied == c.node[lead].Stats().Applied })
			}
			if took := time.Since(began); took > 3*time.Millisecond { // the look of until is one
				t.Errorf("step %d, from %s: all know it after %v", i, from, took)
			}
		}
	})
}

func TestAHeraldTellsWhatAFollowerIsKnownToHave(t *testing.T) {
	entries := func(from, to uint64) (all []*raft.Log) {
		for i := from; i <= to; i++ {
			all = append(all, &raft.Log{Index: i, Term: 7})
		}
		return all
	}
	const now, committed = 7, 20
	whole := raft.AppendEntriesRequest{Term: now, PrevLogEntry: 9, PrevLogTerm: 6, Entries: entries(10, 15), LeaderCommitIndex: 9}
	told := func(index uint64) []raft.AppendEntriesRequest {
		return []raft.AppendEntriesRequest{{Term: now, PrevLogEntry: 15, PrevLogTerm: 7, LeaderCommitIndex: index}}
	}
	for what, x := range map[string]struct {
		do        func(h *herald)
		committed uint64
		want      []raft.AppendEntriesRequest
	}{
		"nobody is known": {func(*herald) {}, committed, nil},
		"all of it":       {func(h *herald) { request(h, whole, true) }, 14, told(14)},
		"no further":      {func(h *herald) { request(h, whole, true) }, committed, told(15)},
		"nothing new":     {func(h *herald) { request(h, whole, true) }, 9, nil},
		"not twice": {func(h *herald) {
			request(h, whole, true)
			h.due(now, committed)
		}, committed, nil},
		"more of it": {func(h *herald) {
			request(h, whole, true)
			h.due(now, 12)
		}, committed, told(15)},
		"Raft tells": {func(h *herald) {
			request(h, whole, true)
			h.began("f", "f", &whole)
		}, committed, nil},
		"Raft failed":     {func(h *herald) { request(h, whole, true); request(h, whole, false) }, committed, nil},
		"of another term": {func(h *herald) { w := whole; w.Term = 6; request(h, w, true) }, committed, nil},
		"what was sent again comes late": {func(h *herald) {
			request(h, whole, true)
			w := whole
			w.Entries = entries(10, 11)
			request(h, w, true)
		}, committed, told(15)},
		"heartbeats say nothing": {func(h *herald) {
			request(h, whole, true)
			request(h, raft.AppendEntriesRequest{Term: now}, false)
		}, committed, told(15)},
	} {
		h := newHerald()
		x.do(h)
		var got []raft.AppendEntriesRequest
		for _, w := range h.due(now, x.committed) {
			got = append(got, w.req)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// request is one of Raft's and its answer.
func request(h *herald, req raft.AppendEntriesRequest, stored bool) {
	h.began("f", "f", &req)
	h.ended("f", &req, stored)
}
