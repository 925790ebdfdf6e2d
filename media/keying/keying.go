package keying

import (
	"bytes"
	"strings"
)

// Suite is how packets are encrypted and authenticated.
type Suite uint8

// Suites, in the order we offer them. The zero value is no suite.
const (
	None Suite = iota
	AEADAES256GCM
	AEADAES128GCM
	AESCM128SHA80
	AES256CMSHA80
	AESCM128SHA32
	AES256CMSHA32
	suites
)

// Offered is the last of the suites that stand in an offer: the weaker tags
// are for peers that ask for them.
const Offered = AES256CMSHA80

// String returns the suite's registered name.
func (s Suite) String() string {
	switch s {
	case AEADAES256GCM:
		return "AEAD_AES_256_GCM"
	case AEADAES128GCM:
		return "AEAD_AES_128_GCM"
	case AESCM128SHA80:
		return "AES_CM_128_HMAC_SHA1_80"
	case AES256CMSHA80:
		return "AES_256_CM_HMAC_SHA1_80"
	case AESCM128SHA32:
		return "AES_CM_128_HMAC_SHA1_32"
	case AES256CMSHA32:
		return "AES_256_CM_HMAC_SHA1_32"
	case None, suites:
	}
	return "none"
}

// Sizes are the lengths of the master key and of its salt in bytes, 0 for what
// is no suite.
func (s Suite) Sizes() (key, salt int) {
	switch s {
	case AEADAES256GCM:
		return 32, 12
	case AEADAES128GCM:
		return 16, 12
	case AESCM128SHA80, AESCM128SHA32:
		return 16, 14
	case AES256CMSHA80, AES256CMSHA32:
		return 32, 14
	case None, suites:
	}
	return 0, 0
}

// Size is the length of the master key with its salt in bytes.
func (s Suite) Size() int {
	key, salt := s.Sizes()
	return key + salt
}

// Parse finds a suite by its registered name, None if we don't have it.
func Parse(name string) Suite {
	for s := None + 1; s < suites; s++ {
		if strings.EqualFold(name, s.String()) {
			return s
		}
	}
	return None
}

// Key protects one direction.
type Key struct {
	Suite  Suite
	Master []byte // key and salt
	MKI    []byte // stands in every packet; nil = nothing does
}

// Equal tells whether two keys are the same, so that counting goes on.
func (k Key) Equal(other Key) bool {
	return k.Suite == other.Suite && bytes.Equal(k.Master, other.Master) && bytes.Equal(k.MKI, other.MKI)
}
