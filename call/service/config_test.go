package service

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/routing/document"
)

var update = flag.Bool("update", false, "write the expected findings anew; then read the difference")

// TestBadDirectories: each directory in testdata/config has its mistakes, and
// expected.txt names all of them, no followers, and shows no secret.
func TestBadDirectories(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/config/bad-*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no directories", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, problems := ReadDir(dir, nil)
			s, more := Compile(b)
			problems = append(problems, more...)
			if s != nil && !document.HasErrors(problems) {
				t.Error("accepted")
			}
			document.Sort(problems)
			var out strings.Builder
			for _, p := range problems {
				out.WriteString(p.String() + "\n")
			}
			if strings.Contains(out.String(), "secret:") || strings.Contains(out.String(), "top-") {
				t.Error("a secret is shown")
			}
			file := filepath.Join(dir, "expected.txt")
			if *update {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
