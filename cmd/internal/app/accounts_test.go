package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/call"
	"tierline/cmd/internal/config"
)

func TestReadAccounts(t *testing.T) {
	dir := t.TempDir()
	closed, open := filepath.Join(dir, "closed"), filepath.Join(dir, "open")
	if err := os.WriteFile(closed, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, []byte("hunter3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil { //nolint:gosec // that is the mistake
		t.Fatal(err)
	}
	t.Setenv("TIERLINE_TEST_PASSWORD", "hunter4")
	got, err := readAccounts(map[string]config.Account{
		"file": {Realm: "r", Username: "u", PasswordFile: closed},
		"env":  {Realm: "r", Username: "v", PasswordEnv: "TIERLINE_TEST_PASSWORD"},
	})
	want := map[string]call.Account{
		"file": {Realm: "r", Username: "u", Password: "hunter2"}, "env": {Realm: "r", Username: "v", Password: "hunter4"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	_, err = readAccounts(map[string]config.Account{
		"a": {PasswordFile: open}, "b": {PasswordEnv: "TIERLINE_TEST_ABSENT"},
	})
	if err == nil || !strings.Contains(err.Error(), "account a: ") || !strings.Contains(err.Error(), "account b: ") ||
		strings.Contains(err.Error(), "hunter") {
		t.Errorf("two mistakes: %v", err)
	}
}
