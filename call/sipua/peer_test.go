package sipua_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

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

// accepted takes a 200 to the peer's INVITE and acknowledges it.
func (p *peer) accepted(ok *msg) {
	p.remote = param(ok.get("To"), "tag")
	p.target = strings.Trim(strings.Split(ok.get("Contact"), ">")[0], "<")
	p.ack()
}

func (p *peer) ack() { p.send(ask{method: "ACK", cseq: p.cseq}) }
