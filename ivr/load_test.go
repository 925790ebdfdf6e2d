package ivr

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tierline/routing/document"
)

func FuzzLoad(f *testing.F) {
	f.Add(soundFlow)
	f.Add("version: 1\nflow: x\nlanguages: [zh]\nstart: a\nnodes: {a: {type: hangup}}\n")
	f.Add("nodes: {a: {type: menu, prompt: [{if: '1/0 > 2', play: [b]}], keys: {'1': '@back'}}}\nprompts: {b: [{}]}\n")
	f.Fuzz(func(t *testing.T, src string) {
		flow, problems := Load("f", []byte(src), Environment{})
		if (flow == nil) != document.HasErrors(problems) {
			t.Fatalf("flow %v with problems %v", flow != nil, problems)
		}
		if flow == nil {
			return
		}
		now := time.Unix(0, 0)
		s, _ := Start(flow, Caller{}, now)
		for i, in := range []Input{Key{'1'}, PromptDone{2}, TimerFired{3}, Key{'#'}, AgentConnected{}, AgentDone{}, HungUp{}} {
			now = now.Add(time.Duration(i) * time.Second)
			s.Handle(in, now)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for _, name := range []string{"svc10000", "svc10001"} {
		src, err := os.ReadFile("../testdata/demo/flows/" + name + ".yaml")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%s/%d-lines", name, strings.Count(string(src), "\n")), func(b *testing.B) {
			for b.Loop() {
				if f, p := Load(name, src, Environment{}); f == nil {
					b.Fatal(p)
				}
			}
		})
	}
}
