package acd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSnapshotFormat pins the bytes: if it fails, snapshots of the release
// before can't be read any more. Then the version must grow, and the reader of
// the old one stay.
func TestSnapshotFormat(t *testing.T) {
	for want, s := range map[string]*State{
		"a5c3040c9a8a568b95b0754a79ff19a3207049b2188957f67cfd2c77f9d36156": busyState(t),
		"9e9ee9e02d35ed921699cf8848d38eb0a029ccbeba077c325a15ddb10be8576b": backState(t),
	} {
		hash := s.Hash()
		if got := hex.EncodeToString(hash[:]); got != want {
			t.Errorf("the snapshot's hash is %s, want %s", got, want)
		}
	}
}

// TestOlderSnapshots: what an older version wrote of the same state reads as
// the same state.
func TestOlderSnapshots(t *testing.T) {
	for v := 1; v < snapshotVersion; v++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/snapshot-%d.hex", v))
		if err != nil {
			t.Fatal(err)
		}
		old, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Decode(bytes.NewReader(old))
		if err != nil {
			t.Fatal(err)
		}
		if unmeasured(s).Hash() != unmeasured(busyState(t)).Hash() {
			t.Errorf("version %d reads as another state", v)
		}
	}
}

// unmeasured forgets what snapshots before version 3 did not hold.
func unmeasured(s *State) *State {
	clear(s.paces)
	for _, o := range s.offers {
		o.madeAt = 0
	}
	return s
}

func TestSnapshotRoundTrip(t *testing.T) {
	s := busyState(t)
	again := reload(t, s)
	if again.Hash() != s.Hash() {
		t.Fatal("another state")
	}
	// What take-over needs is there.
	c := again.calls["talks"]
	if agent := again.offers[c.offer].leg; string(c.leg) != "leg1" || string(agent) != "leg2" || string(c.menu) != "session" {
		t.Errorf("legs %q, %q, menu %q", c.leg, agent, c.menu)
	}
	// Both go on in the same way.
	for _, ev := range []Event{
		OfferAnswered{Offer: 16},
		CallEnded{Call: "talks", Cause: "normal", By: SideCaller},
		TimePassed{},
	} {
		if diff := cmp.Diff(drive(t, s, ev), drive(t, again, ev)); diff != "" {
			t.Errorf("%T:\n%s", ev, diff)
		}
	}
	if again.Hash() != s.Hash() {
		t.Error("they part")
	}
}

func TestDecodeRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := busyState(t).Encode(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	for i := range whole {
		broken := bytes.Clone(whole)
		broken[i] ^= 0x41
		if _, err := Decode(bytes.NewReader(broken)); err == nil {
			t.Fatalf("byte %d of %d is changed and nobody minds", i, len(whole))
		}
		if _, err := Decode(bytes.NewReader(whole[:i])); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	newer := sealed([]byte("\x0ctierline acd\x63rest"))
	if _, err := Decode(bytes.NewReader(newer)); !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("newer version: %v", err)
	}
	if _, err := Decode(strings.NewReader("\x04json{}")); !errors.Is(err, ErrSnapshot) {
		t.Errorf("something else: %v", err)
	}
}

func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// FuzzDecode: whatever a snapshot says, reading it gives an error or a state
// that stands and can go on.
func FuzzDecode(f *testing.F) {
	for _, s := range []*State{NewState(), busyState(f)} {
		var b bytes.Buffer
		if err := s.Encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes()[:b.Len()-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := Decode(bytes.NewReader(sealed(body)))
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		s.Calls()
		s.Queues()
		s.Agents()
		again := reload(t, s)
		if again.Hash() != s.Hash() {
			t.Fatal("the snapshot of a snapshot is another state")
		}
		for id := range s.offers {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: OfferAnswered{Offer: id}})
			_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: AgentReleased{Offer: id}})
		}
		if due, ok := s.NextDue(); ok {
			_, _ = Apply(s, Entry{Index: s.index + 1, At: due, Event: TimePassed{}})
		}
		_, _ = Apply(s, Entry{Index: s.index + 1, At: s.now, Event: NodeRestarted{Node: "n1"}})
	})
}

type fullDisk struct{ after int }

func (w *fullDisk) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("no space left")

func TestEncodeReportsFullDisk(t *testing.T) {
	s := busyState(t)
	for _, after := range []int{0, 600} {
		if err := s.Encode(&fullDisk{after: after}); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}
