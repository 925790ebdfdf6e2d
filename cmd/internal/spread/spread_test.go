package spread_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/cmd/internal/spread"
)

// shelf is a library whose sounds are named by their text.
type shelf struct {
	mu   sync.Mutex
	have map[string]string
}

func (s *shelf) Has(sha string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have[sha] != ""
}

func (s *shelf) Put(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	sha := strings.TrimPrefix(string(b), "sound ")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.have[sha] = string(b)
	return sha, nil
}

func (s *shelf) File(sha string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := s.have[sha]; text != "" {
		return io.NopCloser(bytes.NewReader([]byte(text))), nil
	}
	return nil, errors.New("none")
}

func (s *shelf) names() []string { return slices.Sorted(maps.Keys(s.have)) }

// world is nodes that reach each other.
type world struct {
	mu     sync.Mutex
	at     map[string]string
	visits map[string]int
}

type neighbours struct {
	*world
	me string
}

func (n neighbours) Others() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(n.at)), func(x string) bool { return x == n.me })
}

func (n neighbours) Visit(ctx context.Context, node string) (net.Conn, error) {
	n.mu.Lock()
	at := n.at[node]
	n.visits[node]++
	n.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", at)
}

func (w *world) node(t *testing.T, name string, sounds ...string) (*spread.Spreader, *shelf) {
	t.Helper()
	lib := &shelf{have: map[string]string{}}
	for _, s := range sounds {
		lib.have[s] = "sound " + s
	}
	x := spread.New(name, lib, neighbours{w, name}, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	t.Cleanup(x.Close)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[name] = server.Listener.Addr().String()
	return x, lib
}

func newWorld() *world { return &world{at: map[string]string{}, visits: map[string]int{}} }

func many(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%03d", i))
	}
	return out
}

func TestWhatIsMissingIsFetchedFromWhoeverHasIt(t *testing.T) {
	w := newWorld()
	all := many(100)
	n1, lib := w.node(t, "n1", all[:10]...)
	w.node(t, "n2", all[5:60]...)
	w.node(t, "n3", all[50:99]...)
	w.at["n4"] = "127.0.0.1:1" // down
	missing := n1.Fetch(t.Context(), append(all, all...))
	if d := cmp.Diff([]string{"099"}, missing); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	if d := cmp.Diff(all[:99], lib.names()); d != "" {
		t.Errorf("sounds (-want +got):\n%s", d)
	}
}

func TestWhatIsPublishedIsOfferedFirst(t *testing.T) {
	w := newWorld()
	all := many(30)
	n1, _ := w.node(t, "n1", all...)
	_, second := w.node(t, "n2", all[:3]...)
	_, third := w.node(t, "n3")
	w.at["n4"] = "127.0.0.1:1" // down: gets them when it starts
	n1.Offer(t.Context(), all)
	for name, lib := range map[string]*shelf{"n2": second, "n3": third} {
		if d := cmp.Diff(all, lib.names()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestANodeThatIsDownIsAskedOnce(t *testing.T) {
	w := newWorld()
	n1, _ := w.node(t, "n1")
	w.at["n2"] = "127.0.0.1:1"
	if missing := n1.Fetch(t.Context(), many(200)); len(missing) != 200 {
		t.Errorf("%d missing", len(missing))
	}
	if w.visits["n2"] > 4 { // as many as work side by side
		t.Errorf("a node that is down was tried %d times", w.visits["n2"])
	}
}

func TestASoundUnderAWrongNameIsNotTaken(t *testing.T) {
	w := newWorld()
	n1, lib := w.node(t, "n1")
	_, other := w.node(t, "n2")
	other.have["a"] = "sound b"
	if missing := n1.Fetch(t.Context(), []string{"a"}); !cmp.Equal(missing, []string{"a"}) || lib.Has("a") {
		t.Errorf("missing %v", missing)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	w := newWorld()
	w.node(t, "n1")
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPost, "", "{"},
		{http.MethodPost, "", `{"from": "stranger", "sha256": ["a"]}`},
		{http.MethodGet, "", ""},
		{http.MethodDelete, "a", ""},
		{http.MethodGet, "..%2f..%2fetc%2fpasswd", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+w.at["n1"]+spread.Path+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode/100 != 4 {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, resp.Status)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}
