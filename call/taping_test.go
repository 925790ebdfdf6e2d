package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/call/sipua"
	"tierline/ivr"
)

// recordFrom has a queue of the documents recorded.
func (l *lab) recordFrom(from string) {
	l.t.Helper()
	b, _ := service.ReadDir(filepath.Join("..", "testdata", "call"), nil)
	for i, f := range b.Files {
		if f.Name == "queues.yaml" {
			text := strings.Replace(string(f.Data), "human: {", "human: {record: {from: "+from+"}, ", 1)
			b.Files[i].Data = []byte(text)
		}
	}
	svc, problems := service.Compile(b)
	if svc == nil {
		l.t.Fatal(problems)
	}
	g := *l.sw.cfg.Services.Current()
	g.Service = svc
	l.sw.cfg.Services.current.Store(&g)
}

// about reads what stands beside the only recording.
func (l *lab) about() (a About) {
	l.t.Helper()
	var found []string
	err := filepath.WalkDir(l.sw.cfg.Tapes.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != 2 || filepath.Ext(found[0]) != ".json" || filepath.Ext(found[1]) != ".wav" ||
		strings.Contains(found[1], spoolDir) {
		l.t.Fatalf("%q, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return a
}

// only is the id of the only call.
func (l *lab) only() string {
	l.t.Helper()
	calls := l.calls()
	if len(calls) != 1 {
		l.t.Fatalf("%d calls", len(calls))
	}
	return calls[0].ID
}

func TestRecordingPausesAndIsMarked(t *testing.T) {
	inLab(t, func(l *lab) {
		c := l.converse()
		id := l.only()
		tell := func(action string) RecordState {
			st, err := l.sw.Recording(l.sw.root, id, RecordCommand{Action: action, Text: "refund", By: "lead"})
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
		l.forgetLines()
		if st := tell("pause"); !st.Paused || st.At == 0 || !strings.HasSuffix(st.Ref, id+"-1") {
			t.Errorf("%+v", st)
		}
		tell("pause") // no news
		time.Sleep(2 * time.Second)
		tell("mark")
		if st := tell("resume"); st.Paused {
			t.Errorf("%+v", st)
		}
		l.saw("tape: muted true", "tape: muted false")
		if log := l.wrote(`"mark":`); len(log) != 3 || !strings.Contains(log[1], `"text":"refund"`) {
			t.Errorf("%q", log)
		}
		if _, err := l.sw.Recording(l.sw.root, id, RecordCommand{Action: "erase"}); !errors.Is(err, ErrNoAction) {
			t.Errorf("%v", err)
		}
		c.hangUp()
		time.Sleep(5 * time.Second)
		var marks []string
		for _, m := range l.about().Marks {
			marks = append(marks, m.Mark+" "+m.Text+" "+m.By)
		}
		if want := []string{"pause  lead", "mark refund lead", "resume  lead"}; !slices.Equal(marks, want) {
			t.Errorf("%q", marks)
		}
		if _, err := l.sw.Recording(l.sw.root, id, RecordCommand{Action: "pause"}); !errors.Is(err, ErrNoCall) {
			t.Errorf("%v", err)
		}
	})
}

func TestWhatIsNotRecordedCantPause(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.dial("10009", "13800138000")
		time.Sleep(5 * time.Second)
		if _, err := l.sw.Recording(l.sw.root, l.only(), RecordCommand{Action: "pause"}); !errors.Is(err, ErrNotRecorded) {
			t.Errorf("%v", err)
		}
		if err := l.sw.AskAside(l.sw.root, l.only(), "nothing", "lead"); !errors.Is(err, ErrNoFlow) {
			t.Errorf("%v", err)
		}
	})
}

func TestAgentHasTheCallerEnterASecret(t *testing.T) {
	for what, c := range map[string]struct {
		answer, ok string
	}{"right": {"{}", "ok=true"}, "wrong": {"-", "ok=false"}} {
		inLab(t, func(l *lab) {
			l.backend.answer = func(ivr.Lookup) (time.Duration, string) { return time.Second, c.answer }
			caller := l.converse()
			l.forgetLines()
			if err := l.sw.AskAside(l.sw.root, l.only(), "secure", "1001"); err != nil {
				t.Fatal(err)
			}
			if err := l.sw.AskAside(l.sw.root, l.only(), "secure", "1001"); !errors.Is(err, ErrNotTalking) {
				t.Errorf("twice at once: %v", err)
			}
			time.Sleep(2 * time.Second)
			l.saw("unbridge", "music", "tape: muted true") // he hears a prompt, the agent that somebody is there
			l.press("1357")
			time.Sleep(3 * time.Second)
			l.saw("tape: muted true", "tape: muted false", "bridge")
			if log := l.said.String(); !strings.Contains(log, "asked aside") || !strings.Contains(log, c.ok) {
				t.Errorf("%s: the log doesn't say how it went", what)
			}
			if a := l.agent("1001"); a.State != acd.AgentTalking {
				t.Errorf("%s: the agent is %v", what, a.State)
			}
			l.forgetLines()
			caller.hangUp()
			time.Sleep(5 * time.Second)
			var marks []string
			for _, m := range l.about().Marks {
				marks = append(marks, m.Mark)
			}
			if want := []string{"secret", "secret_end"}; !slices.Equal(marks, want) {
				t.Errorf("%s: %q", what, marks)
			}
			l.gone()
		})
	}
}

func TestLegsGoWhileASecretIsAsked(t *testing.T) {
	for what, end := range map[string]func(l *lab, c *caller){
		"the caller": func(_ *lab, c *caller) { c.hangUp() },
		"the agent":  func(l *lab, _ *caller) { l.phoneSays(sipua.Hungup{Q850: 16}) },
	} {
		inLab(t, func(l *lab) {
			c := l.converse()
			if err := l.sw.AskAside(l.sw.root, l.only(), "secure", "1001"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			end(l, c)
			time.Sleep(10 * time.Second)
			if a := l.agent("1001"); a.State == acd.AgentTalking {
				t.Errorf("%s goes: the agent is %v", what, a.State)
			}
			l.gone()
		})
	}
}

func TestRecordingFromTheQueueOn(t *testing.T) {
	for what, status := range map[string]int{"answered": 200, "nobody": 0} {
		inLab(t, func(l *lab) {
			l.recordFrom("queue")
			l.phone.habits["1001"] = habit{after: 3 * time.Second, status: status}
			if status == 0 {
				l.phone.habits["1001"] = habit{}
			}
			c := l.dial("10009", "13800138000")
			time.Sleep(time.Second)
			l.saw("tape", "joins on side 0")
			l.never("side 1")
			time.Sleep(5 * time.Second)
			if status == 200 {
				l.saw("bridge", "joins on side 1")
			}
			c.hangUp()
			time.Sleep(5 * time.Second)
			a := l.about()
			if a.Queue != "human" || (a.Agent == "1001") != (status == 200) || a.LengthMS < 5000 {
				t.Errorf("%s: %+v", what, a)
			}
			if told := l.told(); len(told) != 1 {
				t.Errorf("%s: %q", what, told)
			}
			l.gone()
		})
	}
}

// Who will get to the queue nobody knows when the call is answered: what is
// recorded of the others is thrown away.
func TestRecordingFromTheAnswerOn(t *testing.T) {
	for _, number := range []string{"10001", "10008"} {
		inLab(t, func(l *lab) {
			l.recordFrom("answer")
			l.phone.habits["1001"] = habit{after: time.Second, status: 200}
			c := l.dial(number, "13800138000")
			if number == "10001" {
				time.Sleep(time.Second)
				l.press("3")
			}
			time.Sleep(5 * time.Second)
			l.saw("tape", "joins on side 0", "joins on side 1")
			if number == "10001" {
				l.phoneSays(sipua.Hungup{Q850: 16}) // the whole call: it goes on
				time.Sleep(100 * time.Millisecond)
				l.never("taped")
			}
			c.hangUp()
			time.Sleep(5 * time.Second)
			a := l.about() // the only one, whatever was begun
			if want := map[string]string{"10001": "human", "10008": "taped"}[number]; a.Queue != want || a.Agent != "1001" {
				t.Errorf("%s: %+v", number, a)
			}
			l.gone()
		})
	}
	inLab(t, func(l *lab) { // nobody wants it
		l.recordFrom("answer")
		c := l.dial("10001", "13800138000")
		time.Sleep(2 * time.Second)
		l.saw("tape", "joins on side 0")
		c.hangUp()
		time.Sleep(5 * time.Second)
		left, err := filepath.Glob(filepath.Join(l.sw.cfg.Tapes.dir, spoolDir, "*", "*", "*", "*"))
		if err != nil || len(left) != 0 || len(l.told()) != 0 {
			t.Errorf("%q, %v, %q", left, err, l.told())
		}
	})
}

// The customer's recording holds what the customer could hear: not what is said
// to a colleague while he has music.
func TestWhatIsSaidAsideIsOnNoRecording(t *testing.T) {
	inLab(t, func(l *lab) {
		l.recordFrom("bridge")
		l.talking()
		port := func(p *party) int { return p.media.(*fakeLeg).port }
		leaves := func(p *party) string { return fmt.Sprintf("tape: %d leaves", port(p)) }
		joins := func(p *party) string { return fmt.Sprintf("tape: %d joins on side 1", port(p)) }
		serving := l.theCall().agent.party
		l.atWork("1002")
		l.do(Control{Do: Consult, Target: Target{Agent: "1002"}})
		time.Sleep(2 * time.Second)
		l.arranged("1001+1002; caller")
		l.saw(leaves(serving))
		l.never("joins")
		l.do(Control{Do: Swap})
		l.saw(joins(serving))
		l.forgetLines()
		l.do(Control{Do: Conference})
		l.saw("joins on side 1") // the colleague
		l.never("leaves")
		l.forgetLines()
		l.do(Control{Do: Hold})
		l.saw("leaves")
		l.do(Control{Do: Resume})
		l.saw(joins(serving))
		l.hangUp()
		l.over()
	})
}
