package trace

import (
	"net/netip"
	"time"
)

// Kind says what an entry is.
type Kind string

// Kinds.
const (
	KindSIP   Kind = "sip"
	KindRTP   Kind = "rtp"
	KindKey   Kind = "key"
	KindEvent Kind = "event"
	KindLog   Kind = "log"
)

// Entry is one thing that happened. Of the pointers one is set, as Kind says.
type Entry struct {
	Seq   uint64 // grows within the node
	At    time.Time
	Kind  Kind
	Leg   int // in Call.Legs; -1: the call itself
	SIP   *Message
	RTP   *Sound
	Key   *Key
	Event []byte // an acd.Fact as JSON, as in the event stream
	Log   *Line
}

// Message is a SIP message, cleaned.
type Message struct {
	Out           bool
	Transport     string
	Local, Remote netip.AddrPort
	Text          []byte
}

// Sound is how the RTP of a leg went: since the entry before, or over all of it.
type Sound struct {
	Final       bool
	Local       netip.AddrPort // of the RTP; none: not agreed yet
	Remote      netip.AddrPort
	Codec       string
	Sent        uint64
	Received    uint64
	Lost        uint64
	Late        uint64
	RemoteLost  int64 // as the peer told by RTCP
	Jitter      time.Duration
	RemoteShake time.Duration // the jitter that the peer told
	MaxGap      time.Duration // so far
	RoundTrip   time.Duration
	MOS         int64 // hundredths; 0: nothing came
	RemoteMOS   int64
}

// Key is a key of the caller's telephone.
type Key struct {
	Source string
	Digit  rune // 0: it isn't told
	Held   time.Duration
}

// Line is what a call wrote into the program's log.
type Line struct {
	Level string
	Text  string
}

// Leg is one SIP leg of a call.
type Leg struct {
	CallID string // the header's
	Role   Role
	Name   string // of an agent; whom we called outside
}

// Role says who is at the other end of a leg.
type Role string

// Roles.
const (
	Caller  Role = "caller"
	Agent   Role = "agent"
	Outside Role = "outside"
	Unknown Role = "" // nobody has claimed the leg: a call that was refused, a feature code
)
