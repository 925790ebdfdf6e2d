package cluster

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"tierline/acd"
)

// A node is brought back from an image with other calls, numbers and processes
// behind it than it ever had in its own directory.
func TestANodeBeginsFromAnImage(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		n := mustOpen(t, Config{})
		mustPropose(t, n, centre(1))
		mustPropose(t, n, arrive("talks"))
		mustPropose(t, n, queue("talks"))
		n.Post(step("nobody", 1))
		elsewhere := arrive("elsewhere")
		elsewhere.Node = "n2"
		mustPropose(t, n, elsewhere)
		im, err := n.Image(0)
		if err != nil {
			t.Fatal(err)
		}
		mustPropose(t, n, arrive("later"))
		dir := filepath.Join(t.TempDir(), "raft")
		c := Config{Node: "n1", Dir: dir, LogStore: store, Logger: testLogger(t)}
		if err = Implant(c, im); err != nil {
			t.Fatal(err)
		}
		if err = Implant(c, im); err == nil {
			t.Error("a begun directory was overwritten")
		}
		again := mustOpen(t, c)
		again.Read(func(s *acd.State) {
			if calls := s.Calls(); len(calls) > 0 {
				t.Errorf("calls of another time live: %+v", calls)
			}
			if g := s.Generation(); g != 1 {
				t.Errorf("generation %d", g)
			}
		})
		ended := map[string]int{}
		for story, err := range again.Follow(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range story.Facts {
				if f.Kind == acd.FactCallEnded {
					ended[f.Call]++
				}
			}
			if len(ended) == 2 {
				break
			}
		}
		if ended["talks"] != 1 || ended["elsewhere"] != 1 {
			t.Errorf("ends of calls: %v", ended)
		}
		mustPropose(t, again, arrive("new")) // its events count: it is a later process
		if p := phase(again, "new"); p != acd.PhaseMenu {
			t.Errorf("a new call is in phase %v", p)
		}
	})
}

func TestThreeNodesBeginFromOneImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		mustPropose(t, c.node["n1"], centre(1))
		for _, name := range trioNames() {
			ev := arrive("of " + name)
			ev.Node = name
			mustPropose(t, c.node[name], ev)
		}
		c.agree()
		im, err := c.node["n2"].Image(0)
		if err != nil {
			t.Fatal(err)
		}
		c.stop()
		states := map[string]bool{}
		for range trioNames() {
			contents, err := readSnapshot(bytes.NewReader(im.Data))
			if err != nil {
				t.Fatal(err)
			}
			layDown(&contents)
			var b bytes.Buffer
			if err := contents.write(&b); err != nil {
				t.Fatal(err)
			}
			states[b.String()] = true
		}
		if len(states) != 1 {
			t.Errorf("%d states come of one image", len(states))
		}
	})
}

func TestWhatAnImageLacksIsSaid(t *testing.T) {
	n := mustOpen(t, Config{})
	mustPropose(t, n, centre(1))
	n.tape.mu.Lock()
	n.tape.floor = 5
	n.tape.mu.Unlock()
	if _, err := n.Image(1); !errors.Is(err, ErrCompacted) {
		t.Errorf("stories that are gone: %v", err)
	}
	im := Image{Index: 3, Term: 1, Data: []byte("tierline snapshot 9\n and more")}
	err := Implant(Config{Node: "n1", Dir: t.TempDir(), LogStore: StoreWAL, Logger: testLogger(t)}, im)
	if err == nil || !strings.Contains(err.Error(), "not a snapshot of this release") {
		t.Errorf("another format: %v", err)
	}
}
