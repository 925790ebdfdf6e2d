package ivr

import (
	"strings"
	"testing"
)

// A reading whose sounds are not all there has holes: said once for each kind.
func TestMissingFragments(t *testing.T) {
	const src = `version: 1
flow: x
languages: [zh, en]
start: a
vars: {n: {type: int, default: 2}, m: {type: money}}
nodes:
  a: {type: play, prompt: [p, {say: number, value: n}, {say: number, value: n}], next: b}
  b: {type: play, prompt: [{say: money, value: m}], next: c}
  c: {type: hangup}
prompts:
  p: {zh: 甲, en: a}
`
	env := Environment{Fragment: func(language, id string) bool { return language == "en" || id != "yuan2" && id != "jiao3" }}
	f, problems := Load("x", []byte(src), env)
	if f == nil {
		t.Fatal(problems)
	}
	var said []string
	for _, p := range problems {
		if strings.Contains(p.Text, "no audio") {
			said = append(said, p.String())
		}
	}
	want := "x:8:34: warning: no audio for 2 pieces of say money in zh, first jiao3: tierline prompts build"
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	env.Fragment = func(string, string) bool { return false }
	_, problems = Load("x", []byte(src), env)
	if n := strings.Count(strings.Join(texts(problems), "\n"), "no audio"); n != 4 {
		t.Errorf("%d warnings for two kinds in two languages", n)
	}
}

func texts[T interface{ String() string }](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}
