package ivr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/ivr"
	"tierline/routing/document"
)

func declare(t *testing.T, s *ivr.Sources, file, src string) (problems []string) {
	t.Helper()
	p := document.NewProblems(file)
	var d struct {
		Sources ivr.SourceDocs `doc:"sources"`
	}
	document.Decode(document.Parse([]byte(src), p), &d, "a flow", p)
	s.Declare(p, file, d.Sources)
	for _, x := range p.List() {
		problems = append(problems, x.String())
	}
	return problems
}

// Files say of a source what they like, as long as they agree.
func TestSources(t *testing.T) {
	s := ivr.NewSources()
	var got []string
	for _, f := range [][2]string{
		{"sources.yaml", "sources: {bss: {type: http, timeout: 2s}, crm: {type: sql}}"},
		{"flows/a.yaml", "sources: {bss: {retries: 1, breaker: {failures: 10, open: 15s}}}"},
		{"flows/b.yaml", "sources: {bss: {timeout: 2s, retries: 2}, line: {poll: {every: 1s, max: 30s}}}"},
		{"flows/c.yaml", "sources: {crm: {type: http}}"},
	} {
		got = append(got, declare(t, s, f[0], f[1])...)
	}
	want := []string{
		"flows/b.yaml:1:39: error: retries of source \"bss\" is 2 here and 1 in flows/a.yaml:1: they share one source",
		"flows/c.yaml:1:23: error: type of source \"crm\" is http here and sql in sources.yaml:1: they share one source",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"bss", "crm", "line"}, s.Names()); diff != "" {
		t.Error(diff)
	}
	bss, _ := s.Source("bss")
	if diff := cmp.Diff(ivr.Source{
		Name: "bss", Type: ivr.SourceHTTP, Timeout: 2 * time.Second, Retries: 1, Concurrency: 100, MaxBytes: 65536,
		Breaker: ivr.Breaker{Failures: 10, Open: 15 * time.Second},
	}, bss); diff != "" {
		t.Error(diff)
	}
	line, _ := s.Source("line")
	if line.Timeout != 1500*time.Millisecond || line.Poll != (ivr.Poll{Every: time.Second, Max: 30 * time.Second}) {
		t.Errorf("%+v", line)
	}
	if _, ok := s.Source("none"); ok {
		t.Error("found what nobody declares")
	}
}

func TestPathValue(t *testing.T) {
	for in, want := range map[string]string{
		"8812": "8812", "+8613800138000": "%2B8613800138000", "a b": "a%20b", "a/b": "a%2Fb", "王": "%E7%8E%8B", "a?b#c&d=e": "a%3Fb%23c%26d%3De",
		"1.5": "1.5", "v1..2": "v1..2", "a%2e": "a%252e", "~-_": "~-_",
		"": "", ".": "", "..": "", "...": "", "../x": "", "x/..": "", `x\..\y`: "", "/": "", "a//b": "", "/a": "", "a\r\nb": "", "\x00": "", "\x7f": "", "\xff": "",
		strings.Repeat("x", 513): "",
	} {
		got, err := ivr.PathValue(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
		if err != nil && len(in) > 1 && strings.Contains(err.Error(), in) {
			t.Errorf("%v tells the value", err)
		}
	}
}
