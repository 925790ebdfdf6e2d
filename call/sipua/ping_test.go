package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ping asks and returns where the answer will be.
func (b *bench) ping(target string) chan int {
	out := make(chan int, 2)
	b.ua.Ping(target, 4*time.Second, func(status int) { out <- status })
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
