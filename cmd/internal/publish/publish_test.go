package publish_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/cmd/internal/publish"
	"tierline/routing/document"
)

// fakeCore is the real core without a log.
type fakeCore struct {
	mu    sync.Mutex
	state *acd.State
	index uint64
	fail  error
}

func newCore() *fakeCore { return &fakeCore{state: acd.NewState()} }

func (c *fakeCore) Propose(_ context.Context, ev acd.Event) (acd.Result, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return acd.Result{}, 0, c.fail
	}
	c.index++
	r, err := acd.Apply(c.state, acd.Entry{Index: c.index, At: int64(c.index), Wall: int64(c.index), Event: ev})
	return r, c.index, err
}

func (c *fakeCore) Read(view func(*acd.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	view(c.state)
}

// fakeDocuments: each line is a queue's name; "!" begins a mistake, "?" a
// warning, "@" a prompt.
type fakeDocuments struct{}

func (fakeDocuments) Compile(data []byte) (c publish.Compiled, problems []document.Problem) {
	c.Hash = "hash of " + string(data)
	for i, line := range strings.Fields(string(data)) {
		switch line[0] {
		case '!':
			problems = append(problems, document.Problem{File: "queues.yaml", Line: i + 1, Col: 1, Severity: document.Error, Text: line})
		case '?':
			problems = append(problems, document.Problem{File: "queues.yaml", Line: i + 1, Col: 1, Severity: document.Warning, Text: line})
		case '@':
			c.Prompts = append(c.Prompts, line[1:])
		default:
			c.Config.Queues = append(c.Config.Queues, acd.QueueConfig{Name: line})
		}
	}
	return c, problems
}

func (fakeDocuments) Changes(old, fresh []byte) ([]string, error) {
	return []string{string(old) + " → " + string(fresh)}, nil
}

// Flows: the first line is a flow's name, the others are its nodes.
func (fakeDocuments) Flows(old, fresh []byte) ([]publish.Flow, error) {
	name, _, _ := strings.Cut(string(fresh), " ")
	return []publish.Flow{{Name: name, Changed: []string{"main"}, New: old == nil}}, nil
}

func publisher(core publish.Core) *publish.Publisher {
	return publish.New(core, fakeDocuments{}, func(sha string) bool { return sha == "known" }, slog.New(slog.DiscardHandler))
}

func TestPublish(t *testing.T) {
	core := newCore()
	p := publisher(core)
	got, err := p.Publish(t.Context(), publish.Request{Data: []byte("human ?lonely"), By: "me", Note: "first"})
	if err != nil {
		t.Fatal(err)
	}
	warning := document.Problem{File: "queues.yaml", Line: 2, Col: 1, Severity: document.Warning, Text: "?lonely"}
	want := publish.Published{Generation: 1, Plan: publish.Plan{
		Hash: "hash of human ?lonely", Changes: []string{" → human ?lonely"},
		Warnings: []document.Problem{warning}, Flows: []publish.Flow{{Name: "human", New: true, Changed: []string{"main"}}},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("published (-want +got):\n%s", d)
	}
	core.Read(func(s *acd.State) {
		if q := s.Queues(); len(q) != 1 || q[0].Name != "human" {
			t.Errorf("queues %+v, want human", q)
		}
		if g := s.Generations(); len(g) != 1 || g[0].By != "me" || g[0].Note != "first" || g[0].Hash != want.Hash {
			t.Errorf("generations %+v", g)
		}
	})
}

func TestUnchangedDocumentsMakeNoGeneration(t *testing.T) {
	core := newCore()
	p := publisher(core)
	for range 3 {
		if _, err := p.Publish(t.Context(), publish.Request{Data: []byte("human")}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.Publish(t.Context(), publish.Request{Data: []byte("human")})
	if err != nil || got.Generation != 1 || !got.Unchanged || core.index != 1 {
		t.Errorf("published %+v (%v) with %d entries, want the old generation and one entry", got, err, core.index)
	}
}

func TestRefusals(t *testing.T) {
	core := newCore()
	p := publisher(core)
	base := func(n uint64) *uint64 { return &n }
	if _, err := p.Publish(t.Context(), publish.Request{Data: []byte("human"), Base: base(0)}); err != nil {
		t.Fatal(err)
	}
	var problems *publish.ProblemsError
	_, err := p.Publish(t.Context(), publish.Request{Data: []byte("a !b !c ?d")})
	if !errors.As(err, &problems) || len(problems.Problems) != 3 || err.Error() != "2 mistakes in the documents" {
		t.Errorf("mistakes gave %v", err)
	}
	var missing *publish.MissingPromptsError
	_, err = p.Publish(t.Context(), publish.Request{Data: []byte("a @known @x @y @x")})
	if !errors.As(err, &missing) || !cmp.Equal(missing.Prompts, []string{"x", "y"}) {
		t.Errorf("missing prompts gave %v", err)
	}
	plan, err := p.Plan([]byte("a @known @x @y @x"))
	if err != nil || !cmp.Equal(plan.Missing, []string{"x", "y"}) {
		t.Errorf("the plan misses %v (%v)", plan.Missing, err)
	}
	if _, err = p.Publish(t.Context(), publish.Request{Data: []byte("b"), Base: base(0)}); !errors.Is(err, publish.ErrMoved) {
		t.Errorf("an old base gave %v", err)
	}
	core.fail = errors.New("no quorum")
	if _, err = p.Publish(t.Context(), publish.Request{Data: []byte("b")}); !errors.Is(err, core.fail) {
		t.Errorf("a log that takes nothing gave %v", err)
	}
	if core.index != 1 || core.state.Generation() != 1 {
		t.Errorf("refusals changed something: index %d, generation %d", core.index, core.state.Generation())
	}
}

func TestPlanChangesNothing(t *testing.T) {
	core := newCore()
	p := publisher(core)
	if _, err := p.Publish(t.Context(), publish.Request{Data: []byte("human")}); err != nil {
		t.Fatal(err)
	}
	for call, flow := range map[string]string{"a": "human", "b": "other"} {
		if _, _, err := core.Propose(t.Context(), acd.CallArrived{Call: call, Node: "n1", Flow: flow, Generation: 1}); err != nil {
			t.Fatal(err)
		}
	}
	before := core.index
	got, err := p.Plan([]byte("human sales"))
	want := publish.Plan{
		Current: 1, Hash: "hash of human sales", Changes: []string{"human → human sales"}, Staying: 2,
		Flows: []publish.Flow{{Name: "human", Changed: []string{"main"}, Calls: 1}},
	}
	if d := cmp.Diff(want, got); err != nil || d != "" || core.index != before {
		t.Errorf("plan (-want +got), error %v:\n%s", err, d)
	}
}

func TestRollback(t *testing.T) {
	core := newCore()
	p := publisher(core)
	if _, err := p.Rollback(t.Context(), 0, "me", ""); !errors.Is(err, publish.ErrNoReturn) {
		t.Errorf("before the first generation: %v", err)
	}
	for _, data := range []string{"one", "two", "three"} {
		if _, err := p.Publish(t.Context(), publish.Request{Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		to   uint64
		want string
		note string
	}{
		{0, "two", "back to generation 2"},   // 4
		{0, "three", "back to generation 3"}, // 5: there and back
		{1, "one", "back to generation 1"},   // 6
	}
	for i, step := range steps {
		got, err := p.Rollback(t.Context(), step.to, "me", "")
		if err != nil || got.Generation != uint64(4+i) {
			t.Fatalf("step %d: generation %d (%v), want %d", i, got.Generation, err, 4+i)
		}
		b, _ := core.state.GenerationBundle(got.Generation)
		if string(b.Data) != step.want || b.Note != step.note {
			t.Errorf("step %d: documents %q with note %q, want %q", i, b.Data, b.Note, step.want)
		}
	}
	if _, err := p.Rollback(t.Context(), 99, "me", ""); !errors.Is(err, publish.ErrNoReturn) {
		t.Errorf("to an unknown generation: %v", err)
	}
}
