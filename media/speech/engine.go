package speech

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"tierline/media/wav"
)

// Engine makes speech.
type Engine interface {
	// Key names everything of the engine that changes the sound.
	Key() string
	// Speak returns a WAV file of any rate. The text is what is spoken: for an
	// engine that reads pinyin, pinyin.
	Speak(ctx context.Context, language, text string) ([]byte, error)
}

// ErrEngine is what every error of an engine wraps.
var ErrEngine = errors.New("speech engine")

// language stands for the text's language in arguments and URLs.
const placeholder = "{language}"

// Exec is an engine that is a program: the text on standard input, a WAV file
// on standard output.
type Exec struct {
	Command []string      // program and arguments; {language} is replaced
	Version string        // of engine and voice, for the key
	Timeout time.Duration // 0: 10 s
}

// Key implements Engine.
func (e Exec) Key() string { return key("exec", append([]string{e.Version}, e.Command...)) }

// Speak implements Engine.
func (e Exec) Speak(ctx context.Context, language, text string) ([]byte, error) {
	if len(e.Command) == 0 {
		return nil, fmt.Errorf("%w: no command", ErrEngine)
	}
	ctx, cancel := context.WithTimeout(ctx, orDefault(e.Timeout))
	defer cancel()
	args := make([]string, len(e.Command))
	for i, a := range e.Command {
		args[i] = strings.ReplaceAll(a, placeholder, language)
	}
	var stderr bytes.Buffer
	stdout := &bounded{left: wav.MaxWide}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin = strings.NewReader(text)
	cmd.Stdout = stdout
	cmd.Stderr = &bounded{buffer: &stderr, left: 1000, drop: true}
	cmd.WaitDelay = time.Second // for children that keep its pipes open
	if err := cmd.Run(); err != nil {
		switch {
		case stdout.over:
			err = errTooMuch
		case ctx.Err() != nil:
			err = fmt.Errorf("gave up: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("%w: %s: %w%s", ErrEngine, args[0], err, said(stderr.String()))
	}
	return stdout.bytes(), nil
}

func said(stderr string) string {
	if line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n"); line != "" {
		return ": " + line
	}
	return ""
}

// HTTP is an engine that is a server: the text is posted, the answer is a WAV
// file.
type HTTP struct {
	URL     string            // {language} is replaced
	JSON    bool              // {"text": …, "language": …} in place of plain text
	Header  map[string]string // for example Authorization
	Version string            // of engine and voice, for the key
	Timeout time.Duration     // 0: 10 s
	Client  *http.Client      // nil: one that follows no redirects
}

// Key implements Engine.
func (h HTTP) Key() string { return key("http", []string{h.Version, h.URL, fmt.Sprint(h.JSON)}) }

// Speak implements Engine.
func (h HTTP) Speak(ctx context.Context, language, text string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(h.Timeout))
	defer cancel()
	target := strings.ReplaceAll(h.URL, placeholder, url.QueryEscape(language))
	body, kind := []byte(text), "text/plain; charset=utf-8"
	if h.JSON {
		encoded, err := json.Marshal(map[string]string{"text": text, "language": language})
		if err != nil {
			return nil, fmt.Errorf("%w: encode the text: %w", ErrEngine, err)
		}
		body, kind = encoded, "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEngine, err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "audio/wav")
	for name, value := range h.Header {
		req.Header.Set(name, value)
	}
	client := h.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEngine, err)
	}
	sound, err := io.ReadAll(io.LimitReader(resp.Body, wav.MaxWide+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("%w: read the answer: %w", ErrEngine, err)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: status %s", ErrEngine, resp.Status)
	case len(sound) > wav.MaxWide:
		return nil, fmt.Errorf("%w: the answer is larger than %d MB", ErrEngine, wav.MaxWide>>20)
	}
	return sound, nil
}

func orDefault(d time.Duration) time.Duration {
	if d <= 0 {
		return 10 * time.Second
	}
	return d
}

// key hashes parts so that no two lists of parts give the same.
func key(kind string, parts []string) string {
	h := sha256.New()
	for _, p := range append([]string{kind}, parts...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}

// errTooMuch ends a program that writes without end.
var errTooMuch = fmt.Errorf("the sound is larger than %d MB", wav.MaxWide>>20)

// bounded keeps so many bytes; what comes then is an error or dropped.
type bounded struct {
	buffer *bytes.Buffer
	left   int
	drop   bool
	over   bool // more came
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.buffer == nil {
		b.buffer = &bytes.Buffer{}
	}
	n := min(len(p), b.left)
	b.buffer.Write(p[:n])
	b.left -= n
	b.over = b.over || n < len(p)
	if b.over && !b.drop {
		return n, errTooMuch
	}
	return len(p), nil
}

func (b *bounded) bytes() []byte {
	if b.buffer == nil {
		return nil
	}
	return b.buffer.Bytes()
}
