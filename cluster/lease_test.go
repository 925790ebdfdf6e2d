package cluster

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// A node that had been cut off spoke again because one of those who had gone on
// with its calls was dead.
func TestWhoIsGoneGivesNoRightBack(t *testing.T) {
	var now time.Duration
	var accused atomic.Bool
	l := newLessee(func() time.Duration { return now }, []string{"n2", "n3"}, &accused)
	for _, s := range []struct {
		at    time.Duration
		who   string
		stand stand
		want  bool
	}{
		{0, "n2", standOther, false},
		{10 * time.Millisecond, "n2", standGone, false}, // it has no right that it could keep
		{20 * time.Millisecond, "n3", standLeads, true},
		{500 * time.Millisecond, "n2", standGone, true},
		{1050 * time.Millisecond, "n2", standGone, true}, // an island
		{1700 * time.Millisecond, "n2", standGone, false},
		{1710 * time.Millisecond, "n2", standGone, false},
		{1720 * time.Millisecond, "n3", standNobody, true},
		{2100 * time.Millisecond, "n2", standGone, true},
		{2650 * time.Millisecond, "n3", standOther, true},
		{2701 * time.Millisecond, "n3", standOther, false},
	} {
		now = s.at
		l.answered(s.who, now, answer{Stand: s.stand})
		if got := l.good(); got != s.want {
			t.Errorf("at %v, after %s was %q: good %v, want %v", now, s.who, s.stand, got, s.want)
		}
	}
	l.answered("n3", now, answer{Stand: standLeads})
	if accused.Store(true); l.good() {
		t.Error("it acts though its own log says that it is down")
	}
	accused.Store(false)
	if !l.good() {
		t.Error("it is silent though its log doesn't say so any more")
	}
	l.answered("n2", now, answer{Stand: standFenced})
	if l.good() {
		t.Error("it acts for what others have")
	}
}

// A process that had begun anew was said to be gone, since its node couldn't be
// called yet.
func TestWhoAsksIsNotGone(t *testing.T) {
	p := peer{stand: standGone, asked: time.Second, heard: time.Second - 1}
	if now := time.Second + 1; !p.gone(now) || p.gone(now+lease) {
		t.Error("gone for another time than the lease")
	}
	if p.heard = p.asked + 1; p.gone(time.Second + 2) {
		t.Error("it is gone though it has asked since")
	}
}

// downEntry is an entry that says that a process of n1 is down.
func downEntry(t *testing.T, index, process uint64) *raft.Log {
	t.Helper()
	k, body, err := encodeEvent(acd.NodeDown{Node: "n1", Process: process, Heir: "n2"})
	if err != nil {
		t.Fatal(err)
	}
	return &raft.Log{Index: index, Data: encode(0, 0, origin{Node: "n2", Start: 1, Seq: index}, k, body)}
}

// A member that had stored that another one was down vouched for it until it
// heard that this counted; meanwhile others acted on it.
func TestWhatIsStoredOfANodeIsKnown(t *testing.T) {
	g := mustGuard(t, newDisk())
	v := g.verdicts.serve("n1", 7)
	check := func(when string, want bool) {
		t.Helper()
		if v.against("n1", 7) != want || v.accused.Load() != want || v.against("n2", 7) {
			t.Errorf("%s: against %v, accused %v, want %v", when, v.against("n1", 7), v.accused.Load(), want)
		}
	}
	store := func(l ...*raft.Log) {
		t.Helper()
		if err := g.StoreLogs(l); err != nil {
			t.Fatal(err)
		}
	}
	store(batch(1, 2)...)
	check("before", false)
	store(downEntry(t, 3, 6))
	check("another process is meant", false)
	store(downEntry(t, 4, 7))
	check("stored", true)
	if err := g.DeleteRange(4, 4); err != nil {
		t.Fatal(err)
	}
	check("taken back", false)
	store(downEntry(t, 4, 7), downEntry(t, 5, 7))
	v.applied(4)
	check("the first is known", true)
	v.applied(5)
	check("both are", false)
	r := recovery{log: g, verdicts: new(verdicts).serve("n1", 7)}
	if _, err := r.check(2); err != nil || !r.verdicts.accused.Load() {
		t.Errorf("found by the next process: %v, %v", r.verdicts.accused.Load(), err)
	}
}
