package service

import "testing"

// TestShippedDirectories: the documents that ship have no mistake, not even a
// prompt without its sound or longer than callers listen.
func TestShippedDirectories(t *testing.T) {
	for _, dir := range []string{"demo", "bench"} {
		t.Run(dir, func(t *testing.T) {
			b, problems := ReadDir("../../testdata/"+dir, nil)
			s, more := Compile(b)
			for _, p := range append(problems, more...) {
				t.Error(p)
			}
			if s == nil {
				t.Fatal("no service")
			}
		})
	}
}
