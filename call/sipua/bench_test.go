package sipua_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tierline/call/memnet"
	"tierline/call/registrar"
	"tierline/call/sipua"
)

func TestMain(m *testing.M) {
	if os.Getenv(resumeEnv) != "" {
		resumeChild() // the second process of TestResumeInAnotherProcess
		return
	}
	goleak.VerifyTestMain(m)
}

// desk is a handler whose parts can be replaced.
type desk struct {
	invite   func(*sipua.Incoming)
	register func(context.Context, registrar.Request) registrar.Response
	known    func(netip.AddrPort, string, string) bool
	options  func() (int, int)
}

func (d *desk) Invite(in *sipua.Incoming) {
	if d.invite != nil {
		d.invite(in)
		return
	}
	_ = in.Reject(404, "Not Found", 0, nil)
}

func (d *desk) Register(ctx context.Context, q registrar.Request) registrar.Response {
	if d.register != nil {
		return d.register(ctx, q)
	}
	return registrar.Response{Status: 403, Reason: "Forbidden"}
}

func (d *desk) Known(source netip.AddrPort, method, user string) bool {
	return d.known == nil || d.known(source, method, user)
}

func (d *desk) Options() (int, int) {
	if d.options != nil {
		return d.options()
	}
	return 200, 0
}

const (
	ourAddr  = "10.0.0.1:5060"
	peerAddr = "10.0.0.2:5060"
	offerSDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
	ourSDP   = "v=0\r\no=- 2 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"
)

// bench is a UA and a scripted peer on one network, in virtual time.
type bench struct {
	*testing.T
	net   *memnet.Net
	desk  *desk
	ua    *sipua.UA
	peer  *peer
	began time.Time
}

// onBench runs f in a bubble.
func onBench(t *testing.T, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, net: memnet.New(), desk: &desk{}, began: time.Now()}
		b.ua = b.open(ourAddr, b.desk)
		b.peer = b.join(peerAddr)
		f(b)
		if s := b.ua.Stats(); s.Faults != 0 {
			t.Errorf("%d panics", s.Faults)
		}
	})
}

func (b *bench) open(addr string, h sipua.Handler) *sipua.UA {
	b.Helper()
	ua, err := sipua.Open(sipua.Config{
		UserAgent: "tierline", PacketConns: []net.PacketConn{b.net.Listen(addr)},
		Logger: slog.New(slog.DiscardHandler), Handler: h,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		synctest.Wait()
		ua.Close()
	})
	return ua
}

// events collects what happens to a leg.
type events struct {
	mu   sync.Mutex
	all  []sipua.LegEvent
	more chan struct{}
}

func newEvents() *events { return &events{more: make(chan struct{}, 1000)} }

func (e *events) on(ev sipua.LegEvent) {
	e.mu.Lock()
	e.all = append(e.all, ev)
	e.mu.Unlock()
	e.more <- struct{}{}
}

// next returns the next event of a kind, skipping none.
func next[E sipua.LegEvent](t testing.TB, e *events) E {
	t.Helper()
	select {
	case <-e.more:
	case <-time.After(2 * time.Minute):
		t.Fatalf("no event; wanted %T", *new(E))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	ev := e.all[0]
	e.all = e.all[1:]
	got, ok := ev.(E)
	if !ok {
		t.Fatalf("event %T %+v, want %T", ev, ev, got)
	}
	return got
}

func (e *events) none(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.all) > 0 {
		t.Errorf("unexpected events %T %+v", e.all[0], e.all)
	}
}

// msg is a SIP message taken apart without the help of the code under test.
type msg struct {
	start   string
	headers [][2]string
	body    string
	from    net.Addr
	at      time.Duration
}

func parseMsg(s string) *msg {
	head, body, _ := strings.Cut(s, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	m := &msg{start: lines[0], body: body}
	for _, l := range lines[1:] {
		k, v, _ := strings.Cut(l, ":")
		m.headers = append(m.headers, [2]string{k, strings.TrimSpace(v)})
	}
	return m
}

func (m *msg) all(name string) (out []string) {
	for _, h := range m.headers {
		if strings.EqualFold(h[0], name) {
			out = append(out, h[1])
		}
	}
	return out
}

func (m *msg) get(name string) string {
	if vs := m.all(name); len(vs) > 0 {
		return vs[0]
	}
	return ""
}

// what is the method of a request, or the status of a response.
func (m *msg) what() string {
	w := strings.Fields(m.start)
	if w[0] == "SIP/2.0" {
		return w[1]
	}
	return w[0]
}

func param(v, name string) string {
	_, rest, ok := strings.Cut(v, ";"+name+"=")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, ";")
	return rest
}

// peer is a scripted user agent.
type peer struct {
	b    *bench
	pc   net.PacketConn
	addr string
	to   net.Addr

	mu   sync.Mutex
	in   []*msg
	more chan struct{}

	callID, tag, remote string // of the dialog it is in; remote is the other's tag
	cseq                int
	branch              int
	target              string
	invite              *msg // the last INVITE it got
}

func (b *bench) join(addr string) *peer {
	p := &peer{
		b: b, pc: b.net.Listen(addr), addr: addr, more: make(chan struct{}, 1000),
		to: net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ourAddr)),
		// every peer has names of its own
		callID: "call-" + addr, tag: "tag-" + addr, target: "sip:10000@10.0.0.1",
	}
	b.Cleanup(p.close)
	go func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := p.pc.ReadFrom(buf)
			if err != nil {
				return
			}
			m := parseMsg(string(buf[:n]))
			m.from, m.at = from, time.Since(b.began)
			p.mu.Lock()
			p.in = append(p.in, m)
			p.mu.Unlock()
			p.more <- struct{}{}
		}
	}()
	return p
}

func (p *peer) close() { _ = p.pc.Close() }

// next returns the next message and fails if it is something else.
func (p *peer) next(want string) *msg {
	p.b.Helper()
	m := p.within(2 * time.Minute)
	if m == nil {
		p.b.Fatalf("%s got nothing; wanted %s", p.addr, want)
	}
	if m.what() != want {
		p.b.Fatalf("%s got %q, want %s", p.addr, m.start, want)
	}
	if want == "INVITE" {
		p.invite = m
		p.callID, p.remote = m.get("Call-ID"), param(m.get("From"), "tag")
		p.target = strings.Trim(strings.Split(m.get("Contact"), ">")[0], "<")
	}
	return m
}

func (p *peer) within(d time.Duration) *msg {
	select {
	case <-p.more:
	case <-time.After(d):
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.in[0]
	p.in = p.in[1:]
	return m
}

// silence fails if anything comes within d.
func (p *peer) silence(d time.Duration) {
	p.b.Helper()
	if m := p.within(d); m != nil {
		p.b.Fatalf("%s got %q, want silence", p.addr, m.start)
	}
}

// drain returns what comes within d.
func (p *peer) drain(d time.Duration) (out []*msg) {
	for end := time.Now().Add(d); ; {
		m := p.within(time.Until(end))
		if m == nil {
			return out
		}
		out = append(out, m)
	}
}

func (p *peer) write(s string) {
	p.b.Helper()
	if _, err := p.pc.WriteTo([]byte(s), p.to); err != nil {
		p.b.Fatal(err)
	}
}

// ask is a request to send.
type ask struct {
	method, uri, branch, totag, body string
	cseq                             int // 0: the next
	headers                          []string
	without                          []string
}

func (p *peer) text(a ask) string {
	if a.cseq == 0 {
		p.cseq++
		a.cseq = p.cseq
	}
	if a.branch == "" {
		p.branch++
		a.branch = fmt.Sprintf("z9hG4bKpeer%s.%d", p.addr, p.branch)
	}
	if a.uri == "" {
		a.uri = p.target
	}
	if a.totag == "" {
		a.totag = p.remote
	}
	to := "<sip:10000@10.0.0.1>"
	if a.totag != "" && a.totag != "-" {
		to += ";tag=" + a.totag
	}
	lines := []string{
		"Via: SIP/2.0/UDP " + p.addr + ";branch=" + a.branch,
		"Max-Forwards: 70",
		"From: \"Li \\\"Lei\\\"\" <sip:13812345678@10.0.0.2>;tag=" + p.tag,
		"To: " + to,
		"Call-ID: " + p.callID,
		fmt.Sprintf("CSeq: %d %s", a.cseq, a.method),
		"Contact: <sip:caller@" + p.addr + ">",
	}
	if a.body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = slices.DeleteFunc(lines, func(l string) bool {
		k, _, _ := strings.Cut(l, ":")
		return slices.Contains(a.without, k)
	})
	lines = append(lines, a.headers...)
	return fmt.Sprintf("%s %s SIP/2.0\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		a.method, a.uri, strings.Join(lines, "\r\n"), len(a.body), a.body)
}

func (p *peer) send(a ask) { p.b.Helper(); p.write(p.text(a)) }

// reply answers a request.
func (p *peer) reply(m *msg, status int, tag, body string, headers ...string) {
	p.b.Helper()
	to := m.get("To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	var lines []string
	for _, v := range m.all("Via") {
		lines = append(lines, "Via: "+v)
	}
	lines = append(lines, "From: "+m.get("From"), "To: "+to, "Call-ID: "+m.get("Call-ID"), "CSeq: "+m.get("CSeq"))
	contact := "Contact: <sip:phone@" + p.addr + ">"
	for _, h := range headers {
		if strings.HasPrefix(h, "Contact:") {
			contact = ""
		}
	}
	if contact != "" {
		lines = append(lines, contact)
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, headers...)
	p.write(fmt.Sprintf("SIP/2.0 %d X\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		status, strings.Join(lines, "\r\n"), len(body), body))
}

// called makes the peer call the UA, up to the ACK, and returns the leg.
func (b *bench) called() (*sipua.Leg, *events) {
	b.Helper()
	ev := newEvents()
	legs := make(chan *sipua.Leg, 1)
	b.desk.invite = func(in *sipua.Incoming) {
		l, err := in.Answer([]byte(ourSDP), ev.on)
		if err != nil {
			b.Errorf("answer: %v", err)
		}
		legs <- l
	}
	p := b.peer
	p.send(ask{method: "INVITE", body: offerSDP})
	p.next("100")
	p.accepted(p.next("200"))
	next[sipua.Confirmed](b, ev)
	return <-legs, ev
}

// accepted takes a 200 to the peer's INVITE and acknowledges it.
func (p *peer) accepted(ok *msg) {
	p.remote = param(ok.get("To"), "tag")
	p.target = strings.Trim(strings.Split(ok.get("Contact"), ">")[0], "<")
	p.ack()
}

func (p *peer) ack() { p.send(ask{method: "ACK", cseq: p.cseq}) }

// calling makes the UA call the peer, who answers.
func (b *bench) calling() (*sipua.Leg, *events) {
	b.Helper()
	ev := newEvents()
	l, err := b.ua.Dial(request(), ev.on)
	if err != nil {
		b.Fatal(err)
	}
	p := b.peer
	inv := p.next("INVITE")
	p.reply(inv, 200, p.tag, offerSDP)
	p.next("ACK")
	next[sipua.Answered](b, ev)
	return l, ev
}

func request() sipua.DialRequest {
	return sipua.DialRequest{Target: "sip:1001@" + peerAddr, From: "10000", SDP: []byte(ourSDP)}
}

func wantErr(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

func newNet() *memnet.Net { return memnet.New() }
