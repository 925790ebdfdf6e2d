package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd/report"
	"tierline/cluster"
	"tierline/cmd/internal/console/wire"
)

// How an event stream treats its reader.
const (
	heartbeat   = 15 * time.Second
	slowReader  = 10 * time.Second // a write that takes longer ends the stream
	streamAhead = 64               // stories read ahead of the writer
	historyPage = 500
)

const eventsText = "Server-sent events: the field id is the log index of an entry, event is the kind of a fact, data " +
	"is the fact in a CloudEvents envelope. Facts of one entry share its index; the id comes with the last of them, so " +
	"a reader that comes back with Last-Event-ID, on any node, misses nothing and may at most see the facts of one " +
	"entry again. Without an id the stream begins now; after=0 begins with the oldest event kept. " +
	"410 means that the events after the id are no longer kept, or were never written here. " +
	"A reader that doesn't keep up is cut off and should come back with its last id."

// events registers the stream by hand: huma has no part in it but the
// description.
func (w *Console) events(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/events", w.stream)
	text := &huma.Schema{Type: huma.TypeString}
	index := &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
	w.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"events"},
		Summary: "What happens, as it happens", Description: eventsText,
		Parameters: []*huma.Param{
			{Name: "after", In: "query", Schema: index, Description: "Log index to go on after"},
			{Name: "types", In: "query", Schema: text, Description: "Kinds to send, with commas; call.* means all of calls"},
			{Name: "Last-Event-ID", In: "header", Schema: index, Description: "Like after, and before it"},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "Events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}},
			"410": {Description: "The events after the id are not here"},
		},
	})
}

func (w *Console) stream(rw http.ResponseWriter, r *http.Request) {
	after, given, err := startOf(r)
	if err != nil {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusBadRequest, Detail: err.Error()})
		return
	}
	last := w.c.Core.Stats().Applied
	if !given {
		after = last
	}
	gone, err := w.gone(r.Context(), after, last)
	switch {
	case err != nil:
		w.c.Logger.Error("request failed", "err", err)
		writeProblem(rw, &wire.ProblemError{Status: http.StatusInternalServerError})
		return
	case gone != "":
		writeProblem(rw, &wire.ProblemError{Status: http.StatusGone, Detail: gone})
		return
	}
	select {
	case w.streams <- struct{}{}:
		defer func() { <-w.streams }()
	default:
		rw.Header().Set("Retry-After", "5")
		writeProblem(rw, &wire.ProblemError{Status: http.StatusServiceUnavailable, Detail: "too many event streams"})
		return
	}
	s := &stream{w: rw, control: http.NewResponseController(rw), kinds: kinds(r.URL.Query().Get("types")), sent: after}
	if err := w.run(r.Context(), s, after); err != nil && r.Context().Err() == nil {
		w.c.Logger.Info("event stream ended", "after", s.sent, "err", err)
	}
}

// startOf returns the index to go on after. A browser that reconnects sends
// the header, with the address it began with.
func startOf(r *http.Request) (after uint64, given bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	if after, err = strconv.ParseUint(text, 10, 63); err != nil {
		return 0, false, fmt.Errorf("%.40q is no event id: it is a log index", text)
	}
	return after, true, nil
}

func parseNumber(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil { // more than fits is more than exists
		return ^uint64(0)
	}
	return n
}

// gone says why the stream can't begin after an index.
func (w *Console) gone(ctx context.Context, after, last uint64) (string, error) {
	if after > last {
		return fmt.Sprintf("the log ends at %d: the id %d is of another log; begin anew without an id", last, after), nil
	}
	if after == 0 {
		return "", nil
	}
	oldest, err := w.c.Records.Oldest(ctx)
	if err != nil {
		return "", err
	}
	if oldest > after+1 && !w.told(ctx, after) {
		return fmt.Sprintf("the oldest event kept has index %d; begin with after=0 or without an id", oldest), nil
	}
	return "", nil
}

// told reports whether the cluster itself still has what follows an index.
func (w *Console) told(ctx context.Context, after uint64) bool {
	ctx, cancel := context.WithCancel(ctx)
	cancel() // it answers at once, either way
	for _, err := range w.c.Core.Follow(ctx, after) {
		return !errors.Is(err, cluster.ErrCompacted)
	}
	return true
}

// kinds returns what a client wants to see; nil means everything.
func kinds(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// run sends until the context or the reader ends.
func (w *Console) run(ctx context.Context, s *stream, after uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.begin(); err != nil {
		return err
	}
	stories := make(chan []report.Event, streamAhead)
	var ended error // written before the channel is closed
	go func() {
		defer close(stories)
		ended = w.read(ctx, after, stories)
	}()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case events, more := <-stories:
			if !more {
				return ended
			}
			err = s.send(events)
		case <-beat.C:
			err = s.beat()
		}
		if err != nil {
			return err
		}
	}
}

// read brings what the cluster remembers, or before that what is stored.
func (w *Console) read(ctx context.Context, after uint64, out chan<- []report.Event) error {
	for {
		for s, err := range w.c.Core.Follow(ctx, after) {
			if errors.Is(err, cluster.ErrCompacted) {
				break
			}
			if err != nil {
				return err
			}
			events := make([]report.Event, len(s.Facts))
			for i, f := range s.Facts {
				events[i] = report.Event{Index: s.Index, Seq: i, Wall: report.Time(s.Wall), Fact: f}
			}
			if !pass(ctx, out, events) {
				return ctx.Err()
			}
			after = s.Index
		}
		stored, err := w.c.Records.Events(ctx, after, historyPage)
		if err != nil {
			return err
		}
		if len(stored) == 0 {
			return errors.New("what follows is no longer in memory and not yet stored")
		}
		for len(stored) > 0 {
			n := 1
			for n < len(stored) && stored[n].Index == stored[0].Index {
				n++
			}
			if !pass(ctx, out, stored[:n]) {
				return ctx.Err()
			}
			after, stored = stored[0].Index, stored[n:]
		}
	}
}

// pass hands the events of one entry to the writer.
func pass(ctx context.Context, out chan<- []report.Event, events []report.Event) bool {
	select {
	case out <- events:
		return true
	case <-ctx.Done():
		return false
	}
}

// stream is one client's connection.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	kinds   []string
	seen    uint64 // index of the last entry looked at
	sent    uint64 // index of the last id sent
	text    bytes.Buffer
}

// begin also tells a client that gave no id where it begins, so that it may
// come back even before the first event.
func (s *stream) begin() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	fmt.Fprintf(&s.text, "retry: 2000\nid: %d\n\n", s.sent)
	return s.flush()
}

// send writes the events of one entry. The id comes with the last one that
// the client wants to see.
func (s *stream) send(events []report.Event) error {
	if len(events) == 0 {
		return nil
	}
	s.seen = events[0].Index
	wanted := slices.DeleteFunc(slices.Clone(events), func(e report.Event) bool { return !s.wants(string(e.Fact.Kind)) })
	for i, e := range wanted {
		data, err := envelope(e)
		if err != nil {
			return err
		}
		if i == len(wanted)-1 {
			fmt.Fprintf(&s.text, "id: %d\n", e.Index)
			s.sent = e.Index
		}
		fmt.Fprintf(&s.text, "event: %s\ndata: %s\n\n", e.Fact.Kind, data)
	}
	return s.flush()
}

func (s *stream) wants(kind string) bool {
	return s.kinds == nil || slices.ContainsFunc(s.kinds, func(k string) bool {
		prefix, all := strings.CutSuffix(k, "*")
		return k == kind || all && strings.HasPrefix(kind, prefix)
	})
}

// beat shows that the stream lives, and moves the client's place over events
// it doesn't want: an id without data is remembered and makes no event.
func (s *stream) beat() error {
	s.text.WriteString(": alive\n")
	if s.seen > s.sent {
		s.sent = s.seen
		fmt.Fprintf(&s.text, "id: %d\n", s.seen)
	}
	s.text.WriteString("\n")
	return s.flush()
}

// flush gives the reader a limited time to take what is written.
func (s *stream) flush() error {
	defer s.text.Reset()
	if s.text.Len() == 0 {
		return nil
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(slowReader)); err != nil {
		return fmt.Errorf("limit the time of a write: %w", err)
	}
	if _, err := s.w.Write(s.text.Bytes()); err != nil {
		return fmt.Errorf("write to the event stream: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("write to the event stream: %w", err)
	}
	return nil
}

// envelope wraps a fact as CloudEvents 1.0 do. Every node gives the same.
func envelope(e report.Event) ([]byte, error) {
	data, err := json.Marshal(e.Fact)
	if err != nil {
		return nil, fmt.Errorf("encode a fact: %w", err)
	}
	out := wire.Event{
		SpecVersion: "1.0", ID: fmt.Sprintf("%d.%d", e.Index, e.Seq), Source: "/tierline",
		Type: "tierline." + string(e.Fact.Kind) + ".v1", Time: e.Wall, Index: e.Index, Seq: e.Seq, Data: data,
	}
	switch {
	case strings.HasPrefix(string(e.Fact.Kind), "call."):
		out.Subject = "call/" + e.Fact.Call
	case e.Fact.Agent != "":
		out.Subject = "agent/" + e.Fact.Agent
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	return text, nil
}
