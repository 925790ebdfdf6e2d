package registrar

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// FuzzAuthorization: any header is either malformed or leads to a challenge;
// it never proves anybody, never panics, and what is read came from it.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{
		"", "Digest", "Digest username=", `Digest username="1001`, `Digest username="10\`, "Basic abc",
		`Digest username="1001", realm="tierline.test", nonce="x", uri="sip:a", response="00", qop=auth, nc=00000001, cnonce="a"`,
		`Digest username="1001",realm="tierline.test",nonce="x",uri="sip:a",response="00",algorithm=SHA-256`,
		`Digest a=b,,c=d`, `digest =`, "Digest a=\"\x00\"",
	} {
		f.Add(seed)
	}
	r := New(Config{Realm: func() string { return realm }, Accounts: fakeAccounts{}, Bindings: &fakeState{}})
	from := netip.MustParseAddrPort("192.0.2.50:5060")
	f.Fuzz(func(t *testing.T, header string) {
		c, digest, err := parseCredentials(header)
		if digest && err == nil {
			for _, part := range []string{c.username, c.realm, c.nonce, c.uri, c.response, c.nc, c.cnonce} {
				if !strings.Contains(header, part) {
					t.Fatalf("%q is not in the header", part)
				}
			}
		}
		user, challenge, err := r.Authenticate("REGISTER", "sip:x", []string{header}, from, "")
		switch {
		case user != "" || err == nil:
			t.Fatalf("proved %q", user)
		case errors.Is(err, ErrUnauthorised) && len(challenge) != 2:
			t.Fatalf("challenge %q", challenge)
		}
	})
}

// FuzzContact: what is accepted can be written between angle brackets.
func FuzzContact(f *testing.F) {
	for _, seed := range []string{"sip:a@h", "sips:[::1]:5061;transport=tls?x=y", "sip:a;b@h", "sip:@", "sip::", "SIP:a@h:"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if validContact(a) && strings.ContainsAny(a, "<>\"\r\n \x00") {
			t.Fatalf("accepted %q", a)
		}
		if sameContact(a, b) != sameContact(b, a) || !sameContact(a, a) {
			t.Fatalf("comparison of %q and %q", a, b)
		}
	})
}
