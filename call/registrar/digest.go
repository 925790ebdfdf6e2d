package registrar

import (
	"crypto/hmac"
	"crypto/md5" // old phones know nothing else; SHA-256 is offered first
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// algorithm is a digest algorithm we understand. A greater one is stronger.
type algorithm uint8

const (
	unknownAlgorithm algorithm = iota
	algMD5
	algSHA256
)

func parseAlgorithm(s string) algorithm {
	switch strings.ToUpper(s) {
	case "", "MD5":
		return algMD5
	case "SHA-256":
		return algSHA256
	}
	return unknownAlgorithm
}

func (a algorithm) String() string {
	if a == algSHA256 {
		return "SHA-256"
	}
	return "MD5"
}

func (a algorithm) hash(s string) string {
	if a == algSHA256 {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// HA1 returns the hashes that [Accounts] answers with, in hex.
func HA1(user, realm, password string) (md5Hash, sha256Hash string) {
	s := user + ":" + realm + ":" + password
	return algMD5.hash(s), algSHA256.hash(s)
}

// expected computes what a phone that knows ha1 would have sent. Without qop
// it is the form of RFC 2069, which very old phones still send.
func (c credentials) expected(ha1, method string) string {
	ha2 := c.algorithm.hash(method + ":" + c.uri)
	if c.qop == "" {
		return c.algorithm.hash(ha1 + ":" + c.nonce + ":" + ha2)
	}
	return c.algorithm.hash(strings.Join([]string{ha1, c.nonce, c.nc, c.cnonce, c.qop, ha2}, ":"))
}

// verdict is what became of credentials.
type verdict uint8

const (
	missing verdict = iota // none for our realm: challenge
	wrong                  // a strike
	stale                  // challenge again, the user need not be asked
	proven
)

// pick chooses the credentials to look at: the strongest for our realm. None
// at all is not an error; the credentials are then empty.
func (r *Registrar) pick(headers []string) (credentials, error) {
	var best credentials
	if len(headers) > maxHeaders {
		return best, nil // no phone does this
	}
	realm := r.c.Realm()
	for _, h := range headers {
		c, digest, err := parseCredentials(h)
		if err != nil {
			return credentials{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if digest && c.realm == realm && c.algorithm > best.algorithm {
			best = c
		}
	}
	return best, nil
}

// verify judges credentials that are complete and for our realm. The work is
// the same whether the user exists or not.
func (r *Registrar) verify(method string, c credentials, from netip.Addr, now time.Time) verdict {
	issued, fresh := r.openNonce(c.nonce, from, now)
	if !fresh {
		// Not judged, not counted: the answer to a guess must not be had
		// with a nonce that proves nothing about the source.
		return stale
	}
	ha1, known := r.secret(c)
	right := hmac.Equal([]byte(c.expected(ha1, method)), []byte(strings.ToLower(c.response)))
	if !right || !known {
		r.strike(from, c.username, now)
		return wrong
	}
	key := pair(from, c.username)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pairs.held(key, now) {
		return wrong // while held off even the right password is refused, so a guesser can't tell
	}
	if !r.counts.advance(c.nonce, c.count, issued, now.Add(-r.c.NonceLife)) {
		return stale // replayed, or the phone doesn't count
	}
	r.pairs.forget(key)
	return proven
}

// secret returns the HA1 to compare with; for unknown users one that nobody
// knows, so that the comparison takes place anyway.
func (r *Registrar) secret(c credentials) (ha1 string, known bool) {
	ha1MD5, ha1SHA256, ok := r.c.Accounts.Secret(c.username)
	ha1 = ha1MD5
	if c.algorithm == algSHA256 {
		ha1 = ha1SHA256
	}
	if !ok || ha1 == "" {
		return r.dummy[:2*md5.Size], false
	}
	return ha1, true
}

// challenge returns the values of the WWW-Authenticate headers. Both carry the
// same nonce: a phone answers one of them.
func (r *Registrar) challenge(from netip.Addr, now time.Time, isStale, md5Only bool) []string {
	nonce := r.mintNonce(from, now)
	algorithms := []algorithm{algSHA256, algMD5}
	if md5Only {
		algorithms = algorithms[1:]
	}
	out := make([]string, 0, len(algorithms))
	for _, a := range algorithms {
		v := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, r.c.Realm(), nonce, a)
		if isStale {
			v += ", stale=true"
		}
		out = append(out, v)
	}
	return out
}
