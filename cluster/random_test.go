package cluster

import (
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"tierline/acd"
)

// TestRandomEventsSurvive compares a node, its restarts with and without a
// clean end, and a plain replay of the log, after random events.
func TestRandomEventsSurvive(t *testing.T) {
	bothStores(t, func(t *testing.T, store string) {
		runs := 0
		rapid.Check(t, func(r *rapid.T) {
			if runs++; runs > 6 { // each run writes real files
				return
			}
			randomEventsSurvive(t, r, store)
		})
	})
}

func randomEventsSurvive(t *testing.T, r *rapid.T, store string) {
	dir := filepath.Join(t.TempDir(), "n1")
	start := func(dir string) *Node {
		c := Config{Node: "n1", Dir: dir, LogStore: store, Logger: testLogger(t)}
		n, err := open(t.Context(), c, smallFiles(defaults()))
		if err != nil {
			r.Fatal(err)
		}
		return n
	}
	n := start(dir)
	n.Post(centre(4))
	for i := range rapid.IntRange(1, 120).Draw(r, "events") {
		n.Post(drawEvent(r, i))
		if rapid.IntRange(0, 30).Draw(r, "snapshot") == 0 {
			_ = n.raft.Snapshot().Error() // nothing new: fine
		}
	}
	at, h := quiet(t, n)
	crashed := copyDir(t, dir)
	if err := n.Close(); err != nil {
		r.Fatal(err)
	}
	if replay(t, crashed, store, at) != h {
		r.Fatal("what a crash leaves gives another state")
	}
	for _, d := range []string{dir, crashed, crashed} {
		n = start(d)
		at, h := quiet(t, n)
		if err := n.Close(); err != nil {
			r.Fatal(err)
		}
		if replay(t, d, store, at) != h {
			r.Fatal("a restarted node has another state than its log gives")
		}
	}
}

func drawEvent(r *rapid.T, i int) acd.Event {
	call := fmt.Sprint("c", rapid.IntRange(0, 9).Draw(r, "call"))
	agent := fmt.Sprint(1001 + rapid.IntRange(0, 4).Draw(r, "agent"))
	offer := uint64(rapid.IntRange(1, i+10).Draw(r, "offer"))
	switch rapid.IntRange(0, 12).Draw(r, "kind") {
	case 0, 1:
		return arrive(call)
	case 2, 3, 4:
		return queue(call)
	case 5:
		return acd.OfferRang{Offer: offer}
	case 6:
		return acd.OfferAnswered{Offer: offer, Leg: []byte("leg")}
	case 7:
		return acd.OfferFailed{Offer: offer, Outcome: acd.Busy, SIP: 486}
	case 8:
		return acd.AgentReleased{Offer: offer, By: acd.SideAgent}
	case 12:
		return acd.CallRequeued{Released: acd.AgentReleased{Offer: offer, By: acd.SideAgent}, Queued: queue(call)}
	case 9:
		return acd.CallEnded{Call: call, Cause: "normal", By: acd.SideCaller}
	case 10:
		return acd.AgentCommanded{Agent: agent, Command: rapid.SampledFrom([]acd.AgentCommand{
			acd.SignIn, acd.SignOut, acd.GoReady, acd.GoNotReady, acd.EndWrapUp,
		}).Draw(r, "command"), By: agent}
	default:
		return acd.PhoneRegistered{Agent: agent, TTL: 5000, Binding: acd.Binding{
			Contact: "sip:" + agent + "@192.0.2.1", Transport: "udp", CallID: "x", CSeq: uint32(i + 1),
		}}
	}
}
