package cluster

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"tierline/cluster/vault"
)

// canary is what nobody may find in a node's files.
const canary = "0123456789abcdef-of-1001"

// sealing returns a configuration with a key of its own.
func sealing(t testing.TB, store string) Config {
	t.Helper()
	keys, err := vault.Renew(filepath.Join(t.TempDir(), "node.key"))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Dir: t.TempDir(), LogStore: store, Keys: keys}
}

// written opens a node, lets it write down the canary in entries and a
// snapshot, and closes it.
func written(t *testing.T, c Config, snapshot bool) {
	t.Helper()
	n := mustOpen(t, c)
	ev := centre(1)
	ev.Bundle = []byte(canary)
	mustPropose(t, n, ev)
	mustPropose(t, n, arrive(canary))
	if snapshot {
		cutLog(t, n)
	}
	mustPropose(t, n, queue(canary))
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// sung lists the files in which the canary is.
func sung(t testing.TB, dir string) (where []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, []byte("MDEyMzQ1Njc4OWFiY2RlZi1vZi0xMDAx")) {
			where = append(where, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

func TestNothingOfTheLogIsReadableInItsFiles(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		for _, snapshot := range []bool{false, true} {
			c := sealing(t, store)
			written(t, c, snapshot)
			if found := sung(t, c.Dir); len(found) > 0 {
				t.Errorf("snapshot %t: the canary sings in %v", snapshot, found)
			}
			n := mustOpen(t, c)
			if g, p := generationOf(n), phase(n, canary); g != 1 || p != 0 { // the call ended with its process
				t.Errorf("snapshot %t: after a restart: generation %d, the call is %v", snapshot, g, p)
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			c.Keys = nil
			if snapshot { // a search that finds nothing anywhere would prove nothing
				c.Dir = t.TempDir()
				written(t, c, snapshot)
				if found := sung(t, c.Dir); len(found) < 2 {
					t.Errorf("without keys the canary is in %v only", found)
				}
			}
		}
	})
}

func generationOf(n *Node) uint64 { return n.fsm.state.Generation() }

func TestTheWrongKeyIsNamedAndNotDamage(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		c := sealing(t, StoreWAL)
		written(t, c, snapshot)
		other := sealing(t, StoreWAL).Keys
		for name, try := range map[string]struct {
			keys []vault.Key
			ring bool
			want string
		}{
			"another key":           {keys: other, want: "keys"},
			"no key":                {want: ""},
			"the ring is lost":      {keys: c.Keys, ring: true, want: ""},
			"the ring of elsewhere": {keys: other, ring: true, want: ""},
		} {
			dir := copyDir(t, c.Dir)
			if try.ring {
				if err := os.Remove(filepath.Join(dir, "keys")); err != nil {
					t.Fatal(err)
				}
			}
			err := openError(t, Config{Dir: dir, LogStore: StoreWAL, Keys: try.keys})
			if name == "no key" && snapshot {
				if !strings.Contains(err.Error(), "snapshot") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if !errors.Is(err, vault.ErrKey) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Join(dir, try.want)) {
				t.Errorf("%s, snapshot %t: %v", name, snapshot, err)
			}
		}
	}
}

func TestASealedEntryThatWasChangedIsDamage(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		c := sealing(t, store)
		written(t, c, false)
		edit(t, logFile(t, c.Dir, store), func(b []byte) []byte {
			st, err := openStore(store, copyDir(t, c.Dir), newBridge(testLogger(t)))
			if err != nil {
				t.Fatal(err)
			}
			var l raft.Log
			if err = errors.Join(st.GetLog(4, &l), st.Close()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(b, l.Data) || !vault.Sealed(l.Data) {
				t.Fatalf("test is wrong: no sealed entry 4")
			}
			changed := bytes.Clone(l.Data)
			changed[len(changed)/2] ^= 1
			return bytes.ReplaceAll(b, l.Data, changed) // bolt leaves copies in pages it no longer uses
		})
		err := openError(t, c)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "entry 4") {
			t.Errorf("error %v, want ErrDamaged with entry 4", err)
		}
	})
}

func TestADirectoryFromBeforeSealingIsSealedByAndBy(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		c := sealing(t, store)
		keys := c.Keys
		c.Keys = nil
		written(t, c, false)
		c.Keys = keys
		n := mustOpen(t, c)
		if g := generationOf(n); g != 1 {
			t.Fatalf("generation %d, want what was stored in the clear", g)
		}
		if len(sung(t, c.Dir)) == 0 {
			t.Fatal("test is wrong: nothing is in the clear")
		}
		cutLog(t, n)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range sung(t, filepath.Join(c.Dir, "snapshots")) {
			t.Errorf("%s is not sealed", path)
		}
		if n = mustOpen(t, c); generationOf(n) != 1 {
			t.Error("the sealed snapshot doesn't come back")
		}
	})
}

func TestARestoredDirectoryIsSealed(t *testing.T) {
	n := mustOpen(t, Config{})
	mustPropose(t, n, centre(1))
	mustPropose(t, n, arrive(canary))
	im, err := n.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	c := sealing(t, StoreWAL)
	c.Node, c.Logger, c.Dir = "n1", testLogger(t), filepath.Join(c.Dir, "raft")
	if err = Implant(c, im); err != nil {
		t.Fatal(err)
	}
	if found := sung(t, c.Dir); len(found) > 0 {
		t.Errorf("the canary sings in %v", found)
	}
	if g := generationOf(mustOpen(t, c)); g != 1 {
		t.Errorf("generation %d after the restore", g)
	}
}
