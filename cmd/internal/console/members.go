package console

import (
	"context"
	"net"
	"net/http"
	"time"

	"tierline/cmd/internal/spread"
)

// What nodes ask each other beside what everybody may ask. These paths exist on
// connections of members only.
const (
	memoryPath = "/members/traces/"
	soundsPath = "/members/sounds"
)

// memory is whether a node remembers a call.
type memory struct {
	Known bool      `json:"known"`
	Began time.Time `json:"began"`
}

// visitKey marks the context of a request that came from another node: it is
// answered here, or not at all.
type visitKey struct{}

func isVisit(ctx context.Context) bool {
	_, ok := ctx.Value(visitKey{}).(bool)
	return ok
}

// ServeMembers answers other nodes until the context ends. Who is on such a
// connection has proved to be a member, and has checked who asks.
func (w *Console) ServeMembers(ctx context.Context, l net.Listener) error {
	return w.serve(context.WithValue(ctx, visitKey{}, true), l, w.members())
}

func (w *Console) members() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+memoryPath+"{call}", func(rw http.ResponseWriter, r *http.Request) {
		found, ok := w.remembered(r.PathValue("call"), 0)
		writeJSON(rw, "application/json", http.StatusOK, memory{ok, found.Began})
	})
	mux.HandleFunc("GET "+soundsPath, func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, "application/json", http.StatusOK, w.legQualities())
	})
	if w.c.Prompts != nil {
		mux.Handle(spread.Path, w.c.Prompts)
	}
	mux.Handle("/", w.handler)
	return mux
}
