package spread

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Path is where a node answers others about sounds, on connections of members
// only.
const Path = "/members/prompts/"

// Limits on what goes between nodes.
const (
	abreast   = 4 // sounds that are fetched at once
	patience  = 15 * time.Second
	idle      = time.Minute
	maxOffer  = 4 << 20  // a list of names
	maxSound  = 64 << 20 // a file; the library has a limit of its own
	maxAnswer = 1 << 10
)

// Library keeps sounds by their SHA-256.
type Library interface {
	Has(sha string) bool
	Put(r io.Reader) (sha string, err error)
	File(sha string) (io.ReadCloser, error)
}

// Members are the other nodes.
type Members interface {
	Others() []string
	Visit(ctx context.Context, node string) (net.Conn, error)
}

// Spreader gets sounds from other nodes and offers them.
type Spreader struct {
	me      string
	library Library
	members Members
	log     *slog.Logger
	client  *http.Client
}

// New returns a spreader of node me.
func New(me string, l Library, m Members, log *slog.Logger) *Spreader {
	return &Spreader{me: me, library: l, members: m, log: log, client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			node, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, fmt.Errorf("node %s: %w", addr, err)
			}
			return m.Visit(ctx, node)
		},
		MaxIdleConnsPerHost: abreast, IdleConnTimeout: idle, ResponseHeaderTimeout: patience, DisableCompression: true,
	}}}
}

// Close ends the connections that are kept.
func (s *Spreader) Close() { s.client.CloseIdleConnections() }

// Fetch gets what is missing here from whoever has it, and returns what nobody
// had.
func (s *Spreader) Fetch(ctx context.Context, shas []string) (missing []string) {
	missing = s.lacking(shas)
	for _, node := range s.members.Others() {
		if len(missing) == 0 {
			break
		}
		before := len(missing)
		missing = s.fetch(ctx, node, missing)
		if got := before - len(missing); got > 0 {
			s.log.Info("sounds copied from another node", "node", node, "sounds", got, "missing", len(missing))
		}
	}
	return missing
}

func (s *Spreader) lacking(shas []string) (out []string) {
	for _, sha := range shas {
		if !s.library.Has(sha) && !slices.Contains(out, sha) {
			out = append(out, sha)
		}
	}
	return out
}

// fetch gets from one node what it has, and returns what it hasn't. A node that
// can't be asked is asked once.
func (s *Spreader) fetch(ctx context.Context, node string, shas []string) (missing []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	work := make(chan string)
	gone := false
	for range min(abreast, len(shas)) {
		wg.Go(func() {
			for sha := range work {
				mu.Lock()
				skip := gone
				mu.Unlock()
				var err error
				if !skip {
					err = s.get(ctx, node, sha)
				}
				mu.Lock()
				if skip || err != nil {
					missing = append(missing, sha)
				}
				if err != nil && !errors.Is(err, errLacks) && !gone {
					gone = true
					s.log.Warn("sounds can't be had of another node", "node", node, "err", err)
				}
				mu.Unlock()
			}
		})
	}
	for _, sha := range shas {
		work <- sha
	}
	close(work)
	wg.Wait()
	slices.Sort(missing)
	return missing
}

// errLacks says that a node doesn't have a sound itself.
var errLacks = errors.New("it has no such sound")

func (s *Spreader) get(ctx context.Context, node, sha string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := s.do(ctx, node, http.MethodGet, sha, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return errLacks
	default:
		return fmt.Errorf("node %s answers %s", node, resp.Status)
	}
	got, err := s.library.Put(io.LimitReader(resp.Body, maxSound))
	if err == nil && got != sha {
		err = fmt.Errorf("node %s sent %s in place of %s", node, got, sha)
	}
	return err
}

func (s *Spreader) do(ctx context.Context, node, method, what string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+node+Path+what, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", node, err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask node %s: %w", node, errors.Unwrap(err))
	}
	return resp, nil
}

// Offer lets all other nodes get sounds from here, and returns when they have
// them. Who doesn't answer gets them later.
func (s *Spreader) Offer(ctx context.Context, shas []string) {
	if len(shas) == 0 {
		return
	}
	var wg sync.WaitGroup
	for _, node := range s.members.Others() {
		wg.Go(func() {
			if err := s.offer(ctx, node, shas); err != nil {
				s.log.Warn("another node gets sounds later", "node", node, "err", err)
			}
		})
	}
	wg.Wait()
}

func (s *Spreader) offer(ctx context.Context, node string, shas []string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, err := json.Marshal(offered{From: s.me, SHA256: shas})
	if err != nil {
		return fmt.Errorf("encode a list of sounds: %w", err)
	}
	resp, err := s.do(ctx, node, http.MethodPost, "", body)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("ask node %s: %w", node, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("node %s answers %s: %s", node, resp.Status, bytes.TrimSpace(text))
	}
	return nil
}

// offered is a list of sounds that a node has.
type offered struct {
	From   string   `json:"from"`
	SHA256 []string `json:"sha256"`
}

// ServeHTTP answers other nodes, under Path.
func (s *Spreader) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	sha := r.URL.Path[min(len(Path), len(r.URL.Path)):]
	switch {
	case r.Method == http.MethodPost && sha == "":
		s.take(rw, r)
	case r.Method == http.MethodGet && sha != "":
		s.give(rw, sha)
	default:
		http.Error(rw, "no such thing", http.StatusNotFound)
	}
}

func (s *Spreader) give(rw http.ResponseWriter, sha string) {
	f, err := s.library.File(sha)
	if err != nil {
		http.Error(rw, "no such sound", http.StatusNotFound)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	rw.Header().Set("Content-Type", "audio/wav")
	_, _ = io.Copy(rw, f) // a node that left asks again; what is cut off has another name
}

// take gets what is offered and missing here.
func (s *Spreader) take(rw http.ResponseWriter, r *http.Request) {
	var o offered
	if err := json.NewDecoder(io.LimitReader(r.Body, maxOffer)).Decode(&o); err != nil {
		http.Error(rw, "no list of sounds", http.StatusBadRequest)
		return
	}
	if !slices.Contains(s.members.Others(), o.From) {
		http.Error(rw, "no member", http.StatusBadRequest)
		return
	}
	lacking := s.lacking(o.SHA256)
	if len(lacking) == 0 {
		return
	}
	missing := s.fetch(r.Context(), o.From, lacking)
	s.log.Info("sounds copied from another node",
		"node", o.From, "sounds", len(lacking)-len(missing), "missing", len(missing))
	if len(missing) > 0 {
		http.Error(rw, fmt.Sprintf("%d of %d sounds could not be had", len(missing), len(lacking)), http.StatusBadGateway)
	}
}
