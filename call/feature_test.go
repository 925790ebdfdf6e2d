package call

import (
	"context"
	"crypto/md5"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sipua"
)

// noBindings is a registrar's list without phones.
type noBindings struct{}

func (noBindings) Put(context.Context, string, acd.Binding, time.Duration) error { return nil }
func (noBindings) Remove(context.Context, string, string) error                  { return nil }
func (noBindings) Of(string) []acd.Binding                                       { return nil }

// phone is an agent's phone that dials a feature code.
type phone struct {
	*caller

	mu        sync.Mutex
	challenge string
}

func (p *phone) Reject(status int, reason string, retry int, headers map[string][]string) error {
	p.mu.Lock()
	for _, h := range headers["WWW-Authenticate"] {
		if !strings.Contains(h, "SHA-256") {
			p.challenge = h
		}
	}
	p.mu.Unlock()
	return p.caller.Reject(status, reason, retry, headers)
}

// code dials a feature code as agent 1002, with a password.
func (l *lab) code(number, password string) *phone {
	l.t.Helper()
	return l.prove(Invite{From: "1002", Number: number, URI: "sip:" + number + "@tierline"}, password)
}

// prove sends an INVITE of an agent's phone and answers the challenge.
func (l *lab) prove(in Invite, password string) *phone {
	l.t.Helper()
	uri := in.URI
	first := &phone{caller: &caller{lab: l}}
	in.Invitation, in.Offer = first, remoteSDP(30000)
	if in.Transport = "udp"; !in.Source.IsValid() {
		in.Source = netip.MustParseAddrPort("192.0.2.52:5060")
	}
	l.sw.Invite(in)
	_, rest, _ := strings.Cut(first.challenge, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	ha1 := fmt.Sprintf("%x", md5.Sum([]byte(in.From+":tierline:"+password)))
	ha2 := fmt.Sprintf("%x", md5.Sum([]byte("INVITE:"+uri)))
	response := fmt.Sprintf("%x", md5.Sum([]byte(ha1+":"+nonce+":00000001:abc:auth:"+ha2)))
	second := &phone{caller: &caller{lab: l}}
	in.Invitation = second
	in.Authorization = []string{fmt.Sprintf(`Digest username="%s", realm="tierline", nonce="%s", uri="%s", `+
		`response="%s", algorithm=MD5, cnonce="abc", nc=00000001, qop=auth`, in.From, nonce, uri, response)}
	go l.sw.Invite(in)
	synctest.Wait()
	return second
}

func TestFeatureCodeMakesReadyAndSaysSo(t *testing.T) {
	inLab(t, func(l *lab) {
		if a := l.agent("1002"); a.State != acd.AgentSignedOut {
			t.Fatalf("agent is %v at first", a.State)
		}
		l.code("*11", "s3cret")
		time.Sleep(5 * time.Second)
		if a := l.agent("1002"); a.State != acd.AgentReady {
			t.Errorf("agent is %v, want ready", a.State)
		}
		l.saw("refuse 401", "answer", "play 1s", "hang up caller")
		l.code("*121", "s3cret")
		time.Sleep(5 * time.Second)
		if a := l.agent("1002"); a.State != acd.AgentNotReady || a.Reason != "break" {
			t.Errorf("agent is %v (%s), want not ready (break)", a.State, a.Reason)
		}
		if l.media.legs() != 0 {
			t.Errorf("%d media legs are left", l.media.legs())
		}
	})
}

func TestFeatureCodeWithWrongPasswordChangesNothing(t *testing.T) {
	inLab(t, func(l *lab) {
		l.code("*11", "guess")
		l.saw("refuse 401", "refuse 401")
		l.never("answer")
		if a := l.agent("1002"); a.State != acd.AgentSignedOut {
			t.Errorf("agent is %v", a.State)
		}
	})
}

func TestUnknownFeatureCode(t *testing.T) {
	inLab(t, func(l *lab) {
		l.code("*99", "s3cret")
		l.saw("refuse 401", "refuse 404")
	})
}

func TestFeatureCallEndsWhenThePhoneHangsUp(t *testing.T) {
	inLab(t, func(l *lab) {
		p := l.code("*11", "s3cret")
		p.says(sipua.Hungup{})
		time.Sleep(100 * time.Millisecond)
		if l.media.legs() != 0 {
			t.Errorf("%d media legs are left", l.media.legs())
		}
		if a := l.agent("1002"); a.State != acd.AgentReady {
			t.Errorf("agent is %v, want ready all the same", a.State)
		}
	})
}
