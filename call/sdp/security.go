package sdp

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"tierline/media/keying"
)

// Policy is whether a leg's media is encrypted.
type Policy uint8

// Policies. Optional takes what the peer offers, and offers keys only where
// [Security.Private] says that nobody can read them on the way.
const (
	Never Policy = iota
	Optional
	Required
)

func (p Policy) String() string {
	switch p {
	case Never:
		return "never"
	case Optional:
		return "optional"
	case Required:
		return "required"
	}
	return fmt.Sprintf("policy(%d)", uint8(p))
}

// ParsePolicy reads a policy as the documents spell it.
func ParsePolicy(s string) (Policy, bool) {
	for p := Never; p <= Required; p++ {
		if s == p.String() {
			return p, true
		}
	}
	return Never, false
}

// Security is our side of what protects a leg. The zero value speaks plain RTP
// only.
type Security struct {
	Policy  Policy
	Private bool // the signalling is encrypted: keys may be offered where they needn't be
	Browser bool // what we offer is for a browser: DTLS and ICE
	// Secret is what our keys and the names of ICE are derived from: random,
	// and a new one for each leg.
	Secret      [32]byte
	Fingerprint Fingerprint // of our certificate; without one there is no DTLS
}

// Fingerprint is the hash of a certificate (RFC 8122).
type Fingerprint struct {
	Hash string // sha-256, sha-384 or sha-512
	Sum  []byte
}

func (f Fingerprint) valid() bool { return len(f.Sum) > 0 }

func (f Fingerprint) String() string {
	text := strings.ToUpper(hex.EncodeToString(f.Sum))
	var b strings.Builder
	b.WriteString(f.Hash + " ")
	for i := 0; i < len(text); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(text[i : i+2])
	}
	return b.String()
}

// hashSize is the length of the fingerprints we can check, 0 for others: a
// SHA-1 or MD5 proves nothing any more.
func hashSize(name string) int {
	switch name {
	case "sha-256":
		return 32
	case "sha-384":
		return 48
	case "sha-512":
		return 64
	}
	return 0
}

func parseFingerprint(value string) (Fingerprint, bool) {
	name, text, _ := strings.Cut(strings.TrimSpace(value), " ")
	f := Fingerprint{Hash: strings.ToLower(name)}
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(sum) == 0 || len(sum) != hashSize(f.Hash) {
		return Fingerprint{}, false
	}
	f.Sum = sum
	return f, true
}

// Setup is who begins the DTLS handshake (RFC 4145).
type Setup uint8

// Setups. The zero value says nothing.
const (
	setupUnsaid Setup = iota
	setupActPass
	setupActive
	setupPassive
)

func parseSetup(value string) Setup {
	switch strings.TrimSpace(value) {
	case "actpass":
		return setupActPass
	case "active":
		return setupActive
	case "passive":
		return setupPassive
	}
	return setupUnsaid
}

// ICE is what the connectivity checks of a leg are signed with (RFC 8445). We
// are the lite side: the peer finds out which of its addresses reaches us.
type ICE struct {
	Ufrag, Password string // ours
	RemoteUfrag     string
}

// DTLS is a handshake that yields the keys.
type DTLS struct {
	Client bool          // we begin
	Peer   []Fingerprint // its certificate has one of them
}

// Protection is what was agreed for a leg: keys, a handshake, or neither for
// plain RTP.
type Protection struct {
	Send, Receive keying.Key // empty without a=crypto
	DTLS          *DTLS
	ICE           *ICE
}

// Plain says that the sound goes unprotected.
func (p Protection) Plain() bool { return p.DTLS == nil && p.Send.Suite == keying.None }

// derive makes n bytes that only the owner of the secret can make.
func (s *Security) derive(n int, label string, of []byte) []byte {
	// It fails only for more than 8160 bytes.
	b, _ := hkdf.Key(sha256.New, s.Secret[:], of, "tierline "+label, n)
	return b
}

// keys makes our key for a suite. It changes if the peer's does: whoever makes
// a new key starts counting anew.
func (s *Security) keys(suite keying.Suite, peer keying.Key) keying.Key {
	return keying.Key{Suite: suite, Master: s.derive(suite.Size(), "srtp "+suite.String(), peer.Master), MKI: peer.MKI}
}

func (s *Security) ice(remote string) *ICE {
	return &ICE{
		Ufrag:       base64.RawStdEncoding.EncodeToString(s.derive(6, "ice-ufrag", nil)),
		Password:    base64.RawStdEncoding.EncodeToString(s.derive(18, "ice-pwd", nil)),
		RemoteUfrag: remote,
	}
}
