package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"

	"tierline/.ci/bed"
)

// users makes one of each role, and has nodes ask who it is.
func (t *trio) users(ctx context.Context, nodes []*bed.Node) error {
	file := filepath.Join(t.dir, "users.yaml")
	t.tokens = map[string]string{}
	for _, role := range []string{"agent", "supervisor", "engineer"} {
		args := []string{"users", "add", role, "--role", role, "--file", file}
		if role == "agent" {
			args = append(args, "--agent", "1001")
		}
		out, err := t.cli(ctx, nil, args...)
		if err != nil {
			return err
		}
		t.tokens[role] = strings.TrimSpace(out)
	}
	for _, n := range nodes {
		n.Users, n.Token = file, t.tokens["engineer"]
	}
	return nil
}

// signedIn asks each node for what a role may do and for what it may not; a node
// that only passes a request on asks who sends it.
func (t *trio) signedIn(ctx context.Context) error {
	other := t.nodes[0]
	var errs []error
	for _, n := range t.nodes[1:] {
		for _, c := range []struct {
			role, method, path string
			want               int
		}{
			{"", http.MethodGet, "/api/v1/agents", http.StatusUnauthorized},
			{"nobody", http.MethodGet, "/api/v1/agents", http.StatusUnauthorized},
			{"", http.MethodPost, "/api/v1/nodes/" + other.Name + "/drain", http.StatusUnauthorized},
			{"agent", http.MethodGet, "/api/v1/agents", http.StatusOK},
			{"agent", http.MethodGet, "/api/v1/cdrs", http.StatusForbidden},
			{"supervisor", http.MethodGet, "/api/v1/cdrs", http.StatusOK},
			{"supervisor", http.MethodPost, "/api/v1/nodes/" + other.Name + "/drain", http.StatusForbidden},
			{"supervisor", http.MethodDelete, "/api/v1/nodes/" + other.Name, http.StatusForbidden},
			{"engineer", http.MethodDelete, "/api/v1/nodes/" + other.Name, http.StatusConflict},
		} {
			got, err := t.status(ctx, n, c.role, c.method, c.path)
			if err == nil && got != c.want {
				err = fmt.Errorf("%s: %s %s by %q: %d, want %d", n.Name, c.method, c.path, c.role, got, c.want)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// status asks a node as somebody.
func (t *trio) status(ctx context.Context, n *bed.Node, role, method, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, n.URL(path), http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	switch {
	case role == "nobody":
		req.Header.Set("Authorization", "Bearer nobody.at-all")
	case role != "":
		req.Header.Set("Authorization", "Bearer "+t.tokens[role])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", n.Name, err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}
