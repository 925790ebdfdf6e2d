package sipua

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// token returns 128 random bits: a tag, a Call-ID or the tail of a branch.
func token() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return hex.EncodeToString(b[:])
}

// seeded is a token that whoever knows the seed makes again; without a seed it
// is a fresh one.
func seeded(seed, part string) string {
	if seed == "" {
		return token()
	}
	mac := hmac.New(sha256.New, []byte(seed))
	mac.Write([]byte(part))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// branch returns a fresh transaction id. All of one process start alike, so
// that a response can be told from a stranger's before it is parsed.
func (u *UA) branch() string { return u.cookie + token() }

// calmTag returns the tag of answers given without keeping state: the same
// for each retransmission of a request (RFC 3261 §8.2.7), and not to be
// guessed.
func (u *UA) calmTag(req *sip.Request) string {
	mac := hmac.New(sha256.New, u.secret[:])
	if id := req.CallID(); id != nil {
		mac.Write([]byte(id.Value()))
	}
	if via := req.Via(); via != nil {
		b, _ := via.Params.Get("branch")
		mac.Write([]byte(b))
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// tagOf returns the tag among the parameters of a From or To header. Names of
// parameters may come in any case and with blanks around them.
func tagOf(ps sip.HeaderParams) string {
	for _, p := range ps {
		if p.K == "tag" || strings.EqualFold(strings.TrimSpace(p.K), "tag") {
			return strings.TrimSpace(p.V)
		}
	}
	return ""
}

// transactionKey names a server transaction (RFC 3261 §17.2.3). method is
// INVITE for an ACK, and for a CANCEL when looking for what it cancels.
func transactionKey(req *sip.Request, method sip.RequestMethod) string {
	via := req.Via()
	if b, _ := via.Params.Get("branch"); len(b) > len(cookie) && strings.HasPrefix(b, cookie) {
		return b + "|" + via.SentBy() + "|" + string(method)
	}
	// RFC 2543: no branch that means something.
	return strings.Join([]string{
		req.CallID().Value(), tagOf(req.From().Params), number(req.CSeq().SeqNo), via.SentBy(), string(method),
	}, "|")
}

// mergeKey names an INVITE whichever way it came. The same request by two
// ways is merged: answered once (RFC 3261 §8.2.2.2).
func mergeKey(req *sip.Request) string {
	return "m|" + req.CallID().Value() + "|" + tagOf(req.From().Params) + "|" + number(req.CSeq().SeqNo)
}

const cookie = sip.RFC3261BranchMagicCookie
