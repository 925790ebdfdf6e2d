package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tierline/acd"
)

// TestRealFilesThatCanNotGrow makes the kernel refuse to let files grow, as a
// full disk would, under the real stores: in the middle of a file, and where
// wal begins its next one.
func TestRealFilesThatCanNotGrow(t *testing.T) {
	const inside = "TIERLINE_CLUSTER_LIMITED" // the limit is for a whole process
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v="+fmt.Sprint(testing.Verbose()))
		cmd.Env = append(os.Environ(), inside+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // refuse the write instead
	defer signal.Reset(syscall.SIGXFSZ)
	tests := []struct {
		name, store string
		segments    func(settings) settings
	}{
		{"bolt", StoreBolt, smallFiles},
		{"wal", StoreWAL, func(s settings) settings { return s }},
		{"wal, next file", StoreWAL, smallFiles},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Config{Dir: t.TempDir(), LogStore: tt.store}
			n := mustOpenWith(t, c, tt.segments(defaults()))
			mustPropose(t, n, centre(0))
			mustPropose(t, n, arrive("c1"))
			posted := 0
			post := func() {
				n.Post(acd.CallStepped{Call: "c1", Step: fmt.Sprint(posted), Menu: make([]byte, 8<<10)})
				posted++
			}
			for range 3 { // the second and third time the store has been opened anew
				restore := limitFiles(t, 48<<10)
				eventually(t, "the files are full", func() bool {
					post()
					return n.Ready() != nil
				})
				if err := n.Ready(); !errors.Is(err, syscall.EFBIG) && !strings.Contains(err.Error(), "no leader") {
					t.Errorf("not ready because of %v, want the kernel's word", err)
				}
				if _, _, err := n.Propose(t.Context(), arrive("c2")); !errors.Is(err, ErrNoQuorum) {
					t.Errorf("error %v, want ErrNoQuorum", err)
				}
				time.Sleep(300 * time.Millisecond) // several elections
				restore()
				eventually(t, "the node is ready again", func() bool { return n.Ready() == nil && n.proposer.waiting() == 0 })
			}
			got := steps(t, n)["c1"]
			if len(got) != posted || !slices.IsSorted(got) {
				t.Errorf("%d of %d posted events, sorted %t", len(got), posted, slices.IsSorted(got))
			}
			if n.Stats().WriteFailures == 0 {
				t.Error("test is wrong: no write has failed")
			}
			at, h := quiet(t, n)
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if replay(t, c.Dir, c.LogStore, at) != h {
				t.Error("the state differs from what the log gives")
			}
			mustOpenWith(t, c, tt.segments(defaults()))
		})
	}
}

func limitFiles(t *testing.T, bytes uint64) (restore func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
	}
}
