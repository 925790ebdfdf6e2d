package console

import (
	"net/http"
	"strings"

	"tierline/acd"
	"tierline/cmd/internal/console/wire"
)

// healthz says that the process answers, nothing more: a supervisor that
// restarts it for a full disk or a lost quorum would only make things worse.
func (w *Console) healthz(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, "application/json", http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether new calls are taken, and why not.
func (w *Console) readyz(rw http.ResponseWriter, _ *http.Request) {
	r := wire.Readiness{Node: w.c.Node, Version: w.c.Version, Ready: true}
	w.c.Core.Read(func(s *acd.State) { r.Generation = s.Generation() })
	status := http.StatusOK
	if err := w.c.Ready(); err != nil {
		status, r.Ready = http.StatusServiceUnavailable, false
		r.Reasons = strings.Split(err.Error(), "\n")
	}
	writeJSON(rw, "application/json", status, r)
}
