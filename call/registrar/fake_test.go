package registrar

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tierline/acd"
)

// fakeState is the replicated state as the registrar sees it, with the wall
// clock as log time.
type fakeState struct {
	agents map[string][]acd.Binding
	broken error
	writes int
}

func (f *fakeState) Put(_ context.Context, agent string, b acd.Binding, ttl time.Duration) error {
	if f.broken != nil {
		return f.broken
	}
	f.writes++
	b.Expires = time.Now().Add(ttl).UnixMilli()
	list := slices.DeleteFunc(f.agents[agent], func(o acd.Binding) bool { return o.Contact == b.Contact })
	f.agents[agent] = append(list, b)
	return nil
}

func (f *fakeState) Remove(_ context.Context, agent, contact string) error {
	if f.broken != nil {
		return f.broken
	}
	f.writes++
	f.agents[agent] = slices.DeleteFunc(f.agents[agent], func(o acd.Binding) bool {
		return !o.Fixed && (contact == "*" || o.Contact == contact)
	})
	return nil
}

func (f *fakeState) Of(agent string) []acd.Binding {
	var out []acd.Binding
	for _, b := range f.agents[agent] {
		if b.Fixed || b.Expires > time.Now().UnixMilli() {
			out = append(out, b)
		}
	}
	return out
}

// fakeAccounts has agents 1001 and 1002 with passwords, 1003 with SHA-256 only.
type fakeAccounts struct{}

func (fakeAccounts) Secret(user string) (ha1MD5, ha1SHA256 string, ok bool) {
	switch user {
	case "1001", "1002":
		ha1MD5, ha1SHA256 = HA1(user, realm, password(user))
		return ha1MD5, ha1SHA256, true
	case "1003":
		_, ha1SHA256 = HA1(user, realm, password(user))
		return "", ha1SHA256, true
	}
	return "", "", false
}

const realm = "tierline.test"

func password(user string) string { return "secret of " + user }

func newRegistrar(t *testing.T, change ...func(*Config)) (*Registrar, *fakeState) {
	t.Helper()
	state := &fakeState{agents: map[string][]acd.Binding{}}
	c := Config{
		Realm: func() string { return realm }, Node: "n1", Accounts: fakeAccounts{}, Bindings: state,
		LogTime: func() int64 { return time.Now().UnixMilli() },
	}
	for _, f := range change {
		f(&c)
	}
	return New(c), state
}

var errNoQuorum = errors.New("no quorum")

// phone is a user agent that computes digests by itself, after RFC 7616 §3.4.1,
// without help from the code under test.
type phone struct {
	r         *Registrar
	user      string
	password  string
	contact   string
	source    netip.AddrPort
	transport string
	agent     string
	algorithm string
	callID    string
	cseq      uint32
	nonce     string
	nc        uint32
}

func newPhone(r *Registrar, user string) *phone {
	return &phone{
		r: r, user: user, password: password(user), contact: "sip:" + user + "@192.0.2.50:5060",
		source: netip.MustParseAddrPort("192.0.2.50:5060"), transport: "udp", agent: "test phone",
		algorithm: "SHA-256", callID: "call-of-" + user,
	}
}

func hexOf(h func() hash.Hash, parts ...string) string {
	d := h()
	d.Write([]byte(strings.Join(parts, ":")))
	return fmt.Sprintf("%x", d.Sum(nil))
}

// authorization answers the nonce the phone has.
func (p *phone) authorization() string {
	h := sha256.New
	if p.algorithm == "MD5" {
		h = md5.New
	}
	p.nc++
	nc := fmt.Sprintf("%08x", p.nc)
	const uri, cnonce = "sip:" + realm, "0a4f113b"
	response := hexOf(h, hexOf(h, p.user, realm, p.password), p.nonce, nc, cnonce, "auth", hexOf(h, "REGISTER", uri))
	return fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=%s, `+
		`cnonce="%s", qop=auth, nc=%s`, p.user, realm, p.nonce, uri, response, p.algorithm, cnonce, nc)
}

func (p *phone) request(expires int, contacts ...string) Request {
	p.cseq++
	q := Request{
		User: p.user, Domain: realm, Expires: expires, CallID: p.callID, CSeq: p.cseq,
		Method: "REGISTER", URI: "sip:" + realm, Source: p.source, Transport: p.transport, UserAgent: p.agent,
	}
	for _, c := range contacts {
		q.Contacts = append(q.Contacts, Contact{URI: c, Expires: -1})
	}
	return q
}

// send authorises a request with the nonce the phone has and learns a new one
// from a challenge, as phones do; it does not try again.
func (p *phone) send(q Request) Response {
	if p.nonce != "" && q.Authorization == nil {
		q.Authorization = []string{p.authorization()}
	}
	res := p.r.Register(context.Background(), q)
	for _, c := range res.Challenge {
		if strings.Contains(c, "algorithm="+p.algorithm+",") {
			p.nonce, p.nc = nonceOf(c), 0
		}
	}
	return res
}

// register does what a phone does to come in: ask, be challenged, answer.
func (p *phone) register(expires int) Response {
	res := p.send(p.request(expires, p.contact))
	if res.Status == 401 {
		res = p.send(p.request(expires, p.contact))
	}
	return res
}

func nonceOf(challenge string) string {
	_, rest, _ := strings.Cut(challenge, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	return nonce
}

func isStale(res Response) bool {
	return len(res.Challenge) > 0 && strings.Contains(res.Challenge[0], "stale=true")
}
