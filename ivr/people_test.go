package ivr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// jump puts a call at a node.
func (r *run) jump(node string) {
	r.t.Helper()
	r.do(r.s.step(r.now, func() { r.s.goTo("", node) }))
	r.check(r.s)
}

func waiting(t *testing.T) *run {
	t.Helper()
	r := beginAll(t, known())
	r.take()
	r.press("0")
	return r
}

func TestEnqueue(t *testing.T) {
	c := known()
	r := beginAll(t, c)
	cust, _ := r.s.st.Vars["cust"].(map[string]any)
	cust["agent"] = "6001"
	r.press("0")
	want := Enqueue{
		Queue: "human", Requirement: "lang.zh>=1", Preferred: "6001", PreferredFor: 20 * time.Second, MaxWait: 10 * time.Minute,
		Attach: []Attribute{{"account", ""}, {"path", "main > agent"}, {"tier", "gold"}},
	}
	if diff := cmp.Diff(want, last[Enqueue](r)); diff != "" {
		t.Error(diff)
	}
	r.give(QueueLeft{LeftTimeout}) // overflow: the place is kept, nobody is preferred but who was there last
	want = Enqueue{Queue: "human_vip", PreferLast: true, PreferredFor: 20 * time.Second, Keep: true, Attach: []Attribute{}}
	if diff := cmp.Diff(want, last[Enqueue](r)); diff != "" {
		t.Error(diff)
	}
}

// TestQueueOutcomes: what the flow doesn't distinguish is a full queue.
func TestQueueOutcomes(t *testing.T) {
	for cause, node := range map[string]string{
		LeftTimeout: "other", LeftFull: "leave", LeftLong: "other", LeftClosed: "leave", LeftNoStaff: "leave",
		"news": "leave", leftAbandoned: "leave",
	} {
		r := waiting(t)
		r.give(QueueLeft{cause})
		if r.s.st.At != node {
			t.Errorf("%s leads to %s", cause, r.s.st.At)
		}
	}
	r := waiting(t)
	r.give(QueueLeft{LeftKey}) // the answer to an Unqueue of before
	r.at("line")
}

func placed(r *run, position int, least, most time.Duration) []string {
	r.t.Helper()
	r.give(PlaceKnown{asked[AskPlace](r).ID, position, WaitRange{most > 0, least, most}})
	out := said(r.take())
	r.hear()
	return out
}

// TestPlaceNeverRises: position and wait as announced, whatever the estimator
// says.
func TestPlaceNeverRises(t *testing.T) {
	r := waiting(t)
	got := [][]string{placed(r, 5, 6*time.Minute, 8*time.Minute)}
	for _, p := range []struct {
		position    int
		least, most time.Duration
	}{{7, 9 * time.Minute, 12 * time.Minute}, {4, 2 * time.Minute, 4 * time.Minute}, {0, 0, 0}, {6, 0, time.Minute}} {
		r.pass(30 * time.Second)
		if len(r.pending) > 0 {
			got = append(got, placed(r, p.position, p.least, p.most))
			continue
		}
		got = append(got, said(r.take()))
		r.hear()
	}
	want := [][]string{
		{"hold", "第五位", "long_wait", "6到八分钟"}, // the hold list
		{"hold"}, // comfort messages in turn
		{"you_entered", "第四位"},
		{"hold"},
		{"you_entered", "第四位"},
	}
	want[0][3] = got[0][3]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(got[0][3], "分钟") {
		t.Errorf("the wait is spoken as %s", got[0][3])
	}
}

// TestPlaceUnknown: an answer that is late or unknown is not waited for.
func TestPlaceUnknown(t *testing.T) {
	r := waiting(t)
	id := asked[AskPlace](r).ID
	r.pass(patience)
	if diff := cmp.Diff([]string{"hold"}, said(r.take())); diff != "" {
		t.Error(diff)
	}
	r.give(PlaceKnown{ID: id, Position: 3}) // late
	r.hear()
	if got := said(r.take()); got != nil {
		t.Errorf("said %v", got)
	}
}

func TestEstimateIsPatient(t *testing.T) {
	l := line{}
	for i, step := range []struct {
		in   PlaceKnown
		want string
	}{
		{PlaceKnown{Position: 9, Wait: WaitRange{true, 0, time.Minute}}, "9 0-1"},
		{PlaceKnown{Position: 12, Wait: WaitRange{true, 4 * time.Minute, 6 * time.Minute}}, "9 1-1"},
		{PlaceKnown{}, "0 0-0"},
		{PlaceKnown{Position: 10}, "9 0-0"},
		{PlaceKnown{Position: 2, Wait: WaitRange{true, 0, 0}}, "2 0-1"},
		{PlaceKnown{Position: -1}, "0 0-0"},
	} {
		l = l.moved(step.in)
		if got := fmt.Sprintf("%d %d-%d", l.Position, l.Min, l.Max); got != step.want {
			t.Errorf("step %d: %s", i, got)
		}
	}
}

// TestCallbackKeepsThePlace: who is asked for a number waits on meanwhile.
func TestCallbackKeepsThePlace(t *testing.T) {
	offered := func(t *testing.T) *run {
		r := waiting(t)
		placed(r, 3, 0, 0)
		r.press("1")
		r.at("back")
		if !r.queued {
			t.Fatal("the place is lost")
		}
		r.hear()
		return r
	}
	t.Run("registered", func(t *testing.T) {
		r := offered(t)
		r.press("1") // yes
		r.hear()
		r.press("1") // this number
		r.hear()
		r.press("2") // this afternoon
		q := asked[RequestCallback](r)
		shanghai, _ := time.LoadLocation("Asia/Shanghai")
		want := RequestCallback{
			ID: q.ID, Number: "13800138000", Queue: "human", Language: "zh", Attach: []Attribute{{"tier", "gold"}},
			NotBefore: time.Date(2026, 11, 22, 14, 0, 0, 0, shanghai), NotAfter: time.Date(2026, 11, 22, 18, 0, 0, 0, shanghai),
		}
		if diff := cmp.Diff(want, q); diff != "" {
			t.Error(diff)
		}
		r.give(CallbackAnswer{ID: q.ID, OK: true})
		r.at("bye")
		if strings.Contains(fmt.Sprint(r.log), "Unqueue") {
			t.Error("the place was given up")
		}
	})
	t.Run("an agent gets free first", func(t *testing.T) {
		r := offered(t)
		r.give(AgentConnected{})
		r.at("line")
		r.give(AgentDone{})
		r.at("rate")
	})
	t.Run("declined: back to the queue, not to its end", func(t *testing.T) {
		r := offered(t)
		r.take()
		r.press("7")
		r.at("line")
		if got := fmt.Sprintf("%T", r.log[len(r.log)-2]); strings.Contains(fmt.Sprint(got), "Enqueue") || !r.queued {
			t.Errorf("queued anew: %v", r.log)
		}
	})
	t.Run("the wait ends meanwhile", func(t *testing.T) {
		r := offered(t)
		r.give(QueueLeft{LeftTimeout})
		r.at("back")
		r.press("1")
		r.hear()
		r.press("1")
		r.hear()
		r.press("1")
		r.give(CallbackAnswer{ID: asked[RequestCallback](r).ID, OK: true})
		r.at("bye")
	})
	for reason, way := range map[string]string{"exists": "exists-> bye", "full": "error-> bye", "": "error-> bye"} {
		r := offered(t)
		r.press("1")
		r.hear()
		r.press("1")
		r.hear()
		r.press("1")
		r.give(CallbackAnswer{ID: asked[RequestCallback](r).ID, Reason: reason})
		if !strings.HasSuffix(r.way(), way) {
			t.Errorf("%s: %s", reason, r.way())
		}
	}
}

func TestCallbackNumber(t *testing.T) {
	for ani, asks := range map[string]bool{"": true, "anonymous": true, "123": true, "+8613800138000": false, "13800138000": false} {
		r := beginAll(t, Caller{ANI: ani})
		r.jump("back")
		r.hear()
		r.take()
		r.press("1")
		if got := said(r.take())[0] == "ask_number"; got != asks {
			t.Errorf("%q: asked %v", ani, got)
		}
	}
	r := beginAll(t, known())
	r.jump("back")
	r.hear()
	r.press("1")
	r.hear()
	r.press("2") // another number
	r.hear()
	r.press("01012345678#")
	r.hear()
	r.press("1")
	r.hear()
	r.press("1") // now
	if q := asked[RequestCallback](r); q.Number != "01012345678" || !q.NotBefore.IsZero() || !q.NotAfter.IsZero() {
		t.Errorf("asked for %+v", q)
	}
	r = beginAll(t, known())
	r.jump("back")
	r.hear()
	for range 3 {
		r.pass(10 * time.Second)
		r.hear()
	}
	r.at("line") // silence declines
}

func TestSlots(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, shanghai) }
	for _, tc := range []struct {
		slot     string
		now      time.Time
		from, to time.Time
	}{
		{"14:00-18:00", at(21, 9, 0), at(21, 14, 0), at(21, 18, 0)},
		{"14:00-18:00", at(21, 15, 30), at(21, 15, 30), at(21, 18, 0)},
		{"14:00-18:00", at(21, 18, 0), at(22, 14, 0), at(22, 18, 0)},
		{"tomorrow 09:00-12:00", at(21, 23, 59), at(22, 9, 0), at(22, 12, 0)},
	} {
		s, ok := parseSlot(tc.slot)
		s.zone = shanghai
		from, to := s.at(tc.now.UTC())
		if !ok || !from.Equal(tc.from) || !to.Equal(tc.to) {
			t.Errorf("%s at %v: %v to %v", tc.slot, tc.now, from, to)
		}
	}
	for _, bad := range []string{"", "later", "18:00-14:00", "14:00", "today 14:00-18:00", "25:00-26:00"} {
		if _, ok := parseSlot(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}
