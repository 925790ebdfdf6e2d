package service

import (
	"testing"

	"tierline/routing/document"
)

// TestShippedDirectories: the documents that ship have no errors.
func TestShippedDirectories(t *testing.T) {
	for _, dir := range []string{"demo", "bench"} {
		t.Run(dir, func(t *testing.T) {
			b, problems := ReadDir("../../testdata/"+dir, nil)
			s, more := Compile(b)
			for _, p := range append(problems, more...) {
				if p.Severity == document.Error {
					t.Error(p)
				} else {
					t.Log(p)
				}
			}
			if s == nil {
				t.Fatal("no service")
			}
		})
	}
}
