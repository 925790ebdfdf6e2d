package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tierline/call/phone"
)

// script is one way to use the centre.
type script struct {
	name      string
	weight    int
	number    string
	want      wish
	keys      []phone.Keys
	milestone string        // the record must show it
	patience  time.Duration // without an agent, since the answer
}

func (s script) digits() (all string) {
	for _, k := range s.keys {
		all += k.Digits
	}
	return all
}

// world is everybody who calls.
type world struct {
	targets []string // host:port of the centre's nodes
	people  []customer
	agents  int
	every   time.Duration // mean time between calls
	ledger  *ledger
	log     *slog.Logger

	mu    sync.Mutex // guards what follows
	next  int
	going map[string]bool // numbers that are on a call
}

// run starts calls at random times until arrivals end, then waits until all
// are over. A call that was begun is finished, unless ctx ends: then everybody
// hangs up.
func (w *world) run(ctx, arrivals context.Context) error {
	e, err := phone.Open(ctx, phone.Config{User: "world", Logger: w.log})
	if err != nil {
		return fmt.Errorf("open the callers' endpoint: %w", err)
	}
	var calls sync.WaitGroup
	w.arrive(arrivals, func(n entry) {
		calls.Go(func() { w.call(ctx, e, n) })
	})
	calls.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := e.Close(closing); err != nil {
		return fmt.Errorf("close the callers' endpoint: %w", err)
	}
	return nil
}

// arrive calls start at exponentially distributed times.
func (w *world) arrive(ctx context.Context, start func(entry)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(w.every))):
		}
		start(w.draw())
	}
}

// draw makes up the next call.
func (w *world) draw() entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	e := entry{n: w.next, from: w.person(), tone: callerTone(w.next)}
	e.script = pick(scripts(e.from))
	w.going[e.from.Phone] = true
	return e
}

// person chooses who calls: a tier by the mix of the centre, then one of its
// customers who is not on the line; one call in ten is from a number that
// nobody knows.
func (w *world) person() customer {
	if rand.IntN(10) == 0 {
		return customer{Phone: fmt.Sprintf("139%08d", rand.IntN(1e8))}
	}
	tier := "standard"
	switch n := rand.IntN(100); {
	case n < 5:
		tier = "diamond"
	case n < 20:
		tier = "gold"
	case n < 50:
		tier = "silver"
	}
	free := slices.DeleteFunc(slices.Clone(w.people), func(c customer) bool {
		return c.Tier != tier || w.going[c.Phone]
	})
	if len(free) == 0 {
		return customer{Phone: fmt.Sprintf("137%08d", rand.IntN(1e8))}
	}
	return free[rand.IntN(len(free))]
}

// pick draws a script by weight.
func pick(all []script) script {
	sum := 0
	for _, s := range all {
		sum += s.weight
	}
	n := rand.IntN(sum)
	for _, s := range all {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	return all[0]
}

// longest is the limit of any call; one that lasts so long is stuck.
const longest = 4 * time.Minute

func (w *world) call(ctx context.Context, e *phone.Endpoint, n entry) {
	p := phone.Plan{
		Target: n.script.number + "@" + w.targets[n.n%len(w.targets)], From: n.from.Phone, Speak: n.tone,
		Listen: tonesOf(w.agents, agentTone), Wanted: tonesOf(w.agents, agentTone),
		Keys: n.script.keys, Patience: n.script.patience, Limit: longest,
	}
	if rand.IntN(4) == 0 { // some callers hang up first
		p.Talk = between(4*time.Second, 10*time.Second)
	}
	n.report = e.Call(ctx, p)
	n.cut = ctx.Err() != nil
	w.mu.Lock()
	delete(w.going, n.from.Phone)
	w.mu.Unlock()
	w.ledger.add(n)
}
