package backend

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tierline/ivr"
)

// web is a source that speaks HTTP and JSON.
type web struct {
	base   *url.URL
	client *http.Client
	token  string
	header string // "": Authorization: Bearer
}

func newWeb(e Endpoint, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*web, error) {
	if err := Check(e.URL); err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimSuffix(e.URL, "/"))
	if err != nil {
		return nil, errors.New("its url can't be read")
	}
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	w := &web{base: base, token: e.Token, header: e.Header}
	w.client = &http.Client{
		CheckRedirect: w.redirect,
		Transport: &http.Transport{
			Proxy:           nil, // what the environment says of proxies is not meant for us
			DialContext:     dial,
			TLSClientConfig: &tls.Config{RootCAs: e.CA, MinVersion: tls.VersionTLS12},
			// What was asked is never compressed: an answer's size is what it says.
			DisableCompression:     true,
			MaxIdleConnsPerHost:    32,
			IdleConnTimeout:        30 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
	}
	return w, nil
}

func (w *web) close() { w.client.CloseIdleConnections() }

// redirect follows a source on its own host only: what is asked, and our
// token, is nobody else's business.
func (w *web) redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	keeps := next.Response != nil && next.Response.StatusCode != http.StatusMovedPermanently &&
		next.Response.StatusCode != http.StatusFound
	switch {
	case next.URL.Scheme != w.base.Scheme || next.URL.Host != w.base.Host || len(via) > 3:
		return http.ErrUseLastResponse
	case first.Method != http.MethodGet && first.Method != http.MethodHead && !keeps:
		return http.ErrUseLastResponse // would become a GET without its body
	}
	return nil
}

// ask implements asker.
func (w *web) ask(ctx context.Context, policy ivr.Source, q ivr.Request) result {
	req, why := w.request(ctx, q)
	if why != "" {
		return result{outcome: Invalid, why: why}
	}
	res, err := w.client.Do(req)
	if err != nil {
		return result{outcome: Unreachable, why: describe(err), again: true, blame: true}
	}
	defer func() { _ = res.Body.Close() }()
	return w.answer(res, policy)
}

const maxURL = 4096

func (w *web) request(ctx context.Context, q ivr.Request) (req *http.Request, why string) {
	target, why := w.target(q.Path)
	if why != "" {
		return nil, why
	}
	if !isMethod(q.Method) {
		return nil, "the request has no method that is known"
	}
	var body io.Reader
	if len(q.Body) > 0 {
		body = bytes.NewReader(encode(q.Body))
	}
	req, err := http.NewRequestWithContext(ctx, q.Method, "http://host/", body)
	if err != nil {
		return nil, "the request can't be made"
	}
	req.URL, req.Host = target, target.Host
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tierline")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.Idempotency != "" {
		if !isToken(q.Idempotency) {
			return nil, "the idempotency key holds characters that no header can"
		}
		req.Header.Set("Idempotency-Key", q.Idempotency)
	}
	switch {
	case w.token == "":
	case w.header == "":
		req.Header.Set("Authorization", "Bearer "+w.token)
	default:
		req.Header.Set(w.header, w.token)
	}
	return req, ""
}

// target joins the source's address and a path with its query. A path that
// would leave the source, or climb, is refused, whoever made it.
func (w *web) target(path string) (u *url.URL, why string) {
	u, err := url.Parse(w.base.String() + path)
	switch {
	case !strings.HasPrefix(path, "/") || len(path) > maxURL || strings.ContainsAny(path, " #\\") || err != nil ||
		strings.Contains(u.Path, "//"): // a part of it is empty
		return nil, "the path of the request can't be used"
	case u.Scheme != w.base.Scheme || u.Host != w.base.Host || !strings.HasPrefix(u.Path, w.base.Path) || u.User != nil:
		return nil, "the path of the request leaves its source"
	}
	for part := range strings.FieldsFuncSeq(u.Path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return nil, "the path of the request goes up"
		}
	}
	return u, ""
}

func isMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// isToken tells whether a text can be the value of a header.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 256
}

// answer reads what the source said.
func (w *web) answer(res *http.Response, policy ivr.Source) result {
	r := result{after: retryAfter(res.Header.Get("Retry-After"))}
	switch code := res.StatusCode; {
	case code == http.StatusAccepted && (res.Header.Get("Location") != "" || res.Request.Method == http.MethodGet):
		return w.accepted(res, policy, r)
	case code >= 200 && code < 300:
		r.body, r.outcome, r.why = readAnswer(res, policy.MaxBytes)
		r.blame = r.outcome != OK
		r.again = r.outcome == Unreachable
	default:
		r = w.refused(res, r)
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection can be used again
	}
	return r
}

// refused takes an answer without a body that anybody wants.
func (w *web) refused(res *http.Response, r result) result {
	status := fmt.Sprintf("status %d", res.StatusCode)
	switch code := res.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		r.outcome = NotFound
	case code == http.StatusUnauthorized && challenges(res.Header, w.token != ""):
		r.outcome, r.why = Failed, "it refuses this node's own credentials"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		r.outcome = Refused
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		r.outcome, r.why, r.again, r.blame = Failed, status, true, true
	case code >= 300 && code < 400:
		r.outcome, r.why = Failed, status+": a redirect that isn't followed"
	default:
		r.outcome, r.why = Failed, status
	}
	return r
}

// accepted takes 202: the answer will be at Location, or where we asked.
func (w *web) accepted(res *http.Response, policy ivr.Source, r result) result {
	at, err := res.Location()
	if errors.Is(err, http.ErrNoLocation) {
		at, err = res.Request.URL, nil
	}
	switch {
	case policy.Poll.Max == 0:
		return result{outcome: Invalid, why: "it answers with a job (202), and poll isn't declared"}
	case err != nil || at.Scheme != w.base.Scheme || at.Host != w.base.Host || !strings.HasPrefix(at.Path, w.base.Path):
		return result{outcome: Invalid, why: "its job is somewhere else", blame: true}
	}
	r.outcome, r.job = Failed, strings.TrimPrefix(at.RequestURI(), w.base.EscapedPath())
	return r
}

// challenges tells a 401 that is about this node from one that is about the
// caller: the former names the scheme by which to sign in.
func challenges(h http.Header, signedIn bool) bool {
	for _, c := range h.Values("WWW-Authenticate") {
		scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(c)), " ")
		if signedIn && (scheme == "bearer" || scheme == "basic") {
			return true
		}
	}
	return false
}

// retryAfter reads a header in seconds; dates are for those who trust another's
// clock.
func retryAfter(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// describe says why there was no answer, in words of our own: what libraries
// say may hold addresses with values in them.
func describe(err error) string {
	dns, notFound := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case notFound && dns.IsNotFound:
		return "its host name is not known"
	case notFound:
		return "its host name could not be looked up"
	case untrusted:
		return "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection before its answer was complete"
	}
	return "no connection, or none that speaks HTTP"
}
