package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretsThatOthersMayRead(t *testing.T) {
	const secrets, none = "agents:\n  \"1\": {secret: x}\n", "agents:\n  \"1\": {contact: sip:a@b, name: secret}\n"
	for name, tt := range map[string]struct {
		dir, file os.FileMode
		text      string
		want      int
	}{
		"open":               {0o755, 0o644, secrets, 1},
		"digests":            {0o755, 0o644, "trunks:\n  a:\n    auth: {username: x, ha1: {md5: y}}\n", 1},
		"the group may read": {0o750, 0o640, secrets, 1},
		"file closed":        {0o755, 0o600, secrets, 0},
		"directory closed":   {0o700, 0o644, secrets, 0},
		"nothing to see":     {0o755, 0o644, none, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "agents.yaml")
			if err := os.WriteFile(file, []byte(tt.text), tt.file); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(dir, tt.dir); err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.want > 0 {
				want = []string{file}
			}
			if d := cmp.Diff(want, exposed(dir)); d != "" {
				t.Error(d)
			}
		})
	}
	if got := exposed(filepath.Join(t.TempDir(), "nowhere")); got != nil {
		t.Error(got)
	}
}
