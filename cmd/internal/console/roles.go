package console

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
	"tierline/cmd/internal/signin"
)

// Door tells who a token belongs to.
type Door interface {
	Enter(ctx context.Context, from netip.Addr, name, secret string) (signin.User, error)
}

// userKey is the context's place for who asks.
type userKey struct{}

// userHeader says to another node who asks. It counts on connections of members
// only.
const userHeader = "Tierline-User"

// asks is who asks: the user who signed in, else who the request says, else
// the API.
func asks(ctx context.Context, claimed string) string {
	if u, ok := ctx.Value(userKey{}).(signin.User); ok {
		return u.Name
	}
	return cmp.Or(claimed, apiUser)
}

// need is what a request demands of who asks.
type need struct {
	role signin.Role
	// own tells whether a request of an agent is about himself.
	own func(w *Console, r *http.Request, agent string) bool
}

// needs are the roles by method and path. What isn't here is for engineers.
func needs() map[string]need {
	out := map[string]need{}
	for role, patterns := range map[signin.Role][]string{
		signin.Agent: {
			"GET /metrics", "GET /api/v1/openapi.json", "GET /api/v1/openapi.yaml", "GET /api/v1/openapi-3.0.json",
			"GET /api/v1/openapi-3.0.yaml", "GET /api/v1/agents", "GET /api/v1/agents/{id}", "GET /api/v1/queues",
			"GET /api/v1/nodes",
		},
		signin.Supervisor: {
			"GET /api/v1/calls", "GET /api/v1/calls/{id}", "POST /api/v1/calls/{id}/band", "GET /api/v1/calls/{id}/explain",
			"GET /api/v1/explain", "GET " + tracePath, "GET " + tracePath + ".pcapng",
			"GET /api/v1/callbacks", "POST /api/v1/callbacks", "GET /api/v1/callbacks/{id}", "DELETE /api/v1/callbacks/{id}",
			"GET /api/v1/lockouts", "POST /api/v1/lockouts/clear", "GET /api/v1/cdrs", "GET /api/v1/cdrs/{call}",
			"GET /api/v1/stats/queues", "GET /api/v1/stats/agents", "GET /api/v1/recordings",
			"GET " + recordingPath + "{ref...}",
			"GET /api/v1/events", "POST /api/v1/supervisions", "DELETE /api/v1/supervisions/{id}", "GET /api/v1/trunks",
			"GET /api/v1/generations",
		},
		signin.Engineer: {
			"GET /api/v1/bans", "POST /api/v1/bans/lift", "POST /api/v1/trunks/{name}/test",
			"GET /api/v1/generations/current/documents", "POST /api/v1/generations", "POST /api/v1/generations/rollback",
			"PUT /api/v1/prompts/{sha256}", "GET " + backupPath, "POST /api/v1/nodes/{node}/drain",
			"DELETE /api/v1/nodes/{node}",
		},
	} {
		for _, p := range patterns {
			out[p] = need{role: role}
		}
	}
	for _, what := range []string{"state", "call", "disposition"} {
		out["POST /api/v1/agents/{id}/"+what] = need{signin.Supervisor, ownAgent}
	}
	for _, what := range []string{"recording", "secret"} {
		out["POST /api/v1/calls/{call}/"+what] = need{signin.Supervisor, ownCall}
	}
	return out
}

func ownAgent(_ *Console, r *http.Request, agent string) bool { return segment(r, 4) == agent }

func ownCall(w *Console, r *http.Request, agent string) (own bool) {
	w.c.Core.Read(func(s *acd.State) {
		v, _ := s.Call(segment(r, 4))
		own = v.Agent == agent
	})
	return own
}

// segment is a part of a request's path; the first is 1.
func segment(r *http.Request, n int) string {
	parts := strings.Split(r.URL.Path, "/")
	if n >= len(parts) {
		return ""
	}
	return parts[n]
}

// open tells what everybody may ask: whether the node lives says nothing about
// calls, and who watches processes has no token.
func open(path string) bool { return path == "/healthz" || path == "/readyz" }

// gatekeeper lets requests through whose user has the role for them.
func (w *Console) gatekeeper(next http.Handler) http.Handler {
	if w.c.Door == nil {
		return next
	}
	roles, patterns := needs(), http.NewServeMux()
	for p := range roles {
		patterns.Handle(p, http.NotFoundHandler())
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case open(r.URL.Path):
			next.ServeHTTP(rw, r)
			return
		case isVisit(r.Context()): // another node has looked
			if name := r.Header.Get(userHeader); name != "" {
				r = r.WithContext(context.WithValue(r.Context(), userKey{}, signin.User{Name: name}))
			}
			next.ServeHTTP(rw, r)
			return
		}
		u, err := w.enter(r)
		if err != nil {
			w.refuseEntry(rw, err)
			return
		}
		_, pattern := patterns.Handler(r)
		n, known := roles[pattern]
		if !known {
			n.role = signin.Engineer
		}
		if !u.Role.Covers(n.role) && (n.own == nil || u.Agent == "" || !n.own(w, r, u.Agent)) {
			w.c.Logger.Info("request not permitted", "user", u.Name, "role", string(u.Role), "method", r.Method,
				"path", shownPath(r.URL.Path))
			writeProblem(rw, &wire.ProblemError{
				Status: http.StatusForbidden,
				Detail: "the role " + string(u.Role) + " may not do that; it takes " + string(n.role),
			})
			return
		}
		next.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), userKey{}, u)))
	})
}

var errNoToken = errors.New("the request has no token: Authorization: Bearer NAME.SECRET")

// enter reads the token of a request: of a program, or as a browser asks for
// name and password, which are the token's two parts.
func (w *Console) enter(r *http.Request) (signin.User, error) {
	name, secret, basic := r.BasicAuth()
	if !basic {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return signin.User{}, errNoToken
		}
		name, secret = signin.Split(strings.TrimSpace(token))
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	from, _ := netip.ParseAddr(host)                               // none in tests without sockets
	return w.c.Door.Enter(r.Context(), from.Unmap(), name, secret) //nolint:wrapcheck // it says why
}

func (w *Console) refuseEntry(rw http.ResponseWriter, err error) {
	p := &wire.ProblemError{Status: http.StatusUnauthorized, Detail: err.Error()}
	switch {
	case errors.Is(err, signin.ErrHeld):
		p.Status = http.StatusTooManyRequests
		rw.Header().Set("Retry-After", "60")
	case errors.Is(err, signin.ErrUnknown), errors.Is(err, errNoToken):
		rw.Header().Add("WWW-Authenticate", `Bearer realm="tierline"`)
		rw.Header().Add("WWW-Authenticate", `Basic realm="tierline", charset="UTF-8"`)
	default:
		p.Status, p.Detail = http.StatusServiceUnavailable, "who asks can't be found out now"
	}
	writeProblem(rw, p)
}
