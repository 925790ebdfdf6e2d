package srtp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/srtp/v3"
)

// Suite is how packets are encrypted and authenticated.
type Suite uint8

// Suites. The zero value is no suite.
const (
	None Suite = iota
	AEADAES256GCM
	AEADAES128GCM
	AESCM128SHA80
	AES256CMSHA80
	AESCM128SHA32
	AES256CMSHA32
)

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
	case None:
	}
	return fmt.Sprintf("suite %d", uint8(s))
}

// profile is the library's name for a suite and how much of a master is key.
func (s Suite) profile() (p pion.ProtectionProfile, key int) {
	switch s {
	case AEADAES256GCM:
		return pion.ProtectionProfileAeadAes256Gcm, 32
	case AEADAES128GCM:
		return pion.ProtectionProfileAeadAes128Gcm, 16
	case AESCM128SHA80:
		return pion.ProtectionProfileAes128CmHmacSha1_80, 16
	case AES256CMSHA80:
		return pion.ProtectionProfileAes256CmHmacSha1_80, 32
	case AESCM128SHA32:
		return pion.ProtectionProfileAes128CmHmacSha1_32, 16
	case AES256CMSHA32:
		return pion.ProtectionProfileAes256CmHmacSha1_32, 32
	case None:
	}
	return 0, 0
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

// ErrKey says that a key can't be used.
var ErrKey = errors.New("unusable SRTP key")

// MaxSize is that of the packets that are sealed.
const MaxSize = 2048

const (
	window = 128 // packets that may come late
	growth = 64  // tag, index and identifier at most
)

func (k Key) context(options ...pion.ContextOption) (*pion.Context, error) {
	profile, n := k.Suite.profile()
	if n == 0 || len(k.Master) < n {
		return nil, fmt.Errorf("%w: %d bytes for suite %d", ErrKey, len(k.Master), k.Suite)
	}
	if len(k.MKI) > 0 {
		options = append(options, pion.MasterKeyIndicator(k.MKI))
	}
	c, err := pion.CreateContext(k.Master[:n], k.Master[n:], profile, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return c, nil
}

// Sealer protects what leaves a leg.
type Sealer struct {
	key     Key
	context *pion.Context
	header  rtp.Header
	buffer  [MaxSize + growth]byte
}

// NewSealer returns a sealer whose counters begin.
func NewSealer(k Key) (*Sealer, error) {
	c, err := k.context()
	if err != nil {
		return nil, err
	}
	return &Sealer{key: k, context: c}, nil
}

// Key returns the key in use.
func (s *Sealer) Key() Key { return s.key }

// RTP returns a packet sealed; it is good until the next call.
func (s *Sealer) RTP(packet []byte) ([]byte, error) {
	b, err := s.context.EncryptRTP(s.buffer[:0], packet, &s.header)
	if err != nil {
		return nil, fmt.Errorf("seal RTP: %w", err)
	}
	return b, nil
}

// RTCP returns a compound packet sealed; it is good until the next call.
func (s *Sealer) RTCP(packet []byte) ([]byte, error) {
	b, err := s.context.EncryptRTCP(s.buffer[:0], packet, nil)
	if err != nil {
		return nil, fmt.Errorf("seal RTCP: %w", err)
	}
	return b, nil
}

// Opener opens what comes to a leg.
type Opener struct {
	key     Key
	context *pion.Context
	header  rtp.Header
	control rtcp.Header
}

// NewOpener returns an opener that has seen nothing yet.
func NewOpener(k Key) (*Opener, error) {
	c, err := k.context(pion.SRTPReplayProtection(window), pion.SRTCPReplayProtection(window))
	if err != nil {
		return nil, err
	}
	return &Opener{key: k, context: c}, nil
}

// Key returns the key in use.
func (o *Opener) Key() Key { return o.key }

// ErrForged says that a packet wasn't made with the key, or was there before.
var ErrForged = errors.New("not authentic")

// RTP opens a packet in its own memory.
func (o *Opener) RTP(packet []byte) (plain []byte, err error) {
	defer survive(&err)
	b, err := o.context.DecryptRTP(packet, packet, &o.header)
	if err != nil {
		return nil, ErrForged // it is counted; nobody asks for the reason
	}
	return b, nil
}

// RTCP opens a compound packet in its own memory.
func (o *Opener) RTCP(packet []byte) (plain []byte, err error) {
	defer survive(&err)
	b, err := o.context.DecryptRTCP(packet, packet, &o.control)
	if err != nil {
		return nil, ErrForged
	}
	return b, nil
}

// survive is deferred around the library: what came from outside must not end
// a leg.
func survive(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %v", ErrForged, v)
	}
}
