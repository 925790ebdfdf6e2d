package sipua_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tierline/call/memnet"
	"tierline/call/registrar"
	"tierline/call/resolve"
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
	prove    func(sipua.Proof) sipua.Verdict
	options  func() (int, int)
	gone     func(string, netip.AddrPort)
}

func (d *desk) Gone(transport string, remote netip.AddrPort) {
	if d.gone != nil {
		d.gone(transport, remote)
	}
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

func (d *desk) Prove(p sipua.Proof) sipua.Verdict {
	if d.prove != nil {
		return d.prove(p)
	}
	return sipua.Verdict{}
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
	hosts map[string][]netip.Addr // what names stand for
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
		Resolver: resolve.New(resolve.Config{Hosts: func(name string) []netip.Addr { return b.hosts[name] }}),
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
