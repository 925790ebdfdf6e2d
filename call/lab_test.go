package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/service"
	"tierline/call/sipua"
	"tierline/media"
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
	services := NewServices(log, l.media, lib, l.log.bundle)
	l.sw = New(ctx, Config{
		Node: "n1", Log: log, Media: l.media, Services: services,
		Known: func(netip.AddrPort) bool { return false },
	})
	l.sw.Bind(l.log)
	l.sw.Attach(l.phone, nil)
	l.publish(lib)
	if err := services.Load(1); err != nil {
		t.Fatal(err)
	}
	return l
}

// publish writes the documents of testdata/call into the log, with prompts of
// one second each.
func (l *lab) publish(lib *prompt.Library) {
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
	for _, id := range []string{"hello.zh", "menu.zh", "sorry.zh", "bye.zh", "music/hold-1"} {
		b.Prompts[id] = sha
	}
	svc, more := service.Compile(b)
	if svc == nil {
		l.t.Fatalf("documents: %v %v", problems, more)
	}
	ev := acd.ConfigPublished{Hash: b.Hash(), By: "test", Bundle: b.Encode(), Config: svc.Config}
	if _, _, err := l.log.Propose(l.t.Context(), ev); err != nil {
		l.t.Fatal(err)
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
	broken error // what Propose answers while nothing can be committed
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

func (f *fakeLog) Propose(_ context.Context, ev acd.Event) (acd.Result, uint64, error) {
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
		if strings.HasPrefix(string(fact.Kind), "call.") && fact.Kind != acd.FactCallStep {
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

// habit is how an agent's phone behaves.
type habit struct {
	after  time.Duration // from the INVITE to the final answer; 0 = never
	status int           // 200 or a refusal
}

// fakePhones are the phones of all agents.
type fakePhones struct {
	lab *lab

	mu     sync.Mutex
	habits map[string]habit
	last   *fakeDialog
}

func (f *fakePhones) Dial(r sipua.DialRequest, on func(sipua.LegEvent)) (Dialog, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := &fakeDialog{lab: f.lab, name: "agent " + r.To, on: on}
	f.last = d
	f.lab.note("invite %s", r.To)
	h := f.habits[r.To]
	if h.status == 503 {
		return nil, errors.New("no route")
	}
	time.AfterFunc(20*time.Millisecond, func() { d.event(sipua.Ringing{Status: 180}) })
	if h.after > 0 {
		time.AfterFunc(h.after, func() {
			if h.status >= 300 {
				d.event(sipua.Failed{Status: h.status})
				return
			}
			d.event(sipua.Answered{SDP: remoteSDP(40000)})
		})
	}
	return d, nil
}

// remoteSDP is what peers offer and answer.
func remoteSDP(port int) []byte {
	return sdp.Offer(sdp.LocalOptions{
		IP: netip.MustParseAddr("192.0.2.9"), Port: port, SessionID: 1, Version: 1, Codecs: []uint8{sdp.PCMA},
	})
}

// fakeDialog is a leg towards a peer that does what the test says.
type fakeDialog struct {
	lab  *lab
	name string

	mu   sync.Mutex
	on   func(sipua.LegEvent)
	over bool
}

func (d *fakeDialog) event(ev sipua.LegEvent) {
	d.mu.Lock()
	over := d.over
	switch ev.(type) {
	case sipua.Failed, sipua.Hungup, sipua.NoAck:
		d.over = true
	}
	d.mu.Unlock()
	if !over {
		d.on(ev)
	}
}

func (d *fakeDialog) Hangup(q850 int, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over = true
		d.lab.note("hang up %s (%d %s)", d.name, q850, reason)
	}
}

func (d *fakeDialog) Dialog() sipua.Dialog { return sipua.Dialog{CallID: d.name} }

// fakeMedia plays clips by the clock.
type fakeMedia struct {
	lab *lab

	mu    sync.Mutex
	ports int
	open  int
	full  bool
}

func (m *fakeMedia) IP() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

func (m *fakeMedia) Open(on func(media.Event)) (MediaLeg, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return nil, errors.New("no ports")
	}
	m.ports += 2
	m.open++
	return &fakeLeg{media: m, port: m.ports, on: on}, nil
}

func (m *fakeMedia) Bridge(_, _ MediaLeg)               { m.lab.note("bridge") }
func (m *fakeMedia) Unbridge(_, _ MediaLeg)             { m.lab.note("unbridge") }
func (m *fakeMedia) Music(*prompt.Clip) *media.Music    { return &media.Music{} }
func (l *fakeLeg) Port() int                            { return l.port }
func (l *fakeLeg) Quality() media.Quality               { return media.Quality{Codec: "PCMA", Sent: 1} }
func (l *fakeLeg) press(keys string)                    { l.keys(keys) }
func (l *fakeLeg) PlayMusic(*media.Music)               { l.stop(); l.media.lab.note("music") }
func (l *fakeLeg) Stop()                                { l.stop() }
func (l *fakeLeg) Configure(p media.Params) error       { l.params = p; return nil }
func (m *fakeMedia) legs() int                          { m.mu.Lock(); defer m.mu.Unlock(); return m.open }
func (l *fakeLeg) Play(id uint64, clips []*prompt.Clip) { l.play(id, clips) }

type fakeLeg struct {
	media  *fakeMedia
	port   int
	on     func(media.Event)
	params media.Params

	mu     sync.Mutex
	timer  *time.Timer
	closed bool
}

func (l *fakeLeg) play(id uint64, clips []*prompt.Clip) {
	l.stop()
	var d time.Duration
	for _, c := range clips {
		d += c.Duration()
	}
	l.media.lab.note("play %v", d)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(d, func() { l.on(media.Played{ID: id}) })
}

func (l *fakeLeg) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *fakeLeg) keys(keys string) {
	for _, k := range keys {
		l.on(media.Digit{Code: k, DurationMS: 100})
	}
}

func (l *fakeLeg) Close() {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.media.lab.t.Error("media leg closed twice")
	}
	l.closed = true
	l.media.mu.Lock()
	l.media.open--
	l.media.mu.Unlock()
}

// caller is somebody who calls; its methods are what he does.
type caller struct {
	lab *lab
	dlg *fakeDialog

	mu       sync.Mutex
	onCancel func()
	refused  int
}

// dial sends an INVITE and lets the switch take it.
func (l *lab) dial(number, from string) *caller {
	l.t.Helper()
	c := &caller{lab: l}
	go l.sw.Invite(Invite{
		Invitation: c, CallID: "sip-" + from, From: from, Number: number,
		Source: netip.MustParseAddrPort("192.0.2.9:5060"), Transport: "udp", Offer: remoteSDP(30000),
	})
	return c
}

func (c *caller) Ringing() error       { return nil }
func (c *caller) Leg() ([]byte, error) { return json.Marshal("leg") }

func (c *caller) Answer(_ []byte, on func(sipua.LegEvent)) (Dialog, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused != 0 {
		return nil, errors.New("cancelled")
	}
	c.lab.note("answer")
	c.dlg = &fakeDialog{lab: c.lab, name: "caller", on: on}
	time.AfterFunc(10*time.Millisecond, func() { c.dlg.event(sipua.Confirmed{}) })
	return c.dlg, nil
}

func (c *caller) Reject(status int, _ string, _ int, _ map[string][]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = status
	c.lab.note("refuse %d", status)
	return nil
}

func (c *caller) OnCancel(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onCancel = f
}

// says lets something happen on the caller's leg.
func (c *caller) says(ev sipua.LegEvent) {
	synctest.Wait()
	c.mu.Lock()
	d := c.dlg
	c.mu.Unlock()
	d.event(ev)
}

func (c *caller) hangUp() { c.says(sipua.Hungup{Q850: 16}) }

// press sends keys on the media leg of the only caller.
func (l *lab) press(keys string) {
	synctest.Wait()
	l.sw.mu.Lock()
	var leg MediaLeg
	for _, c := range l.sw.calls {
		leg = c.caller.media
	}
	l.sw.mu.Unlock()
	leg.(*fakeLeg).press(keys)
}
