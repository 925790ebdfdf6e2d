package console_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/acd"
	"tierline/call"
	"tierline/cmd/internal/console/wire"
)

// fakeCalls knows one call, c1, which is recorded.
type fakeCalls struct{ told []string }

func (f *fakeCalls) Recording(_ context.Context, id string, cmd call.RecordCommand) (call.RecordState, error) {
	switch {
	case id == "c2":
		return call.RecordState{}, call.ErrNotRecorded
	case id != "c1":
		return call.RecordState{}, call.ErrNoCall
	}
	f.told = append(f.told, cmd.Action+" "+cmd.Text+" "+cmd.By)
	return call.RecordState{Ref: "2026/11/23/c1-1", At: 1500 * time.Millisecond, Paused: true}, nil
}

func (*fakeCalls) Sounds() map[string][]call.LegSound {
	return map[string][]call.LegSound{"c1": {{Role: "agent", Name: "1003", Quality: acd.Quality{Received: 9, MOS: 371}}}}
}

func (f *fakeCalls) AskAside(_ context.Context, id, flow, by string) error {
	if id != "c1" {
		return call.ErrNotTalking
	}
	f.told = append(f.told, "ask "+flow+" "+by)
	return nil
}

func TestCommandsOfRunningRecordings(t *testing.T) {
	b, calls := newBed(t), &fakeCalls{}
	b.problem(http.MethodPost, "/api/v1/calls/c1/recording", `{"action":"pause"}`, http.StatusNotFound)
	b.config.Calls = calls
	b.start()
	status, text := b.do(http.MethodPost, "/api/v1/calls/c1/recording", `{"action":"pause","by":"lead"}`)
	if want := `{"ref":"2026/11/23/c1-1","at_ms":1500,"paused":true,"secret":false}` + "\n"; status != 200 || text != want {
		t.Errorf("%d %s", status, text)
	}
	if status, text = b.do(http.MethodPost, "/api/v1/calls/c1/recording", `{"action":"mark","text":"refund"}`); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if status, text = b.do(http.MethodPost, "/api/v1/calls/c1/secret", `{"flow":"verify","by":"1001"}`); status != http.StatusAccepted {
		t.Errorf("%d %s", status, text)
	}
	b.problem(http.MethodPost, "/api/v1/calls/c2/recording", `{"action":"pause"}`, http.StatusConflict)
	b.problem(http.MethodPost, "/api/v1/calls/c3/recording", `{"action":"pause"}`, http.StatusNotFound)
	b.problem(http.MethodPost, "/api/v1/calls/c1/recording", `{"action":"erase"}`, http.StatusUnprocessableEntity)
	b.problem(http.MethodPost, "/api/v1/calls/c2/secret", `{"flow":"verify"}`, http.StatusConflict)
	if d := cmp.Diff([]string{"pause  lead", "mark refund api", "ask verify 1001"}, calls.told); d != "" {
		t.Error(d)
	}
}

// taped has two calls with recordings, whose files are in a real archive.
func taped(t *testing.T) *bed {
	t.Helper()
	b, dir := newBed(t), t.TempDir()
	tapes, err := call.OpenTapes(filepath.Join(dir, "recordings"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	messages, err := call.OpenMessages(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	path := tapes.Path("2026/11/23/c1-1")
	for name, text := range map[string]string{
		path: "RIFF and sound", strings.TrimSuffix(path, ".wav") + ".json": `{"ref":"2026/11/23/c1-1","call":"c1"}`,
		filepath.Join(dir, "messages", "0123456789abcdef-1.wav"): "RIFF and voice", filepath.Join(dir, "secret.wav"): "secret",
	} {
		if err = os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
			err = os.WriteFile(name, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b.config.Archive = &call.Archive{Tapes: tapes, Messages: messages}
	b.start()
	b.centre()
	for _, id := range []string{"c1", "0123456789abcdef"} {
		ref, kind := "2026/11/23/"+id+"-1", "conversation"
		if id != "c1" {
			ref, kind = id+"-1", "message"
		}
		b.core.must(t, acd.CallArrived{Call: id, Node: "n1", From: "+86138", To: "10001"},
			acd.CallQueued{Call: id, Queue: "human"},
			acd.CallRecorded{Call: id, Ref: ref, LengthMS: 2000, Kind: kind, Agent: "1001", SHA256: "9f86"},
			acd.CallRecorded{Call: id, Ref: ref + "1", Kind: kind, Failed: "disk"},
			acd.CallEnded{Call: id, Cause: "normal", By: acd.SideCaller})
	}
	b.store()
	return b
}

func TestRecordingsAreListed(t *testing.T) {
	b := taped(t)
	refs := func(path string) (out []string, next string) {
		list := get[wire.Recordings](b, path)
		for _, r := range list.Recordings {
			out = append(out, r.Ref+" "+r.AudioPath)
		}
		return out, list.Next
	}
	all := []string{
		"0123456789abcdef-11 ", "0123456789abcdef-1 /api/v1/recordings/0123456789abcdef-1",
		"2026/11/23/c1-11 ", "2026/11/23/c1-1 /api/v1/recordings/2026/11/23/c1-1",
	}
	for path, want := range map[string][]string{
		"/api/v1/recordings":                              all,
		"/api/v1/recordings?kind=message":                 all[:2],
		"/api/v1/recordings?call=c1":                      all[2:],
		"/api/v1/recordings?agent=1001":                   {all[1], all[3]},
		"/api/v1/recordings?queue=human&number=%2B86138":  all,
		"/api/v1/recordings?queue=other":                  nil,
		"/api/v1/recordings?from=2026-11-24T00:00:00Z":    nil,
		"/api/v1/recordings?until=2026-11-23T00:00:00Z":   nil,
		"/api/v1/recordings?from=2026-11-23T00:00:00.00Z": all,
	} {
		if got, _ := refs(path); !cmp.Equal(got, want) {
			t.Errorf("%s: %q", path, got)
		}
	}
	var paged []string
	for path := "/api/v1/recordings?limit=1"; path != ""; {
		got, next := refs(path)
		paged = append(paged, got...)
		if path = ""; next != "" {
			path = "/api/v1/recordings?limit=1&page=" + next
		}
	}
	if !cmp.Equal(paged, all) {
		t.Errorf("page by page: %q", paged)
	}
	b.problem(http.MethodGet, "/api/v1/recordings?page=zzz", "", http.StatusBadRequest)
}

// A player asks for parts; that somebody listened is written down once, and
// each listener by name.
func TestRecordingsAreHeard(t *testing.T) {
	b := taped(t)
	const path = "/api/v1/recordings/2026/11/23/c1-1"
	if status, text := b.do(http.MethodGet, path, ""); status != 200 || text != "RIFF and sound" {
		t.Errorf("%d %q", status, text)
	}
	if status, text := b.do(http.MethodGet, path+".wav", "", "Range", "bytes=9-13"); status != http.StatusPartialContent || text != "sound" {
		t.Errorf("%d %q", status, text)
	}
	if status, text := b.do(http.MethodGet, path+"?by=lead&download=1", ""); status != 200 || len(text) != 14 {
		t.Errorf("%d %q", status, text)
	}
	if status, text := b.do(http.MethodGet, "/api/v1/recordings/0123456789abcdef-1", ""); status != 200 || text != "RIFF and voice" {
		t.Errorf("%d %q", status, text)
	}
	if status, text := b.do(http.MethodGet, path+".json", ""); status != 200 || !strings.Contains(text, `"call":"c1"`) {
		t.Errorf("%d %q", status, text)
	}
	resp, err := http.Get(b.url + path)
	if err != nil || resp.Header.Get("Content-Type") != "audio/wav" || resp.Header.Get("Accept-Ranges") != "bytes" ||
		resp.Body.Close() != nil {
		t.Errorf("%v, %v", resp.Header, err)
	}
	var used []string
	for _, s := range b.core.stories {
		for _, f := range s.Facts {
			if f.Kind == acd.FactRecordingUsed {
				used = append(used, f.Reason+" "+f.By+" "+f.Ref)
			}
		}
	}
	want := []string{"heard api 2026/11/23/c1-1", "downloaded lead 2026/11/23/c1-1", "heard api 0123456789abcdef-1"}
	if !cmp.Equal(used, want) {
		t.Errorf("%q", used)
	}
}

func TestNoOtherFileIsARecording(t *testing.T) {
	b := taped(t)
	for _, ref := range []string{
		"2026/11/23/c1-2", "c1-1", "../secret", "..%2Fsecret", "2026/11/23/..%2F..%2F..%2F..%2Fsecret-1", "secret", "%2e%2e/secret",
		"2026/11/23/c1-2.json", "spool/2026/11/23/c1-1", "0123456789abcdef-2", "2026/11/23/%00-1",
	} {
		if status, text := b.do(http.MethodGet, "/api/v1/recordings/"+ref, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %q", ref, status, text)
		}
	}
	b.core.set(func() { b.core.fail = context.DeadlineExceeded }) // nobody listens unseen
	b.problem(http.MethodGet, "/api/v1/recordings/2026/11/23/c1-1?by=other", "", http.StatusServiceUnavailable)
}
