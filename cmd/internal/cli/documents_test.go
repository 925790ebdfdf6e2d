package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
)

const demo = "../../../testdata/demo"

func TestCheck(t *testing.T) {
	got := run(t, DefaultServer, "check", demo)
	if got.code != 0 || got.out != "" || !strings.HasPrefix(got.err, demo+": no mistakes in ") {
		t.Errorf("the demo centre: exit %d\n%s%s", got.code, got.out, got.err)
	}
}

// broken is a directory with mistakes in several files.
func broken(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"queues.yaml": "queues:\n  human: {title: {en: People}, ringtime: 15s}\n",
		"skills.yaml": "skills:\n  billing: {en: Billing\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckNamesEveryMistake(t *testing.T) {
	dir := broken(t)
	got := run(t, DefaultServer, "check", dir)
	for _, file := range []string{"queues.yaml:2:", "skills.yaml:", "agents.yaml:1:1: error: "} {
		if !strings.Contains(got.out, filepath.Join(dir, file)) {
			t.Errorf("nothing about %s in\n%s", file, got.out)
		}
	}
	if got.code != 1 || !strings.Contains(got.err, " errors") {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
	var list []wire.Mistake
	asJSON := run(t, DefaultServer, "check", "--json", dir)
	if err := json.Unmarshal([]byte(asJSON.out), &list); err != nil || asJSON.code != 1 {
		t.Fatalf("exit %d, %v:\n%s", asJSON.code, err, asJSON.out)
	}
	if n := strings.Count(got.out, "\n"); n != len(list) || n < 3 {
		t.Errorf("%d lines and %d in JSON", n, len(list))
	}
}

func TestWrongDocumentsAreNotSent(t *testing.T) {
	a := newAPI(t)
	for _, command := range []string{"plan", "apply"} {
		got := run(t, a.URL, command, broken(t))
		if got.code != 1 || !strings.Contains(got.err, "queues.yaml:2:") || !strings.HasSuffix(got.err, "nothing was changed\n") {
			t.Errorf("%s: exit %d\n%s", command, got.code, got.err)
		}
	}
	if asked := a.asked(); len(asked) != 0 {
		t.Errorf("the node was asked: %v", asked)
	}
}

func TestPlan(t *testing.T) {
	a := newAPI(t)
	a.answers["PLAN"] = wire.Publication{
		Current: 6, Changes: []string{"queue human: max_wait 10m → 15m", "flow svc10000: nodes changed: a, b; nodes added: c"},
		Staying: 12, Missing: []string{"x"}, Flows: []wire.Flow{
			{Flow: "svc10000", Changed: []string{"a", "b"}, Added: []string{"c"}, Calls: 7},
			{Flow: "svc10001", Removed: []string{"d"}, Calls: 1},
			{Flow: "texts"},
			{Flow: "gone", Gone: true, Removed: []string{"x", "y"}, Calls: 2},
			{Flow: "new", New: true, Added: []string{"x"}},
		},
	}
	got := run(t, a.URL, "plan", demo)
	if got.code != 0 {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
	golden(t, "plan", got.out)
	a.answers["PLAN"] = wire.Publication{Current: 6, Unchanged: true}
	if got = run(t, a.URL, "plan", demo); got.out != "nothing to do: generation 6 has these documents\n" {
		t.Errorf("unchanged: %s", got.out)
	}
}

func TestApplySendsMissingSoundsFirst(t *testing.T) {
	bundle, _ := service.ReadDir(demo, nil)
	sha := bundle.Prompts["welcome.zh"]
	if sha == "" {
		t.Fatal("the demo centre has no welcome.zh")
	}
	a := newAPI(t)
	a.answers = map[string]any{
		"PLAN": wire.Publication{Current: 6, Changes: []string{"a"}, Missing: []string{sha}}, "PUT /api/v1/prompts/" + sha: "",
		"POST /api/v1/generations": wire.Publication{Applied: true, Current: 6, Generation: 7, Changes: []string{"a"}, Staying: 1},
	}
	got := run(t, a.URL, "apply", demo, "--note", "why")
	if got.code != 0 || got.out != "  a\n1 change\ngeneration 7 is current; 1 call finishes on the documents they began on\n" {
		t.Errorf("exit %d, %s%s", got.code, got.out, got.err)
	}
	want := []string{
		"POST /api/v1/generations?dry_run=true", "PUT /api/v1/prompts/" + sha,
		"POST /api/v1/generations?base=6&by=tester&note=why",
	}
	if d := cmp.Diff(want, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestANodeThatRefusesDocumentsIsQuoted(t *testing.T) {
	a := newAPI(t)
	a.answers["PLAN"] = wire.ProblemError{
		Title: "Unprocessable Entity", Status: 422, Detail: "1 mistake in the documents",
		Mistake: []wire.Mistake{{File: "flows/a.yaml", Line: 3, Col: 7, Severity: "error", Text: "node type say is not known"}},
	}
	a.status["PLAN"] = http.StatusUnprocessableEntity
	got := run(t, a.URL, "apply", demo)
	want := "tierline: the node refuses the documents, nothing was changed: 1 mistake in the documents\n" +
		"flows/a.yaml:3:7: error: node type say is not known\n"
	if got.code != 1 || got.err != want {
		t.Errorf("exit %d, %s", got.code, got.err)
	}
}

func TestRollback(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/generations/rollback"] = wire.Publication{Applied: true, Generation: 8, Changes: []string{"a", "b"}}
	got := run(t, a.URL, "rollback", "--to", "5", "--note", "oops")
	if got.code != 0 || got.out != "  a\n  b\n2 changes\ngeneration 8 is current\n" {
		t.Errorf("exit %d, %s%s", got.code, got.out, got.err)
	}
	want := []string{`POST /api/v1/generations/rollback {"to":5,"by":"tester","note":"oops"}`}
	if d := cmp.Diff(want, a.asked()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}
