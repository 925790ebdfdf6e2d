package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tierline/media/prompt"
	"tierline/media/wav"
)

// fakeEngine tells this very binary to be a speech engine.
const fakeEngine = "TIERLINE_FAKE_ENGINE"

func TestMain(m *testing.M) {
	mode := os.Getenv(fakeEngine)
	if mode == "" {
		m.Run()
		return
	}
	text, _ := io.ReadAll(os.Stdin)
	switch mode {
	case "tone":
		_, _ = os.Stdout.Write(tone(len(text)))
	case "args":
		_, _ = fmt.Fprintf(os.Stdout, "%q %s", os.Args[1:], text)
	case "fails":
		_, _ = fmt.Fprintln(os.Stderr, "no such voice\nsecond line")
		panic("exit status 2")
	case "endless":
		for {
			if _, err := os.Stdout.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	case "hangs":
		reader, _, err := os.Pipe() // waiting for a channel, the process would end as deadlocked
		if err == nil {
			_, _ = reader.Read(make([]byte, 1))
		}
	}
}

// tone is a WAV file of so many times 10 ms.
func tone(n int) []byte {
	s := make([]int16, n*80)
	for i := range s {
		s[i] = int16(10000 * math.Sin(float64(i)/3))
	}
	var b bytes.Buffer
	if err := wav.Write(&b, wav.FromSamples(s)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func program(t *testing.T, mode string, args ...string) Exec {
	t.Helper()
	t.Setenv(fakeEngine, mode)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Exec{Command: append([]string{self}, args...)}
}

func TestExec(t *testing.T) {
	got, err := program(t, "tone").Speak(t.Context(), "zh", "0123456789")
	if w, wrong := wav.DecodeWide(got); err != nil || wrong != nil || len(w.Samples) != 800 {
		t.Errorf("%d bytes, %v, %v", len(got), err, wrong)
	}
}

// A text is never part of the command, whatever stands in it.
func TestExecKeepsTheTextOut(t *testing.T) {
	for _, text := range []string{"$(touch x); `touch y` && rm -rf /", "--help", "-w out.wav", "{language}"} {
		got, err := program(t, "args", "-v", "{language}+f3").Speak(t.Context(), "zh", text)
		if want := `["-v" "zh+f3"] ` + text; string(got) != want || err != nil {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

func TestExecFails(t *testing.T) {
	for mode, want := range map[string]string{
		"fails": "exit status 2: no such voice", "endless": "larger than 64 MB", "hangs": "gave up: context deadline exceeded",
	} {
		e := program(t, mode)
		e.Timeout = 30 * time.Second
		if mode == "hangs" {
			e.Timeout = 50 * time.Millisecond
		}
		_, err := e.Speak(t.Context(), "zh", "hello")
		if !errors.Is(err, ErrEngine) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "second") {
			t.Errorf("%s: %v, want %s", mode, err, want)
		}
	}
	if _, err := (Exec{}).Speak(t.Context(), "zh", "x"); !errors.Is(err, ErrEngine) {
		t.Error(err)
	}
	if _, err := (Exec{Command: []string{"/no/such/program"}}).Speak(t.Context(), "zh", "x"); !errors.Is(err, ErrEngine) {
		t.Error(err)
	}
}

func TestHTTP(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.URL.RequestURI()+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Authorization")+" "+string(body))
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		case "/wrong":
			http.Error(w, "no", http.StatusBadGateway)
		default:
			_, _ = w.Write(tone(10))
		}
	}))
	defer server.Close()
	plain := HTTP{URL: server.URL + "/tts?lang={language}", Header: map[string]string{"Authorization": "Bearer x"}}
	if got, err := plain.Speak(t.Context(), "zh&x=1", "你好"); err != nil || !bytes.Equal(got, tone(10)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := (HTTP{URL: server.URL, JSON: true}).Speak(t.Context(), "en", `"x"`); err != nil {
		t.Error(err)
	}
	want := []string{
		"/tts?lang=zh%26x%3D1 text/plain; charset=utf-8 Bearer x 你好",
		`/ application/json  {"language":"en","text":"\"x\""}`,
	}
	if strings.Join(asked, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked %q, want %q", asked, want)
	}
	for path, says := range map[string]string{"/away": "status 302", "/wrong": "status 502"} {
		if _, err := (HTTP{URL: server.URL + path}).Speak(t.Context(), "en", "x"); !errors.Is(err, ErrEngine) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := (HTTP{URL: "://"}).Speak(t.Context(), "en", "x"); !errors.Is(err, ErrEngine) {
		t.Error(err)
	}
}

// Everything that changes the sound changes its key.
func TestKey(t *testing.T) {
	base := Exec{Command: []string{"espeak-ng", "-v", "cmn"}}
	seen := map[string]string{}
	for what, k := range map[string]string{
		"base":              Key(base, "zh", "a"),
		"other text":        Key(base, "zh", "b"),
		"other language":    Key(base, "en", "a"),
		"other voice":       Key(Exec{Command: []string{"espeak-ng", "-v", "en"}}, "zh", "a"),
		"joined arguments":  Key(Exec{Command: []string{"espeak-ng", "-vcmn"}}, "zh", "a"),
		"other version":     Key(Exec{Command: base.Command, Version: "2"}, "zh", "a"),
		"server":            Key(HTTP{URL: "http://a"}, "zh", "a"),
		"other server":      Key(HTTP{URL: "http://b"}, "zh", "a"),
		"server's version":  Key(HTTP{URL: "http://a", Version: "2"}, "zh", "a"),
		"JSON":              Key(HTTP{URL: "http://a", JSON: true}, "zh", "a"),
		"text and language": Key(base, "zha", ""),
	} {
		if old := seen[k]; old != "" {
			t.Errorf("%s and %s share a key", what, old)
		}
		seen[k] = what
	}
	slow := base
	slow.Timeout = time.Minute
	if Key(slow, "zh", "a") != Key(base, "zh", "a") {
		t.Error("a time-out changes no sound")
	}
}

// engine is one in memory.
type engine struct {
	takes time.Duration
	err   error
	panic bool
	size  int

	calls, now, most atomic.Int64
}

func (*engine) Key() string { return "fake" }

func (e *engine) Speak(ctx context.Context, _, text string) ([]byte, error) {
	e.calls.Add(1)
	e.most.Store(max(e.most.Load(), e.now.Add(1)))
	defer e.now.Add(-1)
	select {
	case <-time.After(e.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch {
	case e.panic:
		panic("engine")
	case e.err != nil:
		return nil, e.err
	case text == "silence":
		return wavOf(make([]int16, 800)), nil
	case text == "garbage":
		return []byte("<html>"), nil
	}
	return tone(max(e.size, 10)), nil
}

func wavOf(s []int16) []byte {
	var b bytes.Buffer
	if err := wav.Write(&b, wav.FromSamples(s)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func speaker(e Engine, memory int) *Speaker {
	return NewSpeaker(Config{Engines: map[string]Engine{"zh": e}, Memory: memory})
}

func TestSpeakerSpeaksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{takes: 100 * time.Millisecond}
		s := speaker(e, 0)
		defer s.Close()
		var wait sync.WaitGroup
		clips := make([]*prompt.Clip, 20)
		for i := range clips {
			wait.Go(func() {
				clip, err := s.Speak(t.Context(), "zh", " 你好 \n 吗")
				if err != nil {
					t.Error(err)
				}
				clips[i] = clip
			})
		}
		wait.Wait()
		for _, c := range clips {
			if c == nil || c != clips[0] {
				t.Fatal("not the same clip")
			}
		}
		begin := time.Now()
		if _, err := s.Speak(t.Context(), "zh", "你好 吗"); err != nil || e.calls.Load() != 1 || time.Since(begin) > 0 {
			t.Errorf("%v, %d calls, %v", err, e.calls.Load(), time.Since(begin))
		}
		if f := s.Figures(); f.Hits != 1 || f.Misses != 20 || f.Bytes == 0 {
			t.Errorf("%+v", f)
		}
	})
}

// A slow engine costs the caller his budget, and is heard by the next one.
func TestSpeakerHasABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{takes: 2 * time.Second}
		s := speaker(e, 0)
		defer s.Close()
		begin := time.Now()
		if _, err := s.Speak(t.Context(), "zh", "慢"); !errors.Is(err, ErrSlow) || time.Since(begin) != 300*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(2 * time.Second)
		if _, err := s.Speak(t.Context(), "zh", "慢"); err != nil || e.calls.Load() != 1 {
			t.Errorf("%v, %d calls", err, e.calls.Load())
		}
		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		if _, err := s.Speak(gone, "zh", "另"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSpeakerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := speaker(&engine{}, 0)
		for text, want := range map[string]error{
			"": ErrText, " \n\t": ErrText, "\xff": ErrText, strings.Repeat("长", 401): ErrText, "silence": ErrEngine, "garbage": wav.ErrInvalid,
		} {
			if _, err := s.Speak(t.Context(), "zh", text); !errors.Is(err, want) {
				t.Errorf("%.10q: %v, want %v", text, err, want)
			}
		}
		if _, err := s.Speak(t.Context(), "en", "x"); !errors.Is(err, ErrNoEngine) {
			t.Error(err)
		}
		s.Close()
		if _, err := s.Speak(t.Context(), "zh", "x"); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		for _, e := range []*engine{{err: errors.New("away")}, {panic: true}} {
			broken := speaker(e, 0)
			for range 2 { // an error is not kept
				if clip, err := broken.Speak(t.Context(), "zh", "x"); err == nil || clip != nil {
					t.Error("no error")
				}
			}
			if f := broken.Figures(); e.calls.Load() != 2 || f.Failed != 2 {
				t.Errorf("%d calls, %+v", e.calls.Load(), f)
			}
			broken.Close()
		}
	})
}

func TestSpeakerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{takes: time.Hour}
		s := NewSpeaker(Config{Engines: map[string]Engine{"zh": e}, Parallel: 2})
		var wait sync.WaitGroup
		var turned atomic.Int64
		for i := range 100 {
			wait.Go(func() {
				if _, err := s.Speak(t.Context(), "zh", fmt.Sprint(i)); errors.Is(err, ErrBusy) {
					turned.Add(1)
				}
			})
		}
		wait.Wait()
		if turned.Load() != 100-2*waitingPerSlot || e.most.Load() != 2 {
			t.Errorf("%d turned away, %d at work", turned.Load(), e.most.Load())
		}
		s.Close() // ends them, or the bubble would say so
	})
}

// The memory holds what was heard last.
func TestSpeakerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{size: 100} // 1 s: 16 kB and more
		s := speaker(e, 60_000)
		defer s.Close()
		for _, text := range []string{"1", "2", "3", "1", "4", "1", "2"} {
			if _, err := s.Speak(t.Context(), "zh", text); err != nil {
				t.Fatal(err)
			}
			if f := s.Figures(); f.Bytes > 60_000 {
				t.Errorf("%d bytes", f.Bytes)
			}
		}
		if got := e.calls.Load(); got != 5 {
			t.Errorf("%d calls", got)
		}
		small := speaker(&engine{}, 10)
		defer small.Close()
		if _, err := small.Speak(t.Context(), "zh", "1"); err != nil || small.Figures().Bytes != 0 {
			t.Errorf("%v, %+v", err, small.Figures())
		}
	})
}
