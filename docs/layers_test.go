package docs_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the architecture: what each top-level folder may use of the
// others. docs/explain/architecture.md says why.
func mayImport() map[string][]string {
	return map[string][]string{
		"routing":  {},
		"media":    {},
		"testdata": {},
		"ivr":      {"routing"},
		"acd":      {"routing"},
		"cluster":  {"acd", "routing"},
		"call":     {"acd", "ivr", "media", "routing"},
		"cmd":      {"acd", "call", "cluster", "ivr", "media", "routing", "testdata"},
		"docs":     {},
	}
}

// fence says which outside modules only certain packages may import.
func fence() map[string][]string {
	return map[string][]string{
		"github.com/emiago/":         {"tierline/call/sipua", "tierline/call/phone"},
		"github.com/gobwas/":         {"tierline/call/sipua"},
		"github.com/hashicorp/raft":  {"tierline/cluster"},
		"github.com/spf13/viper":     {"tierline/cmd/internal/config"},
		"github.com/pion/rtp":        {"tierline/media", "tierline/call/sipua"},
		"github.com/pion/rtcp":       {"tierline/media"},
		"github.com/pion/srtp":       {"tierline/media/srtp"},
		"github.com/pion/dtls":       {"tierline/media/handshake"},
		"github.com/pion/transport":  {"tierline/media/handshake"},
		"github.com/pion/stun":       {"tierline/media/ice"},
		"modernc.org/sqlite":         {"tierline/acd/report", "tierline/ivr/backend"},
		"github.com/minio/":          {"tierline/call/bucket"},
		"github.com/jackc/pgx":       {"tierline/acd/report", "tierline/ivr/backend"},
		"pgregory.net/rapid":         {},
		"github.com/google/go-cmp":   {},
		"go.uber.org/goleak":         {},
		"github.com/cockroachdb/dat": {},
	}
}

func TestLayers(t *testing.T) {
	for pkg, imports := range packages(t) {
		from := folder(pkg)
		for _, imp := range imports {
			to := folder(imp)
			if to == "" || to == from {
				continue
			}
			if ok, known := mayImport()[from]; !known || !slices.Contains(ok, to) {
				t.Errorf("%s imports %s: %s may not use %s", pkg, imp, from, to)
			}
		}
	}
}

func TestFences(t *testing.T) {
	seen := map[string]bool{}
	for pkg, imports := range packages(t) {
		for _, imp := range imports {
			for prefix, allowed := range fence() {
				if !strings.HasPrefix(imp, prefix) {
					continue
				}
				seen[prefix] = true
				if !slices.ContainsFunc(allowed, func(a string) bool { return pkg == a || strings.HasPrefix(pkg, a+"/") }) {
					t.Errorf("%s imports %s: only %v may", pkg, imp, allowed)
				}
			}
		}
	}
	for prefix, allowed := range fence() {
		if len(allowed) > 0 && !seen[prefix] {
			t.Errorf("nobody imports %s any more: drop its fence", prefix)
		}
	}
}

// packages returns the imports of each of our packages, tests left out.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{.ImportPath}} {{join .Imports " "}}`, "tierline/...", "tierline/testdata/demo").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		found[fields[0]] = fields[1:]
	}
	if len(found) < 20 {
		t.Fatalf("only %d packages found", len(found))
	}
	return found
}

// folder returns the top-level folder of one of our packages, or "".
func folder(pkg string) string {
	rest, ours := strings.CutPrefix(pkg, "tierline/")
	if !ours {
		return ""
	}
	top, _, _ := strings.Cut(rest, "/")
	return top
}
