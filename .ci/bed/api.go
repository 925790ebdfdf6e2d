package bed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Get reads a resource of the node's API into v.
func (n *Node) Get(ctx context.Context, path string, v any) error {
	return n.do(ctx, http.MethodGet, path, nil, v)
}

// Post sends body to a resource and reads the answer into v, if it is not nil.
func (n *Node) Post(ctx context.Context, path string, body, v any) error {
	return n.do(ctx, http.MethodPost, path, body, v)
}

func (n *Node) do(ctx context.Context, method, path string, body, v any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.URL(path), in)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	n.sign(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the switch: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Metric returns the value of one line of /metrics, 0 if there is none. name
// includes the labels as they are written there.
func (n *Node) Metric(ctx context.Context, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL("/metrics"), nil)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	n.sign(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask the switch: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, nil
}

// sign says who asks.
func (n *Node) sign(req *http.Request) {
	if n.Token != "" {
		req.Header.Set("Authorization", "Bearer "+n.Token)
	}
}
