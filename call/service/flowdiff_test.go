package service

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffFlows(t *testing.T) {
	flow := func(nodes string) []byte { return []byte("version: 1\nnodes:\n" + nodes + "prompts: {a: {en: A}}\n") }
	old := &Bundle{Files: []File{
		{"flows/gone.yaml", flow("  x: {type: hangup}\n")},
		{"flows/same.yaml", flow("  x: {type: hangup}\n")},
		{"flows/svc.yaml", flow("  a: {type: hangup}\n  b: {type: hangup}\n  c: {type: hangup}\n")},
		{"flows/texts.yaml", flow("  x: {type: hangup}\n")},
		{"queues.yaml", []byte("queues: {a: {}}\n")},
	}}
	fresh := &Bundle{Files: []File{
		{"flows/new.yaml", flow("  x: {type: hangup}\n")},
		{"flows/same.yaml", append(flow("  x: {type: hangup}\n"), "# a remark\n"...)},
		{"flows/svc.yaml", flow("  d: {type: hangup}\n  c: {type: hangup, cause: busy}\n  a: {type: hangup}\n")},
		{"flows/texts.yaml", []byte("version: 1\nnodes:\n  x: {type: hangup}\nprompts: {a: {en: B}}\n")},
		{"queues.yaml", []byte("queues: {b: {}}\n")},
	}}
	want := []FlowChange{
		{Flow: "gone", Gone: true, Removed: []string{"x"}},
		{Flow: "new", New: true, Added: []string{"x"}},
		{Flow: "svc", Changed: []string{"c"}, Added: []string{"d"}, Removed: []string{"b"}},
		{Flow: "texts"},
	}
	if d := cmp.Diff(want, DiffFlows(old, fresh)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := DiffFlows(nil, old); len(got) != 4 || !got[0].New {
		t.Errorf("against nothing: %+v", got)
	}
}
