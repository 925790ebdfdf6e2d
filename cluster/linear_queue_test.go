package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"tierline/acd"
)

// What clients of several nodes do with callers in a queue while leaders come
// and go must look as if it had been done one after the other: who waits is
// offered once, goes back to his place, talks to one agent, or leaves.
func TestQueuesAreLinearizable(t *testing.T) {
	for seed := range uint64(4) {
		h := &history{}
		synctest.Test(t, func(t *testing.T) { h.serveQueue(t, seed) })
		outcomes := map[string]int{}
		for _, op := range h.ops {
			if op.Output == denied || op.Output == unknown {
				outcomes[fmt.Sprint(op.Output)]++
			} else {
				outcomes[op.Input.(move).what]++
			}
		}
		for _, what := range []string{enqueue, reserves, accept, giveBack, release, leave, denied} {
			if outcomes[what] < 5 {
				t.Errorf("seed %d: only %v", seed, outcomes)
				break
			}
		}
		// Outside the bubble: it may take long, and time stands still in there.
		if res := porcupine.CheckOperationsTimeout(queueModel(), h.ops, time.Minute); res != porcupine.Ok {
			t.Errorf("seed %d: no order of %d moves explains what came of them: %s", seed, len(h.ops), res)
		}
	}
}

// What is done with callers and agents.
const (
	enqueue  = "enqueue"
	reserves = "reserve"
	accept   = "accept"
	giveBack = "give back"
	release  = "release"
	leave    = "leave"
)

// move is one of them.
type move struct {
	what  string
	call  int
	agent int    // reserve
	offer uint64 // accept, give back, release
}

// offered is the outcome of a reservation that was granted.
type offered uint64

// seat is where a call is: the zero value is in no queue.
type seat struct {
	in    string // enqueue: waits; reserve: an agent is offered; accept: talks to him
	agent int
	offer uint64
}

const queueCalls = 4

// line is a state of the model: all calls.
type line [queueCalls]seat

// after is the state after a move and whether it is possible. What was offered
// is known only if somebody heard of it.
func (l line) after(m move, offer uint64) (line, bool) {
	s := &l[m.call]
	was := *s
	switch m.what {
	case enqueue:
		*s = seat{in: enqueue}
		return l, was.in == ""
	case reserves:
		for _, other := range l {
			if other.agent == m.agent {
				return l, false
			}
		}
		*s = seat{reserves, m.agent, offer}
		return l, was.in == enqueue
	case accept:
		s.in = accept
		return l, was.in == reserves && was.offer == m.offer
	case giveBack:
		*s = seat{in: enqueue}
		return l, was.in == reserves && was.offer == m.offer
	case release:
		*s = seat{}
		return l, was.in == accept && was.offer == m.offer
	case leave:
		*s = seat{}
		return l, was.in == enqueue || was.in == reserves
	}
	return l, false
}

func queueModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{line{}} },
		Step: func(state, input, output any) []any {
			offer, _ := output.(offered)
			next, fits := state.(line).after(input.(move), uint64(offer))
			switch {
			case output == unknown && fits:
				return []any{state, next}
			case output == unknown, output == denied && !fits:
				return []any{state}
			case output != denied && fits:
				return []any{next}
			}
			return nil
		},
	}
	return m.ToModel()
}

func TestTheModelOfQueuesFindsWhatMustNotBe(t *testing.T) {
	at := int64(0)
	op := func(m move, out any) porcupine.Operation {
		at += 10
		return porcupine.Operation{Input: m, Output: out, Call: at, Return: at + 5}
	}
	took := func(call, agent int, offer uint64) porcupine.Operation {
		return op(move{what: reserves, call: call, agent: agent}, offered(offer))
	}
	do := func(what string, call int, offer uint64) porcupine.Operation {
		return op(move{what: what, call: call, offer: offer}, granted)
	}
	for _, tt := range []struct {
		name string
		ops  []porcupine.Operation
		want bool
	}{
		{"a life", []porcupine.Operation{
			do(enqueue, 0, 0), took(0, 1, 7), do(giveBack, 0, 7), took(0, 1, 8), do(accept, 0, 8), do(release, 0, 8),
			do(enqueue, 0, 0), do(leave, 0, 0),
		}, true},
		{"offered twice", []porcupine.Operation{do(enqueue, 0, 0), took(0, 1, 7), took(0, 2, 8)}, false},
		{"an agent twice", []porcupine.Operation{
			do(enqueue, 0, 0), do(enqueue, 1, 0), took(0, 1, 7), took(1, 1, 8),
		}, false},
		{"accepted after he left", []porcupine.Operation{
			do(enqueue, 0, 0), took(0, 1, 7), do(leave, 0, 0), do(accept, 0, 7),
		}, false},
		{"lost from the queue", []porcupine.Operation{
			do(enqueue, 0, 0), took(0, 1, 7), do(giveBack, 0, 7), op(move{what: leave}, denied),
		}, false},
		{"it may have been granted", []porcupine.Operation{
			do(enqueue, 0, 0), op(move{what: leave}, unknown), do(enqueue, 0, 0),
		}, true},
	} {
		if got := porcupine.CheckOperations(queueModel(), tt.ops); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// serveQueue lets clients at three nodes do what they like with the same callers.
func (h *history) serveQueue(t *testing.T, seed uint64) {
	c := newTrioWith(t, func(s *settings) { s.decide = func(*acd.State, int64) []acd.Event { return nil } })
	defer c.stop()
	mustPropose(t, c.node["n1"], centre(3))
	c.net.Delay(seed, func(d *rand.Rand) time.Duration { return time.Duration(d.IntN(4)) * time.Millisecond })
	for i := range queueCalls {
		mustPropose(t, c.node["n1"], arrive(fmt.Sprint("c", i)))
	}
	h.began = time.Now()
	var clients sync.WaitGroup
	for i := range 9 {
		p := &player{history: h, node: c.node[trioNames()[i%3]], me: i, dice: rand.New(rand.NewPCG(seed, uint64(i)))}
		clients.Go(func() { p.play(t) })
	}
	for range 5 {
		time.Sleep(700 * time.Millisecond)
		c.cut(c.leader())
		time.Sleep(600 * time.Millisecond) // not long enough to be taken for dead
		c.cut("")
	}
	clients.Wait()
	c.agree()
	for _, name := range trioNames() {
		placesAreKept(t, c.node[name])
	}
}

// player is a client.
type player struct {
	*history

	node *Node
	me   int
	dice *rand.Rand
}

// play does what it likes until it can't know what came of it.
func (p *player) play(t *testing.T) {
	for time.Since(p.began) < 8*time.Second {
		m := move{what: []string{enqueue, reserves, reserves, leave}[p.dice.IntN(4)], call: p.dice.IntN(queueCalls)}
		m.agent = 1001 + p.dice.IntN(3)
		out := p.do(t, m)
		if offer, ok := out.(offered); ok {
			m.offer = uint64(offer)
			if m.what = giveBack; p.dice.IntN(3) > 0 {
				m.what = accept
			}
			if out = p.do(t, m); out == granted && m.what == accept {
				m.what = release
				out = p.do(t, m)
			}
		}
		if out == unknown {
			return
		}
	}
}

// do makes a move and notes what came of it.
func (p *player) do(t *testing.T, m move) any {
	time.Sleep(time.Duration(p.dice.IntN(60)) * time.Millisecond)
	call := fmt.Sprint("c", m.call)
	var ev acd.Event
	switch m.what {
	case enqueue:
		ev = queue(call)
	case reserves:
		ev = acd.CallOffered{Call: call, Agent: fmt.Sprint(m.agent)}
	case accept:
		ev = acd.OfferAnswered{Offer: m.offer, Leg: []byte("leg")}
	case giveBack:
		ev = acd.OfferFailed{Offer: m.offer, Outcome: acd.AgentWithdrawn}
	case release:
		ev = acd.AgentReleased{Offer: m.offer, By: acd.SideAgent}
	case leave:
		ev = acd.QueueLeft{Call: call, Cause: acd.LeftKey}
	}
	from := time.Now()
	_, index, err := p.node.Propose(t.Context(), ev)
	var out any = outcomeIn(err)
	if out == granted && m.what == reserves {
		out = offered(index)
	}
	p.add(p.me, m, from, out)
	return out
}

// placesAreKept checks that whatever is told of a wait is counted from when it
// began: a call that goes back to its queue goes back to its place.
func placesAreKept(t *testing.T, n *Node) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	waits := []acd.FactKind{acd.FactCallOffered, acd.FactOfferFailed, acd.FactCallConnected, acd.FactCallLeftQueue}
	since, offers := map[string]int64{}, 0
	for s, err := range n.Follow(ctx, 0) {
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			break
		}
		for _, f := range s.Facts {
			if f.Kind == acd.FactCallQueued {
				since[f.Call] = s.At
			}
			if slices.Contains(waits, f.Kind) {
				offers++
				if s.At-f.WaitMS != since[f.Call] {
					t.Errorf("%s: %s at %d after %d ms: it waits since %d", f.Call, f.Kind, s.At, f.WaitMS, since[f.Call])
				}
			}
		}
	}
	if offers < 100 {
		t.Errorf("only %d facts", offers)
	}
}
