package signin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// hash is an argon2id hash and how it was made.
type hash struct {
	memory  uint32 // kB
	times   uint32
	threads uint8
	salt    []byte
	sum     []byte
}

// Parameters of new hashes (RFC 9106 §4 has more memory; a node that counts
// calls has none to spare for guessers), and the most that a file may ask for.
const (
	hashMemory  = 19 << 10
	hashTimes   = 2
	hashThreads = 1
	saltLength  = 16
	sumLength   = 32
	mostMemory  = 256 << 10
	mostTimes   = 16
)

var errHash = errors.New("hash is no argon2id hash ($argon2id$v=19$m=…,t=…,p=…$salt$sum)")

// NewToken makes a token for a user and its hash.
func NewToken(name string) (token, hashed string) {
	secret := rand.Text()
	h := hash{memory: hashMemory, times: hashTimes, threads: hashThreads, salt: make([]byte, saltLength)}
	_, _ = rand.Read(h.salt) // never fails
	h.sum = h.of(secret, sumLength)
	return name + "." + secret, h.String()
}

// Split takes a token apart.
func Split(token string) (name, secret string) {
	name, secret, _ = strings.Cut(token, ".")
	return name, secret
}

func (h *hash) of(secret string, length uint32) []byte {
	return argon2.IDKey([]byte(secret), h.salt, h.times, h.memory, h.threads, length)
}

func (h *hash) matches(secret string) bool {
	got := h.of(secret, uint32(len(h.sum))) //nolint:gosec // parseHash bounds it
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}

// String writes the hash as others do, too (PHC).
func (h *hash) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.times, h.threads,
		b.EncodeToString(h.salt), b.EncodeToString(h.sum))
}

func parseHash(text string) (*hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return nil, errHash
	}
	var version int
	h := &hash{}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.times, &h.threads); err != nil {
		return nil, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	sum, bad := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || bad != nil {
		return nil, errHash
	}
	h.salt, h.sum = salt, sum
	switch {
	case h.memory < 8 || h.memory > mostMemory, h.times < 1 || h.times > mostTimes, h.threads < 1:
		return nil, errHash
	case len(salt) < 8 || len(salt) > 64, len(sum) < 16 || len(sum) > 64:
		return nil, errHash
	}
	return h, nil
}
