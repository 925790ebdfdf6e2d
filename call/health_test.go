package call

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/sipua"
	"tierline/routing/trunk"
)

const (
	firstTarget  = "sip:192.0.2.20;transport=udp"
	secondTarget = "sip:192.0.2.21;transport=udp"
	thirdTarget  = "sip:192.0.2.22;transport=udp"
)

// watching runs a test beside Watch.
func watching(t *testing.T, f func(l *lab)) {
	t.Helper()
	inLab(t, func(l *lab) {
		l.phone.answers(firstTarget, 200)
		l.phone.answers(secondTarget, 404) // it knows no OPTIONS, and lives
		l.sw.group.Go(func() { _ = l.sw.Watch(l.sw.root) })
		f(l)
	})
}

// health is that of the targets of the watched trunk, in their order.
func (l *lab) health() string {
	var words []string
	for _, v := range l.line("watched").Targets {
		words = append(words, v.Health.String())
	}
	return strings.Join(words, " ")
}

// order is where a number of the watched trunk would be called.
func (l *lab) order() (out []string) {
	l.t.Helper()
	trunks, err := l.sw.cfg.Services.Current().Outwards("", "+8689112345678")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, t := range l.sw.byHealth(trunks) {
		for _, target := range t.Outward.Targets {
			out = append(out, strings.TrimPrefix(target.Host, "192.0.2."))
		}
	}
	return out
}

func TestTargetsAreWatched(t *testing.T) {
	watching(t, func(l *lab) {
		expect := func(health string, order ...string) {
			t.Helper()
			synctest.Wait()
			if got := l.health(); got != health {
				t.Errorf("%v: %s, want %s", time.Since(l.start), got, health)
			}
			if d := cmp.Diff(order, l.order()); d != "" {
				t.Errorf("%v: order (-want +got):\n%s", time.Since(l.start), d)
			}
		}
		expect("unknown unknown unknown", "20", "21", "22", "30")
		time.Sleep(5 * time.Second)
		expect("up up unknown", "20", "21", "22", "30") // one silence is none yet
		if v := l.line("watched"); v.LastError != thirdTarget+": OPTIONS: no answer within 4s" {
			t.Errorf("last error %q", v.LastError)
		}
		time.Sleep(30 * time.Second)
		expect("up up down", "20", "21", "30")
		l.phone.answers(firstTarget, 503) // out of service
		time.Sleep(30 * time.Second)
		expect("up up down", "20", "21", "30")
		time.Sleep(30 * time.Second)
		expect("down up down", "21", "30")
		l.phone.answers(secondTarget, 0)
		time.Sleep(time.Minute)
		expect("down down down", "30", "20", "21", "22") // the other trunk first, then all the same
		l.phone.answers(thirdTarget, 200)
		time.Sleep(30 * time.Second)
		expect("down down up", "22", "30")
		if got := l.phone.asked["sip:192.0.2.30;transport=udp"]; got != 0 {
			t.Errorf("who isn't watched was asked %d times", got)
		}
		if got, want := l.phone.asked[firstTarget], 7; got != want {
			t.Errorf("asked %d times in %v, want %d", got, time.Since(l.start), want)
		}
		said := l.said.String()
		for _, line := range []string{
			`level=WARN msg="target of a trunk is down" trunk=watched target=` + `"` + firstTarget + `" status=503`,
			`level=INFO msg="target of a trunk is up" trunk=watched target="` + thirdTarget + `" status=200`,
		} {
			if strings.Count(said, line) != 1 {
				t.Errorf("the log doesn't say once: %s", line)
			}
		}
	})
}

// A silence between two answers is no reason to leave a target.
func TestTargetThatMissesOneQuestionStaysUp(t *testing.T) {
	watching(t, func(l *lab) {
		time.Sleep(5 * time.Second) // between two questions
		for range 5 {
			time.Sleep(30 * time.Second)
			l.phone.answers(firstTarget, 0)
			time.Sleep(30 * time.Second)
			l.phone.answers(firstTarget, 200)
			if got := l.health(); !strings.HasPrefix(got, "up ") {
				t.Fatalf("%v: %s", time.Since(l.start), got)
			}
		}
	})
}

func TestCallOutwardLeavesDownTargetsOut(t *testing.T) {
	watching(t, func(l *lab) {
		time.Sleep(5 * time.Second) // between two questions
		l.phone.answers(firstTarget, 0)
		time.Sleep(65 * time.Second)
		l.phone.habits["1001"] = habit{after: time.Second, status: 200}
		l.phone.habits["sip:089112345678@192.0.2.21;transport=udp"] = habit{after: time.Second, status: 200}
		l.ask("+8689112345678")
		time.Sleep(10 * time.Second)
		l.saw("@192.0.2.21;transport=udp", "bridge")
		l.never("@192.0.2.20")
	})
}

// What has left the documents is not asked any more and not remembered; an
// answer that comes later changes nothing.
func TestTargetThatLeftTheDocumentsIsForgotten(t *testing.T) {
	inLab(t, func(l *lab) {
		gone := trunk.Target{Host: "192.0.2.99", Transport: "udp"}
		watched, _ := l.sw.cfg.Services.Current().Trunks.Trunk("watched")
		l.sw.mu.Lock()
		st := l.sw.trunkState("watched")
		st.targets[gone] = &targetState{down: true}
		l.sw.mu.Unlock()
		l.sw.askTargets(time.Now())
		l.sw.targetSaid(watched, gone, sipua.Pong{Status: 200})
		l.sw.mu.Lock()
		if st.targets[gone] != nil || len(st.targets) != 3 {
			t.Errorf("targets %v", st.targets)
		}
		l.sw.mu.Unlock()
		time.Sleep(5 * time.Second) // the questions under way
	})
}
