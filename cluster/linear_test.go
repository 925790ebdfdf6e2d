package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"tierline/acd"
)

// The index that somebody got for an event which was sent again, because the
// leader had gone, was that of the second entry: nothing had come of that one.
//
// What clients of several nodes do with agents while leaders come and go must
// look as if it had been done one after the other, each thing at some moment
// between its beginning and its end: at no time do two calls have one agent.
func TestReservationsAreLinearizable(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { reserve(t, seed) })
	}
}

// claim is what a client wants of an agent for its call.
type claim struct {
	agent, call string
	release     bool
}

// Outcomes of a claim.
const (
	granted = "granted"
	denied  = "denied"
	unknown = "unknown" // it may be granted later
)

// history is what clients have done.
type history struct {
	mu    sync.Mutex
	ops   []porcupine.Operation
	began time.Time
}

func (h *history) add(client int, input any, from time.Time, out any) {
	until := time.Since(h.began)
	if out == unknown {
		until = time.Hour
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: client, Input: input, Output: out, Call: int64(from.Sub(h.began)), Return: int64(until),
	})
}

// seatModel is one agent for each part of the history; its state is the call
// that has him, "" if none.
func seatModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(all []porcupine.Operation) (parts [][]porcupine.Operation) {
			by := map[string][]porcupine.Operation{}
			for _, op := range all {
				by[op.Input.(claim).agent] = append(by[op.Input.(claim).agent], op)
			}
			for _, part := range by {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() []any { return []any{""} },
		Step: func(state, input, output any) []any {
			holder, c := state.(string), input.(claim)
			fits, next := holder == "", c.call
			if c.release {
				fits, next = holder == c.call, ""
			}
			switch {
			case output == unknown && fits:
				return []any{state, next}
			case output == unknown, output == denied && !fits:
				return []any{state}
			case output == granted && fits:
				return []any{next}
			}
			return nil
		},
	}
	return m.ToModel()
}

func TestTheModelOfSeatsFindsADoubleReservation(t *testing.T) {
	op := func(client int, call string, release bool, from, until int64) porcupine.Operation {
		return porcupine.Operation{
			ClientId: client, Input: claim{"1001", call, release}, Output: granted, Call: from, Return: until,
		}
	}
	good := []porcupine.Operation{op(0, "a", false, 0, 10), op(0, "a", true, 20, 40), op(1, "b", false, 15, 35)}
	if !porcupine.CheckOperations(seatModel(), good) {
		t.Error("a good history is refused")
	}
	bad := []porcupine.Operation{op(0, "a", false, 0, 10), op(1, "b", false, 15, 35), op(0, "a", true, 36, 40)}
	if porcupine.CheckOperations(seatModel(), bad) {
		t.Error("two calls have one agent, and nobody minds")
	}
}

func reserve(t *testing.T, seed uint64) {
	c := newTrioWith(t, func(s *settings) { s.decide = func(*acd.State, int64) []acd.Event { return nil } })
	defer c.stop()
	mustPropose(t, c.node["n1"], centre(3))
	c.net.Delay(seed, func(d *rand.Rand) time.Duration { return time.Duration(d.IntN(4)) * time.Millisecond })
	h := &history{began: time.Now()}
	var clients sync.WaitGroup
	for i := range 9 {
		n, call := c.node[trioNames()[i%3]], fmt.Sprint("c", i)
		ev := arrive(call)
		ev.Node = n.node
		mustPropose(t, n, ev)
		mustPropose(t, n, queue(call))
		clients.Go(func() { h.client(t, n, i, call, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	for range 5 {
		time.Sleep(700 * time.Millisecond)
		c.cut(c.leader())
		time.Sleep(600 * time.Millisecond) // not long enough to be taken for dead
		c.cut("")
	}
	clients.Wait()
	outcomes := map[any]int{}
	for _, op := range h.ops {
		outcomes[op.Output]++
	}
	if outcomes[granted] < 50 || outcomes[denied] < 20 {
		t.Errorf("seed %d: only %v", seed, outcomes)
	}
	if !porcupine.CheckOperations(seatModel(), h.ops) {
		t.Errorf("seed %d: no order of %d claims explains what came of them", seed, len(h.ops))
	}
}

// client reserves agents at random and lets them go.
func (h *history) client(t *testing.T, n *Node, i int, call string, r *rand.Rand) {
	for time.Since(h.began) < 8*time.Second {
		c := claim{agent: fmt.Sprint(1001 + r.IntN(3)), call: call}
		from := time.Now()
		_, offer, err := n.Propose(t.Context(), acd.CallOffered{Call: call, Agent: c.agent})
		out := outcomeIn(err)
		h.add(i, c, from, out)
		if out == unknown {
			return // what it has now is anybody's guess
		}
		if out == granted {
			n.Post(acd.OfferAnswered{Offer: offer, Agent: c.agent, Leg: []byte("leg")})
		}
		time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		for c.release = true; out == granted; {
			from = time.Now()
			_, _, err = n.Propose(t.Context(), acd.AgentReleased{Offer: offer, By: acd.SideAgent})
			done := outcomeIn(err)
			h.add(i, c, from, done)
			if done != unknown {
				n.Post(queue(call))
				break
			}
		}
	}
}

func outcomeIn(err error) string {
	switch {
	case err == nil:
		return granted
	case refused(err):
		return denied
	case errors.Is(err, ErrNoQuorum):
		return unknown
	}
	return err.Error()
}
