package call

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/ivr/say"
)

// business answers as a business system does that knows one PIN.
func (l *lab) business(after time.Duration) {
	l.backend.answer = func(q ivr.Lookup) (time.Duration, string) {
		switch {
		case strings.HasPrefix(q.Request.Path, "/v1/bills/"):
			return after, `{"total": "12.34", "name": "Tianyi"}`
		case q.Request.Path == "/v1/pin":
			for _, f := range q.Request.Body {
				if f.Name == "pin" && f.Value == "12345678" {
					return 10 * time.Millisecond, `{}`
				}
			}
			return 10 * time.Millisecond, "-"
		}
		return after, `{}`
	}
}

// service dials the self-service flow and presses a key of its menu.
func (l *lab) service(key string) *caller {
	c := l.dial("10001", "13800138000")
	time.Sleep(500 * time.Millisecond)
	l.press(key)
	return c
}

func TestLookupAuthenticationAndReading(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(300 * time.Millisecond)
		c := l.service("1")
		time.Sleep(500 * time.Millisecond)
		l.press("12345678")
		time.Sleep(500 * time.Millisecond)
		reading, err := say.Read("zh", "money", "12.34", say.Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The words, the amount in tenths of a second; then half a second of speech.
		heard := time.Second + time.Duration(len(reading.Fragments))*100*time.Millisecond
		time.Sleep(heard + 1500*time.Millisecond)
		l.saw("play 1s", fmt.Sprintf("play %v", heard), "play 500ms", "play 1s")
		if _, _, sent := l.backend.saw(); len(sent) != 1 || sent[0].Channel != "sms" {
			t.Errorf("sent: %+v", sent)
		}
		c.hangUp()
		time.Sleep(time.Second)
		l.gone()
	})
}

// A text that isn't spoken in time is replaced by its prompt, and the caller
// waits no longer for that than he would for anything.
func TestSlowSpeechIsReplaced(t *testing.T) {
	for name, c := range map[string]fakeSpeech{"slow": {takes: time.Minute}, "broken": {fails: true}} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				l.business(0)
				l.speech.takes, l.speech.fails = c.takes, c.fails
				l.service("1")
				time.Sleep(500 * time.Millisecond)
				l.press("12345678")
				time.Sleep(4 * time.Second)
				reading, _ := say.Read("zh", "money", "12.34", say.Options{})
				l.saw(fmt.Sprintf("play %v", time.Second+time.Duration(len(reading.Fragments))*100*time.Millisecond), "play 1s")
				if n := l.sw.Stats().Unspoken; n != 1 {
					t.Errorf("%d texts unspoken, want 1", n)
				}
			})
		})
	}
}

// A PIN reaches the source and nothing else: no log, no event, no checkpoint.
func TestSecretsStayInTheCall(t *testing.T) {
	const secret = "73915046"
	inLab(t, func(l *lab) {
		var asked atomic.Bool
		l.backend.answer = func(q ivr.Lookup) (time.Duration, string) {
			for _, f := range q.Request.Body {
				if f.Name == "pin" && f.Value == secret {
					asked.Store(true)
				}
			}
			return 100 * time.Millisecond, "-"
		}
		c := l.service("1")
		for range 2 {
			time.Sleep(500 * time.Millisecond)
			l.press(secret)
			time.Sleep(3 * time.Second)
		}
		c.hangUp()
		time.Sleep(time.Second)
		if !asked.Load() {
			t.Fatal("the source was not asked")
		}
		l.log.mu.Lock()
		defer l.log.mu.Unlock()
		for _, ev := range l.log.written {
			if strings.Contains(ev, secret) {
				t.Errorf("in the log: %s", ev)
			}
			var menu struct {
				Menu []byte `json:"menu"`
			}
			if json.Unmarshal([]byte(ev), &menu) == nil && strings.Contains(string(menu.Menu), secret) {
				t.Errorf("in a checkpoint: %s", menu.Menu)
			}
		}
		if strings.Contains(l.said.String(), secret) || !strings.Contains(l.said.String(), "call answered") {
			t.Errorf("logged:\n%s", l.said.String())
		}
	})
}

// Five wrong PINs in two calls lock the account, and no lookup is made for the
// one that isn't tried. Without a quorum nobody tries.
func TestLockoutCountsAcrossCalls(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(0)
		for range 2 { // two tries a call; the third failure locks
			c := l.service("1")
			for range 2 {
				time.Sleep(500 * time.Millisecond)
				l.press("99999999")
				time.Sleep(3 * time.Second)
			}
			c.hangUp()
			time.Sleep(time.Second)
		}
		asked, _, _ := l.backend.saw()
		if n := strings.Count(strings.Join(asked, "\n"), "/v1/pin"); n != 3 {
			t.Errorf("the source was asked %d times, want 3: %v", n, asked)
		}
		var locked []acd.LockoutView
		l.log.Read(func(s *acd.State) { locked = s.Lockouts() })
		if len(locked) != 1 || strings.Contains(fmt.Sprint(locked), "13800138000") {
			t.Errorf("lockouts: %+v", locked)
		}
	})
}

func TestNobodyTriesWithoutAQuorum(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(0)
		l.service("1")
		time.Sleep(500 * time.Millisecond)
		l.log.mu.Lock()
		l.log.broken = fmt.Errorf("no leader")
		l.log.mu.Unlock()
		l.press("12345678")
		time.Sleep(500 * time.Millisecond)
		if asked, _, _ := l.backend.saw(); len(asked) != 0 {
			t.Errorf("asked: %v", asked)
		}
		l.log.repair()
		time.Sleep(5 * time.Second)
		l.saw("call.ended")
	})
}

// While a lookup takes its time, the caller hears something before 800 ms have
// passed; when he hangs up, it is cancelled.
func TestLookupEndsWithTheCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(time.Hour)
		c := l.service("1")
		time.Sleep(500 * time.Millisecond)
		l.press("12345678")
		time.Sleep(100 * time.Millisecond)
		l.forgetLines()
		time.Sleep(800 * time.Millisecond)
		l.saw("play 1s")
		c.hangUp()
		time.Sleep(10 * time.Millisecond)
		if _, ended, _ := l.backend.saw(); len(ended) != 2 || ended[1] == nil {
			t.Errorf("lookups that ended: %v", ended)
		}
		l.gone()
	})
}

// One that must finish outlives the call, and the drain waits for it.
func TestLookupThatMustFinishOutlivesTheCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(20 * time.Second)
		c := l.service("6")
		time.Sleep(500 * time.Millisecond)
		c.hangUp()
		time.Sleep(time.Second)
		if s := l.sw.Stats(); s.Live != 0 || s.Finishing != 1 {
			t.Errorf("%d calls and %d lookups, want 0 and 1", s.Live, s.Finishing)
		}
		began := time.Now()
		l.sw.Drain(l.t.Context(), time.Minute)
		if d := time.Since(began); d < 15*time.Second || d > 20*time.Second {
			t.Errorf("drained after %v", d)
		}
		if _, ended, _ := l.backend.saw(); len(ended) != 1 || ended[0] != nil {
			t.Errorf("lookups that ended: %v", ended)
		}
	})
}

func TestPanicOfTheBackendEndsOneCall(t *testing.T) {
	inLab(t, func(l *lab) {
		l.business(0)
		l.backend.panics = true
		l.service("6")
		time.Sleep(time.Second)
		l.saw("hang up caller (41 fault)")
		if s := l.sw.Stats(); s.Faults != 1 || s.Finishing != 0 {
			t.Errorf("%+v", s)
		}
		l.gone()
	})
}

// recordings lists the files that are left.
func (l *lab) recordings() (names []string) {
	l.t.Helper()
	path, err := l.sw.cfg.Messages.Path(strings.Repeat("0", 32) + "-1")
	if err != nil {
		l.t.Fatal(err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// says is how much the caller speaks into a recording.
func (l *lab) speaks(d time.Duration) {
	synctest.Wait()
	l.media.mu.Lock()
	leg := l.media.last
	l.media.mu.Unlock()
	leg.mu.Lock()
	defer leg.mu.Unlock()
	leg.said = d
}

func TestMessageIsReviewedAndKept(t *testing.T) {
	inLab(t, func(l *lab) {
		l.service("2")
		l.speaks(5 * time.Second)
		time.Sleep(3 * time.Second)
		l.press("#")
		l.saw("play 1s", "record", "recorded 5s", "play 1s") // the message itself
		time.Sleep(2 * time.Second)
		l.press("1")
		time.Sleep(3 * time.Second)
		l.saw("recorded 5s", "log call.recorded", "log call.ended")
		if names := l.recordings(); len(names) != 1 {
			t.Errorf("files: %v", names)
		}
	})
}

func TestMessageMadeAgainLeavesOneFile(t *testing.T) {
	inLab(t, func(l *lab) {
		l.service("2")
		l.speaks(5 * time.Second)
		time.Sleep(3 * time.Second)
		l.press("#")
		time.Sleep(2 * time.Second)
		l.press("3")
		time.Sleep(3 * time.Second)
		l.press("#")
		time.Sleep(2 * time.Second)
		l.press("1")
		time.Sleep(3 * time.Second)
		if names := l.recordings(); len(names) != 1 || !strings.HasSuffix(names[0], "-2.wav") {
			t.Errorf("files: %v", names)
		}
	})
}

// Who hangs up instead of pressing a key has left his message all the same.
func TestMessageIsKeptWhenTheCallerHangsUp(t *testing.T) {
	for name, c := range map[string]struct {
		said time.Duration
		wait time.Duration
		want int
	}{
		"while he speaks": {5 * time.Second, 0, 1},
		"at the review":   {5 * time.Second, time.Second, 1},
		"said nothing":    {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(l *lab) {
				call := l.service("2")
				l.speaks(c.said)
				time.Sleep(3 * time.Second)
				if c.wait > 0 {
					l.press("#")
					time.Sleep(c.wait)
				}
				call.hangUp()
				time.Sleep(time.Second)
				if names := l.recordings(); len(names) != c.want {
					t.Errorf("files: %v", names)
				}
				if c.want > 0 {
					l.saw("recorded 5s", "log call.recorded", "log call.ended")
				}
				l.gone()
			})
		})
	}
}

func TestQueueOutsideItsHours(t *testing.T) {
	inLab(t, func(l *lab) {
		l.service("8")
		time.Sleep(2 * time.Second)
		l.saw("log call.left_queue nightclosed", "play 1s")
		l.never("call.queued")
	})
}

// The agent's goodbye is not the caller's: he is asked how it was.
func TestSurveyAfterTheTalk(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		c := l.service("3")
		time.Sleep(3 * time.Second)
		l.phoneSays(sipua.Hungup{Q850: 16})
		time.Sleep(500 * time.Millisecond)
		l.saw("bridge", "unbridge", "play 1s")
		l.never("hang up caller")
		l.press("3")
		time.Sleep(3 * time.Second)
		l.saw("call.agent_released", "log call.surveyed", "log call.ended")
		_ = c
		l.gone()
	})
}

// A caller who asks to be called back leaves the queue with his place, not a
// moment before the log has it.
func TestCallbackTakesThePlaceOfTheCaller(t *testing.T) {
	inLab(t, func(l *lab) {
		l.phone.habits["1001"] = habit{after: time.Second, status: 486}
		c := l.service("3")
		time.Sleep(2 * time.Second)
		l.press("1")
		time.Sleep(3 * time.Second)
		l.saw("call.queued", "callback.requested", "play 1s", "call.ended")
		if v := l.callbacks(); len(v) != 1 || v[0].Number != "+8613800138000" {
			t.Fatalf("call-backs: %+v", v)
		}
		_ = c
		l.phone.mu.Lock()
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits[customerAddress] = habit{after: time.Second, status: 200}
		l.phone.mu.Unlock()
		time.Sleep(time.Minute)
		l.saw("callback.dialled", "callback.reached", "bridge")
	})
}
