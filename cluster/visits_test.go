package cluster

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A member's API is reached over the wires between nodes, by members only.
func TestAMemberIsVisited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTrio(t)
		defer c.stop()
		host, guest := c.node["n2"], c.node["n1"]
		if got := guest.Others(); len(got) != 2 || got[0] != "n2" || got[1] != "n3" {
			t.Errorf("others of n1: %v", got)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "n2 has "+r.URL.Path)
		}), ReadHeaderTimeout: time.Minute}
		done := make(chan error, 1)
		go func() { done <- s.Serve(host.Visitors()) }()
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return guest.Visit(ctx, "n2")
		}}}
		for range 2 {
			resp, err := client.Get("http://n2/calls")
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(resp.Body)
			if err = errors.Join(err, resp.Body.Close()); err != nil || string(b) != "n2 has /calls" {
				t.Errorf("%q, %v", b, err)
			}
		}
		client.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if _, err := guest.Visit(t.Context(), "n9"); err == nil || !strings.Contains(err.Error(), "no member") {
			t.Errorf("a stranger is visited: %v", err)
		}
		began := time.Now()
		conn, err := guest.Visit(t.Context(), "n3") // where nobody serves yet
		if err != nil {
			t.Fatal(err)
		}
		if _, err = conn.Read(make([]byte, 1)); err == nil || time.Since(began) > time.Second {
			t.Errorf("nobody is at home: %v after %v", err, time.Since(began))
		}
		_ = conn.Close()
	})
}

func TestANodeAloneHasNobodyToVisit(t *testing.T) {
	n := mustOpen(t, Config{})
	if n.Visitors() != nil || n.Others() != nil {
		t.Errorf("%v %v", n.Visitors(), n.Others())
	}
	if _, err := n.Visit(t.Context(), "n2"); !errors.Is(err, errAlone) {
		t.Errorf("%v", err)
	}
}
