package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/cmd/internal/console/wire"
)

// api is the node's HTTP API, as anybody may use it.
type api struct {
	base   string   // http://127.0.0.1:8080
	others []string // host:port of all nodes: who doesn't answer is passed over
	client *http.Client
}

// do asks the first node that answers. Who begins is the first of the list.
func (a api) do(req *http.Request) (*http.Response, error) {
	res, err := a.client.Do(req)
	for _, at := range a.others {
		if err == nil || req.Context().Err() != nil {
			break
		}
		again := req.Clone(req.Context())
		again.URL.Host, again.Host = at, ""
		res, err = a.client.Do(again)
	}
	return res, err
}

func (a api) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", path, err)
	}
	res, err := a.do(req)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", path, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for %s: %s", path, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(v); err != nil {
		return fmt.Errorf("ask for %s: %w", path, err)
	}
	return nil
}

// look polls the centre's state once a second until ctx ends.
func (a api) look(ctx context.Context, c *centre) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		var agents wire.Agents
		var queues wire.Queues
		var calls wire.Calls
		err := errors.Join(a.get(ctx, "/api/v1/agents", &agents), a.get(ctx, "/api/v1/queues", &queues),
			a.get(ctx, "/api/v1/calls", &calls))
		if ctx.Err() != nil {
			return
		}
		c.see(agents.Agents, queues.Queues, calls.Calls, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow reads the event stream until ctx ends, and takes it up again where it
// broke.
func (a api) follow(ctx context.Context, c *centre) {
	last := ""
	for ctx.Err() == nil {
		if err := a.stream(ctx, c, &last); err != nil && ctx.Err() == nil {
			c.see(nil, nil, nil, fmt.Errorf("event stream: %w", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (a api) stream(ctx context.Context, c *centre, last *string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+"/api/v1/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	if *last != "" {
		req.Header.Set("Last-Event-ID", *last)
	}
	res, err := a.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			*last = value
		case "data":
			var e wire.Event
			var f acd.Fact
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				return fmt.Errorf("event: %w", err)
			}
			if err := json.Unmarshal(e.Data, &f); err != nil {
				return fmt.Errorf("event %s: %w", e.ID, err)
			}
			c.tell(f, time.Now())
		}
	}
	return lines.Err()
}

// records returns all call records by the Call-ID of the caller's leg.
func (a api) records(ctx context.Context) (map[string]report.CDR, error) {
	all := map[string]report.CDR{}
	for page := ""; ; {
		var found wire.CDRs
		if err := a.get(ctx, "/api/v1/cdrs?limit=1000&page="+url.QueryEscape(page), &found); err != nil {
			return nil, err
		}
		for _, c := range found.CDRs {
			all[c.SIPCallID] = c
		}
		if page = found.Next; page == "" {
			return all, nil
		}
	}
}
