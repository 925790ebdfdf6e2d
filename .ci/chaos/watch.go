package main

import (
	"context"
	"slices"
	"time"

	"tierline/.ci/bed"
)

const (
	newCalls = 10                      // a second, while something happens
	settle   = 4 * time.Second         // after it: what isn't back by then is lost
	freed    = 1500 * time.Millisecond // after a death a customer hangs up, so that his agent is free
)

// watch is one look at what happens to a node.
type watch struct {
	c      *centre
	victim *bed.Node
	legs   []*leg
	held   map[*leg]bool   // those of the victim
	gone   map[string]bool // callers that hung up
	left   map[string]bool // and their agents
	before []call
	at     time.Time
}

// look remembers what there is before something happens to a node.
func (c *centre) look(ctx context.Context, victim *bed.Node) (*watch, error) {
	w := &watch{
		c: c, victim: victim, legs: c.peers.all(), held: map[*leg]bool{}, gone: map[string]bool{}, left: map[string]bool{},
	}
	for _, l := range w.legs {
		w.held[l] = l.at(victim.IP)
	}
	var err error
	w.before, err = c.calls(ctx, victim)
	w.at = time.Now()
	return w, err
}

// strike looks at whom something is about to happen to, by his role.
func (c *centre) strike(ctx context.Context, role string) (*watch, error) {
	victim, err := c.node(ctx, role)
	if err != nil {
		return nil, err
	}
	return c.look(ctx, victim)
}

// moved checks that others have the victim's calls.
func (w *watch) moved(ctx context.Context) error {
	after, err := w.c.calls(ctx, w.c.others(w.victim)[0])
	if err != nil {
		return err
	}
	w.c.compare(w.before, after, w.victim.Name, w.gone)
	return nil
}

// measure says what the legs heard until now. Nobody was told to hang up, and
// nobody heard two nodes.
func (w *watch) measure(f *figures) {
	end := time.Now()
	if len(w.legs) == 0 {
		w.c.fault("there was nobody whom it could have happened to")
	}
	var alive []*leg
	double, most, story := 0, 0, ""
	for _, l := range w.legs {
		if w.gone[l.from] || w.left[l.agent] {
			continue
		}
		gap, sounds := l.gap(w.at, end)
		f.legs++
		if sounds && !l.over.Load() {
			f.alive++
			alive = append(alive, l)
		} else {
			w.c.fault("the leg of %s%s is dead", l.from, l.agent)
		}
		if w.held[l] {
			f.gaps = append(f.gaps, gap)
		}
		n := l.doubles()
		if double += n; n > most {
			most, story = n, l.from+l.agent+":"+l.story(w.at)
		}
	}
	if double > 0 {
		w.c.fault("%d packets, %d to one leg, came from a node whose sound another one's had replaced; %s",
			double, most, story)
	}
	if n := w.c.peers.told(alive); n > 0 {
		w.c.fault("%d legs that live were told to hang up", n)
	}
}

// newcomers call nodes in turn during some time; how long each waited for the
// answer, a refusal being one.
func (w *watch) newcomers(ctx context.Context, nodes []*bed.Node, d time.Duration, f *figures) {
	made := w.dial(ctx, nodes, d)
	for _, l := range made {
		took := time.Duration(l.took.Load())
		if took == 0 && time.Since(l.asked) > time.Second/2 {
			took = time.Since(l.asked) // still none
		}
		if took > 0 {
			f.answers = append(f.answers, took)
		}
		w.c.peers.hangup(l) //nolint:contextcheck // the call lives longer
	}
}

// dial calls nodes in turn during some time.
func (w *watch) dial(ctx context.Context, nodes []*bed.Node, d time.Duration) (made []*leg) {
	t := time.NewTicker(time.Second / newCalls)
	defer t.Stop()
	for i := range int(d.Seconds() * newCalls) {
		if ctx.Err() != nil {
			break
		}
		//nolint:contextcheck // the call lives longer
		if l, err := w.c.peers.call(nodes[i%len(nodes)].Address(), "1000"); err == nil {
			made = append(made, l)
		}
		<-t.C
	}
	return made
}

// service says when a node's address took calls again; 0: it didn't.
func (w *watch) service(ctx context.Context, d time.Duration) (back time.Duration) {
	for _, l := range w.dial(ctx, []*bed.Node{w.victim}, d) {
		if took := time.Duration(l.took.Load()); took > 0 && !l.no.Load() {
			if after := l.asked.Add(took).Sub(w.at); back == 0 || after < back {
				back = after
			}
		}
		w.c.peers.hangup(l) //nolint:contextcheck // the call lives longer
	}
	return back
}

// free lets a customer of the victim hang up, once he hears somebody again, and
// says when his agent's phone rang for the next; 0: there was none to hang up.
func (w *watch) free(ctx context.Context, limit time.Duration) time.Duration {
	i := slices.IndexFunc(w.before, func(b call) bool { return b.Phase == "talking" && b.Node == w.victim.Name })
	if i < 0 {
		return 0
	}
	talked := w.before[i]
	w.gone[talked.From], w.left[talked.Agent] = true, true
	time.Sleep(freed)
	for _, l := range w.legs {
		if l.from != talked.From {
			continue
		}
		for now := time.Now(); now.Before(w.at.Add(limit)); now = time.Now() {
			if gap, _ := l.gap(now.Add(-time.Second/5), now); gap < time.Second/10 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		w.c.peers.hangup(l) //nolint:contextcheck // the call lives longer
	}
	hung := time.Now()
	for time.Since(w.at) < limit && ctx.Err() == nil {
		w.c.peers.mu.Lock()
		next := slices.IndexFunc(w.c.peers.legs, func(l *leg) bool {
			return l.agent == talked.Agent && l.asked.After(hung)
		})
		var rang time.Time
		if next >= 0 {
			rang = w.c.peers.legs[next].asked
		}
		w.c.peers.mu.Unlock()
		if next >= 0 {
			return rang.Sub(w.at)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return limit
}

// ghosts says for how long the longest phone went on ringing for a node that
// is dead, or rang while it rang for another one already.
func (w *watch) ghosts(f *figures) {
	w.c.peers.mu.Lock()
	defer w.c.peers.mu.Unlock()
	for _, r := range w.c.peers.rings {
		ended := r.ended
		if ended.IsZero() {
			ended = time.Now()
		}
		if r.node == w.victim.IP && r.began.Before(w.at) && ended.After(w.at) {
			f.note("ghost ringing", ended.Sub(w.at))
		}
	}
}
