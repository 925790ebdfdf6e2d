package ivr

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustLoad(t *testing.T, path string) *Flow {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, problems := Load(path, src, Environment{})
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

// TestSilenceEnds: a caller who does nothing at all gets out of every menu.
func TestSilenceEnds(t *testing.T) {
	for _, path := range []string{"../testdata/ivr/keys.yaml", "../testdata/demo/flows/svc10000.yaml"} {
		f := mustLoad(t, path)
		now := time.Unix(0, 0)
		s, actions := Start(f, Caller{}, now)
		for range 100 {
			var in Input
			for _, a := range actions {
				switch a := a.(type) {
				case Speak:
					in = PromptDone{a.ID}
				case SetTimer:
					if a.ID != s.st.Guard {
						in = TimerFired{a.ID}
					}
				case Enqueue:
					return
				default:
				}
			}
			if in == nil {
				break
			}
			actions = s.Handle(in, now)
		}
		t.Errorf("%s: nobody came", path)
	}
}

func TestSecretsStayHere(t *testing.T) {
	src := strings.Replace(soundFlow, `vars: {intent: '"fault"'}`, `vars: {pin: '"4711"', intent: '"fault"'}`, 1)
	f, problems := Load("f.yaml", []byte(src), soundEnvironment())
	if f == nil {
		t.Fatal(problems)
	}
	now := time.Unix(0, 0)
	s, _ := Start(f, Caller{}, now)
	actions := s.Handle(Key{'3'}, now)
	if s.st.Vars["pin"] != "4711" {
		t.Fatal("the test doesn't set the secret")
	}
	if b := s.Encode(); bytes.Contains(b, []byte("4711")) {
		t.Errorf("the encoded session has the secret: %s", b)
	}
	if strings.Contains(cmp.Diff(nil, actions), "4711") {
		t.Error("an action has the secret")
	}
	if s.st.Vars["pin"] != "4711" {
		t.Error("encoding took the secret away")
	}
}

// TestDeclaredCustomer: a flow that declares cust, as later releases fill it,
// begins with what is known of the caller, and all its fields have a type.
func TestDeclaredCustomer(t *testing.T) {
	src := strings.Replace(soundFlow, "vars:\n",
		"vars:\n  cust: {type: object, fields: {tier: string, arrears: money, locked: bool}}\n", 1)
	src = strings.Replace(src, "tries > 3", "cust.arrears > 0 || cust.locked", 1)
	f, problems := Load("f.yaml", []byte(src), soundEnvironment())
	if f == nil {
		t.Fatal(problems)
	}
	s, _ := Start(f, Caller{Customer: Customer{Tier: "diamond"}}, time.Unix(0, 0))
	if s.st.At != "line" {
		t.Errorf("a diamond customer is at %s", s.st.At)
	}
	twin, err := Resume(f, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.st.Vars, twin.st.Vars); diff != "" {
		t.Error(diff)
	}
}

func TestResumeRefuses(t *testing.T) {
	f := mustLoad(t, "../testdata/ivr/keys.yaml")
	s, _ := Start(f, Caller{}, time.Unix(0, 0))
	good := s.Encode()
	other, problems := Load("f.yaml", []byte(soundFlow), soundEnvironment())
	if other == nil {
		t.Fatal(problems)
	}
	for name, tc := range map[string]struct {
		flow *Flow
		data []byte
		want error
	}{
		"empty":         {f, nil, ErrVersion},
		"newer version": {f, append([]byte{9}, good[1:]...), ErrVersion},
		"another flow":  {other, good, ErrFlow},
		"unknown node":  {f, bytes.Replace(good, []byte(`"at":"main"`), []byte(`"at":"nain"`), 1), ErrFlow},
	} {
		if _, err := Resume(tc.flow, tc.data); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Resume(f, good[:len(good)-3]); err == nil {
		t.Error("half a session was resumed")
	}
}

func BenchmarkHandle(b *testing.B) {
	src, err := os.ReadFile("../testdata/demo/flows/svc10001.yaml")
	if err != nil {
		b.Fatal(err)
	}
	f, problems := Load("f", src, Environment{})
	if f == nil {
		b.Fatal(problems)
	}
	now := time.Unix(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		s, _ := Start(f, Caller{}, now)
		for _, k := range "150" {
			s.Handle(Key{k}, now)
		}
		s.Encode()
	}
}
