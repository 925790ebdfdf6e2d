package app

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/certs"
	"tierline/call/memnet"
	"tierline/call/service"
	"tierline/cluster"
	"tierline/media/prompt"
	"tierline/media/wav"
)

var simVerbose = flag.String("sim.log", "off", "what nodes of the simulation log: off, warn, info or debug")

func simNames() []string { return []string{"n1", "n2", "n3"} }

// simWorld is three nodes, the networks between them and the world, and those
// who call and are called, in virtual time.
type simWorld struct {
	t          *testing.T
	plan       simPlan
	dir, certs string
	net        *memnet.Net
	wires      *memnet.Wires
	sound      *simSound
	peers      *simPeers
	began      time.Time
	level      slog.Level

	over    chan struct{}  // closed at the end: nothing begins anew
	waiting sync.WaitGroup // for processes that are to begin anew

	mu       sync.Mutex // guards what follows
	dice     *rand.Rand
	procs    map[string]*simProc // the latest of each node
	all      []*simProc
	armed    *simFault // a crash that waits for its point
	aim      int       // the number of that
	lines    []string
	problems []string

	simSeen
}

// simulate runs a plan and returns what went wrong.
func simulate(t *testing.T, seed uint64, dir, certs string) *simWorld {
	t.Helper()
	w := &simWorld{
		t: t, plan: newSimPlan(seed), dir: dir, certs: certs, net: memnet.New(), wires: memnet.NewWires(),
		sound: newSimSound(), began: time.Now(), procs: map[string]*simProc{}, dice: rand.New(rand.NewPCG(seed, 1)),
		simSeen: newSimSeen(), level: slog.LevelError + 1, over: make(chan struct{}),
	}
	if *simVerbose != "off" {
		if err := w.level.UnmarshalText([]byte(*simVerbose)); err != nil {
			t.Fatal(err)
		}
	}
	w.peers = newSimPeers(w)
	w.wires.Watch(func(from, _ string, sent bool) { w.reached(w.proc(from), overWires, sent) })
	for _, name := range simNames() {
		w.put(name)
		w.all = append(w.all, w.start(name))
	}
	w.publish()
	w.net.SetWeather(w.plan.weather)
	w.wires.Delay(seed, func(d *rand.Rand) time.Duration { return time.Duration(d.Int64N(int64(w.plan.wires))) })
	w.began = time.Now()
	for i, c := range w.plan.callers {
		w.peers.call(i, c)
	}
	for _, f := range w.plan.faults {
		time.AfterFunc(f.from, func() { w.happen(f) })
	}
	time.AfterFunc(simCalm-simLasts, w.disarm) // a crash may have waited in vain
	w.watchUntil(simJudged)
	w.judge()
	w.stop()
	return w
}

// stop ends all, also what hangs.
func (w *simWorld) stop() {
	w.wires.Cut(nil)
	close(w.over)
	w.waiting.Wait()
	w.mu.Lock()
	all := w.all
	w.mu.Unlock()
	for _, p := range all {
		p.kill()
		<-p.ended
	}
	w.peers.close()
	synctest.Wait()
}

func (w *simWorld) since() time.Duration { return time.Since(w.began) }

// note writes what happens.
func (w *simWorld) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf("%9.3fs  %s", w.since().Seconds(), fmt.Sprintf(format, args...)))
}

// wrong notes what must not happen.
func (w *simWorld) wrong(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	w.note("WRONG: %s", s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.problems, s) {
		w.problems = append(w.problems, s)
	}
}

// simLog puts what nodes log among the notes.
type simLog struct {
	w    *simWorld
	proc *simProc
}

func (l simLog) Write(b []byte) (int, error) {
	if l.w.level > slog.LevelDebug && bytes.Contains(b, []byte("component=raft")) {
		return len(b), nil
	}
	l.w.note("%s/%d%s %s", l.proc.name, l.proc.number, map[bool]string{true: " (dead)"}[l.proc.dead.Load()], bytes.TrimSpace(b))
	return len(b), nil
}

func (w *simWorld) logger(p *simProc) *slog.Logger {
	return slog.New(slog.NewTextHandler(simLog{w, p}, &slog.HandlerOptions{
		Level: w.level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func (w *simWorld) proc(name string) *simProc {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.procs[name]
}

// alive are the processes that have started and run.
func (w *simWorld) alive() (out []*simProc) {
	for _, name := range simNames() {
		if p := w.proc(name); p.ready.Load() && !p.dead.Load() {
			out = append(out, p)
		}
	}
	return out
}

// someTime is at random, up to a limit.
func (w *simWorld) someTime(most time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.dice.Int64N(int64(most)))
}

// reached is told of each message before it leaves and when it has left, and of
// entries before and after they are applied: some are a process's last.
func (w *simWorld) reached(p *simProc, kind string, done bool) {
	if p == nil {
		return
	}
	var n int
	if done {
		n = p.count(kind)
	} else {
		n = p.counts(kind)
	}
	w.mu.Lock()
	f := w.armed
	now := f != nil && p.name == simNames()[f.node] && kind == f.what && n >= w.aim && done != f.before
	if now {
		w.armed = nil
	}
	w.mu.Unlock()
	if now && p.kill() {
		w.again(p, f.lasts)
	}
}

// again starts a node anew, a while after its process has ended.
func (w *simWorld) again(p *simProc, after time.Duration) {
	w.waiting.Go(func() {
		t := time.NewTimer(after)
		defer t.Stop()
		select {
		case <-t.C:
		case <-w.over:
			return
		}
		<-p.ended
		w.note("%s begins anew", p.name)
		next := w.start(p.name)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, next)
	})
}

// fenced is what a node does that was taken for dead.
func (w *simWorld) fenced(p *simProc) {
	w.note("%s learns that it was taken for dead", p.name)
	if p.kill() {
		w.again(p, 200*time.Millisecond)
	}
}

// disarm calls off a crash that still waits for its point.
func (w *simWorld) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = nil
}

// happen lets something go wrong.
func (w *simWorld) happen(f simFault) {
	name := simNames()[f.node]
	p := w.proc(name)
	w.disarm() // the fault before
	w.note("%s: %s for %v", name, f.kind, f.lasts)
	between := func(from, to bool) {
		w.wires.Cut(func(a, b string) bool { return from && a == name || to && b == name })
	}
	heal := func() {
		between(false, false)
		w.note("%s: healed", name)
	}
	switch f.kind {
	case faultCrash:
		w.mu.Lock()
		w.armed, w.aim = &f, p.count(f.what)+f.count
		w.mu.Unlock()
		return
	case faultAlone:
		p.cutOff.Store(true)
		time.AfterFunc(f.lasts, func() { p.cutOff.Store(false) })
		between(true, true)
	case faultCut:
		between(true, true)
	case faultDeaf:
		between(false, true)
	case faultMute:
		between(true, false)
	case faultFlap:
		for i := range int(f.lasts/(300*time.Millisecond)) + 1 {
			cut := i%2 == 0
			time.AfterFunc(time.Duration(i)*300*time.Millisecond, func() { between(cut, cut) })
		}
	}
	time.AfterFunc(f.lasts, heal)
}

// put lays the sounds of the documents into a node's library.
func (w *simWorld) put(name string) (sha string) {
	lib, err := prompt.OpenLibrary(filepath.Join(w.dir, name, "prompts"))
	if err != nil {
		w.t.Fatal(err)
	}
	var sound bytes.Buffer
	if err = wav.Write(&sound, wav.FromSamples(slices.Repeat([]int16{1000, -1000}, 8000))); err != nil {
		w.t.Fatal(err)
	}
	if sha, err = lib.Put(&sound); err != nil {
		w.t.Fatal(err)
	}
	return sha
}

// publish waits for the nodes and gives them the documents.
func (w *simWorld) publish() {
	w.settle("the nodes are ready", 20*time.Second, func() bool { return len(w.alive()) == 3 })
	b, problems := service.ReadDir(filepath.Join("testdata", "sim"), nil)
	sha := w.put("n1")
	for _, id := range []string{"hello.en", "bye.en", "music/hold-1"} {
		b.Prompts[id] = sha
	}
	svc, more := service.Compile(b)
	if svc == nil {
		w.t.Fatalf("documents: %v %v", problems, more)
	}
	ev := acd.ConfigPublished{Hash: b.Hash(), By: "sim", Bundle: b.Encode(), Config: svc.Config}
	if _, _, err := w.proc("n1").node.cluster.Propose(context.Background(), ev); err != nil {
		w.t.Fatal(err)
	}
	w.settle("the documents are live", 5*time.Second, func() bool {
		return !slices.ContainsFunc(w.alive(), func(p *simProc) bool { return p.node.Ready() != nil })
	})
}

// settle waits for something, and notes if it doesn't come.
func (w *simWorld) settle(what string, within time.Duration, ok func() bool) bool {
	for end := time.Now().Add(within); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.wrong("not within %v: %s", within, what)
			return false
		}
	}
	return true
}

// report is what a seed that failed shows.
func (w *simWorld) report(seed uint64) string {
	return fmt.Sprintf("seed %d: %s\n%s\n\n%s\n\nagain: go test ./cmd/internal/app -run TestSimulation -sim.seed %d -sim.log info",
		seed, w.plan, strings.Join(w.problems, "\n"), strings.Join(w.lines, "\n"), seed)
}

// simCertificates makes those of the nodes, valid in virtual time.
func simCertificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const life = 20 * 365 * 24 * time.Hour
		ca, err := certs.NewAuthority("sim", life)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := ca.Pair()
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{"ca.crt": pair.Cert}
		for _, name := range simNames() {
			if pair, err = ca.Issue([]string{cluster.Identity("sim", name)}, life); err != nil {
				t.Fatal(err)
			}
			files[name+".crt"], files[name+".key"] = pair.Cert, pair.Key
		}
		if err = writeAll(dir, files); err != nil {
			t.Fatal(err)
		}
	})
	return dir
}
