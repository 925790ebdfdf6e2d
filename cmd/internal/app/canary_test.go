package app

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tierline/acd"
	"tierline/call/phone"
	"tierline/cmd/internal/config"
	"tierline/ivr/backend/bss"
	"tierline/routing"
	"tierline/routing/customer"
	"tierline/routing/trunk"
	documents "tierline/testdata/demo"
)

// The canaries: a PIN that is wrong, a new one, and the token of the node.
const (
	wrongPIN  = "907315"
	newPIN    = "482917"
	nodeToken = "canary-token-of-this-node"
	sipSecret = "demo-1001" // of an agent of the demo
)

// callers are those who call; the log knows them only masked.
func callers() []string { return []string{"13800138000", "13600136018", "13600136019"} }

// thinks is how long callers wait before they press the next keys.
const thinks = 3 * time.Second

// aviary is a node with a business system that notes who was let in.
type aviary struct {
	t    *testing.T
	node *Node
	dir  string
	log  *locked
	at   string

	mu  sync.Mutex
	met map[string]int // canaries that arrived where they belong

	collector net.PacketConn

	secretIn []string // where a phone's password was found
}

// locked is a buffer that several write to.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// TestSecretsAreNowhere lets callers enter PINs, right and wrong, and change
// one, and then looks for them everywhere: log, call records, events, Raft log,
// snapshot, API, metrics, recordings.
func TestSecretsAreNowhere(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	a := newAviary(t)
	var calls sync.WaitGroup
	var during []byte
	calls.Go(func() { a.call("13800138000", "1", wrongPIN, "138000", "0") }) // ends in a queue: its variables travel
	calls.Go(func() { a.call("13600136018", "7", "1", "136018", newPIN, newPIN) })
	calls.Go(func() { a.call("13600136019", "1", wrongPIN[:4]) }) // gives up halfway
	calls.Go(a.register)
	calls.Go(func() {
		time.Sleep(9 * time.Second)
		during = append(a.snapshot(), a.api()...)
	})
	calls.Wait()
	a.call("13600136018", "1", newPIN)
	a.mu.Lock()
	met := fmt.Sprint(a.met)
	a.mu.Unlock()
	if want := fmt.Sprint(map[string]int{wrongPIN: 1, newPIN: 2}); met != want {
		t.Fatalf("the business system met %s, want %s: the calls did not go as meant", met, want)
	}
	a.search("state and API during the calls", during)
	a.search("state afterwards", a.snapshot())
	a.search("API afterwards", a.api())
	packed := a.documents()
	a.node.Shutdown(t.Context())
	a.search("log", a.log.buf.Bytes())
	copies := a.copies()
	a.search("copies for a collector", copies)
	for what, text := range map[string][]byte{"traces": during, "copies": copies} {
		if !bytes.Contains(text, []byte("INVITE sip:10001@")) || bytes.Contains(text, []byte(sipSecret)) {
			t.Errorf("%s don't show the calls, or show a phone's password", what)
		}
	}
	if !bytes.Contains(during, []byte("which one isn't shown")) {
		t.Error("the traces don't tell of keys")
	}
	a.masked(a.log.buf.Bytes())
	if !bytes.Contains(a.log.buf.Bytes(), []byte("part=call")) || !bytes.Contains(during, []byte("main_menu")) {
		t.Error("neither log nor state tells of the calls")
	}
	files := 0
	err := filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, "prompts") {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		a.search(filepath.Base(path), b)
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files: %v", files, err)
	}
	a.sealed(packed, during)
}

func newAviary(t *testing.T) *aviary {
	t.Helper()
	a := &aviary{t: t, dir: t.TempDir(), log: &locked{}, met: map[string]int{}}
	src, err := fs.ReadFile(documents.Files(), "customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	people, problems := customer.Load("customers.csv", src, trunk.Numbering{}.Normalise)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	shop := httptest.NewServer(a.watch(bss.New(bss.Config{Customers: people, Token: nodeToken})))
	t.Cleanup(shop.Close)
	centre := t.TempDir()
	if err = os.CopyFS(centre, documents.Files()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CANARY_TOKEN", nodeToken)
	local := netip.MustParseAddrPort("127.0.0.1:0")
	if a.collector, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.collector.Close() })
	s := config.Defaults()
	s.DataDir, s.ServiceDir, s.HTTP.Listen, s.Drain.Timeout = a.dir, centre, local, 0
	s.SIP.Listen = []config.Listen{{Transport: "udp", Address: local}}
	source := config.Source{URL: shop.URL, TokenEnv: "CANARY_TOKEN"}
	s.HEP.Address = a.collector.LocalAddr().String()
	s.Sources = map[string]config.Source{"bss": source, "line": source}
	log := slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if a.node, err = Start(t.Context(), s, "test", log); err != nil {
		t.Fatal(err)
	}
	a.at = strings.TrimPrefix(a.node.SIPAddrs()[0], "udp:")
	return a
}

// watch counts the canaries that reach the business system.
func (a *aviary) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			a.t.Error(err)
		}
		a.mu.Lock()
		for _, canary := range []string{wrongPIN, newPIN} {
			if bytes.Contains(body, []byte(canary)) {
				a.met[canary]++
			}
		}
		a.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// call enters groups of keys, each when the prompt before it is over.
func (a *aviary) call(from string, groups ...string) {
	quiet := slog.New(slog.DiscardHandler)
	phone.QuietLibrary(quiet)
	e, err := phone.Open(a.t.Context(), phone.Config{User: from, Listen: "127.0.0.1:0", Transport: "udp", Logger: quiet})
	if err != nil {
		a.t.Error(err)
		return
	}
	var keys []phone.Keys
	for _, g := range groups {
		keys = append(keys, phone.Keys{Digits: g, After: thinks})
	}
	limit := time.Duration(len(groups)+1)*thinks + 3*time.Second
	r := e.Call(a.t.Context(), phone.Plan{Target: "10001@" + a.at, From: from, Keys: keys, Limit: limit})
	if err = e.Close(context.WithoutCancel(a.t.Context())); err != nil || r.Err != nil || r.Answered == 0 {
		a.t.Errorf("call from %s: %v, %v, status %d", from, r.Err, err, r.Status)
	}
}

// register proves to be an agent, after a wrong password.
func (a *aviary) register() {
	quiet := slog.New(slog.DiscardHandler)
	for _, secret := range []string{wrongPIN, sipSecret} {
		ctx, cancel := context.WithTimeout(a.t.Context(), 5*time.Second)
		p, err := phone.OpenPhone(ctx, phone.PhoneConfig{
			Endpoint:  phone.Config{User: "1001", Password: secret, Listen: "127.0.0.1:0", Transport: "udp", Logger: quiet},
			Registrar: a.at, Expires: time.Minute,
		})
		if (err == nil) != (secret == sipSecret) {
			a.t.Errorf("registration: %v", err)
		}
		if err == nil {
			_ = p.Close(ctx) // gone or not, it was there
		}
		cancel()
	}
}

// sealed checks that nothing of the log can be read in its files: neither calls
// nor the documents, which hold the passwords of phones, packed.
func (a *aviary) sealed(documents string, state []byte) {
	if len(a.secretIn) > 0 {
		a.t.Errorf("a phone's password is in %v", a.secretIn)
	}
	signs := []string{callers()[0], "main_menu", documents}
	for _, sign := range signs {
		if !bytes.Contains(state, []byte(sign)) {
			a.t.Errorf("%.20q is not even in the state: the search would find nothing", sign)
		}
	}
	dir := filepath.Join(a.dir, "raft")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, sign := range signs {
			if bytes.Contains(b, []byte(sign)) || bytes.Contains(b, []byte(base64.StdEncoding.EncodeToString([]byte(sign)))) {
				a.t.Errorf("%.20q can be read in %s", sign, path)
			}
		}
		return err
	})
	st, serr := os.Stat(dir)
	if err != nil || serr != nil || st.Mode().Perm()&0o077 != 0 {
		a.t.Errorf("the log's directory: %v, %v, %v", st, err, serr)
	}
}

// documents are a piece of those that are published; in events they stand in
// base64.
func (a *aviary) documents() string {
	b, ok := a.node.bundle(1)
	if !ok || len(b.Data) < 3000 {
		a.t.Fatalf("published documents: %t, %d bytes", ok, len(b.Data))
	}
	return string(b.Data[1500:1560])
}

// masked fails the test if the log knows a caller by his number, or how an
// agent proved to be one.
func (a *aviary) masked(log []byte) {
	a.t.Helper()
	for _, number := range callers() {
		if i := bytes.Index(log, []byte(number)); i >= 0 {
			a.t.Errorf("%s stands in the log: %s", number, log[max(0, i-200):i+len(number)])
		}
		if !bytes.Contains(log, []byte(routing.Mask("+86"+number))) {
			a.t.Errorf("%s is not in the log", routing.Mask("+86"+number))
		}
	}
	for _, sign := range []string{"response=", "nonce=", "Digest "} {
		if bytes.Contains(log, []byte(sign)) {
			a.t.Errorf("%q stands in the log", sign)
		}
	}
}

// copies are what went to a HEP collector.
func (a *aviary) copies() (all []byte) {
	b := make([]byte, 1<<16)
	for {
		if err := a.collector.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			a.t.Fatal(err)
		}
		n, _, err := a.collector.ReadFrom(b)
		if err != nil {
			return all
		}
		all = append(all, b[:n]...)
	}
}

// snapshot is what a snapshot of the replicated state holds now.
func (a *aviary) snapshot() []byte {
	var b bytes.Buffer
	var err error
	a.node.cluster.Read(func(s *acd.State) { err = s.Encode(&b) })
	if err != nil {
		a.t.Error(err)
	}
	return b.Bytes()
}

// api is what the node tells anybody who asks.
func (a *aviary) api() (all []byte) {
	paths := []string{"/metrics", "/api/v1/calls", "/api/v1/agents", "/api/v1/queues", "/api/v1/cdrs", "/api/v1/events"}
	for _, c := range callers() {
		paths = append(paths, "/api/v1/calls/"+c+"/trace", "/api/v1/calls/"+c+"/trace.pcapng")
	}
	for _, path := range paths {
		ctx, cancel := context.WithTimeout(a.t.Context(), 2*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.node.HTTPAddr()+path, nil)
		if err != nil {
			a.t.Fatal(err)
		}
		r.Header.Set("Last-Event-ID", "0")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			a.t.Errorf("%s: %v", path, err)
			cancel()
			continue
		}
		b, _ := io.ReadAll(resp.Body) // the stream of events never ends by itself
		if len(b) < 2 || resp.StatusCode != http.StatusOK {
			a.t.Errorf("%s: status %d, %d bytes", path, resp.StatusCode, len(b))
		}
		all = append(all, b...)
		_ = resp.Body.Close()
		cancel()
	}
	return all
}

// search fails the test if a canary is in the text.
func (a *aviary) search(where string, text []byte) {
	a.t.Helper()
	if bytes.Contains(text, []byte(nodeToken)) {
		a.t.Errorf("the node's token is in %s", where)
	}
	sum := md5.Sum([]byte("1001:tierline:" + sipSecret))
	if bytes.Contains(text, []byte(sipSecret)) || bytes.Contains(text, []byte(hex.EncodeToString(sum[:]))) {
		a.secretIn = append(a.secretIn, where)
	}
	for _, canary := range []string{wrongPIN, newPIN} {
		if sings(canary, text) {
			a.t.Errorf("canary %s sings in %s", canary, where)
		}
	}
}

// sings finds a canary as it is (but not inside a longer number or hash), digit
// by digit, in base64 or as a number.
func sings(canary string, text []byte) bool {
	n, err := strconv.ParseUint(canary, 10, 32)
	if err != nil {
		return true
	}
	alone := regexp.MustCompile(`(^|[^0-9A-Fa-f.])` + canary + `([^0-9A-Fa-f]|$)`)
	separate := regexp.MustCompile(strings.Join(strings.Split(canary, ""), `[ ,"\[\]:]{1,3}`))
	digits := make([]byte, len(canary))
	for i := range canary {
		digits[i] = canary[i] - '0'
	}
	return alone.Match(text) || separate.Match(text) || bytes.Contains(text, digits) ||
		bytes.Contains(text, []byte(base64.StdEncoding.EncodeToString([]byte(canary)))) ||
		bytes.Contains(text, binary.BigEndian.AppendUint32(nil, uint32(n))) ||
		bytes.Contains(text, binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

// A search that finds nothing anywhere would prove nothing.
func TestCanariesAreHeard(t *testing.T) {
	for text, want := range map[string]bool{
		`pin=482917`: true, `{"newpin":"482917"}`: true, `keys="4","8","2","9","1","7"`: true, "x\x04\x08\x02\x09\x01\x07y": true,
		base64.StdEncoding.EncodeToString([]byte(newPIN)): true, string(binary.BigEndian.AppendUint32(nil, 482917)): true,
		"482917\n": true, "\x06482917\x00": true,
		"call=01a2482917ee": false, "at=1763880482917": false, "0.482917": false, "": false, "48291": false,
	} {
		if got := sings(newPIN, []byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
