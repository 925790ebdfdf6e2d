package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tierline/acd"
)

// worked returns a data directory with entries in it, and the index of the
// last one. The mark is written by Close only if marked is set.
func worked(t *testing.T, store string, marked bool) (string, uint64) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "n1")
	s := defaults()
	s.timing.watch = time.Hour
	n := mustOpenWith(t, Config{Dir: dir, LogStore: store}, s)
	mustPropose(t, n, centre(1))
	mustPropose(t, n, arrive("c1"))
	var last uint64
	for i := range 20 {
		_, index, err := n.Propose(t.Context(), acd.CallStepped{Call: "c1", Step: fmt.Sprintf("step-%02d", i)})
		if err != nil {
			t.Fatal(err)
		}
		last = index
	}
	if marked {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		return dir, last
	}
	return copyDir(t, dir), last
}

// openError opens a directory that must not open.
func openError(t *testing.T, c Config) error {
	t.Helper()
	c.Logger = testLogger(t)
	if c.Node == "" {
		c.Node = "n1"
	}
	n, err := Open(t.Context(), c)
	if err == nil {
		t.Error("it opened")
		if err = n.Close(); err != nil {
			t.Error(err)
		}
		return errors.New("none")
	}
	return err
}

// edit changes a file's bytes.
func edit(t *testing.T, path string, change func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v, %v, want one file", pattern, files, err)
	}
	return files[0]
}

func TestATornLastRecordIsForgotten(t *testing.T) {
	tests := map[string]func(t *testing.T, dir string){
		// the machine stopped in the middle of writing the last batch
		StoreWAL: func(t *testing.T, dir string) {
			edit(t, one(t, filepath.Join(dir, "raft", "*.wal")), func(b []byte) []byte {
				end := len(bytes.TrimRight(b, "\x00"))
				clear(b[end-20 : end])
				return b
			})
		},
		// the last commit's meta page, the newer of the two
		StoreBolt: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "raft", "raft.db"), func(b []byte) []byte {
				const meta, txid = 16, 16 + 48
				newer := 0
				if binary.LittleEndian.Uint64(b[4096+txid:]) > binary.LittleEndian.Uint64(b[txid:]) {
					newer = 4096
				}
				h := fnv.New64a()
				h.Write(b[newer+meta : newer+meta+56])
				if h.Sum64() != binary.LittleEndian.Uint64(b[newer+meta+56:]) {
					t.Fatal("test is wrong: that is no meta page")
				}
				b[newer+meta+56] ^= 1
				return b
			})
		},
	}
	for store, tear := range tests {
		t.Run(store, func(t *testing.T) {
			dir, last := worked(t, store, false)
			tear(t, dir)
			n := mustOpen(t, Config{Dir: dir, LogStore: store})
			if n.stored != last-1 {
				t.Errorf("the log ends at %d, want %d: all but the torn entry", n.stored, last-1)
			}
			var seen []string
			stories, _ := n.tape.outbox()
			for _, s := range stories {
				for _, f := range s.Facts {
					if f.Kind == acd.FactCallStep {
						seen = append(seen, f.Step)
					}
				}
			}
			if len(seen) != 19 || seen[18] != "step-18" {
				t.Errorf("steps %v, want the first 19", seen)
			}
			mustPropose(t, n, arrive("c2"))
		})
	}
}

func TestADamagedDirectoryIsRefused(t *testing.T) {
	flip := func(text string) func(b []byte) []byte {
		return func(b []byte) []byte {
			if !bytes.Contains(b, []byte(text)) {
				panic("test is wrong: nothing to damage")
			}
			return bytes.ReplaceAll(b, []byte(text), []byte(strings.ToUpper(text)))
		}
	}
	tests := map[string]struct {
		damage func(t *testing.T, dir, store string)
		want   []string // in the error
	}{
		"an entry": {
			func(t *testing.T, dir, store string) { edit(t, logFile(t, dir, store), flip("step-07")) },
			[]string{"raft", "entry ", "checksum"},
		},
		"the end of the log is missing": {
			func(t *testing.T, dir, store string) {
				if store == StoreBolt {
					removeLast(t, dir)
					return
				}
				edit(t, logFile(t, dir, store), func(b []byte) []byte {
					i := bytes.Index(b, []byte("step-12"))
					clear(b[i-200 : i]) // the library takes this for a torn write
					return b
				})
			},
			[]string{"raft", "the log ends at entry", "had been committed"},
		},
		"the log is gone": {
			func(t *testing.T, dir, _ string) {
				if err := os.RemoveAll(filepath.Join(dir, "raft")); err != nil {
					t.Fatal(err)
				}
			},
			[]string{dir0, "log"},
		},
		"node.json": {
			func(t *testing.T, dir, _ string) {
				edit(t, filepath.Join(dir, "node.json"), func(b []byte) []byte { return b[:len(b)/2] })
			},
			[]string{"node.json"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bothStores(t, func(t *testing.T, store string) {
				dir, _ := worked(t, store, true)
				tt.damage(t, dir, store)
				err := openError(t, Config{Dir: dir, LogStore: store})
				t.Log(err)
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("error %v, want ErrDamaged", err)
				}
				for _, w := range tt.want {
					if w == dir0 {
						w = dir
					}
					if !strings.Contains(err.Error(), w) {
						t.Errorf("error %v does not contain %q", err, w)
					}
				}
			})
		})
	}
}

const dir0 = "the directory's name"

func logFile(t *testing.T, dir, store string) string {
	if store == StoreBolt {
		return filepath.Join(dir, "raft", "raft.db")
	}
	return one(t, filepath.Join(dir, "raft", "*.wal"))
}

func removeLast(t *testing.T, dir string) {
	t.Helper()
	st, err := openStore(StoreBolt, dir, newBridge(testLogger(t)))
	if err != nil {
		t.Fatal(err)
	}
	last, err := st.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(st.DeleteRange(last-3, last), st.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedFileOfAnyKindDoesNotPanic(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		dir, _ := worked(t, store, true)
		for i := range 8 {
			d := copyDir(t, dir)
			edit(t, logFile(t, d, store), func(b []byte) []byte {
				for at := i * 512; at < len(b); at += 4096 { // in every page
					b[at+3] ^= 0xff
					b[at+9] ^= 0xff
				}
				return b
			})
			n, err := Open(t.Context(), Config{Node: "n1", Dir: d, LogStore: store, Logger: testLogger(t)})
			if err == nil { // nothing that matters was hit
				err = n.Close()
				if err != nil {
					t.Error(err)
				}
				continue
			}
			if !strings.Contains(err.Error(), d) {
				t.Errorf("variant %d: error names no file: %v", i, err)
			}
		}
	})
}

func TestADamagedSnapshotIsRefused(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"state": {func(t *testing.T, dir string) {
			edit(t, one(t, filepath.Join(dir, "snapshots", "*", "state.bin")), func(b []byte) []byte {
				b[len(b)/2] ^= 4
				return b
			})
		}, "state.bin"},
		"meta": {func(t *testing.T, dir string) {
			edit(t, one(t, filepath.Join(dir, "snapshots", "*", "meta.json")), func([]byte) []byte { return []byte("{") })
		}, "meta.json"},
		"gone": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "snapshots")); err != nil {
				t.Fatal(err)
			}
		}, "the newest snapshot ends at 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Config{Dir: t.TempDir(), LogStore: StoreWAL}
			n := mustOpen(t, c)
			mustPropose(t, n, centre(1))
			mustPropose(t, n, arrive("c1"))
			cutLog(t, n)
			mustPropose(t, n, arrive("c2"))
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			tt.damage(t, c.Dir)
			if err := openError(t, c); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrDamaged with %q", err, tt.want)
			}
		})
	}
}

func TestAHalfWrittenSnapshotIsIgnored(t *testing.T) {
	c := Config{Dir: t.TempDir(), LogStore: StoreWAL}
	n := mustOpen(t, c)
	mustPropose(t, n, centre(1))
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(c.Dir, "snapshots", "9-99-1790000000000.tmp")
	if err := errors.Join(os.MkdirAll(tmp, 0o700), os.WriteFile(filepath.Join(tmp, "meta.json"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	n = mustOpen(t, c)
	mustPropose(t, n, arrive("c1"))
}

func TestADirectoryThatIsNotOurs(t *testing.T) {
	dir, _ := worked(t, StoreWAL, true)
	tests := map[string]struct {
		c    Config
		edit func(b []byte) []byte
		want string
	}{
		"another node's":   {Config{Node: "n2", LogStore: StoreWAL}, nil, `belongs to node "n1", not to "n2"`},
		"another store":    {Config{LogStore: StoreBolt}, nil, `the log is kept in "wal", the configuration says "bolt"`},
		"a newer format":   {Config{LogStore: StoreWAL}, func(b []byte) []byte { return bytes.Replace(b, []byte("1"), []byte("2"), 1) }, "newer release"},
		"no format at all": {Config{LogStore: StoreWAL}, func([]byte) []byte { return []byte("{}") }, "damaged"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := copyDir(t, dir)
			tt.c.Dir = d
			if tt.edit != nil {
				edit(t, filepath.Join(d, "node.json"), tt.edit)
			}
			if err := openError(t, tt.c); !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "node.json") {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestOnlyOneProcessUsesADirectory(t *testing.T) {
	c := Config{Dir: t.TempDir(), LogStore: StoreWAL}
	n := mustOpen(t, c)
	err := openError(t, c)
	if want := filepath.Join(c.Dir, "lock") + ": another process uses this data directory"; !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, c)
}

func TestConfigMistakes(t *testing.T) {
	err := openError(t, Config{LogStore: "paper", SnapshotEvery: -1, Node: " "})
	for _, want := range []string{`log store "paper"`, "snapshot every -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not contain %q", err, want)
		}
	}
	if err := openError(t, Config{LogStore: StoreWAL}); !strings.Contains(err.Error(), "data directory: empty") {
		t.Errorf("error %v", err)
	}
}
