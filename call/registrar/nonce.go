package registrar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

// A nonce is 8 bytes of Unix milliseconds, 4 random bytes (phones behind one
// address must not share a nonce) and 16 bytes of HMAC over these and the
// source address.
const (
	nonceHead = 12
	nonceSize = nonceHead + 16
	maxNonces = 1 << 14 // nonces in use at a time; one phone uses one for minutes
)

func (r *Registrar) mintNonce(from netip.Addr, now time.Time) string {
	var b [nonceSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli()))
	_, _ = rand.Read(b[8:nonceHead]) // never fails: it ends the process instead
	copy(b[nonceHead:], r.sign(b[:nonceHead], from))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// openNonce returns when a nonce was issued and whether it is ours, was issued
// to this address, and is not too old.
func (r *Registrar) openNonce(nonce string, from netip.Addr, now time.Time) (issued time.Time, fresh bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceSize || !hmac.Equal(b[nonceHead:], r.sign(b[:nonceHead], from)) {
		return time.Time{}, false
	}
	issued = time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	age := now.Sub(issued)
	return issued, age >= -time.Second && age <= r.c.NonceLife
}

func (r *Registrar) sign(head []byte, from netip.Addr) []byte {
	m := hmac.New(sha256.New, r.key[:])
	m.Write(head)
	a := from.As16()
	m.Write(a[:])
	return m.Sum(nil)[:nonceSize-nonceHead]
}

// counts remembers the highest nonce count of each nonce that proved somebody,
// so that a request can't be replayed. It holds at most max nonces: when it
// is full, everything issued up to the oldest one is given up, which costs
// those phones a stale=true and lets no replay through.
type counts struct {
	max   int
	last  map[string]counted
	floor time.Time // nonces issued up to here are stale unless known
}

type counted struct {
	nc     uint32
	issued time.Time
}

func newCounts(limit int) *counts { return &counts{max: limit, last: make(map[string]counted)} }

// advance records a use and tells whether it is a new one. Nonces issued
// before expired are stale by time and forgotten.
func (c *counts) advance(nonce string, nc uint32, issued, expired time.Time) bool {
	e, known := c.last[nonce]
	if nc <= e.nc || !known && !issued.After(c.floor) {
		return false
	}
	if !known && len(c.last) >= c.max {
		c.prune(expired)
		if !issued.After(c.floor) {
			return false
		}
	}
	c.last[nonce] = counted{nc: nc, issued: issued}
	return true
}

// prune makes room: first what expired, and if that was too little the older
// half.
func (c *counts) prune(expired time.Time) {
	var oldest, newest time.Time
	for n, e := range c.last {
		if e.issued.Before(expired) {
			delete(c.last, n)
			continue
		}
		if oldest.IsZero() || e.issued.Before(oldest) {
			oldest = e.issued
		}
		if e.issued.After(newest) {
			newest = e.issued
		}
	}
	if len(c.last) < c.max*3/4 {
		return
	}
	c.floor = oldest.Add(newest.Sub(oldest) / 2)
	for n, e := range c.last {
		if !e.issued.After(c.floor) {
			delete(c.last, n)
		}
	}
}
