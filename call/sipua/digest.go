package sipua

import (
	"crypto/md5" //nolint:gosec // RFC 3261's digest; SHA-256 is taken when offered
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// credentials are for one realm, which was configured with them.
type credentials struct{ user, password, realm string }

// challenge is a WWW-Authenticate or Proxy-Authenticate value.
type challenge struct {
	realm, nonce, opaque, algorithm string
	qop                             bool
}

// answerChallenge returns the request again with an answer to the strongest
// challenge of our realm, or nil. A challenge of any other realm is not
// answered: it may come from somebody who collects digests. mu is held.
func (l *Leg) answerChallenge(d *Dialog, req *sip.Request, f *flow, res *sip.Response) *sip.Request {
	var asks, answers string
	switch res.StatusCode {
	case sip.StatusUnauthorized:
		asks, answers = "WWW-Authenticate", "Authorization"
	case sip.StatusProxyAuthRequired:
		asks, answers = "Proxy-Authenticate", "Proxy-Authorization"
	default:
		return nil
	}
	var best *challenge
	for _, v := range values(res, asks) {
		c, ok := parseChallenge(v)
		if !ok || c.realm != l.secret.realm {
			continue
		}
		if best == nil || best.algorithm != sha256Name {
			best = &c
		}
	}
	if best == nil {
		return nil
	}
	again := l.again(d, req, f)
	again.AppendHeader(sip.NewHeader(answers, best.answer(l.secret, string(req.Method), req.Recipient.String())))
	again.SetBody(req.Body())
	return again
}

// again returns a refused request as a new one, without some of its headers and
// without its body. mu is held.
func (l *Leg) again(d *Dialog, req *sip.Request, f *flow, without ...string) *sip.Request {
	d.LocalCSeq++
	again := sip.NewRequest(req.Method, req.Recipient)
	for _, h := range req.Headers() {
		switch h := h.(type) {
		case *sip.ViaHeader:
			again.AppendHeader(f.ep.via(l.branch()))
		case *sip.CSeqHeader:
			again.AppendHeader(&sip.CSeqHeader{SeqNo: d.LocalCSeq, MethodName: req.Method})
		case *sip.ContentLengthHeader:
		default:
			if !slices.Contains(without, h.Name()) {
				again.AppendHeader(h)
			}
		}
	}
	return again
}

const (
	sha256Name = "SHA-256"
	md5Name    = "MD5"
)

func parseChallenge(v string) (c challenge, ok bool) {
	scheme, params, _ := strings.Cut(strings.TrimSpace(v), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return c, false
	}
	c.algorithm = md5Name
	for params != "" {
		var k, val string
		k, val, params = nextParam(params)
		switch strings.ToLower(k) {
		case "realm":
			c.realm = val
		case "nonce":
			c.nonce = val
		case "opaque":
			c.opaque = val
		case "algorithm":
			c.algorithm = strings.ToUpper(val)
		case "qop":
			for _, q := range commas(val) {
				c.qop = c.qop || strings.EqualFold(q, "auth")
			}
		}
	}
	ok = c.nonce != "" && (c.algorithm == md5Name || c.algorithm == sha256Name)
	return c, ok && plain(c.realm) && plain(c.nonce) && plain(c.opaque)
}

// nextParam takes one k=v or k="v" off the front of a list.
func nextParam(s string) (k, v, rest string) {
	k, rest, _ = strings.Cut(s, "=")
	k = strings.Trim(k, " \t,")
	rest = strings.TrimLeft(rest, " \t")
	if quoted, ok := strings.CutPrefix(rest, `"`); ok {
		for i := 0; i < len(quoted); i++ {
			switch quoted[i] {
			case '\\':
				i++
			case '"':
				return k, unquote(quoted[:i]), strings.TrimLeft(quoted[i+1:], " \t,")
			}
		}
		return k, "", ""
	}
	v, rest, _ = strings.Cut(rest, ",")
	return k, strings.TrimSpace(v), strings.TrimLeft(rest, " \t")
}

// answer computes the response (RFC 7616 §3.4.1).
func (c *challenge) answer(who *credentials, method, uri string) string {
	fresh := md5.New //nolint:gosec // see the import
	if c.algorithm == sha256Name {
		fresh = sha256.New
	}
	ha1 := hexHash(fresh, who.user+":"+who.realm+":"+who.password)
	ha2 := hexHash(fresh, method+":"+uri)
	out := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s`,
		quote(who.user), quote(c.realm), quote(c.nonce), uri, c.algorithm)
	if c.qop {
		cnonce := token()
		response := hexHash(fresh, strings.Join([]string{ha1, c.nonce, "00000001", cnonce, "auth", ha2}, ":"))
		out += fmt.Sprintf(`, response="%s", qop=auth, nc=00000001, cnonce="%s"`, response, cnonce)
	} else {
		out += fmt.Sprintf(`, response="%s"`, hexHash(fresh, ha1+":"+c.nonce+":"+ha2))
	}
	if c.opaque != "" {
		out += fmt.Sprintf(`, opaque="%s"`, quote(c.opaque))
	}
	return out
}

func hexHash(fresh func() hash.Hash, s string) string {
	h := fresh()
	_, _ = h.Write([]byte(s)) // documented never to fail
	return hex.EncodeToString(h.Sum(nil))
}
