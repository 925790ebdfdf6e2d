package pack_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tierline/call/service"
	"tierline/cmd/internal/config"
	"tierline/cmd/internal/pack"
	"tierline/media/speech"
	"tierline/media/wav"
)

// engine speaks tones: the longer the text, the longer they are.
type engine struct {
	voice string
	err   error

	mu   sync.Mutex
	said []string
}

func (e *engine) Key() string { return e.voice }

func (e *engine) Speak(_ context.Context, language, text string) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, language+" "+text)
	if text == "沉默" {
		return file(0, 16000, 8000), e.err
	}
	return file(0.5, 16000, 1600*len(text)), e.err
}

// file is a WAV file with a tone that swells and fades as speech does.
func file(amplitude float64, rate, n int) []byte {
	s := make([]int16, n)
	for i := range s {
		at := 2 * math.Pi * float64(i) / float64(rate)
		s[i] = int16(amplitude * math.MaxInt16 * math.Sin(600*at) * math.Pow(math.Sin(3*at), 6))
	}
	var b bytes.Buffer
	if err := wav.Write(&b, wav.FromSamples(s)); err != nil {
		panic(err)
	}
	out := b.Bytes()
	out[24], out[25] = byte(rate), byte(rate>>8)
	return out
}

// centre is a directory with sounds wanted of it.
type centre struct {
	*testing.T

	dir    string
	zh     *engine
	wanted []service.Wanted
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	return &centre{T: t, dir: t.TempDir(), zh: &engine{voice: "one"}, wanted: []service.Wanted{
		{Key: "bye.zh", Language: "zh", Text: "再见", Pinyin: "zai4 jian4", Kind: service.WantedPrompt, File: "flows/a.yaml", Line: 7},
		{Key: "hello.zh", Language: "zh", Text: "您好", Kind: service.WantedPrompt, File: "flows/a.yaml", Line: 6},
		{Key: "say/pause.zh", Language: "zh", Kind: service.WantedFragment},
		{Key: "say/yi4.zh", Language: "zh", Text: "一", Pinyin: "yi4", Kind: service.WantedFragment},
		{Key: "say/yi4-e8.zh", Language: "zh", Text: "亿", Pinyin: "yi4", Kind: service.WantedFragment},
	}}
}

func (c *centre) put(name string, b []byte) {
	c.Helper()
	full := filepath.Join(c.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(full, b, 0o644); err != nil {
		c.Fatal(err)
	}
}

func (c *centre) get(name string) []byte {
	c.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(name)))
	if err != nil {
		c.Fatal(err)
	}
	return b
}

// build builds and returns what was done, without what was kept.
func (c *centre) build(accept ...string) (done []string, err error) {
	c.Helper()
	c.zh.said = nil
	err = pack.Build(c.Context(), c.dir, c.wanted, pack.Options{
		Voices: map[string]pack.Voice{"zh": {Engine: c.zh, Pinyin: true}}, Accept: accept,
		Tell: func(s pack.Step) {
			if s.Action != pack.Kept {
				done = append(done, string(s.Action)+" "+s.Key)
			}
		},
	})
	slices.Sort(done)
	return done, err
}

func (c *centre) expect(what string, want ...string) {
	c.Helper()
	done, err := c.build()
	if diff := cmp.Diff(want, done); diff != "" || err != nil {
		c.Errorf("%s: %v\n%s", what, err, diff)
	}
}

// remarks are those of the report, by key.
func (c *centre) remarks() map[string]string {
	c.Helper()
	states, err := pack.Report(c.dir, c.wanted)
	if err != nil {
		c.Fatal(err)
	}
	out := map[string]string{}
	for _, s := range states {
		for _, r := range s.Remarks {
			out[s.Key] = strings.TrimPrefix(out[s.Key]+" "+r.Code, " ")
		}
	}
	return out
}

func TestBuild(t *testing.T) {
	c := newCentre(t)
	c.expect("new", "made bye.zh", "made hello.zh", "made say/pause.zh", "made say/yi4-e8.zh", "made say/yi4.zh")
	slices.Sort(c.zh.said)
	if diff := cmp.Diff([]string{"zh yi4", "zh zai4 jian4", "zh 您好"}, c.zh.said); diff != "" {
		t.Errorf("pinyin where there is, each once: %s", diff)
	}
	if a, err := wav.Decode(c.get("prompts/say/zh/yi4.wav")); err != nil || a.Format != wav.ALaw {
		t.Errorf("%v, %v", a.Format, err)
	}
	c.expect("again")
	c.wanted[1].Text = "您早"
	if got := c.remarks()["hello.zh"]; got != "machine text_changed" {
		t.Error(got)
	}
	c.expect("another text", "made hello.zh")
	c.zh.voice = "two"
	c.expect("another voice", "made bye.zh", "made hello.zh", "made say/yi4-e8.zh", "made say/yi4.zh")
	if err := os.Remove(filepath.Join(c.dir, "prompts", "bye.zh.wav")); err != nil {
		t.Fatal(err)
	}
	c.expect("one is gone", "made bye.zh")
	c.wanted = c.wanted[1:]
	if got := c.remarks()["bye.zh"]; got != "not_used" {
		t.Error(got)
	}
	c.expect("nobody wants it", "removed bye.zh")
	if left, err := filepath.Glob(filepath.Join(c.dir, "prompts", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// What a person recorded is heard, and no machine ever takes its place.
func TestRecordingsWin(t *testing.T) {
	c := newCentre(t)
	c.put("recordings/bye.zh.wav", file(0.9, 44100, 44100))
	c.expect("recorded", "made hello.zh", "made say/pause.zh", "made say/yi4-e8.zh", "made say/yi4.zh", "recorded bye.zh")
	first := c.get("prompts/bye.zh.wav")
	if got := c.remarks()["bye.zh"]; got != "" {
		t.Error(got)
	}
	c.wanted[0].Text = "下次见"
	c.zh.voice = "two"
	c.expect("another text and voice", "made hello.zh", "made say/yi4-e8.zh", "made say/yi4.zh")
	if got := c.remarks()["bye.zh"]; got != "text_changed" {
		t.Error(got)
	}
	if _, err := c.build("bye.zh"); err != nil || c.remarks()["bye.zh"] != "" {
		t.Errorf("%v, accepted: %s", err, c.remarks()["bye.zh"])
	}
	c.put("recordings/bye.zh.wav", file(0.9, 22050, 22050))
	if got := c.remarks()["bye.zh"]; got != "not_built" {
		t.Error(got)
	}
	c.expect("a new recording", "recorded bye.zh")
	if bytes.Equal(first, c.get("prompts/bye.zh.wav")) {
		t.Error("the old one is still there")
	}
	if err := os.RemoveAll(filepath.Join(c.dir, "recordings")); err != nil {
		t.Fatal(err)
	}
	c.zh.voice = "three"
	c.expect("recordings are kept elsewhere", "made hello.zh", "made say/yi4-e8.zh", "made say/yi4.zh")
	c.wanted = c.wanted[1:]
	c.expect("nobody wants it, but a person spoke it")
	c.get("prompts/bye.zh.wav")
}

// A file that somebody put there, or changed there, is his.
func TestGivenSoundsStay(t *testing.T) {
	c := newCentre(t)
	if _, err := c.build(); err != nil {
		t.Fatal(err)
	}
	given := file(0.3, 8000, 8000)
	c.put("prompts/hello.zh.wav", given)
	c.zh.voice = "two"
	c.expect("changed by hand", "made bye.zh", "made say/yi4-e8.zh", "made say/yi4.zh")
	c.wanted[1].Text = "大家好"
	c.expect("and its text")
	if got := c.remarks()["hello.zh"]; got != "text_changed" {
		t.Error(got)
	}
	c.put("recordings/hello.zh.wav", file(0.9, 44100, 44100))
	done, err := c.build()
	if err == nil || !slices.Equal(done, []string{"failed hello.zh"}) {
		t.Errorf("two that are both somebody's: %v, %v", done, err)
	}
	if !bytes.Equal(c.get("prompts/hello.zh.wav"), given) {
		t.Error("it was overwritten")
	}
	// Without the pack's document nobody knows what a machine made.
	if err := os.Remove(filepath.Join(c.dir, "recordings", "hello.zh.wav")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(c.dir, "prompts", "pack.yaml")); err != nil {
		t.Fatal(err)
	}
	c.zh.voice = "three"
	c.expect("no document")
}

func TestBuildFails(t *testing.T) {
	c := newCentre(t)
	c.wanted[0].Pinyin, c.wanted[0].Text = "", "沉默"
	c.wanted = append(c.wanted, service.Wanted{Key: "hello.en", Language: "en", Text: "Hello", Kind: service.WantedPrompt},
		service.Wanted{Key: "music/hold", Kind: service.WantedMusic})
	c.put("recordings/hello.zh.wav", []byte("<html>"))
	done, err := c.build()
	want := []string{
		"failed bye.zh", "failed hello.en", "failed hello.zh", "failed music/hold", "made say/pause.zh", "made say/yi4-e8.zh",
		"made say/yi4.zh",
	}
	if diff := cmp.Diff(want, done); diff != "" || err == nil {
		t.Errorf("%v %s", err, diff)
	}
	wantRemarks := map[string]string{
		"bye.zh": "missing", "hello.en": "missing", "hello.zh": "missing not_built unreadable", "music/hold": "missing",
		"say/yi4.zh": "machine", "say/yi4-e8.zh": "machine",
	}
	if diff := cmp.Diff(wantRemarks, c.remarks()); diff != "" {
		t.Error(diff)
	}
	c.put("recordings/music/hold.wav", file(0.3, 44100, 88200))
	c.zh.err = errors.New("no voice")
	c.zh.voice = "two"
	if done, _ := c.build(); !slices.Contains(done, "recorded music/hold") || !slices.Contains(done, "failed say/yi4.zh") {
		t.Error(done)
	}
	c.put("prompts/pack.yaml", []byte("sounds: {x: [}"))
	if _, err := c.build(); err == nil || !strings.Contains(err.Error(), "pack.yaml") {
		t.Error(err)
	}
}

// An interrupted build keeps what it made and loses nothing.
func TestBuildIsInterrupted(t *testing.T) {
	c := newCentre(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := pack.Build(ctx, c.dir, c.wanted, pack.Options{
		Voices: map[string]pack.Voice{"zh": {Engine: c.zh}},
		Tell:   func(pack.Step) { cancel(errors.New("enough")) },
	})
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Error(err)
	}
	if _, err = c.build(); err != nil || len(c.remarks()) != 4 {
		t.Errorf("%v, %v", err, c.remarks())
	}
}

func TestOnly(t *testing.T) {
	c := newCentre(t)
	err := pack.Build(t.Context(), c.dir, c.wanted, pack.Options{
		Voices: map[string]pack.Voice{"zh": {Engine: c.zh}}, Only: []string{"hello.zh"},
	})
	if err != nil || len(c.zh.said) != 1 {
		t.Errorf("%v, %v", err, c.zh.said)
	}
}

// A recorded whole counts as one sound of what its parts say.
func TestWholes(t *testing.T) {
	c := newCentre(t)
	c.put("recordings/say/zh/yi4_yi4-e8.wav", file(0.5, 44100, 44100))
	c.put("recordings/say/zh/yi4_nothing.wav", file(0.5, 44100, 44100))
	done, err := c.build()
	if err != nil || !slices.Contains(done, "recorded say/yi4_yi4-e8.zh") {
		t.Errorf("%v, %v", done, err)
	}
	got := c.remarks()
	if got["say/yi4_nothing.zh"] != "not_used" || got["say/yi4_yi4-e8.zh"] != "" {
		t.Error(got)
	}
}

// The report hears what is wrong.
func TestReportListens(t *testing.T) {
	c := newCentre(t)
	square := make([]int16, 8000)
	for i := range square {
		square[i] = math.MaxInt16
		if i/10%2 == 0 {
			square[i] = math.MinInt16
		}
	}
	var loud bytes.Buffer
	if err := wav.Write(&loud, wav.FromSamples(square)); err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]struct {
		b    []byte
		want string
	}{
		"silent": {file(0, 8000, 8000), "silent"}, "quiet": {file(0.02, 8000, 8000), "quiet"},
		"too_long": {file(0.3, 8000, 21*8000), "too_long"}, "loud": {loud.Bytes(), "clipped loud"},
		"unreadable": {file(0.3, 44100, 44100), "unreadable"}, "good": {file(0.3, 8000, 8000), ""},
	} {
		key := what + ".zh"
		c.wanted = append(c.wanted, service.Wanted{Key: key, Language: "zh", Text: what, Kind: service.WantedPrompt})
		c.put("prompts/"+key+".wav", s.b)
		if got := c.remarks()[key]; got != s.want {
			t.Errorf("%s: %q, want %q", what, got, s.want)
		}
	}
	c.put("recordings/good.zh.wav", loud.Bytes())
	if got := c.remarks()["good.zh"]; got != "not_built clipped" {
		t.Error(got)
	}
}

func TestVoices(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := pack.Voices(map[string]config.Speech{
		"zh": {Command: []string{"a"}, Pinyin: true, Version: "1", Timeout: time.Second},
		"en": {URL: "http://x", TokenFile: secret, JSON: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]pack.Voice{
		"zh": {Engine: speech.Exec{Command: []string{"a"}, Version: "1", Timeout: time.Second}, Pinyin: true},
		"en": {Engine: speech.HTTP{URL: "http://x", JSON: true, Header: map[string]string{"Authorization": "Bearer abc"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pack.Voices(map[string]config.Speech{"en": {URL: "http://x", TokenFile: secret}}); err == nil {
		t.Error("everybody may read the token")
	}
}
