package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPhoneComesIn(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		synctest.Test(t, func(t *testing.T) {
			r, state := newRegistrar(t)
			p := newPhone(r, "1001")
			p.algorithm = algorithm
			first := p.send(p.request(600, p.contact))
			if first.Status != 401 || len(first.Challenge) != 2 || isStale(first) ||
				!strings.Contains(first.Challenge[0], "algorithm=SHA-256") ||
				!strings.Contains(first.Challenge[1], "algorithm=MD5") {
				t.Fatalf("first answer %+v", first)
			}
			if len(state.agents) != 0 {
				t.Fatal("a binding without credentials")
			}
			res := p.send(p.request(600, p.contact))
			if res.Status != 200 || len(res.Contacts) != 1 ||
				res.Contacts[0] != "<sip:1001@192.0.2.50:5060>;expires=600" {
				t.Fatalf("%s: %+v", algorithm, res)
			}
			b := state.Of("1001")[0]
			if b.Received != "192.0.2.50:5060" || b.Transport != "udp" || b.Node != "n1" || b.UserAgent != "test phone" {
				t.Errorf("binding %+v", b)
			}
		})
	}
}

// libre up to 3.x gives up when it sees an algorithm it doesn't know, and SIPp
// reads the first only.
func TestOldPhonesSeeMD5Only(t *testing.T) {
	r, _ := newRegistrar(t)
	for agent, want := range map[string]int{
		"baresip v1.0.0 (x86_64/linux)": 1, "Baresip v1.0.0": 1, "SIPp": 1, "baresip v4.10.0": 2, "": 2, "baresip": 2,
	} {
		p := newPhone(r, "1001")
		p.agent, p.algorithm = agent, "MD5"
		res := p.send(p.request(60, p.contact))
		if len(res.Challenge) != want || !strings.Contains(res.Challenge[want-1], "algorithm=MD5") {
			t.Errorf("%q: %q", agent, res.Challenge)
		}
		if res := p.send(p.request(60, p.contact)); res.Status != 200 {
			t.Errorf("%q: %+v", agent, res)
		}
	}
	r, _ = newRegistrar(t, func(c *Config) { c.MD5Only = []string{} })
	p := newPhone(r, "1001")
	p.agent = "baresip v1.0.0"
	if res := p.send(p.request(60, p.contact)); len(res.Challenge) != 2 {
		t.Errorf("switched off: %q", res.Challenge)
	}
}

func TestNonceLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRegistrar(t)
		p := newPhone(r, "1001")
		p.register(600)
		time.Sleep(4 * time.Minute)
		if res := p.send(p.request(600, p.contact)); res.Status != 200 {
			t.Fatalf("young nonce again: %+v", res)
		}
		time.Sleep(2 * time.Minute)
		res := p.send(p.request(600, p.contact))
		if res.Status != 401 || !isStale(res) {
			t.Fatalf("old nonce: %+v", res)
		}
		if res := p.send(p.request(600, p.contact)); res.Status != 200 {
			t.Fatalf("after stale: %+v", res)
		}
		// Another process has another key: the phone must not ask its user.
		p.r, _ = newRegistrar(t)
		if res := p.send(p.request(600, p.contact)); res.Status != 401 || !isStale(res) {
			t.Fatalf("nonce of another process: %+v", res)
		}
		if res := p.send(p.request(600, p.contact)); res.Status != 200 {
			t.Fatalf("after restart: %+v", res)
		}
	})
}

func TestReplay(t *testing.T) {
	r, state := newRegistrar(t)
	p := newPhone(r, "1001")
	p.register(600)
	seen := p.request(0, p.contact) // as an eavesdropper saw it
	seen.Authorization = []string{p.authorization()}
	if res := r.Register(context.Background(), seen); res.Status != 200 || len(state.Of("1001")) != 0 {
		t.Fatalf("the phone's own request: %+v", res)
	}
	p.register(600)
	seen.CSeq += 10
	if res := r.Register(context.Background(), seen); res.Status != 401 || !isStale(res) || len(state.Of("1001")) != 1 {
		t.Errorf("replay: %+v", res)
	}
	// The nonce belongs to the address it was given to.
	other := p.request(600, p.contact)
	other.Authorization = []string{p.authorization()}
	other.Source = netip.MustParseAddrPort("198.51.100.1:5060")
	if res := r.Register(context.Background(), other); res.Status != 401 {
		t.Errorf("from elsewhere: %+v", res)
	}
}

// Known and unknown users, and users without this algorithm's hash, can't be
// told apart.
func TestUnknownUsersLookLikeWrongPasswords(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		var seen []string
		for _, user := range []string{"1001", "9999", "1003"} {
			r, _ := newRegistrar(t)
			p := newPhone(r, user)
			p.algorithm, p.password = algorithm, "guess"
			var story []string
			for range 14 {
				res := p.send(p.request(60, p.contact))
				story = append(story, fmt.Sprint(res.Status, res.Reason, len(res.Challenge), isStale(res), res.RetryAfter))
			}
			seen = append(seen, strings.Join(story, "\n"))
		}
		if seen[0] != seen[1] || seen[0] != seen[2] {
			t.Errorf("%s: known %s\nunknown %s\nwithout hash %s", algorithm, seen[0], seen[1], seen[2])
		}
	}
}

// RFC 8760 lets a phone answer both challenges; the stronger answer counts.
func TestStrongestCredentialsCount(t *testing.T) {
	r, _ := newRegistrar(t)
	p := newPhone(r, "1001")
	p.send(p.request(60, p.contact))
	for _, strongFirst := range []bool{true, false} {
		right := p.authorization()
		p.algorithm, p.password = "MD5", "wrong"
		weak := p.authorization()
		p.algorithm, p.password = "SHA-256", password("1001")
		q := p.request(60, p.contact)
		q.Authorization = []string{weak, right}
		if strongFirst {
			q.Authorization = []string{right, weak}
		}
		if res := r.Register(context.Background(), q); res.Status != 200 {
			t.Errorf("strong first %t: %+v", strongFirst, res)
		}
	}
}

func TestAuthorizationTable(t *testing.T) {
	r, state := newRegistrar(t)
	p := newPhone(r, "1001")
	p.send(p.request(60, p.contact))
	good := func() string { return p.authorization() }
	long := strings.Repeat("A", 3000)
	tests := map[string]struct {
		headers []string
		status  int
	}{
		"none":                           {nil, 401},
		"#31 Digest alone":               {[]string{"Digest"}, 401},
		"#31 username with nothing":      {[]string{"Digest username="}, 400},
		"#31 only a username":            {[]string{`Digest username="1001"`}, 401},
		"#31 no response":                {[]string{`Digest username="1001", realm="tierline.test", nonce="x", uri="sip:a"`}, 400},
		"#31 no username":                {[]string{`Digest realm="tierline.test", nonce="x", uri="sip:a", response="00"`}, 400},
		"#32 another realm":              {[]string{strings.Replace(good(), realm, "asterisk", 1)}, 401},
		"#32 no nonce":                   {[]string{strings.Replace(good(), "nonce=\""+p.nonce+"\", ", "", 1)}, 401},
		"#32 ten headers":                {slicesRepeat(good(), 10), 401},
		"a nonce of somebody else":       {[]string{strings.Replace(good(), p.nonce, "dcd98b7102dd2f0e8b11d0f600bfb0c093", 1)}, 401},
		"nonce with one letter changed":  {[]string{strings.Replace(good(), p.nonce, "B"+p.nonce[1:], 1)}, 401},
		"parameter twice":                {[]string{good() + `, username="1002"`}, 400},
		"quote not closed":               {[]string{`Digest username="1001`}, 400},
		"escape at the end":              {[]string{`Digest username="1001\`}, 400},
		"line break in a value":          {[]string{"Digest username=\"10\r\n01\", nonce=\"x\""}, 400},
		"no comma":                       {[]string{`Digest username="1001" realm="x"`}, 400},
		"value is no token":              {[]string{`Digest username=10@01`}, 400},
		"very long":                      {[]string{`Digest username="` + long + `"`}, 400},
		"very many parameters":           {[]string{"Digest " + strings.Repeat("a=b,", 10) + manyParams(30)}, 400},
		"long username":                  {[]string{strings.Replace(good(), `"1001"`, `"`+strings.Repeat("1", 65)+`"`, 1)}, 400},
		"nc too short":                   {[]string{strings.Replace(good(), "nc=0", "nc=", 1)}, 400},
		"nc not hexadecimal":             {[]string{strings.Replace(good(), "nc=0", "nc=x", 1)}, 400},
		"no cnonce":                      {[]string{strings.Replace(good(), `cnonce="0a4f113b", `, "", 1)}, 400},
		"qop we don't have":              {[]string{strings.Replace(good(), "qop=auth", "qop=auth-int", 1)}, 401},
		"algorithm we don't have":        {[]string{strings.Replace(good(), "SHA-256", "SHA-512-256", 1)}, 401},
		"session variant":                {[]string{strings.Replace(good(), "SHA-256", "SHA-256-sess", 1)}, 401},
		"another scheme":                 {[]string{"Basic MTAwMTpzZWNyZXQ="}, 401},
		"empty header":                   {[]string{""}, 401},
		"good, qop in quotes":            {[]string{strings.Replace(good(), "qop=auth", `qop="auth"`, 1)}, 200},
		"good, tabs and folded blanks":   {[]string{strings.ReplaceAll(good(), ", ", " ,\t ")}, 200},
		"good, scheme in lower case":     {[]string{"d" + good()[1:]}, 200},
		"good, response in upper case":   {[]string{upperResponse(good())}, 200},
		"good after one for other realm": {[]string{strings.Replace(good(), realm, "other", 1), good()}, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.mu.Lock() // the order of the table is chance: nonce counts and strikes start afresh
			r.counts, r.pairs, r.sources = newCounts(maxNonces), newStrikes(), newStrikes()
			r.mu.Unlock()
			state.writes = 0
			q := p.request(60, p.contact)
			q.Authorization = tt.headers
			res := r.Register(context.Background(), q)
			if res.Status != tt.status {
				t.Errorf("%d %s, want %d", res.Status, res.Reason, tt.status)
			}
			if (res.Status == 401) != (len(res.Challenge) > 0) || (res.Status == 200) != (state.writes > 0) {
				t.Errorf("%+v with %d writes", res, state.writes)
			}
		})
	}
}

func slicesRepeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func manyParams(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "p%d=x,", i)
	}
	return b.String()
}

func upperResponse(h string) string {
	at := strings.Index(h, `response="`) + len(`response="`)
	return h[:at] + strings.ToUpper(h[at:at+64]) + h[at+64:]
}

// A phone of RFC 2069 knows neither qop nor counts; each nonce serves it once.
func TestPhoneWithoutQop(t *testing.T) {
	r, _ := newRegistrar(t)
	p := newPhone(r, "1001")
	p.algorithm = "MD5"
	p.send(p.request(60, p.contact))
	c := credentials{uri: "sip:" + realm, nonce: p.nonce, algorithm: algMD5}
	ha1, _ := HA1("1001", realm, password("1001"))
	header := fmt.Sprintf(`Digest username="1001", realm="%s", nonce="%s", uri="%s", response="%s"`,
		realm, p.nonce, c.uri, c.expected(ha1, "REGISTER"))
	for i, want := range []int{200, 401} {
		q := p.request(60, p.contact)
		q.Authorization = []string{header}
		if res := r.Register(context.Background(), q); res.Status != want || (want == 401) != isStale(res) {
			t.Errorf("use %d: %+v", i+1, res)
		}
	}
}

func TestRegisterForAnotherAgent(t *testing.T) {
	r, state := newRegistrar(t)
	p := newPhone(r, "1001")
	p.send(p.request(60, p.contact))
	q := p.request(60, p.contact)
	q.User = "1002"
	if res := p.send(q); res.Status != 403 || state.writes != 0 {
		t.Errorf("%+v", res)
	}
}

// An INVITE of an agent is proved the same way, with its own method.
func TestAuthenticateInvite(t *testing.T) {
	r, _ := newRegistrar(t)
	from := netip.MustParseAddrPort("192.0.2.50:5060")
	_, challenge, err := r.Authenticate("INVITE", "sip:*11@x", nil, from, "")
	if !errors.Is(err, ErrUnauthorised) || len(challenge) != 2 {
		t.Fatalf("challenge %q, %v", challenge, err)
	}
	_, ha1 := HA1("1001", realm, password("1001"))
	c := credentials{
		uri: "sip:*11@x", nonce: nonceOf(challenge[0]), algorithm: algSHA256, qop: "auth", nc: "00000001", cnonce: "c",
	}
	header := func(method string) []string {
		return []string{fmt.Sprintf(`Digest username="1001",realm="%s",nonce="%s",uri="%s",response="%s",`+
			`algorithm=SHA-256,qop=auth,nc=00000001,cnonce="c"`, realm, c.nonce, c.uri, c.expected(ha1, method))}
	}
	if _, _, err = r.Authenticate("INVITE", "sip:*11@x", header("REGISTER"), from, ""); !errors.Is(err, ErrUnauthorised) {
		t.Errorf("digest of another method: %v", err)
	}
	user, challenge, err := r.Authenticate("INVITE", "sip:*11@x", header("INVITE"), from, "")
	if err != nil || user != "1001" || challenge != nil {
		t.Errorf("Authenticate = %q, %q, %v", user, challenge, err)
	}
	if _, _, err = r.Authenticate("INVITE", "sip:*11@x", []string{"Digest a=\""}, from, ""); !errors.Is(err, ErrMalformed) {
		t.Errorf("malformed: %v", err)
	}
}

// The table of nonce counts is bounded, and nothing it gives up can be replayed.
func TestNonceCountsAreBounded(t *testing.T) {
	c := newCounts(8)
	start := time.Unix(1_000_000, 0)
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }
	used := map[string]int{}
	for i := range 200 {
		name := fmt.Sprint(i)
		if c.advance(name, 1, at(i), at(i-300)) {
			used[name] = i
		}
		if len(c.last) > 8 {
			t.Fatalf("%d nonces", len(c.last))
		}
	}
	if len(used) < 150 {
		t.Errorf("only %d of 200 phones were served", len(used))
	}
	for name, i := range used {
		if c.advance(name, 1, at(i), at(0)) {
			t.Errorf("nonce %s again with the same count", name)
		}
	}
}
