package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/registrar"
	"tierline/call/service"
	"tierline/call/sipua"
	"tierline/ivr/say"
	"tierline/media/prompt"
	"tierline/media/wav"
)

// lab is a switch in virtual time: a real ACD core as the log, fakes for SIP
// and media that write what happens into one timeline.
type lab struct {
	t     *testing.T
	sw    *Switch
	log   *fakeLog
	phone *fakePhones
	media *fakeMedia
	start time.Time

	backend fakeBackend
	speech  fakeSpeech

	mu    sync.Mutex
	lines []string
}

// inLab runs a test in a bubble with the documents of testdata/call.
func inLab(t *testing.T, f func(l *lab)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newLab(ctx, t, dir)
		defer func() {
			cancel()
			l.sw.Wait()
			l.log.close()
			synctest.Wait()
		}()
		f(l)
	})
}

func newLab(ctx context.Context, t *testing.T, dir string) *lab {
	t.Helper()
	l := &lab{t: t, start: time.Now()}
	l.media = &fakeMedia{lab: l, ports: 20000}
	l.phone = &fakePhones{lab: l, habits: map[string]habit{}}
	lib, err := prompt.OpenLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	l.log = &fakeLog{lab: l, state: acd.NewState(), start: l.start}
	messages, err := OpenMessages(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	services := NewServices(log, l.media, lib, l.log.bundle)
	l.sw = New(ctx, Config{
		Node: "n1", Log: log, Media: l.media, Services: services,
		Known: func(netip.AddrPort) bool { return false }, Backend: &l.backend, Speech: &l.speech,
		Messages: messages,
	})
	l.sw.Bind(l.log)
	l.sw.Attach(l.phone, registrar.New(registrar.Config{
		Realm: func() string { return "tierline" }, Node: "n1", Accounts: services, Bindings: noBindings{}, Logger: log, LogTime: l.log.now,
	}))
	l.publish(ctx, lib)
	if err := services.Load(1); err != nil {
		t.Fatal(err)
	}
	return l
}

// publish writes the documents of testdata/call into the log, with prompts of
// one second each.
func (l *lab) publish(ctx context.Context, lib *prompt.Library) {
	l.t.Helper()
	b, problems := service.ReadDir(filepath.Join("..", "testdata", "call"), nil)
	var sound bytes.Buffer
	if err := wav.Write(&sound, wav.FromSamples(slices.Repeat([]int16{1000, -1000}, 4000))); err != nil {
		l.t.Fatal(err)
	}
	sha, err := lib.Put(&sound)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, id := range []string{"music/hold-1", "fc_ready.zh", "fc_not_ready.zh", "fc_refused.zh", "cb_agent.zh", "cb_customer.zh"} {
		b.Prompts[id] = sha
	}
	silent, _ := service.Compile(b)
	for _, f := range silent.Flows {
		for _, p := range f.Prompts() {
			if p.File == "" {
				b.Prompts[p.ID+".zh"] = sha
			}
		}
	}
	tenth := l.tenth(lib)
	reading, err := say.Read("zh", "money", "12.34", say.Options{}) // the only value that these flows read out
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range reading.Fragments {
		b.Prompts["say/"+f+".zh"] = tenth
	}
	svc, more := service.Compile(b)
	if svc == nil {
		l.t.Fatalf("documents: %v %v", problems, more)
	}
	for i := range svc.Config.Queues {
		if q := &svc.Config.Queues[i]; q.Name == "group" {
			q.RingGroup = 2
		}
	}
	ev := acd.ConfigPublished{Hash: b.Hash(), By: "test", Bundle: b.Encode(), Config: svc.Config}
	if _, _, err := l.log.Propose(ctx, ev); err != nil {
		l.t.Fatal(err)
	}
}

// tenth is a sound of a tenth of a second.
func (l *lab) tenth(lib *prompt.Library) string {
	var sound bytes.Buffer
	err := wav.Write(&sound, wav.FromSamples(slices.Repeat([]int16{900, -900}, 400)))
	sha := ""
	if err == nil {
		sha, err = lib.Put(&sound)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return sha
}

// write makes the file of a recording: a second of sound.
func (l *lab) write(path string) {
	var b bytes.Buffer
	err := wav.Write(&b, wav.FromSamples(slices.Repeat([]int16{1000, -1000}, 4000)))
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		l.t.Error(err)
	}
}

// note adds a line to the timeline.
func (l *lab) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := time.Since(l.start).Round(10 * time.Millisecond)
	l.lines = append(l.lines, fmt.Sprintf("%v %s", at, fmt.Sprintf(format, args...)))
}

// want compares the timeline. What happens in the same instant may happen in
// any order: it runs on several goroutines.
func (l *lab) want(lines ...string) {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	instants := func(lines []string) string {
		at := func(s string) string { t, _, _ := strings.Cut(s, " "); return t }
		for from, to := 0, 0; from < len(lines); from = to {
			for to < len(lines) && at(lines[to]) == at(lines[from]) {
				to++
			}
			slices.Sort(lines[from:to])
		}
		return strings.Join(lines, "\n")
	}
	got, exp := instants(l.lines), instants(lines)
	if got != exp {
		l.t.Errorf("timeline:\n%s\nwant:\n%s", got, exp)
	}
	l.lines = nil
}

// saw checks that lines come in this order, among others.
func (l *lab) saw(parts ...string) {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.lines
	for _, p := range parts {
		i := slices.IndexFunc(rest, func(s string) bool { return strings.Contains(s, p) })
		if i < 0 {
			l.t.Fatalf("%q is missing or comes too early in:\n%s", p, strings.Join(l.lines, "\n"))
		}
		rest = rest[i+1:]
	}
}

// forgetLines begins the timeline anew.
func (l *lab) forgetLines() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}

// never checks that no line holds a part.
func (l *lab) never(part string) {
	l.t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.lines {
		if strings.Contains(s, part) {
			l.t.Errorf("%q should not have happened:\n%s", s, strings.Join(l.lines, "\n"))
		}
	}
}

// phoneSays lets something happen on the leg of the phone that rang last.
func (l *lab) phoneSays(ev sipua.LegEvent) {
	synctest.Wait()
	l.phone.mu.Lock()
	d := l.phone.last
	l.phone.mu.Unlock()
	d.event(ev)
}

func (l *lab) agent(id string) acd.AgentView {
	synctest.Wait()
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	a, _ := l.log.state.Agent(id)
	return a
}

func (l *lab) calls() []acd.CallView {
	synctest.Wait()
	l.log.mu.Lock()
	defer l.log.mu.Unlock()
	return l.log.state.Calls()
}

// fakeLog is a log of one node that commits at once.
type fakeLog struct {
	lab   *lab
	start time.Time

	mu     sync.Mutex
	state  *acd.State
	index  uint64
	broken error         // what Propose answers while nothing can be committed
	slow   time.Duration // how long an OfferAnswered takes
	slowed reflect.Type  // proposals of this kind take slowBy
	slowBy time.Duration
	late   time.Duration // the next one is applied this much after Propose gave up
	later  []acd.Event
	timer  *time.Timer
	closed bool
}

func (f *fakeLog) bundle(g uint64) (acd.Bundle, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.GenerationBundle(g)
}

func (f *fakeLog) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *fakeLog) Read(view func(*acd.State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	view(f.state)
}

// lose makes proposals of a kind take their time.
func (f *fakeLog) lose(kind acd.Event, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slowed, f.slowBy = reflect.TypeOf(kind), d
}

func (f *fakeLog) delay(ev acd.Event) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slowed == reflect.TypeOf(ev) {
		return f.slowBy
	}
	return 0
}

func (f *fakeLog) Propose(_ context.Context, ev acd.Event) (acd.Result, uint64, error) {
	if _, ok := ev.(acd.OfferAnswered); ok {
		time.Sleep(f.slow)
		if late := f.late; late > 0 { // committed, but later than the caller of Propose waits
			f.late = 0
			time.AfterFunc(late, func() { f.Post(ev) }) //nolint:contextcheck // outlives its proposer
			return acd.Result{}, 0, errors.New("not committed in time")
		}
	}
	time.Sleep(f.delay(ev))
	f.mu.Lock()
	if f.broken != nil {
		f.mu.Unlock()
		return acd.Result{}, 0, f.broken
	}
	r, effects, err := f.apply(ev)
	index := f.index
	effects = append(effects, f.decide()...)
	f.mu.Unlock()
	f.lab.sw.Effects(effects)
	return r, index, err
}

func (f *fakeLog) Post(ev acd.Event) {
	f.mu.Lock()
	if f.broken != nil {
		f.later = append(f.later, ev)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	_, _, _ = f.Propose(context.Background(), ev)
}

// repair makes commits work again and writes what was posted meanwhile.
func (f *fakeLog) repair() {
	f.mu.Lock()
	later := f.later
	f.broken, f.later = nil, nil
	f.mu.Unlock()
	for _, ev := range later {
		f.Post(ev)
	}
}

func (f *fakeLog) now() int64 { return time.Since(f.start).Milliseconds() }

func (f *fakeLog) apply(ev acd.Event) (acd.Result, []acd.Effect, error) {
	f.index++
	r, err := acd.Apply(f.state, acd.Entry{Index: f.index, At: f.now(), Wall: time.Now().UnixMilli(), Event: ev})
	if cerr := f.state.Check(); cerr != nil {
		f.lab.t.Errorf("after %T: %v", ev, cerr)
	}
	for _, fact := range r.Facts {
		told := strings.HasPrefix(string(fact.Kind), "call.") || strings.HasPrefix(string(fact.Kind), "callback.")
		if told && fact.Kind != acd.FactCallStep {
			f.lab.note("log %s %s%s%s", fact.Kind, fact.Agent, fact.Queue, fact.Cause)
		}
	}
	return r, r.Effects, err
}

// decide does the leader's work until there is none, and sets its alarm.
func (f *fakeLog) decide() (effects []acd.Effect) {
	for {
		events := acd.Decide(f.state, f.now())
		if len(events) == 0 {
			break
		}
		for _, ev := range events {
			_, e, _ := f.apply(ev)
			effects = append(effects, e...)
		}
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if at, ok := f.state.NextDue(); ok && !f.closed {
		f.timer = time.AfterFunc(time.Duration(at-f.now())*time.Millisecond, func() {
			f.mu.Lock()
			e := f.decide()
			f.mu.Unlock()
			f.lab.sw.Effects(e)
		})
	}
	return effects
}

func (f *fakeLog) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
}
