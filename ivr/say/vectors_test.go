package say_test

import (
	"os"
	"strings"
	"testing"

	"tierline/ivr/say"
)

func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../../testdata/say/readings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		got, err := say.Read(f[1], f[2], f[3], say.Options{})
		if err != nil || got.Text != f[4] {
			t.Errorf("%s %s %s: %q, %v; want %q", f[0], f[2], f[3], got.Text, err, f[4])
		}
		n++
	}
	if n < 80 {
		t.Errorf("%d readings only", n)
	}
}
