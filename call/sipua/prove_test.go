package sipua_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"tierline/call/sipua"
)

// A peer that has to prove itself gets a challenge that costs us nothing, and
// what it proves goes on with its call.
func TestInviteThatHasToProveItself(t *testing.T) {
	onBench(t, func(b *bench) {
		asked := make(chan sipua.Proof, 10)
		b.desk.prove = func(p sipua.Proof) sipua.Verdict {
			asked <- p
			switch {
			case len(p.Authorization) == 0:
				return sipua.Verdict{Status: 401, Challenge: []string{`Digest realm="a", nonce="1"`, `Digest realm="a", nonce="2"`}}
			case strings.Contains(p.Authorization[0], "good"):
				return sipua.Verdict{Trunk: "branch"}
			case strings.Contains(p.Authorization[0], "banned"):
				return sipua.Verdict{Status: 403}
			}
			return sipua.Verdict{Status: 400}
		}
		trunks := make(chan string, 1)
		b.desk.invite = func(in *sipua.Incoming) {
			trunks <- in.Trunk
			_ = in.Reject(404, "Not Found", 0, nil)
		}
		p := b.peer
		p.send(ask{method: "INVITE", uri: "sip:1@10.0.0.1", body: offerSDP, headers: []string{"User-Agent: pbx"}})
		res := p.next("401")
		if got := res.all("WWW-Authenticate"); len(got) != 2 {
			t.Errorf("%v", got)
		}
		if q := <-asked; q.URI != "sip:1@10.0.0.1" || q.Number != "1" || q.UserAgent != "pbx" || q.Source.String() != peerAddr {
			t.Errorf("%+v", q)
		}
		if s := b.ua.Stats(); s.Legs != 0 || s.Transactions != 0 {
			t.Errorf("a challenge leaves %+v", s)
		}
		for auth, status := range map[string]string{"banned": "403", "broken": "400"} {
			p.send(ask{method: "INVITE", uri: "sip:1@10.0.0.1", body: offerSDP, headers: []string{"Authorization: Digest " + auth}})
			p.next(status)
		}
		p.send(ask{method: "INVITE", uri: "sip:1@10.0.0.1", body: offerSDP, headers: []string{"Proxy-Authorization: Digest good"}})
		p.next("100")
		if got := <-trunks; got != "branch" {
			t.Error(got)
		}
		p.next("404")
	})
}

// Datagrams get lost and INVITEs are repeated until an answer comes: the same
// wrong password must not be held against its sender each time.
func TestRepeatedInviteWithAWrongPasswordIsJudgedOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		judged bool
		want   int
	}{"wrong password": {true, 1}, "a challenge, which keeps nothing": {false, 3}} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				var judged atomic.Int32
				b.desk.prove = func(sipua.Proof) sipua.Verdict {
					judged.Add(1)
					return sipua.Verdict{Status: 401, Challenge: []string{`Digest realm="a", nonce="1"`}, Judged: tt.judged}
				}
				invite := b.peer.text(ask{
					method: "INVITE", uri: "sip:1@10.0.0.1", body: offerSDP, headers: []string{"Authorization: Digest bad"},
				})
				for range 3 {
					b.peer.write(invite)
					if got := b.peer.next("401").all("WWW-Authenticate"); len(got) != 1 {
						t.Errorf("%v", got)
					}
				}
				if n := int(judged.Load()); n != tt.want {
					t.Errorf("judged %d times, want %d", n, tt.want)
				}
			})
		})
	}
}
