package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"tierline/cmd/internal/console/wire"
)

// patience is how long one request may take.
const patience = 60 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 256 << 20

// request is one call of the API.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string
	patience     time.Duration // 0: the usual one
}

// call sends a request and decodes the answer; out may be nil.
func (o *options) call(ctx context.Context, r request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.patience, patience))
	defer cancel()
	resp, err := o.send(ctx, r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("read the answer of %s: %w", o.server, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s is perhaps no tierline node: read its answer: %w", o.server, err)
	}
	return nil
}

func (o *options) get(ctx context.Context, path string, query url.Values, out any) error {
	return o.call(ctx, request{method: http.MethodGet, path: path, query: query}, out)
}

// post sends JSON.
func (o *options) post(ctx context.Context, path string, body, out any) error {
	return o.postSlowly(ctx, patience, path, body, out)
}

// postSlowly does the same where the answer takes its time.
func (o *options) postSlowly(ctx context.Context, wait time.Duration, path string, body, out any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	return o.call(ctx, request{
		method: http.MethodPost, path: path, body: text, contentType: "application/json", patience: wait,
	}, out)
}

// send returns a good answer, whose body the caller closes, or the problem.
func (o *options) send(ctx context.Context, r request, header ...string) (*http.Response, error) {
	address := strings.TrimSuffix(o.server, "/") + r.path
	if !strings.Contains(o.server, "://") {
		address = "http://" + address
	}
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("--server %s: %w", o.server, err)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if known := cmp.Or(o.token, token()); known != "" {
		req.Header.Set("Authorization", "Bearer "+known)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, o.unreachable(err)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	return nil, problemOf(resp)
}

// unreachable says what to do when nobody answers.
func (o *options) unreachable(err error) error {
	var dns *net.DNSError
	var untrusted x509.UnknownAuthorityError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no node answers at %s\n"+
			"  Start one with `tierline demo` or `tierline serve --config FILE`,\n"+
			"  or name another with --server URL (environment TIERLINE_SERVER)", o.server)
	case errors.As(err, &dns):
		return fmt.Errorf("--server %s: there is no host of that name", o.server)
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of %s is of no authority known here: "+
			"name its file with --ca FILE (environment TIERLINE_CA)", o.server)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("the node at %s doesn't answer in time", o.server)
	default:
		return fmt.Errorf("ask %s: %w", o.server, err)
	}
}

// errSignIn says what to do without a good token.
var errSignIn = errors.New("name a token in the environment TIERLINE_TOKEN; `tierline users add` makes one")

// problemOf reads an error answer.
func problemOf(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	err = errors.Join(err, resp.Body.Close())
	p := &wire.ProblemError{}
	if err != nil || json.Unmarshal(text, p) != nil || p.Status != resp.StatusCode {
		return fmt.Errorf("the node answered %s", resp.Status)
	}
	if p.Status == http.StatusUnauthorized {
		return fmt.Errorf("%w\n  %w", p, errSignIn)
	}
	return p
}
