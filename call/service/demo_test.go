package service

import (
	"testing"

	"tierline/routing/document"
)

// TestDemo: the documents that ship must have no errors.
func TestDemo(t *testing.T) {
	b, problems := ReadDir("../../testdata/demo", nil)
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
}
