package sdp

import (
	"errors"
	"fmt"
	"net/netip"
)

// Limits of what is looked at.
const (
	MaxSize    = 16 << 10 // bytes of a body
	maxLines   = 16       // m= lines
	maxFormats = 32       // formats of an m= line; further ones are passed over
	maxWord    = 64       // bytes of a media type, protocol, format or encoding name
)

// Payload types of the codecs we speak, as RFC 3551 assigns them.
const (
	PCMU uint8 = 0
	PCMA uint8 = 8
	G722 uint8 = 9
	Opus uint8 = 111 // dynamic; the number that we offer
)

const (
	lowestPort     = 1024 // media never goes to a system port
	defaultEventPT = 101
	defaultPtime   = 20
	minPtime       = 10
	maxPtime       = 60
)

// What an Error answers with.
const (
	statusMalformed     = 400
	statusNotAcceptable = 488
)

// Error is a body we don't accept.
type Error struct {
	Status int    // 400: not SDP; 488: SDP that we can't or won't use
	Line   int    // of the body, from 1; 0 for the body as a whole
	Text   string // for logs; holds nothing of the body that wasn't checked
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "sdp: " + e.Text
	}
	return fmt.Sprintf("sdp line %d: %s", e.Line, e.Text)
}

func malformed(line int, format string, args ...any) *Error {
	return &Error{Status: statusMalformed, Line: line, Text: fmt.Sprintf(format, args...)}
}

func unacceptable(line int, format string, args ...any) *Error {
	return &Error{Status: statusNotAcceptable, Line: line, Text: fmt.Sprintf(format, args...)}
}

// Direction is who sends, seen from the side that wrote the body.
type Direction uint8

// Directions. The zero value is what an absent attribute means.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

func (d Direction) String() string {
	switch d {
	case SendRecv:
		return "sendrecv"
	case SendOnly:
		return "sendonly"
	case RecvOnly:
		return "recvonly"
	case Inactive:
		return "inactive"
	}
	return fmt.Sprintf("direction(%d)", uint8(d))
}

// sends and receives tell what the writer of the body does.
func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// Session is a body that was read and accepted.
type Session struct {
	Origin string // the o= value; its ids may be anything
	Audio  *Media // the first audio line we can use; nil if there is none
	Lines  int    // all m= lines
	Raw    []byte

	media []Media // all lines, in order
	index int     // of Audio
}

// Media is one m= line with what belongs to it.
type Media struct {
	Kind      string // "audio"
	Port      int    // 0: this line is off
	Protocol  string // "RTP/AVP"
	Formats   []Format
	Addr      netip.Addr // unspecified (0.0.0.0): old-style hold
	RTCP      netip.AddrPort
	RTCPMux   bool
	Direction Direction
	Ptime     int // ms the writer wants to receive; 20 if not said

	firstFormat string // as written, to refuse the line with
	line        int    // of the body
	conn        connection
	mid         string
	bundled     bool // the peer groups it with others
	security
}

// Format is one payload type of an audio line.
type Format struct {
	PT       uint8
	Name     string // upper case: PCMA, TELEPHONE-EVENT
	Rate     int
	Channels int
}

// Negotiated is the outcome of an offer and an answer, seen from our side.
type Negotiated struct {
	// Remote is where media goes. It is not valid when the peer gave no
	// address (old-style hold), finds us by ICE, or Disabled is set; nothing is
	// sent then before it was heard.
	Remote   netip.AddrPort
	RTCP     netip.AddrPort // where RTCP goes
	RTCPMux  bool
	Codec    uint8 // PCMU, PCMA, G722 or Opus
	PT       uint8
	EventPT  uint8 // of telephone events; 0 = none
	Ptime    int   // ms that we send
	Opus     bool  // the peer names Opus, agreed or not
	Send     bool
	Receive  bool
	Hold     bool // the peer doesn't want to hear us
	Disabled bool // the audio line is off: port 0

	Protection Protection
}

// LocalOptions is our side of an offer or answer.
type LocalOptions struct {
	IP        netip.Addr
	Port      int
	SessionID uint64  // the same for all bodies of a dialog
	Version   uint64  // one more for each body that differs from the one before
	Codecs    []uint8 // PCMA, PCMU, G722, Opus in the order we prefer
	EventPT   uint8   // of telephone events in our offers; 0 means 101
	NoEvents  bool    // telephone events are neither offered nor accepted
	Direction Direction
	Security  Security
}

func (o LocalOptions) eventPT() uint8 {
	if o.NoEvents {
		return 0
	}
	if o.EventPT == 0 {
		return defaultEventPT
	}
	return o.EventPT
}

// StatusOf returns the SIP status to answer an error of this package with.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return statusNotAcceptable
}

// DefaultCodecs is what we speak, the one of Chinese networks first.
func DefaultCodecs() []uint8 { return []uint8{PCMA, PCMU} }
