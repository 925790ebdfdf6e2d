package sipua_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/gate"
	"tierline/call/memnet"
	"tierline/call/registrar"
	"tierline/call/sipua"
)

// onBusyBench runs f with a node that can't keep up.
func onBusyBench(t *testing.T, f func(b *bench, g *gate.Gate)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, net: memnet.New(), desk: &desk{}, began: time.Now()}
		g := gate.New(slog.New(slog.DiscardHandler))
		ua, err := sipua.Open(sipua.Config{
			PacketConns: []net.PacketConn{b.net.Listen(ourAddr)}, Logger: slog.New(slog.DiscardHandler), Handler: b.desk, Gate: g,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer ua.Close()
		b.ua, b.peer = ua, b.join(peerAddr)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = g.Run(ctx, nil) }()
		f(b, g)
	})
}

// tooMuch has everything come late, for a second and until stop is called.
func tooMuch(g *gate.Gate) (stop func()) {
	enough := make(chan struct{})
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-enough:
				return
			case <-tick.C:
				g.Told(gate.Arrival, time.Second)
			}
		}
	}()
	time.Sleep(time.Second)
	return func() { close(enough) }
}

// A node that can't keep up refuses new calls, OPTIONS and unknown phones, and
// nobody who is talking.
func TestOverloadHurtsNoRunningCall(t *testing.T) {
	onBusyBench(t, func(b *bench, g *gate.Gate) {
		_, ev := b.called()
		defer tooMuch(g)()
		b.desk.invite = func(in *sipua.Incoming) { _ = in.Reject(404, "Not Found", 0, nil) }
		got := map[string]int{}
		for i := range 40 {
			time.Sleep(20 * time.Millisecond)
			caller := b.join("10.0.1." + strconv.Itoa(i) + ":5060")
			text := caller.text(ask{method: "INVITE", body: offerSDP, branch: "z9hG4bKn" + strconv.Itoa(i)})
			caller.write(text)
			var m *msg
			for m = caller.within(time.Second); m.what() == "100"; {
				m = caller.within(time.Second)
			}
			got[m.what()]++
			if wait, err := strconv.Atoi(m.get("Retry-After")); m.what() == "503" && (err != nil || wait < 2 || wait > 10) {
				t.Errorf("Retry-After %q", m.get("Retry-After"))
			}
			if m.what() == "503" {
				caller.write(text) // it has not heard: the gate is not asked again
				caller.next("503")
			}
		}
		if got["503"] < 30 || got["404"] == 0 || got["503"]+got["404"] != 40 {
			t.Errorf("new calls: %v", got)
		}
		caller := b.join("10.0.0.9:5060")
		caller.send(ask{method: "OPTIONS"})
		caller.next("503")
		b.desk.known = func(_ netip.AddrPort, method, _ string) bool { return method == "REGISTER" }
		caller.send(ask{method: "REGISTER"})
		caller.next("503")
		b.desk.known = nil
		b.desk.register = func(context.Context, registrar.Request) registrar.Response {
			return registrar.Response{Status: 200, Reason: "OK"}
		}
		caller.send(ask{method: "REGISTER"})
		caller.next("200")
		b.peer.send(ask{method: "BYE"})
		b.peer.next("200")
		next[sipua.Hungup](t, ev)
	})
}

// Whoever takes the place of a leg is let in.
func TestReplacesIsNoNewCall(t *testing.T) {
	onBusyBench(t, func(b *bench, g *gate.Gate) {
		defer tooMuch(g)()
		for range 20 {
			b.peer.send(ask{method: "INVITE", body: offerSDP, headers: []string{"Replaces: x;to-tag=a;from-tag=b"}})
			for m := b.peer.within(time.Second); m != nil; m = b.peer.within(time.Second) {
				if m.what() == "503" {
					t.Fatal("refused")
				}
			}
		}
	})
}

func TestAgeOfADatagram(t *testing.T) {
	now := time.Unix(1_800_000_000, 500)
	note := func(level, kind uint32, at time.Time) []byte {
		b := make([]byte, 32)
		binary.NativeEndian.PutUint32(b[8:], level)
		binary.NativeEndian.PutUint32(b[12:], kind)
		binary.NativeEndian.PutUint64(b[16:], uint64(at.Unix()))
		binary.NativeEndian.PutUint64(b[24:], uint64(at.Nanosecond()))
		return b
	}
	if d, ok := sipua.Age(note(1, 35, now.Add(-time.Second)), now); !ok || d != time.Second {
		t.Errorf("%s %v", d, ok)
	}
	if d, ok := sipua.Age(note(1, 35, now.Add(time.Second)), now); !ok || d != 0 {
		t.Errorf("of a datagram from the future: %s %v", d, ok)
	}
	for _, b := range [][]byte{nil, note(1, 36, now), note(2, 35, now), note(1, 35, now)[:31]} {
		if d, ok := sipua.Age(b, now); ok {
			t.Errorf("%v: %s", b, d)
		}
	}
}

// What begins something and was late for its own repetition is dropped unread.
func TestOutdatedRequests(t *testing.T) {
	invite := func(to string) string {
		return "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP x;tag=a\r\n" + to + "\r\nFrom: <sip:a@b>;tag=1\r\n\r\nTo: x;tag=2\r\n"
	}
	onBusyBench(t, func(_ *bench, g *gate.Gate) {
		synctest.Wait()
		for _, tt := range []struct {
			text string
			want bool
		}{
			{invite("To: <sip:1@x>"), true},
			{invite("t : <sip:1@x>"), true},
			{invite("To: <sip:1@x>;TAG=3"), false},
			{invite("t:<sip:1@x> ;tag=3"), false},
			{invite("Subject: nobody"), true},
			{"REGISTER sip:x SIP/2.0\r\n\r\n", true},
			{"OPTIONS sip:x SIP/2.0\r\n\r\n", true},
			{"BYE sip:x SIP/2.0\r\n\r\n", false},
			{"ACK sip:x SIP/2.0\r\n\r\n", false},
			{"SIP/2.0 200 OK\r\n\r\n", false},
			{"", false},
		} {
			if got := sipua.Outdated(g, time.Second, []byte(tt.text)); got != tt.want {
				t.Errorf("%q: %v", tt.text, got)
			}
			if sipua.Outdated(g, 400*time.Millisecond, []byte(tt.text)) {
				t.Errorf("%q is young", tt.text)
			}
			if off := gate.New(slog.New(slog.DiscardHandler)); sipua.Outdated(off, time.Second, []byte(tt.text)) {
				t.Errorf("%q is dropped without admission control", tt.text)
			}
		}
	})
}
