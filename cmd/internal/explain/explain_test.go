package explain_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/explain"
	"tierline/ivr"
)

// demo is the demo centre with its agents signed in, and no sounds.
func demo(t *testing.T) explain.World {
	t.Helper()
	bundle, problems := service.ReadDir("../../../testdata/demo", nil)
	svc, more := service.Compile(bundle)
	if svc == nil {
		t.Fatalf("the demo: %v %v", problems, more)
	}
	s := acd.NewState()
	for i := range svc.Config.Agents {
		svc.Config.Agents[i].SignedIn, svc.Config.Agents[i].Contact = true, "sip:a@127.0.0.1"
	}
	if _, err := acd.Apply(s, acd.Entry{Index: 1, At: 1, Event: acd.ConfigPublished{Hash: "h", Config: svc.Config}}); err != nil {
		t.Fatal(err)
	}
	return explain.World{
		Service: svc, Length: func(ivr.Prompt) time.Duration { return time.Second },
		Read: func(view func(*acd.State)) { view(s) },
	}
}

func nodes(e wire.Explained) (out []string) {
	for _, s := range e.Path {
		out = append(out, s.Node)
	}
	return out
}

func TestAGoldCustomersWayToHisAgent(t *testing.T) {
	e, err := explain.Explain(t.Context(), demo(t), explain.Question{
		From: "13800138000", To: "10000", Keys: []string{"1"}, At: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	if e.Trunk != "loopback" || e.From != "+8613800138000" || e.Flow != "svc10000" || e.Tier != "gold" || !e.Known {
		t.Errorf("who calls whom: %+v", e)
	}
	if got := nodes(e); !slices.Contains(got, "gold") || got[len(got)-1] != "queue_vip" {
		t.Errorf("the way: %v", got)
	}
	d := e.Decision
	if d == nil || d.Queue != "human_vip" || len(d.Candidates) == 0 || len(d.RuledOut) == 0 {
		t.Fatalf("decision %+v", d)
	}
	if !strings.HasPrefix(d.Candidates[0].Why, "first choice") || !strings.Contains(d.RuledOut[len(d.RuledOut)-1].Why, "lacks vip") {
		t.Errorf("why: %+v", d)
	}
}

func TestANumberThatNobodyServes(t *testing.T) {
	e, err := explain.Explain(t.Context(), demo(t), explain.Question{From: "1", To: "10009", At: time.Unix(0, 0)})
	if err != nil || !strings.Contains(e.Ended, "404") || len(e.Rules) < 2 || e.Rules[0].Won {
		t.Errorf("%+v, %v", e, err)
	}
	_, err = explain.Explain(t.Context(), demo(t), explain.Question{From: "1", To: "10000", Trunk: "no"})
	if !errors.Is(err, explain.ErrTrunk) {
		t.Errorf("an unknown trunk: %v", err)
	}
}

// TestOnlyQuestionsWithoutEffectAreAsked walks to an agent through a flow that
// writes and reads.
func TestOnlyQuestionsWithoutEffectAreAsked(t *testing.T) {
	const text = `
version: 1
flow: svc10000
languages: [en]
start: ticket
sources: {bss: {type: http}}
vars: {r: {type: object, fields: {n: int}}}
nodes:
  ticket:
    type: lookup
    source: bss
    request: {post: "/tickets", body: {n: call.ani}}
    into: r
    then: {ok: bye, not_found: look, error: bye}
  look:
    type: lookup
    source: bss
    request: {get: "/people/{call.ani}"}
    into: r
    then: {ok: wait, not_found: bye, error: bye}
  wait:
    type: queue
    queue: human
    hold: [hello]
    then: {timeout: bye, full: bye, abandoned: "@hangup"}
  bye: {type: hangup}
prompts: {hello: {en: Hello}}
`
	w := demo(t)
	f, problems := ivr.Load("flows/svc10000.yaml", []byte(text), ivr.Environment{})
	if f == nil {
		t.Fatal(problems)
	}
	w.Service.Flows["svc10000"] = f
	var asked []string
	w.Lookup = func(_ context.Context, l ivr.Lookup) ivr.LookedUp {
		asked = append(asked, l.Request.Method+" "+l.Request.Path)
		return ivr.LookedUp{Status: ivr.LookupOK, Body: []byte(`{"n":1}`)}
	}
	e, err := explain.Explain(t.Context(), w, explain.Question{From: "13800138000", To: "10000", At: time.Unix(1e9, 0)})
	if err != nil || e.Queue != "human" {
		t.Fatalf("%+v, %v", e, err)
	}
	if len(asked) != 1 || !strings.HasPrefix(asked[0], "GET /people/") {
		t.Errorf("asked %v", asked)
	}
	if len(e.Asked) != 2 || e.Asked[0].Answer != "not asked, assumed: not_found" || e.Asked[1].Answer != "ok" {
		t.Errorf("told %+v", e.Asked)
	}
}
