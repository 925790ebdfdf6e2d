package sipua_test

import (
	"crypto/md5" //nolint:gosec // what phones speak
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"tierline/call/sipua"
)

func TestChallenge(t *testing.T) {
	onBench(t, func(b *bench) {
		p := b.peer
		r := request()
		r.Username, r.Password, r.Realm = "trunk", "secret", "gw"
		l, ev := b.dial(r)
		inv := p.next("INVITE")
		p.reply(inv, 407, p.tag, "", `Proxy-Authenticate: Digest realm="gw", nonce="n1", qop="auth,auth-int", algorithm=MD5`,
			`Proxy-Authenticate: Digest realm="evil", nonce="n2", algorithm=SHA-256`,
			`Proxy-Authenticate: Digest realm="gw", nonce="n,3", qop="auth", algorithm=SHA-256, opaque="o\"x"`)
		p.next("ACK")
		again := p.next("INVITE")
		if again.get("CSeq") != "2 INVITE" || again.get("Call-ID") != inv.get("Call-ID") || again.body != ourSDP ||
			again.get("From") != inv.get("From") || len(again.all("Via")) != 1 ||
			again.get("Via") == inv.get("Via") || len(again.all("Content-Length")) != 1 {
			t.Errorf("%+v", again)
		}
		checkDigest(t, again.get("Proxy-Authorization"), "INVITE", "n,3", `o\"x`)
		p.reply(again, 200, p.tag, offerSDP)
		p.next("ACK")
		next[sipua.Answered](t, ev)

		// The BYE is challenged as well.
		l.Hangup(16, "")
		bye := p.next("BYE")
		p.reply(bye, 401, "", "", `WWW-Authenticate: Digest realm="gw", nonce="n4"`)
		again = p.next("BYE")
		if again.get("CSeq") != "4 BYE" || !strings.Contains(again.get("Authorization"), `response="`+md5Answer("BYE", "n4")+`"`) {
			t.Errorf("%+v", again)
		}
		p.reply(again, 401, "", "", `WWW-Authenticate: Digest realm="gw", nonce="n5"`)
		p.silence(time.Minute) // once is enough

		// A second challenge of the INVITE is the end.
		_, ev = b.dial(r)
		for range 2 {
			p.reply(p.next("INVITE"), 401, p.tag, "", `WWW-Authenticate: Digest realm="gw", nonce="n"`)
			p.next("ACK")
		}
		if f := next[sipua.Failed](t, ev); f.Status != 401 {
			t.Errorf("%+v", f)
		}

		// Somebody else's realm, or none that we can compute, gets nothing.
		for _, v := range []string{
			`Digest realm="evil", nonce="n"`, `Basic realm="gw"`, `Digest realm="gw"`, `Digest`,
			`Digest realm="gw", nonce="n", algorithm=SHA-512-256`, `Digest realm="gw`, "Digest realm=gw,nonce=\"a\x01b\"",
		} {
			_, ev = b.dial(r)
			p.reply(p.next("INVITE"), 401, p.tag, "", "WWW-Authenticate: "+v)
			p.next("ACK")
			if f := next[sipua.Failed](t, ev); f.Status != 401 {
				t.Errorf("%q: %+v", v, f)
			}
		}
	})
}

func md5Answer(method, nonce string) string {
	h := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // what phones speak
		return hex.EncodeToString(sum[:])
	}
	uri := "sip:phone@" + peerAddr
	return h(h("trunk:gw:secret") + ":" + nonce + ":" + h(method+":"+uri))
}

func checkDigest(t *testing.T, v, method, nonce, opaque string) {
	t.Helper()
	h := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(v, name+`="`)
		rest, _, _ = strings.Cut(rest, `"`)
		return rest
	}
	uri := "sip:1001@" + peerAddr
	want := h(strings.Join([]string{
		h("trunk:gw:secret"), nonce, "00000001", field("cnonce"), "auth", h(method + ":" + uri),
	}, ":"))
	if field("response") != want || field("uri") != uri || field("username") != "trunk" || len(field("cnonce")) != 32 ||
		!strings.Contains(v, "algorithm=SHA-256") || !strings.Contains(v, `opaque="`+opaque+`"`) ||
		!strings.Contains(v, "qop=auth, nc=00000001") {
		t.Errorf("authorization %q, want response %s", v, want)
	}
}

func TestDialRefusesNonsense(t *testing.T) {
	onBench(t, func(b *bench) {
		good := request()
		for name, change := range map[string]func(*sipua.DialRequest){
			"no target":        func(r *sipua.DialRequest) { r.Target = "" },
			"bad scheme":       func(r *sipua.DialRequest) { r.Target = "http://x" },
			"injection":        func(r *sipua.DialRequest) { r.Target = "sip:a@b\r\nX: y" },
			"name":             func(r *sipua.DialRequest) { r.FromName = "a\r\nX: y" },
			"header":           func(r *sipua.DialRequest) { r.Headers = map[string]string{"X": "a\nb"} },
			"header name":      func(r *sipua.DialRequest) { r.Headers = map[string]string{"X y": "a"} },
			"header of ours":   func(r *sipua.DialRequest) { r.Headers = map[string]string{"VIA": "a"} },
			"from":             func(r *sipua.DialRequest) { r.From = "a\x00" },
			"to":               func(r *sipua.DialRequest) { r.To = "a>" },
			"destination":      func(r *sipua.DialRequest) { r.Destination = "here" },
			"transport":        func(r *sipua.DialRequest) { r.Transport = "tls" },
			"target transport": func(r *sipua.DialRequest) { r.Target += ";transport=tls" },
		} {
			r := good
			change(&r)
			if _, err := b.ua.Dial(r, nil); err == nil {
				t.Errorf("%s: no error", name)
			} else if !strings.Contains(fmt.Sprint(err), "dial") {
				t.Errorf("%s: %v", name, err)
			}
		}
		b.peer.silence(time.Second)
		if s := b.ua.Stats(); s.Legs != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}
