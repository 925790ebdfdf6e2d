package media

import (
	"errors"
	"fmt"
	"net/netip"

	"tierline/media/dtmf"
)

// Codec is a way to encode speech; its value is the static payload type.
type Codec uint8

// Codecs.
const (
	PCMU Codec = 0
	PCMA Codec = 8
	G722 Codec = 9
	Opus Codec = 111 // dynamic; the number that we offer
)

// Name returns the encoding name as SDP spells it.
func (c Codec) Name() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	case G722:
		return "G722"
	case Opus:
		return "opus"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

func (c Codec) known() bool { return c == PCMU || c == PCMA || c == G722 || c == Opus }

// PayloadType returns the static RTP payload type.
func (c Codec) PayloadType() uint8 { return uint8(c) }

// Event is something that happened on a leg. The set is closed.
//
//sumtype:decl
type Event interface{ isEvent() }

// Digit is a key that the peer pressed, told on its first packet or, as a tone
// in the sound, once it has lasted long enough.
type Digit struct {
	Source     dtmf.Source // Event or Inband
	Code       rune        // 0–9 * # A–D
	DurationMS int         // so far: 0 to 20 as a rule, all of it if only the end arrived
}

// Played says that a Play came to its end by itself; it is not sent for one
// that was replaced or stopped.
type Played struct{ ID uint64 }

// Failed says that the leg is broken and carries nothing any more; it still
// must be closed.
type Failed struct{ Reason string }

// Measured is how the leg's RTP has been so far, told whenever a report is due by
// RTCP: every five seconds, more or less.
type Measured struct{ Quality Quality }

func (Digit) isEvent()    {}
func (Played) isEvent()   {}
func (Failed) isEvent()   {}
func (Measured) isEvent() {}

// Params is what was negotiated for a leg.
type Params struct {
	Remote     netip.AddrPort // where the peer wants RTP; nothing is sent if it is invalid, unspecified or has port 0
	Signalling netip.Addr     // where its SIP comes from; see "Who may send"
	RTCPMux    bool           // RTCP on the RTP port
	Codec      Codec
	PT         uint8 // payload type of the codec, both ways
	EventPT    uint8 // payload type of telephone-event, both ways; 0 = none
	Ptime      int   // ms of sound in a packet that we make: 10 to 60 in tens; 0 = 20
	Send       bool
	Receive    bool
	Inband     bool // keys are listened for in the sound
	Codes      bool // telephone events from a star on are for us alone; see EndCode
	Security   Security
}

// Errors of Open and Configure.
var (
	ErrNoPorts = errors.New("no free pair of RTP ports")
	ErrClosed  = errors.New("media engine closed")
	ErrParams  = errors.New("unusable media parameters")
)

const (
	maxPtime     = 60
	defaultPtime = 20
)

// normal returns the parameters with defaults filled in and addresses in one
// form, or what is wrong with them.
func (p Params) normal(local netip.Addr) (Params, error) {
	if !p.Codec.known() {
		return p, fmt.Errorf("%w: %s", ErrParams, p.Codec.Name())
	}
	if p.PT > 127 || p.EventPT > 127 || p.PT == p.EventPT && p.EventPT != 0 {
		return p, fmt.Errorf("%w: payload types %d and %d", ErrParams, p.PT, p.EventPT)
	}
	if p.Ptime == 0 {
		p.Ptime = defaultPtime
	}
	if p.Ptime < 10 || p.Ptime > maxPtime || p.Ptime%10 != 0 {
		return p, fmt.Errorf("%w: packet time %d ms", ErrParams, p.Ptime)
	}
	p.Signalling = p.Signalling.Unmap()
	p.Remote = netip.AddrPortFrom(p.Remote.Addr().Unmap(), p.Remote.Port())
	if a := p.Remote.Addr(); !a.IsValid() || a.IsUnspecified() || p.Remote.Port() == 0 {
		p.Remote = netip.AddrPort{}
		return p, nil
	}
	if p.Remote.Addr().Is4() != local.Is4() {
		return p, fmt.Errorf("%w: remote address %s for a socket on %s", ErrParams, p.Remote, local)
	}
	return p, nil
}

// Quality is what RTP and RTCP said of one leg.
type Quality struct {
	Codec        string
	Cipher       string // of SRTP; "" for plain RTP
	Sent         uint64 // packets
	Received     uint64
	Lost         uint64 // expected minus received, never below 0
	JitterMS     int64  // RFC 3550 interarrival jitter at the end
	MaxGapMS     int64  // longest silence between two packets
	Strangers    uint64 // packets dropped because of their source
	Malformed    uint64 // datagrams that were no RTP
	RemoteLost   int64  // cumulative loss the peer reported by RTCP
	RemoteJitter int64  // ms
	RoundTripMS  int64
	DigitsHeard  uint64
	Late         uint64 // packets that came after a later one
	MOS          int64  // hundredths, estimated of what we received (emodel); 0 = nothing was
	RemoteMOS    int64  // the same of what the peer received, if its RTCP told
}
