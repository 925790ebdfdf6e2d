package ivr

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing/document"
	"tierline/routing/hours"
)

func sample(t testing.TB) string {
	t.Helper()
	src, err := os.ReadFile("../testdata/flows/svc10001.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func sampleEnvironment() Environment {
	return Environment{
		Queues: []string{"human", "human_vip", "complaint"}, Channels: map[string][]string{"sms": {"bill_detail", "fault_ticket"}},
		Calendars: map[string]Calendar{}, FlowNames: []string{},
		Holidays: map[string][]hours.Exception{"holidays-cn.yaml": nil},
	}
}

// findings are problems without the file's name.
func findings(problems []document.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Col, p.Severity, p.Text))
	}
	return out
}

// TestMutants seeds one mistake after another into a flow of 450 lines. Every
// one must be found at its place, and nothing else be reported.
func TestMutants(t *testing.T) {
	src := sample(t)
	if _, problems := Load("f", []byte(src), sampleEnvironment()); problems != nil {
		t.Fatalf("the sample flow has problems: %v", problems)
	}
	if n := len(mutants()); n < 30 {
		t.Errorf("only %d mutants", n)
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if n := strings.Count(src, m.old); n != 1 {
				t.Fatalf("%q stands %d times in the sample flow", m.old, n)
			}
			_, problems := Load("f", []byte(strings.Replace(src, m.old, m.changed, 1)), sampleEnvironment())
			if d := cmp.Diff([]string{m.want}, findings(problems)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

// TestMutantsTogether seeds many mistakes at once: none hides another, unless
// it says something about the same thing.
func TestMutantsTogether(t *testing.T) {
	src := sample(t)
	apart := []string{
		"endless loop of plays", // its way is misspelt by another one
		"zero leads nowhere",    // the goodbye has an unknown type, and may be anything
		"unknown cause",         // of the goodbye
		"tts of a number",       // whose variable has a mistake
		"unknown template",      // of a channel that is misspelt
	}
	var want []string
	for _, m := range mutants() {
		// A change that keeps the lines where they are, and whose text is still there.
		same := strings.Count(m.old, "\n") == strings.Count(m.changed, "\n")
		if !same || strings.Count(src, m.old) != 1 || slices.Contains(apart, m.name) {
			continue
		}
		src = strings.Replace(src, m.old, m.changed, 1)
		want = append(want, m.want)
	}
	_, problems := Load("f", []byte(src), sampleEnvironment())
	got := findings(problems)
	missing := 0
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Logf("not reported: %s", w)
			missing++
		}
	}
	if len(want) < 30 || missing > 0 {
		t.Errorf("%d of %d mistakes missing", missing, len(want))
	}
}

// TestHugeFlow bounds the checker by the size of the flow, whatever it is like.
func TestHugeFlow(t *testing.T) {
	const n = 10_000
	tests := map[string]struct {
		next func(i int) string
		most int // problems
	}{
		"a chain":            {func(i int) string { return fmt.Sprintf("node%d", min(i+1, n)) }, 3},
		"a circle":           {func(i int) string { return fmt.Sprintf("node%d", i%n+1) }, 2},
		"all misspelt":       {func(i int) string { return fmt.Sprintf("nod%d", i+1) }, n + 1},
		"back to the start":  {func(int) string { return "node1" }, n + 1},
		"nobody leads there": {func(int) string { return "end" }, n + 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("version: 1\nflow: huge\nlanguages: [en]\nstart: node1\nprompts: {a: {en: A}}\nnodes:\n")
			for i := 1; i <= n; i++ {
				fmt.Fprintf(&b, "  node%d: {type: play, prompt: [a], next: %s}\n", i, test.next(i))
			}
			b.WriteString("  end: {type: hangup}\n")
			_, problems := Load("f", []byte(b.String()), Environment{})
			if len(problems) > test.most {
				t.Errorf("%d problems, at most %d", len(problems), test.most)
			}
			for _, p := range problems {
				if len(p.Text) > 500 {
					t.Fatalf("a text of %d characters: %.100s…", len(p.Text), p.Text)
				}
			}
		})
	}
}

// BenchmarkCheck: 450 lines in less than 20 ms.
func BenchmarkCheck(b *testing.B) {
	src := []byte(sample(b))
	for b.Loop() {
		if f, problems := Load("f", src, sampleEnvironment()); f == nil {
			b.Fatal(problems)
		}
	}
}
