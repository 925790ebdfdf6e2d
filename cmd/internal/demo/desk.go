package demo

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
)

// deskPage shows the nodes of a demo, with a button to kill each.
const deskPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>Tierline: nodes of the demo</title>
<style>body{font:16px system-ui;margin:2em}td{padding:.4em 1em}button{font:inherit;padding:.3em 1em}</style>
<h1>Nodes of the demo</h1><table>{{range .}}<tr><td><b>{{.Name}}</b></td><td>{{.At}}</td>
<td>{{if .Alive}}runs{{else}}dead; it starts again by itself{{end}}</td>
<td>{{if .Alive}}<form method="post" action="/kill/{{.Name}}"><button>kill -9</button></form>{{end}}</td></tr>
{{end}}</table>
<p>Whoever talks at a node that is killed hears half a second of nothing; whoever waits keeps his place.</p></html>
`

type deskRow struct {
	Name, At string
	Alive    bool
}

// openDesk serves the page.
func (f *fleet) openDesk(ctx context.Context, at netip.Addr) error {
	page, err := template.New("desk").Parse(deskPage)
	if err != nil {
		return fmt.Errorf("page of the nodes: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(at, deskPort).String())
	if err != nil {
		return fmt.Errorf("page of the nodes: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		var rows []deskRow
		for _, p := range f.nodes {
			rows = append(rows, deskRow{p.name, p.sip.String(), p.alive()})
		}
		_ = page.Execute(w, rows) // a browser that has gone away needs no page
	})
	mux.HandleFunc("POST /kill/{node}", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range f.nodes {
			if p.name == r.PathValue("node") && p.kill() {
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
		}
		http.Error(w, "no such node runs", http.StatusNotFound)
	})
	f.desk = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = f.desk.Serve(l) }() // ends by close
	return nil
}

// killCommand is `tierline demo kill`.
func killCommand() *cobra.Command {
	var desk string
	cmd := &cobra.Command{
		Use: "kill NODE", Short: "Kill a node of a demo with several (kill -9); it is started again after some seconds",
		Example: "  tierline demo kill n2", Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, desk+"/kill/"+args[0], nil)
			if err != nil {
				return fmt.Errorf("--desk: %w", err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("no demo with several nodes (`tierline demo --nodes 3`) runs at %s: %w", desk, err)
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != http.StatusOK {
				text, _ := io.ReadAll(io.LimitReader(res.Body, 200)) // what there is of it
				return errors.New(string(text))
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), args[0]+" is killed")
			return err
		},
	}
	cmd.Flags().StringVar(&desk, "desk", "http://127.0.0.10:8080", "page of the demo's nodes")
	return cmd
}
