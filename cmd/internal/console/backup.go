package console

import (
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tierline/cmd/internal/console/wire"
)

// backupPath is where a backup is to be had.
const backupPath = "/api/v1/backup"

// backupTimeout is how long it may take to read one.
const backupTimeout = 30 * time.Minute

// backup registers the backup by hand: it is a stream.
func (w *Console) backup(mux *http.ServeMux) {
	mux.HandleFunc("GET "+backupPath, w.sendBackup)
	w.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "get-backup", Method: http.MethodGet, Path: backupPath, Tags: []string{"cluster"},
		Summary: "All that a node can be brought back from, in one file",
		Description: "The replicated state, call records and sounds, as `tierline restore` reads them. A stream that " +
			"breaks off has no end, and is refused there. Secrets of phones and trunks are in it.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The file", Content: map[string]*huma.MediaType{
				"application/gzip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}},
		},
	})
}

func (w *Console) sendBackup(rw http.ResponseWriter, r *http.Request) {
	if w.c.Backup == nil {
		writeProblem(rw, &wire.ProblemError{Status: http.StatusNotFound, Detail: "this node keeps nothing"})
		return
	}
	_ = http.NewResponseController(rw).SetWriteDeadline(time.Now().Add(backupTimeout)) // not every writer has one
	out := &begun{Writer: rw}
	rw.Header().Set("Content-Type", "application/gzip")
	if err := w.c.Backup(r.Context(), out); err != nil {
		w.c.Logger.Error("backup failed", "err", err)
		if !out.yes {
			writeProblem(rw, &wire.ProblemError{
				Status: http.StatusInternalServerError, Detail: "the backup failed: the node's log says why",
			})
		}
	}
}

// begun knows whether anything was written.
type begun struct {
	io.Writer

	yes bool
}

// Write implements io.Writer.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.Writer.Write(p)
}
