package trial_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tierline/ivr"
	"tierline/ivr/trial"
)

// slowWorld answers everything, each time differently and after a while.
type slowWorld struct{ n int }

func (w *slowWorld) Ask(a ivr.Action) (ivr.Input, time.Duration) {
	w.n = w.n*1103515245 + 12345
	n := (w.n >> 16) & 0xffff
	after := time.Duration(n%4000) * time.Millisecond
	bodies := []string{`{}`, `{"tier":"gold","total":"9.99","name":"Plan"}`, `"T1"`, `[`}
	switch a.(type) {
	case ivr.Lookup:
		status := []ivr.LookupStatus{ivr.LookupOK, ivr.LookupOK, ivr.LookupOK, ivr.LookupNotFound, ivr.LookupRefused, ivr.LookupError}
		return ivr.LookedUp{Status: status[n%len(status)], Body: []byte(bodies[n%len(bodies)])}, after
	case ivr.Notify:
		return ivr.Notified{OK: n%2 == 0}, after
	case ivr.TryAuth:
		return ivr.Attempt{Result: ivr.AttemptResult(1 + n%3)}, after
	case ivr.AskPlace:
		return ivr.PlaceKnown{Position: n % 9}, after
	case ivr.RequestCallback:
		return ivr.CallbackAnswer{OK: n%2 == 0, Reason: "full"}, after
	case ivr.Transfer: // the ringing is to be heard meanwhile: not in a trial
		return ivr.Transferred{Result: []ivr.TransferResult{ivr.TransferAnswered, ivr.TransferBusy}[n%2]}, 0
	case ivr.Enqueue:
		if n%3 == 0 {
			return ivr.QueueLeft{Cause: []string{ivr.LeftFull, ivr.LeftLong, ivr.LeftClosed}[n%3]}, after
		}
		return ivr.AgentConnected{}, 20 * after
	default: // no question
		return nil, 0
	}
}

// TestNobodyWaitsInSilence: over all flows, with a world that takes its time,
// there are never more than 800 ms of silence in which it isn't the caller's
// turn.
func TestNobodyWaitsInSilence(t *testing.T) {
	var files []string
	for _, pattern := range []string{"ivr/*.yaml", "demo/flows/*.yaml", "flows/svc10001.yaml", "bench/flows/*.yaml", "call/flows/*.yaml"} {
		found, err := filepath.Glob("../../testdata/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	flows := map[string]*ivr.Flow{}
	env := ivr.Environment{Flows: func(name string) *ivr.Flow { return flows[name] }}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, problems := ivr.Load(file, src, env)
		if f == nil {
			t.Fatal(problems)
		}
		flows[f.Name()] = f
		for seed := range 60 {
			walk(t, f, seed)
		}
	}
}

// walk lets a caller press what comes to his mind.
func walk(t *testing.T, f *ivr.Flow, seed int) {
	t.Helper()
	customer := ivr.Customer{ID: "8812", Tier: []string{"standard", "gold", "diamond"}[seed%3], Language: []string{"", "zh", "en"}[seed%3]}
	c := trial.Start(f, ivr.Caller{Call: "c", ANI: "13800138000", Customer: customer}, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		func(ivr.Prompt) time.Duration { return 1500 * time.Millisecond }, &slowWorld{n: seed})
	keys := []string{"1", "2", "3", "4", "5", "6", "7", "8", "123456", "12345678", "1", "#", "0"}
	var silent time.Duration
	for step := range 120 {
		if ended, _ := c.Ended(); ended {
			return
		}
		pick := seed*31 + step*17
		switch {
		case c.Transferred():
			c.FarEndLeaves()
		case c.Talking():
			c.AgentLeaves()
		case c.Recording():
			c.Talk(2 * time.Second)
			c.Press("#")
		case c.Turn() && pick%5 != 0:
			c.Press(keys[pick%len(keys)])
		default:
			hears := c.Turn() || c.Music() || sounds(c)
			before := c.Now()
			c.Advance(time.Hour)
			if silent += c.Now() - before; hears {
				silent = 0
			}
			if silent > 800*time.Millisecond {
				t.Fatalf("%s, caller %d: %v of silence at node %s after %v", f.Name(), seed, silent, c.Node(), c.Now())
			}
			continue
		}
		silent = 0
	}
}

func sounds(c *trial.Trial) bool {
	all := c.Sounds()
	return len(all) > 0 && !all[len(all)-1].Over
}
