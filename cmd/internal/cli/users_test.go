package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.yaml")
	add := func(args ...string) outcome {
		return run(t, "", append([]string{"users", "add", "--file", file}, args...)...)
	}
	first := add("lead", "--role", "supervisor")
	if first.code != 0 || !strings.HasPrefix(first.out, "lead.") || len(first.out) < 30 {
		t.Errorf("%+v", first)
	}
	if second := add("lead", "--role", "engineer"); second.code != 0 || second.out == first.out {
		t.Errorf("another token: %+v", second)
	}
	if got := add("wang", "--role", "agent", "--agent", "1001", "-o", "json"); got.code != 0 ||
		!strings.Contains(got.out, `"token": "wang.`) {
		t.Errorf("%+v", got)
	}
	want := "USER  ROLE      AGENT\nlead  engineer  -\nwang  agent     1001\n"
	if got := run(t, "", "users", "--file", file); got.out != want {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "users", "remove", "lead", "--file", file); got.out != "removed lead\n" {
		t.Errorf("%+v", got)
	}
	for want, args := range map[string][]string{
		"has no user lead":    {"users", "remove", "lead", "--file", file},
		`--role "boss"`:       {"users", "add", "x", "--role", "boss", "--file", file},
		`"A B" is no name`:    {"users", "add", "A B", "--role", "agent", "--file", file},
		"no such file":        {"users", "--file", file + "x"},
		"no such file or dir": {"users", "remove", "x", "--file", file + "x"},
	} {
		if got := run(t, "", args...); got.code != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%v: %+v", args, got)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "lead") || !strings.Contains(string(text), "$argon2id$") {
		t.Errorf("%s, %v", text, err)
	}
}

// A token comes from the flag or the environment; without a good one the
// command says where to get one.
func TestCommandsShowATokenAndSayWhenItIsMissing(t *testing.T) {
	node := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer lead.s" {
			rw.Header().Set("Content-Type", "application/problem+json")
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = rw.Write([]byte(`{"title":"Who?","status":401,"detail":"the token is nobody's"}`))
			return
		}
		_, _ = rw.Write([]byte(`{"calls":[]}`))
	}))
	defer node.Close()
	if got := run(t, node.URL, "calls", "--token", "lead.s"); got.code != 0 || got.out != "no calls\n" {
		t.Errorf("by flag: %+v", got)
	}
	got := run(t, node.URL, "calls")
	if got.code != 1 || !strings.Contains(got.err, "nobody's") || !strings.Contains(got.err, "TIERLINE_TOKEN") {
		t.Errorf("without: %+v", got)
	}
	t.Setenv("TIERLINE_TOKEN", "lead.s")
	if got := run(t, node.URL, "calls"); got.code != 0 {
		t.Errorf("by environment: %+v", got)
	}
}
