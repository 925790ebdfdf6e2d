package srtp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/srtp/v3"

	"tierline/media/keying"
)

// profile is the library's name for a suite.
func profile(s keying.Suite) pion.ProtectionProfile {
	switch s {
	case keying.AEADAES256GCM:
		return pion.ProtectionProfileAeadAes256Gcm
	case keying.AEADAES128GCM:
		return pion.ProtectionProfileAeadAes128Gcm
	case keying.AESCM128SHA80:
		return pion.ProtectionProfileAes128CmHmacSha1_80
	case keying.AES256CMSHA80:
		return pion.ProtectionProfileAes256CmHmacSha1_80
	case keying.AESCM128SHA32:
		return pion.ProtectionProfileAes128CmHmacSha1_32
	case keying.AES256CMSHA32:
		return pion.ProtectionProfileAes256CmHmacSha1_32
	case keying.None:
	}
	return 0
}

// ErrKey says that a key can't be used.
var ErrKey = errors.New("unusable SRTP key")

// MaxSize is that of the packets that are sealed.
const MaxSize = 2048

const (
	window = 128 // packets that may come late
	growth = 64  // tag, index and identifier at most
)

func contextOf(k keying.Key, options ...pion.ContextOption) (*pion.Context, error) {
	n, _ := k.Suite.Sizes()
	if n == 0 || len(k.Master) < n {
		return nil, fmt.Errorf("%w: %d bytes for suite %d", ErrKey, len(k.Master), k.Suite)
	}
	if len(k.MKI) > 0 {
		options = append(options, pion.MasterKeyIndicator(k.MKI))
	}
	c, err := pion.CreateContext(k.Master[:n], k.Master[n:], profile(k.Suite), options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return c, nil
}

// Sealer protects what leaves a leg.
type Sealer struct {
	key     keying.Key
	context *pion.Context
	header  rtp.Header
	buffer  [MaxSize + growth]byte
}

// NewSealer returns a sealer whose counters begin.
func NewSealer(k keying.Key) (*Sealer, error) {
	c, err := contextOf(k)
	if err != nil {
		return nil, err
	}
	return &Sealer{key: k, context: c}, nil
}

// Key returns the key in use.
func (s *Sealer) Key() keying.Key { return s.key }

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
	key     keying.Key
	context *pion.Context
	header  rtp.Header
	control rtcp.Header
	tries   int // packets for which the count of rollovers is still looked for
}

// NewOpener returns an opener that has seen nothing yet.
func NewOpener(k keying.Key) (*Opener, error) {
	c, err := contextOf(k, pion.SRTPReplayProtection(window), pion.SRTCPReplayProtection(window))
	if err != nil {
		return nil, err
	}
	return &Opener{key: k, context: c}, nil
}

// How long a stream can have gone on before us, and for how many packets we look
// for that.
const (
	mostRollovers = 32 // 11 hours of 50 packets a second
	mostTries     = 1000
)

// ResumeOpener returns an opener for a stream of which another one has seen the
// beginning. How often its numbers have begun anew is in no packet: it is found by
// trying.
func ResumeOpener(k keying.Key) (*Opener, error) {
	o, err := NewOpener(k)
	if err == nil {
		o.tries = mostTries
	}
	return o, err
}

// Key returns the key in use.
func (o *Opener) Key() keying.Key { return o.key }

// ErrForged says that a packet wasn't made with the key, or was there before.
var ErrForged = errors.New("not authentic")

// RTP opens a packet in its own memory.
func (o *Opener) RTP(packet []byte) (plain []byte, err error) {
	defer survive(&err)
	if o.tries > 0 {
		return o.search(packet)
	}
	b, err := o.context.DecryptRTP(packet, packet, &o.header)
	if err != nil {
		return nil, ErrForged // it is counted; nobody asks for the reason
	}
	return b, nil
}

// search opens a packet with the first count of rollovers that fits it.
func (o *Opener) search(packet []byte) ([]byte, error) {
	o.tries--
	if _, err := o.header.Unmarshal(packet); err != nil {
		return nil, ErrForged
	}
	ssrc, sealed := o.header.SSRC, bytes.Clone(packet)
	for n := range uint32(mostRollovers) {
		o.context.SetROC(ssrc, n)
		if b, err := o.context.DecryptRTP(packet, packet, &o.header); err == nil {
			o.tries = 0
			return b, nil
		}
		copy(packet, sealed)
	}
	o.context.SetROC(ssrc, 0) // as of one that begins
	return nil, ErrForged
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
