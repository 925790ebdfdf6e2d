package sipua_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tierline/call/sipua"
)

// ping asks and returns where the answer will be.
func (b *bench) ping(target string) chan int {
	out := make(chan int, 2)
	b.ua.Ping(target, 4*time.Second, func(p sipua.Pong) { out <- p.Status })
	return out
}

func TestPing(t *testing.T) {
	const target = "sip:" + peerAddr + ";transport=udp"
	onBench(t, func(b *bench) {
		p := b.peer
		for _, status := range []int{200, 404, 503} {
			got := b.ping(target)
			q := p.next("OPTIONS")
			if !strings.HasPrefix(q.start, "OPTIONS sip:10.0.0.2:5060") || q.get("CSeq") != "1 OPTIONS" || q.get("Max-Forwards") != "70" ||
				q.get("Accept") != "application/sdp" || param(q.get("From"), "tag") == "" || strings.Contains(q.get("To"), "tag=") {
				t.Errorf("%+v", q)
			}
			p.reply(q, 100, "", "")
			p.reply(q, status, p.tag, "")
			p.reply(q, 200, p.tag, "") // again, and otherwise: too late
			if s := <-got; s != status {
				t.Errorf("status %d, want %d", s, status)
			}
			p.silence(time.Minute) // an answered question isn't asked again
			if len(got) != 0 {
				t.Error("told twice")
			}
		}
	})
}

func TestPingOfTheDead(t *testing.T) {
	onBench(t, func(b *bench) {
		began := time.Now()
		if s := <-b.ping("sip:10.0.0.99:5060;transport=udp"); s != 0 || time.Since(began) != 4*time.Second {
			t.Errorf("nobody there: %d after %v", s, time.Since(began))
		}
		for _, nonsense := range []string{"", "tel:1", "sip:10.0.0.2;transport=tcp", "sip:a b"} {
			if s := <-b.ping(nonsense); s != 0 {
				t.Errorf("%q: %d", nonsense, s)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.ua.Stats(); s.Transactions != 0 || s.Legs != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// A name is all its hosts: who is silent comes last the next time.
func TestPingOfAName(t *testing.T) {
	onBench(t, func(b *bench) {
		b.hosts = map[string][]netip.Addr{"sbc.test": {netip.MustParseAddr("10.0.0.99"), netip.MustParseAddr("10.0.0.2")}}
		for _, waits := range []time.Duration{4 * time.Second, 0} {
			began := time.Now()
			got := b.ping("sip:sbc.test")
			q := b.peer.next("OPTIONS")
			if time.Since(began) != waits || !strings.HasPrefix(q.start, "OPTIONS sip:sbc.test SIP") {
				t.Errorf("after %v, want %v: %s", time.Since(began), waits, q.start)
			}
			b.peer.reply(q, 200, b.peer.tag, "")
			if s := <-got; s != 200 {
				t.Errorf("status %d", s)
			}
		}
	})
}

// The INVITE goes to the host that was found, whatever the URI says, and the BYE
// to where the peer's Contact says.
func TestDialToAHostOfAName(t *testing.T) {
	onBench(t, func(b *bench) {
		r := request()
		r.Target, r.Address = "sip:1@sbc.test", netip.MustParseAddrPort(peerAddr)
		other := b.join("10.0.0.3:5060")
		l, ev := b.dial(r)
		inv := b.peer.next("INVITE")
		if !strings.HasPrefix(inv.start, "INVITE sip:1@sbc.test SIP") {
			t.Error(inv.start)
		}
		b.peer.reply(inv, 200, b.peer.tag, offerSDP, "Contact: <sip:1@10.0.0.3:5060>")
		other.next("ACK")
		next[sipua.Answered](t, ev)
		l.Hangup(16, "")
		other.next("BYE")
	})
}
