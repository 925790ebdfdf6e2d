package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tierline/cmd/internal/console/wire"
)

func TestRecordings(t *testing.T) {
	a := newAPI(t)
	const ref = "2026/11/23/c1-1"
	a.answers["GET /api/v1/recordings"] = wire.Recordings{Recordings: []wire.Recording{
		{
			Ref: ref, Kind: "conversation", Call: "c1", Agent: "1003", Queue: "human", From: "+8613800138000", To: "10001",
			Started: at, LengthMS: 61_000, SHA256: "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",
		},
		{Ref: "c2-1", Kind: "message", Call: "c2", From: "+8613800138000", To: "10001", Started: at - 60_000, Failed: "disk"},
	}}
	got := run(t, a.URL, "recordings", "--agent", "1003", "--from", "2026-11-23")
	want := "STARTED              CALLER          CALLED  QUEUE  AGENT  KIND          LENGTH        RECORDING\n" +
		"2026-11-23 02:39:00  +8613800138000  10001   human  1003   conversation  1m01s         2026/11/23/c1-1\n" +
		"2026-11-23 02:38:00  +8613800138000  10001   -      -      message       failed: disk  c2-1\n"
	if got.code != 0 || got.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s%s", got.code, got.out, want, got.err)
	}
	if asked := strings.Join(a.requests, "\n"); !strings.Contains(asked, "agent=1003") || !strings.Contains(asked, "from=2026-11-23T00") {
		t.Error(asked)
	}
	file := filepath.Join(t.TempDir(), "a.wav")
	a.answers["GET /api/v1/recordings/"+ref] = 1
	if got = run(t, a.URL, "recordings", "get", ref, "-f", file); got.code != 1 || !strings.Contains(got.err, "not what was recorded") {
		t.Errorf("%+v", got)
	}
	if b, err := os.ReadFile(file); err != nil || len(b) == 0 { // it is there to be looked at
		t.Errorf("%q, %v", b, err)
	}
	if got = run(t, a.URL, "recordings", "get", ref, "-f", file); got.code != 1 || !strings.Contains(got.err, "exists") {
		t.Errorf("over another file: %+v", got)
	}
}

func TestCommandsOfRecordings(t *testing.T) {
	a := newAPI(t)
	a.answers["POST /api/v1/calls/c1/recording"] = wire.RecordingState{Ref: "2026/11/23/c1-1", AtMS: 61_500, Paused: true}
	a.answers["POST /api/v1/calls/c1/secret"] = struct{}{}
	for command, want := range map[string]string{
		"recordings pause c1 --by lead":        "2026/11/23/c1-1 at 1m01s: paused\n",
		"recordings mark c1 refund --by lead":  "2026/11/23/c1-1 at 1m01s: paused\n",
		"recordings resume c1 --by lead":       "2026/11/23/c1-1 at 1m01s: paused\n",
		"secret c1 verify --by lead":           "the caller is asked\n",
		"recordings pause":                     "",
		"recordings resume c1 c2 --by nobody":  "",
		"recordings mark c1 two words --by me": "",
	} {
		if got := run(t, a.URL, strings.Fields(command)...); got.out != want || (got.code == 0) != (want != "") {
			t.Errorf("%s: %+v", command, got)
		}
	}
	asked := strings.Join(a.requests, "\n")
	for _, want := range []string{
		`{"action":"pause","by":"lead"}`, `{"action":"mark","text":"refund","by":"lead"}`, `{"flow":"verify","by":"lead"}`,
	} {
		if !strings.Contains(asked, want) {
			t.Errorf("%s is missing in\n%s", want, asked)
		}
	}
}
