package ivr

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"tierline/routing/document"
	"tierline/routing/hours"
)

// canary is a secret that must be nowhere.
const canary = "271828"

// TestSecretsLeaveNothing: PINs, entered or typed ahead, and what sources
// answer to them appear in no checkpoint, note, prompt or trouble; only the
// request that checks them has them, and it says so.
func TestSecretsLeaveNothing(t *testing.T) {
	clean := func(r *run, actions []Action) {
		r.t.Helper()
		if bytes.Contains(r.s.Encode(), []byte(canary)) || bytes.Contains(r.s.Encode(), []byte(canary[:3])) {
			r.t.Fatalf("encoded at %s: %s", r.s.st.At, r.s.Encode())
		}
		for _, a := range actions {
			l, ok := a.(Lookup)
			if ok && l.Request.Secret {
				continue
			}
			if strings.Contains(fmt.Sprintf("%+v", a), canary) {
				r.t.Fatalf("%T has it: %+v", a, a)
			}
		}
	}
	r := beginAll(t, known())
	press := func(keys string) {
		t.Helper()
		for _, k := range keys {
			r.take()
			r.press(string(k))
			clean(r, r.take())
		}
	}
	press("2")
	press(canary)
	r.give(Attempt{asked[TryAuth](r).ID, AttemptAllowed})
	clean(r, nil)
	r.give(LookedUp{ID: asked[Lookup](r).ID, Status: LookupOK, Body: []byte(canary)})
	clean(r, nil)
	r.jump("twice")
	press(canary)
	r.hear()
	press(canary)
	r.at("change")
	clean(r, nil)
	r.give(LookedUp{ID: asked[Lookup](r).ID, Status: LookupOK, Body: []byte(canary)})
	clean(r, nil)
	r = beginAll(t, known())
	r.press("7" + canary) // typed ahead into a queue
	clean(r, r.take())
	r = beginAll(t, known())
	r.press("2")
	r.take()
	r.press(canary[:4])
	r.jump("query") // typed ahead while something is looked up
	r.press(canary)
	clean(r, r.take())
}

// TestLostSecret: a secret that stayed on another node is not taken for an
// empty one.
func TestLostSecret(t *testing.T) {
	r := beginAll(t, known())
	r.press("8")
	for range 2 {
		r.hear()
		r.press(canary)
	}
	r.at("change")
	r.move()
	if r.at("line"); !strings.Contains(fmt.Sprint(r.log), "newpin stayed on another node") {
		t.Errorf("%v", r.log)
	}
}

// TestThousandKeys: somebody leans on the keyboard.
func TestThousandKeys(t *testing.T) {
	for _, key := range "013*#Ax" {
		for _, node := range []string{"main", "ask", "who", "twice", "query", "read", "send", "line", "back", "rate", "leave", "out", "sub", "bye"} {
			r := beginAll(t, known())
			r.s.st.Vars["number"] = "1"
			r.jump(node)
			for range 1000 {
				if r.ended {
					break
				}
				r.press(string(key))
			}
			if len(r.s.st.Typed) > maxTyped || len(r.s.Encode()) > 8192 {
				t.Errorf("%s at %s: %d bytes", string(key), node, len(r.s.Encode()))
			}
		}
	}
}

// TestDesignFlow: the flow that the format was designed with has no mistake.
func TestDesignFlow(t *testing.T) {
	src, err := os.ReadFile("../testdata/flows/svc10001.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cal, err := hours.ParseException("2026-10-01..2026-10-07 closed National Day")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Load("flow-10001.yaml", src, Environment{
		Queues: []string{"human", "human_vip", "complaint"}, Channels: map[string][]string{"sms": nil}, Sources: []string{},
		Holidays: map[string][]hours.Exception{"holidays-cn.yaml": {cal}},
	})
	for _, p := range problems {
		if p.Severity == document.Error {
			t.Error(p)
		}
	}
	f := loadText(t, "flow-10001.yaml", string(src), Environment{})
	if got := len(f.Nodes()); got != 63 {
		t.Errorf("%d nodes", got)
	}
}

func BenchmarkLoadDesign(b *testing.B) {
	src, err := os.ReadFile("../testdata/flows/svc10001.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if f, p := Load("f", src, Environment{}); f == nil {
			b.Fatal(p)
		}
	}
}
