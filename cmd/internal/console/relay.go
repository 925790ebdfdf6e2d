package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/signin"
)

// Members are the other nodes of the cluster. A request about a call is
// answered by the node that holds it, whichever was asked.
type Members interface {
	Others() []string
	Visit(ctx context.Context, node string) (net.Conn, error)
}

// Limits on what goes between nodes.
const (
	relayTimeout = 15 * time.Second       // until another node begins to answer
	glanceLimit  = 700 * time.Millisecond // for what is nice to know of another node
	maxCommand   = 64 << 10               // a command's body
	idleVisits   = 4                      // connections kept to each node
	visitTimeout = 2 * time.Minute        // for one of these without use
)

// relay sends requests to where they can be answered.
type relay struct {
	console *Console
	client  *http.Client
	routes  *http.ServeMux
	local   http.Handler
}

// newRelay puts itself in front of what this node can answer; nil members: it
// is alone, and answers everything.
func newRelay(w *Console, local http.Handler) *relay {
	r := &relay{console: w, local: local, routes: http.NewServeMux()}
	r.client = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				node, _, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, fmt.Errorf("node %s: %w", addr, err)
				}
				return w.c.Members.Visit(ctx, node)
			},
			MaxIdleConnsPerHost: idleVisits, IdleConnTimeout: visitTimeout, ResponseHeaderTimeout: relayTimeout,
			DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	holder := func(f func(r *http.Request, s *acd.State) string) http.HandlerFunc {
		return func(rw http.ResponseWriter, req *http.Request) {
			var node string
			w.c.Core.Read(func(s *acd.State) { node = f(req, s) })
			r.to(rw, req, node)
		}
	}
	ofAgent := holder(func(req *http.Request, s *acd.State) string { return nodeOf(s, req.PathValue("id"), "") })
	ofCall := holder(func(req *http.Request, s *acd.State) string { return nodeOf(s, "", req.PathValue("call")) })
	r.routes.HandleFunc("POST /api/v1/agents/{id}/call", ofAgent)
	r.routes.HandleFunc("DELETE /api/v1/supervisions/{id}", ofAgent)
	r.routes.HandleFunc("POST /api/v1/supervisions", r.supervision)
	r.routes.HandleFunc("POST /api/v1/nodes/{node}/drain", func(rw http.ResponseWriter, req *http.Request) {
		r.to(rw, req, req.PathValue("node"))
	})
	r.routes.HandleFunc("POST /api/v1/calls/{call}/recording", ofCall)
	r.routes.HandleFunc("POST /api/v1/calls/{call}/secret", ofCall)
	r.routes.HandleFunc("GET "+tracePath, r.trace)
	r.routes.HandleFunc("GET "+tracePath+".pcapng", r.trace)
	r.routes.HandleFunc("GET "+recordingPath+"{ref...}", r.recording)
	r.routes.Handle("GET /api/v1/recordings", local) // or the line above would have it redirected
	r.routes.Handle("/", local)
	return r
}

// ServeHTTP implements http.Handler.
func (r *relay) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if len(r.others()) == 0 || isVisit(req.Context()) {
		r.local.ServeHTTP(rw, req)
		return
	}
	r.routes.ServeHTTP(rw, req)
}

func (r *relay) others() []string {
	if r.console.c.Members == nil {
		return nil
	}
	return r.console.c.Members.Others()
}

// nodeOf is the node that holds an agent's call, or a call; "" if none does.
func nodeOf(s *acd.State, agent, call string) string {
	if agent != "" {
		a, _ := s.Agent(agent)
		call = a.Call
	}
	v, _ := s.Call(call)
	return v.Node
}

// to answers here, or lets the node that holds the call answer.
func (r *relay) to(rw http.ResponseWriter, req *http.Request, node string) {
	if node == "" || node == r.console.c.Node || !slices.Contains(r.others(), node) {
		r.local.ServeHTTP(rw, req)
		return
	}
	if _, err := r.hand(rw, req, node, func(int) bool { return true }); err != nil {
		r.console.c.Logger.Warn("request can't be passed on", "node", node, "path", shownPath(req.URL.Path), "err", err)
		writeProblem(rw, &wire.ProblemError{
			Status: http.StatusBadGateway, Detail: fmt.Sprintf("node %s has it and can't be asked: %v", node, err),
		})
		return
	}
	r.console.c.Logger.Debug("request passed on", "node", node, "path", shownPath(req.URL.Path))
}

// supervision looks into the body for whose call it is about.
func (r *relay) supervision(rw http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxCommand))
	if err != nil {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusRequestEntityTooLarge, Detail: "a command is short"})
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	var about wire.Supervision
	node := ""
	if json.Unmarshal(body, &about) == nil { // whatever else it is, it is refused here
		r.console.c.Core.Read(func(s *acd.State) {
			switch {
			case about.Agent == "" && about.Call != "":
				node = nodeOf(s, "", about.Call)
			case about.Agent != "":
				node = nodeOf(s, about.Agent, "")
			default:
				node = nodeOf(s, about.Supervisor, "")
			}
		})
	}
	r.to(rw, req, node)
}

// trace finds who remembers a call. Who holds a running one knows it best;
// a name or number means the newest call, which may have been anywhere.
func (r *relay) trace(rw http.ResponseWriter, req *http.Request) {
	what := req.PathValue("call")
	var node string
	r.console.c.Core.Read(func(s *acd.State) { node = nodeOf(s, "", what) })
	if node == "" {
		node = r.newest(req.Context(), what)
	}
	r.to(rw, req, node)
}

// newest is the node whose memory has the newest call of what is asked for; ""
// if nobody's has any.
func (r *relay) newest(ctx context.Context, what string) (node string) {
	var began time.Time
	if found, ok := r.console.remembered(what, 0); ok {
		node, began = r.console.c.Node, found.Began
	}
	var mu sync.Mutex
	r.glance(func(other string) {
		var m memory
		if r.read(ctx, other, memoryPath+url.PathEscape(what), &m) != nil || !m.Known {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if node == "" || m.Began.After(began) {
			node, began = other, m.Began
		}
	})
	return node
}

// qualities says how the legs of calls sound, on whichever node they are. A
// node that doesn't say so soon is left out.
func (r *relay) qualities(ctx context.Context, calls []acd.CallView) map[string][]wire.LegQuality {
	all := r.console.legQualities()
	away := map[string]bool{}
	for i := range calls {
		away[calls[i].Node] = true
	}
	if isVisit(ctx) {
		return all
	}
	var mu sync.Mutex
	r.glance(func(node string) {
		var heard map[string][]wire.LegQuality
		if !away[node] || r.read(ctx, node, soundsPath, &heard) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(all, heard)
	})
	return all
}

// recording answers from where the file is: on this node or in the store that
// all share, else on the node that recorded it.
func (r *relay) recording(rw http.ResponseWriter, req *http.Request) {
	if r.console.hasRecording(req) {
		r.local.ServeHTTP(rw, req)
		return
	}
	_ = http.NewResponseController(rw).SetWriteDeadline(time.Now().Add(soundTimeout)) // not every writer has one
	for _, node := range r.others() {
		found, err := r.hand(rw, req, node, func(status int) bool { return status != http.StatusNotFound })
		if found && err == nil {
			return
		}
	}
	r.local.ServeHTTP(rw, req) // which says that there is none
}

// glance asks all other nodes at once for what is nice to know.
func (r *relay) glance(ask func(node string)) {
	var wg sync.WaitGroup
	for _, node := range r.others() {
		wg.Go(func() { ask(node) })
	}
	wg.Wait()
}

// read gets JSON of another node, if that is quick.
func (r *relay) read(ctx context.Context, node, path string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, glanceLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return fmt.Errorf("ask node %s: %w", node, err)
	}
	resp, err := r.ask(ctx, node, req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("node %s answers %s", node, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxDocuments)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of node %s: %w", node, err)
	}
	return nil
}

// ask sends a request to another node as it is.
func (r *relay) ask(ctx context.Context, node string, req *http.Request) (*http.Response, error) {
	out := req.Clone(ctx)
	out.URL.Scheme, out.URL.Host, out.Host, out.RequestURI = "http", node, node, ""
	for _, h := range []string{"Connection", "Authorization", "Cookie", "Origin", userHeader} { // they end here
		out.Header.Del(h)
	}
	if u, ok := ctx.Value(userKey{}).(signin.User); ok {
		out.Header.Set(userHeader, u.Name)
	}
	resp, err := r.client.Do(out)
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", node, why(err))
	}
	return resp, nil
}

// why is an error without the address, which means nothing outside the cluster.
func why(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// hand gives another node's answer to who asked, if its status is good.
func (r *relay) hand(rw http.ResponseWriter, req *http.Request, node string, good func(status int) bool) (bool, error) {
	resp, err := r.ask(req.Context(), node, req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if !good(resp.StatusCode) {
		return false, nil
	}
	maps.Copy(rw.Header(), resp.Header)
	rw.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(rw, resp.Body) // who left, here or there, needs no answer
	return true, nil
}
