package trial_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tierline/ivr"
	"tierline/ivr/trial"
)

// office is open from 8 to 22 o'clock UTC.
type office struct{}

func (office) Open(at time.Time) (bool, string) { return at.Hour() >= 8 && at.Hour() < 22, "office" }

func load(t *testing.T, path string) *ivr.Flow {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, problems := ivr.Load(path, src, ivr.Environment{
		Queues:    []string{"human", "human_en", "human_vip", "fault", "complaint"},
		Calendars: map[string]ivr.Calendar{"people": office{}},
	})
	if f == nil {
		t.Fatal(problems)
	}
	return f
}

// TestScripts runs the scenarios in testdata/ivr. Every prompt lasts 2 s. After
// each step the call moves to another node. After a wanted change of behaviour:
// go test ./ivr/trial -rewrite, then read the diff line by line.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "../../testdata/ivr", func(t *testing.T, path string) {
		if !strings.HasSuffix(path, ".txt") {
			return
		}
		var call *trial.Trial
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "call" {
				call = begin(t, d)
			} else {
				step(t, call, d)
			}
			if err := call.Check(); err != nil {
				t.Errorf("%s: %v", d.Pos, err)
			}
			if over, _ := call.Ended(); !over {
				if err := call.Move(); err != nil {
					t.Fatal(err)
				}
			}
			out := call.Take()
			if len(out) == 0 {
				return "nothing\n"
			}
			return strings.Join(out, "\n") + "\n"
		})
	})
}

func begin(t *testing.T, d *datadriven.TestData) *trial.Trial {
	t.Helper()
	c := ivr.Caller{Call: "c1", ANI: "+8613800138000", DNIS: "10000"}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var path string
	for _, a := range d.CmdArgs {
		v := a.Vals[0]
		switch a.Key {
		case "flow":
			path = v
		case "tier":
			c.Customer = ivr.Customer{ID: "C1", Name: "N", Tier: v, Language: c.Customer.Language, Phone: c.ANI}
			c.Known = true
		case "lang":
			c.Customer.Language = v
		case "hour":
			h, err := time.Parse("15", v)
			if err != nil {
				t.Fatal(err)
			}
			at = time.Date(2026, 11, 23, h.Hour(), 0, 0, 0, time.UTC)
		default:
			t.Fatalf("%s: unknown argument %s", d.Pos, a.Key)
		}
	}
	return trial.Start(load(t, "../../testdata/"+path), c, at, func(ivr.Prompt) time.Duration { return 2 * time.Second }, nil)
}

func step(t *testing.T, call *trial.Trial, d *datadriven.TestData) {
	t.Helper()
	arg := func() string { return d.CmdArgs[0].Key }
	switch d.Cmd {
	case "press":
		call.Press(arg())
	case "silence":
		long, err := time.ParseDuration(arg())
		if err != nil {
			t.Fatal(err)
		}
		call.Wait(long)
	case "answer":
		call.Answer()
	case "agent-leaves":
		call.AgentLeaves()
	case "leave":
		call.Leave(arg())
	case "hang-up":
		call.HangUp()
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
}
