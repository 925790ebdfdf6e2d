package cluster

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"tierline/acd"
)

// lab is three nodes' Raft and fsm in one process, inside a bubble: what the
// one-node shell must not stand in the way of.
type lab struct {
	t    *testing.T
	node []*raft.Raft
	fsm  []*fsm
	wire []*raft.InmemTransport
	disk []*disk
}

func newLab(t *testing.T, size int) *lab {
	t.Helper()
	l := &lab{t: t}
	var members raft.Configuration
	for i := range size {
		addr, wire := raft.NewInmemTransport(raft.ServerAddress(fmt.Sprint("n", i)))
		l.wire = append(l.wire, wire)
		members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(addr), Address: addr})
	}
	for i, m := range members.Servers {
		l.heal(i)
		d := newDisk()
		g := mustGuard(t, d)
		s := defaults()
		s.timing.heartbeat = 250 * time.Millisecond
		conf := raftConfig(Config{Node: string(m.ID), Logger: testLogger(t), SnapshotEvery: 50}, s.timing)
		f := &fsm{
			log: testLogger(t), clock: &clock{mono: s.mono}, tape: &tape{keep: keepStories}, state: acd.NewState(),
			effects: outlet{carry: func([]acd.Effect) {}}, changed: make(chan struct{}, 1),
		}
		if err := raft.BootstrapCluster(conf, g, g, d.snaps, l.wire[i], members); err != nil {
			t.Fatal(err)
		}
		r, err := raft.NewRaft(conf, f, g, g, d.snaps, l.wire[i])
		if err != nil {
			t.Fatal(err)
		}
		l.node, l.fsm, l.disk = append(l.node, r), append(l.fsm, f), append(l.disk, d)
	}
	return l
}

func (l *lab) cut(i int) {
	for j, w := range l.wire {
		w.Disconnect(l.wire[i].LocalAddr())
		l.wire[i].Disconnect(l.wire[j].LocalAddr())
	}
}

func (l *lab) heal(i int) {
	for j, w := range l.wire {
		if j != i {
			w.Connect(l.wire[i].LocalAddr(), l.wire[i])
			l.wire[i].Connect(w.LocalAddr(), w)
		}
	}
}

func (l *lab) leader(not int) int {
	l.t.Helper()
	for range 1000 {
		for i, r := range l.node {
			if i != not && r.State() == raft.Leader {
				return i
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Fatal("no leader within ten seconds")
	return -1
}

// put sends a posted event of author n9 to node i.
func (l *lab) put(i int, seq uint64, ev acd.Event) (fate, error) {
	l.t.Helper()
	o := origin{Node: "n9", Start: 1, Seq: seq}
	k, body, err := encodeEvent(ev)
	if err != nil {
		l.t.Fatal(err)
	}
	future := l.node[i].Apply(encode(l.fsm[i].clock.now(), time.Now().UnixMilli(), o, k, body), time.Second)
	if err := future.Error(); err != nil {
		return 0, err
	}
	return future.Response().(applied).fate, nil
}

func (l *lab) stop() {
	for _, r := range l.node {
		if err := r.Shutdown().Error(); err != nil {
			l.t.Error(err)
		}
	}
}

func (l *lab) agree() {
	l.t.Helper()
	time.Sleep(30 * time.Second)
	synctest.Wait() // also what lets the race detector see that reading is safe
	for i, f := range l.fsm[1:] {
		if f.state.Hash() != l.fsm[0].state.Hash() || fmt.Sprint(f.sessions, f.last) != fmt.Sprint(l.fsm[0].sessions, l.fsm[0].last) {
			l.t.Errorf("nodes 0 and %d disagree: %v %v, %v %v", i+1, l.fsm[0].last, l.fsm[0].sessions, f.last, f.sessions)
		}
		a, _ := l.fsm[0].tape.outbox()
		b, _ := f.tape.outbox()
		if fmt.Sprint(a) != fmt.Sprint(b) {
			l.t.Errorf("nodes 0 and %d tell different stories", i+1)
		}
	}
}

func TestThreeNodesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, 3)
		defer l.stop()
		first := l.leader(-1)
		must := func(i int, seq uint64, ev acd.Event, want fate) {
			t.Helper()
			if got, err := l.put(i, seq, ev); err != nil || got != want {
				t.Errorf("event %d: fate %d, %v, want %d", seq, got, err, want)
			}
		}
		must(first, 1, centre(1), fateApplied)
		must(first, 2, arrive("c1"), fateApplied)
		l.cut(first)
		if _, err := l.put(first, 3, step("c1", 3)); err == nil {
			t.Error("a leader without followers has committed")
		}
		second := l.leader(first)
		at := l.fsm[second].clock.now()
		must(second, 4, step("c1", 4), fateGap) // the third was lost
		must(second, 3, step("c1", 3), fateApplied)
		must(second, 3, step("c1", 3), fateDuplicate)
		must(second, 4, step("c1", 4), fateApplied)
		if last := l.fsm[second].position(); last.At < at {
			t.Errorf("log time went back to %d from %d", last.At, at)
		}
		l.heal(first)
		l.agree()
	})
}

// A leader wrote that a node was down, lost its place, and got that into the log
// of the next one, which had told the node meanwhile that it might act.
func TestWhatALeaderOfAnEarlierTermSaysDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, 3)
		defer l.stop()
		lead := l.leader(-1)
		term := l.node[lead].CurrentTerm()
		for i, s := range []struct {
			ev   acd.Event
			want fate
		}{
			{acd.NodeReady{Node: "n1"}, fateApplied},
			{acd.NodeDown{Node: "n1", Heir: "n2", Term: term - 1}, fateOvertaken},
			{acd.NodeDown{Node: "n1", Heir: "n2", Term: term}, fateApplied},
		} {
			if got, err := l.put(lead, uint64(i+1), s.ev); err != nil || got != s.want {
				t.Errorf("%+v: fate %d, %v, want %d", s.ev, got, err, s.want)
			}
			l.fsm[lead].read(func(state *acd.State) {
				if down := state.Members()[0].Down; down != (i == 2) {
					t.Errorf("after %+v: down %v", s.ev, down)
				}
			})
		}
		l.agree()
	})
}

// TestALaggingNodeGetsASnapshot cuts one node off until the others have
// forgotten what it missed.
func TestALaggingNodeGetsASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, 3)
		defer l.stop()
		lead := l.leader(-1)
		late := (lead + 1) % 3
		if _, err := l.put(lead, 1, centre(1)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.put(lead, 2, arrive("c1")); err != nil {
			t.Fatal(err)
		}
		l.cut(late)
		for i := range uint64(100) {
			if _, err := l.put(lead, 3+i, step("c1", int(i))); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range l.node {
			conf := r.ReloadableConfig()
			conf.TrailingLogs = 0
			if err := r.ReloadConfig(conf); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.node[lead].Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		if err := l.node[3-lead-late].Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		l.heal(late)
		l.agree()
	})
}
