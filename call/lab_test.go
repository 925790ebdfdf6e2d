package call

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
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

	said sink // what was logged

	mu    sync.Mutex
	lines []string
}

// sink keeps what is written.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
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
	l.phone = &fakePhones{
		lab: l, habits: map[string]habit{}, of: map[string]*fakeDialog{}, out: map[string]*fakeDialog{},
		lives: map[string]int{}, asked: map[string]int{},
		tokens: map[string]string{},
	}
	lib, err := prompt.OpenLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&l.said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l.log = &fakeLog{lab: l, state: acd.NewState(), start: l.start}
	messages, err := OpenMessages(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	tapes, err := OpenTapes(filepath.Join(dir, "recordings"), log)
	if err != nil {
		t.Fatal(err)
	}
	services := NewServices(log, l.media, lib, l.log.bundle)
	l.sw = New(ctx, Config{
		Node: "n1", Log: log, Media: l.media, Services: services,
		Known: func(netip.AddrPort) bool { return false }, Backend: &l.backend, Speech: &l.speech,
		Messages: messages, Tapes: tapes, Addresses: fakeAddresses{l},
		Accounts: map[string]Account{"carrier": {Realm: "r", Username: "u", Password: "hunter2"}},
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
	for _, id := range []string{
		"music/hold-1", "fc_ready.zh", "fc_not_ready.zh", "fc_refused.zh", "cb_agent.zh", "cb_customer.zh",
		"your_agent.zh", "at_service.zh", "w_greeted.zh", "tier_standard.zh",
	} {
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
	number, err := say.Read("zh", "digits", "1001", say.Options{Yao: true}) // an agent's
	if err != nil {
		l.t.Fatal(err)
	}
	for _, f := range append(reading.Fragments, number.Fragments...) {
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

// farSays lets something happen on the leg of whom we called last outside.
func (l *lab) farSays(ev sipua.LegEvent) {
	synctest.Wait()
	l.phone.mu.Lock()
	d := l.phone.far
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
