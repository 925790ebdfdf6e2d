package voice

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tierline/media/wav"
)

// copied is the demo's directory, to be changed.
func copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "centre")
	if err := os.CopyFS(dir, os.DirFS("../../../testdata/demo")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func recording(t *testing.T) []byte {
	t.Helper()
	s := make([]int16, 8000)
	for i := range s {
		s[i] = int16(9000 * math.Sin(float64(i)/4) * math.Pow(math.Sin(float64(i)/900), 6))
	}
	var b bytes.Buffer
	if err := wav.Write(&b, wav.FromSamples(s)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A newcomer without any engine: what is there stays, what is missing is named
// with what would help, and a recording is taken.
func TestPrompts(t *testing.T) {
	dir := copied(t)
	t.Setenv("PATH", "")
	out, problems, err := run(t, PromptsCommand(), nil, "build", dir)
	if err != nil || out != "" || !strings.Contains(problems, "no speech engine: recordings only") {
		t.Errorf("%v\n%s%s", err, out, problems)
	}
	if err = os.Remove(filepath.Join(dir, "prompts", "welcome.zh.wav")); err != nil {
		t.Fatal(err)
	}
	out, _, err = run(t, PromptsCommand(), nil, "build", dir)
	if err == nil || !strings.Contains(out, "prompts/welcome.zh.wav: no speech engine for this language: zh\n") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t, PromptsCommand(), nil, "report", dir)
	if err == nil || !strings.Contains(out, "prompts/welcome.zh.wav            there is no sound\n") ||
		!strings.Contains(out, " 1 missing, ") {
		t.Errorf("%v\n%s", err, out)
	}
	put(t, dir, "recordings/welcome.zh.wav", recording(t))
	out, problems, err = run(t, PromptsCommand(), nil, "build", dir)
	if err != nil || !strings.Contains(out, "recorded   ") || !strings.Contains(problems, " 1 of recordings, ") {
		t.Errorf("%v\n%s%s", err, out, problems)
	}
	if out, _, err = run(t, PromptsCommand(), nil, "report", dir); err != nil || strings.Contains(out, "welcome.zh") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPromptsReportAsJSON(t *testing.T) {
	dir := copied(t)
	put(t, dir, "prompts/stray.zh.wav", recording(t))
	out, _, err := run(t, PromptsCommand(), nil, "report", "--json", dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]any{}
	for _, s := range list {
		found[s["key"].(string)] = s
	}
	yi := found["say/yi4.zh"]
	if yi["source"] != "machine" || yi["text"] != "一" || yi["wanted"] != true || yi["seconds"].(float64) < 0.1 {
		t.Errorf("%v", yi)
	}
	if s := found["stray.zh"]; s["wanted"] != false || s["remarks"].([]any)[0].(map[string]any)["code"] != "not_used" {
		t.Errorf("%v", s)
	}
	if all, _, err := run(t, PromptsCommand(), nil, "report", "--all", dir); err != nil || !strings.Contains(all, "a machine speaks") {
		t.Error(err)
	}
}

func TestPromptsRefuse(t *testing.T) {
	dir := copied(t)
	if _, _, err := run(t, PromptsCommand(), nil, "build", "--only", "welcom.zh", dir); err == nil ||
		!strings.Contains(err.Error(), `no document asks for the sound "welcom.zh"`) {
		t.Error(err)
	}
	if _, _, err := run(t, PromptsCommand(), nil, "build", "--config", filepath.Join(dir, "none.yaml"), dir); err == nil {
		t.Error("settings that aren't there")
	}
	put(t, dir, "queues.yaml", []byte("queues: [\n"))
	before, err := os.ReadDir(filepath.Join(dir, "prompts"))
	if err != nil {
		t.Fatal(err)
	}
	if _, problems, err := run(t, PromptsCommand(), nil, "build", dir); err == nil || !strings.Contains(problems, "correct these first") {
		t.Errorf("%v %s", err, problems)
	}
	if after, err := os.ReadDir(filepath.Join(dir, "prompts")); err != nil || len(after) != len(before) {
		t.Errorf("%d sounds became %d, %v", len(before), len(after), err)
	}
}
