package ivr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRecord(t *testing.T) {
	begin := func(t *testing.T) (*run, uint64) {
		r := beginAll(t, known())
		r.press("4")
		r.hear()
		return r, last[Record](r).ID
	}
	message := func(id uint64) Recorded {
		return Recorded{ID: id, Ref: "r1", Voice: true, Length: 3 * time.Second}
	}
	t.Run("kept after listening", func(t *testing.T) {
		r, id := begin(t)
		r.press("5#") // only the terminator matters
		if !r.has(StopRecording{id}) {
			t.Fatal("not stopped")
		}
		r.give(message(id))
		r.hear()
		r.take()
		r.press("2")
		if diff := cmp.Diff([]string{"recording:r1"}, said(r.take())); diff != "" {
			t.Error(diff)
		}
		r.press("1")
		r.at("thanks")
		if !r.has(KeepRecording{"r1"}) || r.s.st.Vars["msg"] != "r1" {
			t.Error("not kept")
		}
	})
	t.Run("again", func(t *testing.T) {
		r, id := begin(t)
		r.give(message(id))
		r.press("3")
		if !r.has(DropRecording{"r1"}) {
			t.Error("the first is kept too")
		}
		r.hear()
		if next := last[Record](r).ID; next == id {
			t.Error("not recorded anew")
		}
		r.give(message(id)) // of the first: late
		r.at("leave")
	})
	for name, tc := range map[string]struct {
		in   Recorded
		node string
		drop bool
	}{
		"silence":  {Recorded{}, "bye", false},
		"noise":    {Recorded{Ref: "r1", Length: time.Minute}, "bye", true},
		"a breath": {Recorded{Ref: "r1", Voice: true, Length: 500 * time.Millisecond}, "bye", true},
		"lost":     {Recorded{Voice: true}, "bye", false},
	} {
		r, id := begin(t)
		tc.in.ID = id
		r.give(tc.in)
		r.at(tc.node)
		if r.has(DropRecording{"r1"}) != tc.drop {
			t.Errorf("%s: dropped %v", name, !tc.drop)
		}
	}
	t.Run("kept on hang-up", func(t *testing.T) {
		for _, reviewed := range []bool{false, true} {
			r, id := begin(t)
			if reviewed {
				r.give(message(id))
			}
			r.give(HungUp{})
			if r.has(DropRecording{"r1"}) {
				t.Error("dropped")
			}
		}
	})
	t.Run("who doesn't decide keeps it", func(t *testing.T) {
		r, id := begin(t)
		r.give(message(id))
		for range 3 {
			r.hear()
			r.pass(5 * time.Second)
		}
		r.at("thanks")
	})
}

func TestSurvey(t *testing.T) {
	r := waiting(t)
	r.give(AgentConnected{})
	r.press("99") // for the agent
	r.give(AgentDone{})
	r.hear()
	r.press("8") // no such mark
	r.hear()
	r.press("5")
	r.hear()
	for range 3 { // no answer to the second question
		r.pass(5 * time.Second)
		r.hear()
	}
	if !r.ended || !r.has(Answer{"satisfaction", "5"}) || !strings.HasSuffix(r.way(), "next-> bye") {
		t.Error(r.way())
	}
}

func TestTransfer(t *testing.T) {
	for result, node := range map[TransferResult]string{
		TransferBusy: "line", TransferNoAnswer: "line", TransferFailed: "line", "news": "line",
	} {
		r := beginAll(t, known())
		r.press("5")
		r.hear()
		tr := asked[Transfer](r)
		if diff := cmp.Diff(Transfer{ID: tr.ID, To: "hotline", Timeout: 20 * time.Second}, tr); diff != "" {
			t.Error(diff)
		}
		r.pass(time.Minute)
		if r.music || r.speaking != 0 {
			t.Error("he doesn't hear it ring")
		}
		r.press("1") // for nobody
		r.give(Transferred{ID: tr.ID, Result: result})
		if r.at(node); r.s.st.Typed != "" {
			t.Error("keys are kept")
		}
	}
	r := beginAll(t, known())
	r.press("5")
	r.hear()
	r.give(Transferred{ID: asked[Transfer](r).ID, Result: TransferAnswered})
	r.pass(time.Hour) // the guard stands still
	r.at("out")
	r.give(TransferDone{})
	r.at("main")

	r = beginAll(t, known())
	r.s.st.Vars["number"] = "0101234"
	r.jump("refer")
	tr := asked[Transfer](r)
	if !tr.Refer || tr.Number != "0101234" {
		t.Errorf("%+v", tr)
	}
	r.take()
	r.pass(patience)
	if diff := cmp.Diff([]string{"one_moment"}, said(r.take())); diff != "" {
		t.Error(diff)
	}
	r.give(Transferred{ID: tr.ID, Result: TransferAnswered})
	r.at("bye") // the far switch has him
}

// A far switch that refuses REFER leaves the far end on a leg of ours: the flow
// must not talk into the conversation.
func TestReferThatBecameABridgeWaitsForTheTalk(t *testing.T) {
	r := beginAll(t, known())
	r.s.st.Vars["number"] = "0101234"
	r.jump("refer")
	r.give(Transferred{ID: asked[Transfer](r).ID, Result: TransferAnswered, Bridged: true})
	r.pass(time.Hour)
	r.at("refer")
	r.give(TransferDone{})
	r.at("bye")
}

// A caller who talks to somebody outside when his session goes on elsewhere isn't
// sent there again.
func TestTransferStands(t *testing.T) {
	r := beginAll(t, known())
	r.press("5") // what is said before it isn't over yet
	stored := r.s.Encode()
	s, err := Resume(r.s.root, stored)
	if err != nil {
		t.Fatal(err)
	}
	r.s = s
	r.give(TransferStands{})
	r.pass(time.Hour)
	r.at("out")
	r.give(TransferDone{})
	r.at("main")
}

func TestSubflow(t *testing.T) {
	r := beginAll(t, known())
	r.s.st.Vars["number"], r.s.st.Vars["pin"] = "42", "271828"
	r.press("6")
	r.hear()
	if got := r.notes[len(r.notes)-1].Step; got != "sub/ask" || r.s.st.Vars["secret"] != "271828" {
		t.Fatalf("at %s with %v", got, r.s.st.Vars)
	}
	if code := string(r.s.Encode()); strings.Contains(code, "271828") {
		t.Error("a secret of a flow that waits is encoded")
	}
	r.press("1")
	r.at("main")
	if r.s.st.Vars["got"] != "42" {
		t.Errorf("got %v", r.s.st.Vars["got"])
	}
	r.press("6")
	r.hear()
	r.press("3")
	r.at("line") // its outcome error
	r = beginAll(t, known())
	r.press("6")
	for range maxStack - 2 {
		r.hear()
		r.press("2")
	}
	if r.at("ask"); len(r.s.st.Stack) != maxStack-1 {
		t.Errorf("%d deep", len(r.s.st.Stack))
	}
	r.hear()
	r.press("2") // deeper than flows may go: error all the way up
	if r.at("line"); len(r.s.st.Stack) != 0 {
		t.Errorf("%d deep after the error", len(r.s.st.Stack))
	}
	r = beginAll(t, known())
	r.press("6")
	r.hear()
	r.press("0") // a person, from inside
	r.give(AgentConnected{})
	r.give(AgentDone{})
	r.at("main") // the queue's "after" returned
}
