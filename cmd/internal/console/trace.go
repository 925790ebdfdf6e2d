package console

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"tierline/acd"
	"tierline/acd/report/store"
	"tierline/call/trace"
	"tierline/cmd/internal/console/wire"
)

// Traces are what this node remembers of calls.
type Traces interface {
	Find(what string, after uint64) (trace.Found, bool)
}

const (
	tracePath = "/api/v1/calls/{call}/trace"
	maxEvents = 5000 // read at once of the records
	maxRecall = 20   // times that
)

func (w *Console) traces(mux *http.ServeMux) {
	tags := []string{"traces"}
	huma.Register(w.api, huma.Operation{
		OperationID: "get-trace", Method: http.MethodGet, Path: tracePath, Tags: tags,
		Summary: "What happened to a call: SIP, RTP, keys, menu and queue in one sequence",
		Description: "The call is named by its id or the first six or more letters of that, by the Call-ID of one of " +
			"its legs, or by a number or agent: then it is the newest. What the node's memory has forgotten, or another " +
			"process had, is told from the records, without messages. Credentials, keys and secret digits are in no " +
			"trace. Who asks gets into the node's log.",
		Errors: []int{http.StatusNotFound},
	}, w.getTrace)
	mux.HandleFunc("GET "+tracePath+".pcapng", w.capture)
	text := &huma.Schema{Type: huma.TypeString}
	w.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "get-capture", Method: http.MethodGet, Path: tracePath + ".pcapng", Tags: tags,
		Summary: "The SIP messages of a call as a capture file",
		Description: "Each message is a UDP datagram with the addresses it had, whatever carried it. What happened " +
			"between two messages is the comment of the later one.",
		Parameters: []*huma.Param{
			{Name: "call", In: "path", Required: true, Schema: text, Description: "As for the trace"},
			{Name: "by", In: "query", Schema: text, Description: "Who asks"},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "pcapng", Content: map[string]*huma.MediaType{
				"application/x-pcapng": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}},
			"404": {Description: "Nothing is known of it, or its messages are gone"},
		},
	})
}

type traceInput struct {
	Call  string `path:"call" maxLength:"256"`
	After uint64 `query:"after" doc:"Only entries after this one: next of the answer before"`
	By    string `query:"by" maxLength:"64" doc:"Who asks"`
}

func (w *Console) getTrace(ctx context.Context, in *traceInput) (*answer[wire.Trace], error) {
	found, ok := w.remembered(in.Call, in.After)
	source := "memory"
	if !ok {
		c, err := w.recall(ctx, in.Call)
		if err != nil {
			return nil, err
		}
		found, source = trace.Found{Call: c}, "records"
	}
	if in.After == 0 {
		w.c.Logger.Info("trace read", "call", found.ID, "source", source, "by", asks(ctx, in.By))
	}
	out := wireTrace(&found, in.After)
	out.Node, out.Source = w.c.Node, source
	return &answer[wire.Trace]{Body: out}, nil
}

func (w *Console) remembered(what string, after uint64) (trace.Found, bool) {
	if w.c.Traces == nil {
		return trace.Found{}, false
	}
	return w.c.Traces.Find(what, after)
}

// recall finds a call in the records: by its id, or the newest of a number.
func (w *Console) recall(ctx context.Context, what string) (trace.Call, error) {
	cdr, err := w.c.Records.CDR(ctx, what)
	if errors.Is(err, store.ErrNotFound) {
		found, listErr := w.c.Records.CDRs(ctx, store.Query{Number: what, Limit: 1})
		if err = listErr; err == nil && len(found) == 0 {
			return trace.Call{}, w.noTrace(what)
		}
		if err == nil {
			cdr = found[0]
		}
	}
	if err != nil {
		return trace.Call{}, w.problem(err)
	}
	var told []trace.Told
	after := cdr.FirstIndex - 1
	for range maxRecall {
		events, err := w.c.Records.Events(ctx, after, maxEvents)
		if err != nil {
			return trace.Call{}, w.problem(err)
		}
		for i := range events {
			e := &events[i]
			after = e.Index
			if e.Fact.Call == cdr.Call && e.Index <= cdr.LastIndex {
				told = append(told, trace.Told{At: e.Wall.Std(), Fact: e.Fact})
			}
		}
		if len(events) == 0 || after >= cdr.LastIndex {
			break
		}
	}
	return trace.Recall(cdr.Call, told), nil
}

// noTrace says why there is nothing to tell of a call.
func (w *Console) noTrace(what string) error {
	var view acd.CallView
	var running bool
	w.c.Core.Read(func(s *acd.State) { view, running = s.Call(what) })
	switch {
	case running && view.Node != w.c.Node:
		return notFoundProblem("call " + what + " runs on node " + view.Node + ", which can't be asked")
	case running:
		return notFoundProblem("call " + what + " runs, but this node keeps no traces (trace.enabled), or has forgotten it")
	}
	return notFoundProblem("nothing is known of a call, Call-ID or number " + what)
}

func (w *Console) capture(rw http.ResponseWriter, r *http.Request) {
	found, ok := w.remembered(r.PathValue("call"), 0)
	if !ok {
		writeProblem(rw, &wire.ProblemError{
			Status: http.StatusNotFound, Detail: "messages are kept in the memory of the node that had the call, for a while",
		})
		return
	}
	w.c.Logger.Info("capture read", "call", found.ID, "by", asks(r.Context(), r.URL.Query().Get("by")))
	rw.Header().Set("Content-Type", "application/x-pcapng")
	_, _ = rw.Write(trace.Capture(found.Call)) // a client that left isn't our problem
}

func wireTrace(f *trace.Found, after uint64) wire.Trace {
	out := wire.Trace{
		Call: f.ID, From: f.From, To: f.To, Began: f.Began, Ended: f.Ended, Missing: f.Dropped, Next: after,
		Legs: make([]wire.TraceLeg, len(f.Legs)), Entries: make([]wire.TraceEntry, len(f.Entries)),
	}
	for i, l := range f.Legs {
		out.Legs[i] = wire.TraceLeg{Role: string(l.Role), Name: l.Name, SIPCallID: l.CallID}
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		out.Entries[i] = wireEntry(e)
		out.Next = max(out.Next, e.Seq)
	}
	for _, o := range f.Others {
		other := wire.TraceOther{Call: o.ID, From: o.From, To: o.To, Began: o.Began}
		if o.ID == "" && len(o.Legs) > 0 {
			other.SIP = o.Legs[0].CallID
		}
		out.Others = append(out.Others, other)
	}
	return out
}

func wireEntry(e *trace.Entry) wire.TraceEntry {
	out := wire.TraceEntry{Seq: e.Seq, At: e.At, Kind: string(e.Kind), Text: e.Text(), Event: e.Event}
	if e.Leg >= 0 {
		out.Leg = &e.Leg
	}
	if m := e.SIP; m != nil {
		out.SIP = &wire.TraceMessage{
			Out: m.Out, Transport: m.Transport, Local: m.Local.String(), Remote: m.Remote.String(), Text: string(m.Text),
		}
	}
	if s := e.RTP; s != nil {
		out.RTP = &wire.TraceSound{
			Final: s.Final, Codec: s.Codec, Local: place(s.Local), Remote: place(s.Remote), Sent: s.Sent,
			Received: s.Received, Lost: s.Lost, Late: s.Late, JitterMS: s.Jitter.Milliseconds(),
			MaxGapMS: s.MaxGap.Milliseconds(), RemoteLost: s.RemoteLost, RemoteJitter: s.RemoteShake.Milliseconds(),
			RoundTripMS: s.RoundTrip.Milliseconds(), MOSX100: s.MOS, RemoteMOSX100: s.RemoteMOS,
		}
	}
	return out
}

// place is an address, or nothing.
func place(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// legQualities says how the legs of the calls on this node sound.
func (w *Console) legQualities() map[string][]wire.LegQuality {
	out := map[string][]wire.LegQuality{}
	if w.c.Calls == nil {
		return out
	}
	for id, legs := range w.c.Calls.Sounds() {
		for _, l := range legs {
			out[id] = append(out[id], wire.LegQuality{Role: string(l.Role), Name: l.Name, Quality: l.Quality})
		}
	}
	return out
}
