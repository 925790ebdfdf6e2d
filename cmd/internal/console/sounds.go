package console

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/call"
	"tierline/cmd/internal/console/wire"
)

// Archive is where recordings are.
type Archive interface {
	Open(ctx context.Context, ref string) (call.Sound, error)
	About(ctx context.Context, ref string) (call.About, error)
}

const (
	soundTimeout = 10 * time.Minute // for a whole file
	// oneListening is how long a player's requests for parts of a file are taken
	// for one listening.
	oneListening = 10 * time.Minute
	maxListeners = 10_000
	// soundPolicy lets a browser's own page around a sound play it.
	soundPolicy = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)

// sounds registers the files of recordings by hand: they are read in parts.
func (w *Console) sounds(mux *http.ServeMux) {
	heard := &listening{last: map[string]time.Time{}, now: w.c.Now}
	mux.HandleFunc("GET "+recordingPath+"{ref...}", func(rw http.ResponseWriter, r *http.Request) {
		ref, about := soundOf(r)
		if about {
			w.aboutRecording(rw, r, ref)
			return
		}
		w.sendRecording(rw, r, ref, heard)
	})
	text := &huma.Schema{Type: huma.TypeString}
	w.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "get-recording", Method: http.MethodGet, Path: recordingPath + "{ref}", Tags: []string{"recordings"},
		Summary: "A recording, or with .json behind its name what is known of it",
		Description: "WAV of A-law, 8 kHz, stereo for a conversation; a Range is honoured, so that players can seek. The " +
			"slashes of the name stand as they are. That somebody listened, and who, gets into the log.",
		Parameters: []*huma.Param{
			{Name: "ref", In: "path", Required: true, Schema: text, Description: "As the list has it"},
			{Name: "by", In: "query", Schema: text, Description: "Who listens"},
			{Name: "download", In: "query", Schema: text, Description: "1: to be saved, not played"},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "All of it", Content: map[string]*huma.MediaType{
				"audio/wav": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}},
			"206": {Description: "The part asked for"},
			"404": {Description: "There is none, or it is on a node that can't be asked"},
		},
	})
}

// soundOf is the recording that a request names, and whether it wants to know
// about it instead of hearing it.
func soundOf(r *http.Request) (ref string, about bool) {
	ref = strings.TrimSuffix(r.PathValue("ref"), ".wav")
	return strings.CutSuffix(ref, ".json")
}

// hasRecording tells whether this node can answer: if not, another may.
func (w *Console) hasRecording(r *http.Request) bool {
	if w.c.Archive == nil {
		return false
	}
	ref, about := soundOf(r)
	if about {
		_, err := w.c.Archive.About(r.Context(), ref)
		return !errors.Is(err, call.ErrNoRecording)
	}
	s, err := w.c.Archive.Open(r.Context(), ref)
	if err == nil {
		_ = s.Close() // nothing was read
	}
	return !errors.Is(err, call.ErrNoRecording)
}

func (w *Console) sendRecording(rw http.ResponseWriter, r *http.Request, ref string, heard *listening) {
	if w.c.Archive == nil {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusNotFound, Detail: call.ErrNoRecording.Error()})
		return
	}
	s, err := w.c.Archive.Open(r.Context(), ref)
	if err != nil {
		w.noRecording(rw, err)
		return
	}
	defer func() { _ = s.Close() }() // it was only read
	use, by := "heard", asks(r.Context(), r.URL.Query().Get("by"))
	if r.URL.Query().Get("download") == "1" {
		use = "downloaded"
		rw.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": s.Name}))
	}
	if heard.first(use + " " + by + " " + ref) {
		if len(by) > maxBy {
			by = by[:maxBy]
		}
		if _, _, err = w.c.Core.Propose(r.Context(), acd.RecordingUsed{Ref: ref, Use: use, By: by}); err != nil {
			heard.forget(use + " " + by + " " + ref)
			writeProblem(rw, &wire.ProblemError{
				Status: http.StatusServiceUnavailable, Detail: "who listens can't be written down now",
			})
			return
		}
	}
	h := rw.Header()
	h.Set("Content-Type", "audio/wav")
	h.Set("Content-Security-Policy", soundPolicy)
	_ = http.NewResponseController(rw).SetWriteDeadline(time.Now().Add(soundTimeout)) // not every writer has one
	http.ServeContent(rw, r, "", s.Since, s)
}

// maxBy bounds the name of who listens.
const maxBy = 64

func (w *Console) aboutRecording(rw http.ResponseWriter, r *http.Request, ref string) {
	if w.c.Archive == nil {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusNotFound, Detail: call.ErrNoRecording.Error()})
		return
	}
	a, err := w.c.Archive.About(r.Context(), ref)
	if err != nil {
		w.noRecording(rw, err)
		return
	}
	writeJSON(rw, "application/json", http.StatusOK, a)
}

func (w *Console) noRecording(rw http.ResponseWriter, err error) {
	if errors.Is(err, call.ErrNoRecording) {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusNotFound, Detail: call.ErrNoRecording.Error()})
		return
	}
	w.c.Logger.Error("recording can't be read", "err", err)
	writeProblem(rw, &wire.ProblemError{Status: http.StatusBadGateway, Detail: "the recording can't be read now"})
}

// listening remembers who listens to what, so that a player's many requests are
// written down once.
type listening struct {
	now func() time.Time

	mu   sync.Mutex
	last map[string]time.Time
}

// first tells whether somebody begins to listen.
func (l *listening) first(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	at, known := l.last[who]
	if len(l.last) >= maxListeners {
		clear(l.last)
	}
	l.last[who] = now
	return !known || now.Sub(at) > oneListening
}

func (l *listening) forget(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.last, who)
}
