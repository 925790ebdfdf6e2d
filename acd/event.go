package acd

import (
	"fmt"
	"net/netip"
	"strings"

	"tierline/routing"
)

// Event is something that happened, as written in the log. The set is closed;
// its meaning never changes after a release (a new meaning is a new kind).
//
//sumtype:decl
type Event interface{ isEvent() }

// Entry is one line of the replicated log.
type Entry struct {
	Index uint64 // Raft index; names offers and generations
	At    int64  // log time in ms: never goes back, all expiries are measured in it
	Wall  int64  // Unix time in ms, for records and people only
	Event Event
}

// ConfigPublished makes a new generation of service documents current.
type ConfigPublished struct {
	Hash   string `json:"hash"` // SHA-256 of Bundle in hex
	By     string `json:"by"`
	Note   string `json:"note,omitempty"`
	Bundle []byte `json:"bundle"` // the documents themselves; opaque to this package
	Config Config `json:"config"` // what the core needs of them, decided by the proposer
}

// AgentCommand is what an agent, or somebody for the agent, asks for.
type AgentCommand uint8

// Agent commands. The order is part of the log format.
const (
	SignIn AgentCommand = iota + 1
	SignOut
	GoReady
	GoNotReady
	EndWrapUp
	ExtendWrapUp
)

// String returns the command's name.
func (c AgentCommand) String() string {
	switch c {
	case SignIn:
		return "sign_in"
	case SignOut:
		return "sign_out"
	case GoReady:
		return "ready"
	case GoNotReady:
		return "not_ready"
	case EndWrapUp:
		return "end_wrap_up"
	case ExtendWrapUp:
		return "extend_wrap_up"
	}
	return fmt.Sprintf("command(%d)", uint8(c))
}

// AgentCommanded is an agent (feature code, API) or a supervisor asking for a
// state. During a call it sets the next state instead.
type AgentCommanded struct {
	Agent   string       `json:"agent"`
	Command AgentCommand `json:"command"`
	Reason  string       `json:"reason,omitempty"` // for GoNotReady
	By      string       `json:"by"`
	For     int64        `json:"for,omitempty"` // ms; GoNotReady: planned length; ExtendWrapUp: how much longer
}

// AgentDisposed says what became of a call, in one of its queue's codes: while
// the agent talks, or in the wrap-up after it. The last one counts.
type AgentDisposed struct {
	Agent string `json:"agent"`
	Call  string `json:"call"`
	Code  string `json:"code"`
	By    string `json:"by"`
}

// Binding is one registered contact of an agent's phone.
type Binding struct {
	Contact   string `json:"contact"`  // URI of the Contact header
	Received  string `json:"received"` // ip:port the REGISTER came from; requests go there
	Transport string `json:"transport"`
	CallID    string `json:"call_id"`
	CSeq      uint32 `json:"cseq"`
	Node      string `json:"node"` // the node that owns the flow
	UserAgent string `json:"user_agent,omitempty"`
	Fixed     bool   `json:"fixed,omitempty"`   // from the agent's document, never expires
	Expires   int64  `json:"expires,omitempty"` // log time in ms; set by Apply
}

// Lives says whether a phone can be called over its own connection only. One
// that registered over TCP and names the address it was seen at listens for
// others.
func (b Binding) Lives() bool {
	switch {
	case b.Fixed || b.Transport == "" || strings.EqualFold(b.Transport, "udp"):
		return false
	case !strings.EqualFold(b.Transport, "tcp"):
		return true
	}
	seen, err := netip.ParseAddrPort(b.Received)
	return err != nil || hostOf(b.Contact) != seen.Addr().Unmap()
}

// hostOf is the host of a URI, if it is an address.
func hostOf(uri string) netip.Addr {
	_, rest, _ := strings.Cut(uri, ":")
	rest, _, _ = strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], ";")
	rest, _, _ = strings.Cut(rest, "?")
	if at, err := netip.ParseAddrPort(rest); err == nil {
		return at.Addr().Unmap()
	}
	at, _ := netip.ParseAddr(strings.Trim(rest, "[]")) // a name
	return at.Unmap()
}

// PhoneRegistered adds or refreshes one binding of an agent's phone.
type PhoneRegistered struct {
	Agent   string  `json:"agent"`
	Binding Binding `json:"binding"`
	TTL     int64   `json:"ttl"` // ms
}

// PhoneUnregistered removes one binding, or all if Contact is "*".
type PhoneUnregistered struct {
	Agent   string `json:"agent"`
	Contact string `json:"contact"`
	CallID  string `json:"call_id,omitempty"` // of the REGISTER, if it was one
	CSeq    uint32 `json:"cseq,omitempty"`
}

// Customer is what was known of the caller when the call arrived.
type Customer struct {
	ID       string       `json:"id,omitempty"`
	Name     string       `json:"name,omitempty"`
	Tier     routing.Tier `json:"tier"`
	Language string       `json:"language,omitempty"`
}

// CallArrived is a caller's leg, committed before it is answered.
type CallArrived struct {
	Call       string   `json:"call"`
	Node       string   `json:"node"`
	Trunk      string   `json:"trunk"`
	From       string   `json:"from"` // ANI, normalised
	To         string   `json:"to"`   // DNIS, normalised
	Flow       string   `json:"flow"`
	Generation uint64   `json:"generation"`
	Customer   Customer `json:"customer"`
	SIPCallID  string   `json:"sip_call_id,omitempty"`
	Leg        []byte   `json:"leg,omitempty"`  // encoded dialog and SDP, opaque to this package
	Home       string   `json:"home,omitempty"` // at whose address it arrived; none: the node's own
	Caps       []Cap    `json:"caps,omitempty"` // refused if one is reached
}

// CallStepped is a checkpoint of the menu: the call entered a node of its flow.
type CallStepped struct {
	Call      string `json:"call"`
	Step      string `json:"step"`
	Milestone string `json:"milestone,omitempty"`
	Language  string `json:"language,omitempty"`
	Key       string `json:"key,omitempty"`     // what the caller pressed to get here; never a secret
	Menu      []byte `json:"menu,omitempty"`    // encoded session, opaque to this package; none: that of the step before
	Outcome   string `json:"outcome,omitempty"` // how the step before ended: key, ok, not_found, no_input, …
	TookMS    int64  `json:"took_ms,omitempty"` // how long it lasted
}

// Attribute is one named value that travels with a call.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CallQueued puts a call into a queue.
type CallQueued struct {
	Call        string       `json:"call"`
	Queue       string       `json:"queue"`
	Tier        routing.Tier `json:"tier"`
	Language    string       `json:"language,omitempty"`
	Requirement string       `json:"requirement,omitempty"` // added to the queue's by "and"
	MaxWait     int64        `json:"max_wait,omitempty"`    // ms; 0 = the queue's
	Attach      []Attribute  `json:"attach,omitempty"`      // sorted by name

	// Preferred is the agent who is asked first if he can be: the last one, or
	// the owner of the matter. For PreferredFor ms nobody else is asked, unless
	// he can't take the call, isn't there, leaves, or lets it ring.
	Preferred    string `json:"preferred,omitempty"`
	PreferredFor int64  `json:"preferred_for,omitempty"`

	// PreferLast prefers the agent who talked to this caller last, if that is
	// still known (see QueueConfig.LastAgent) and Preferred names nobody.
	PreferLast bool `json:"prefer_last,omitempty"`

	// Keep gives the call the place it had in the queue it was in before: a
	// transfer back, an overflow. Credit is a place that something else has kept
	// for it, in ms before now: a call-back.
	Keep   bool  `json:"keep,omitempty"`
	Credit int64 `json:"credit,omitempty"`

	// Refused is why the owner of the call didn't let it in (LeftClosed, LeftLong;
	// see [State.TooLong]): it never waits.
	Refused LeaveCause `json:"refused,omitempty"`
}

// CallMoved is a supervisor putting a waiting call into another band: before
// all calls of higher bands, behind all of lower ones. Calls begin in band 0.
type CallMoved struct {
	Call string `json:"call"`
	Band int64  `json:"band"`
	By   string `json:"by"`
}

// QueueLeft takes a waiting call out of its queue without ending it.
type QueueLeft struct {
	Call  string     `json:"call"`
	Cause LeaveCause `json:"cause"`
}

// CallOffered reserves an agent for a call, or several of whom the first to
// pick up has it. It records the leader's decision; the offer's id is the index
// of this entry.
type CallOffered struct {
	Call  string   `json:"call"`
	Agent string   `json:"agent"`
	More  []string `json:"more,omitempty"` // who ring beside Agent: a ring group
	Why   string   `json:"why,omitempty"`
}

// OfferRang says that the agent's phone is ringing. Agent tells whose, if the
// offer rings several; so it does in what follows.
type OfferRang struct {
	Offer uint64 `json:"offer"`
	Agent string `json:"agent,omitempty"`
}

// OfferAnswered says that the agent picked up. If Apply refuses it, the
// agent's leg must be released: the offer is over.
type OfferAnswered struct {
	Offer uint64 `json:"offer"`
	Agent string `json:"agent,omitempty"`
	Leg   []byte `json:"leg,omitempty"` // encoded dialog and SDP of the agent's leg
}

// Outcome says how an offer ended without a conversation.
type Outcome uint8

// Offer outcomes. The order is part of the log format.
const (
	NoAnswer Outcome = iota + 1
	Busy
	Rejected
	Unreachable    // no binding, time-out or failure of the phone's signalling
	CallerLeft     // hung up, timed out or pressed a key while the agent rang
	AgentWithdrawn // signed out or changed by a supervisor
	SwitchFailed   // we could not ring: nobody's fault but ours
	LostRace       // another agent of the ring group was faster
)

// String returns the outcome's name in facts and reports.
func (o Outcome) String() string {
	switch o {
	case NoAnswer:
		return "no_answer"
	case Busy:
		return "busy"
	case Rejected:
		return "rejected"
	case Unreachable:
		return "unreachable"
	case CallerLeft:
		return "caller_left"
	case AgentWithdrawn:
		return "agent_withdrawn"
	case SwitchFailed:
		return "switch_failed"
	case LostRace:
		return "lost_race"
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// OfferFailed is the result of an offer that did not become a conversation.
type OfferFailed struct {
	Offer   uint64  `json:"offer"`
	Agent   string  `json:"agent,omitempty"`
	Outcome Outcome `json:"outcome"`
	SIP     int     `json:"sip,omitempty"` // final status of the agent's leg, if there was one
}

// AgentReleased ends the agent's part of a call; the caller may stay.
type AgentReleased struct {
	Offer   uint64   `json:"offer"`
	By      Side     `json:"by"`
	Quality *Quality `json:"quality,omitempty"` // of the agent's leg
	Lost    bool     `json:"lost,omitempty"`    // his phone fell silent: he gets no other call before he says so
}

// Side says who ended something.
type Side uint8

// Sides. The order is part of the log format.
const (
	SideSwitch Side = iota + 1
	SideCaller
	SideAgent
)

// String returns the side's name in facts and reports.
func (s Side) String() string {
	switch s {
	case 0, SideSwitch: // nobody else did it
		return "switch"
	case SideCaller:
		return "caller"
	case SideAgent:
		return "agent"
	}
	return fmt.Sprintf("side(%d)", uint8(s))
}

// Quality is what RTP and RTCP said of one leg.
type Quality struct {
	Codec        string `json:"codec,omitempty"`
	Cipher       string `json:"cipher,omitempty"` // of SRTP; none: plain
	Sent         uint64 `json:"sent"`             // packets
	Received     uint64 `json:"received"`
	Lost         uint64 `json:"lost"`        // expected minus received, never below 0
	JitterMS     int64  `json:"jitter_ms"`   // RFC 3550 interarrival jitter at the end
	MaxGapMS     int64  `json:"max_gap_ms"`  // longest silence between two packets
	Strangers    uint64 `json:"strangers"`   // packets dropped because of their source
	Malformed    uint64 `json:"malformed"`   // datagrams that were no RTP
	RemoteLost   int64  `json:"remote_lost"` // cumulative loss the peer reported by RTCP
	RemoteJitter int64  `json:"remote_jitter_ms"`
	RoundTripMS  int64  `json:"round_trip_ms,omitempty"`
	DigitsHeard  uint64 `json:"digits_heard"`
	Late         uint64 `json:"late,omitempty"`            // packets that came after a later one
	MOS          int64  `json:"mos_x100,omitempty"`        // estimate of what we received, in hundredths
	RemoteMOS    int64  `json:"remote_mos_x100,omitempty"` // the same of what the peer received
}

// CallEnded takes a call out, whatever phase it is in.
type CallEnded struct {
	Call    string   `json:"call"`
	Cause   string   `json:"cause"` // stable word: normal, abandoned, no_ack, fault, …
	By      Side     `json:"by"`
	SIP     int      `json:"sip,omitempty"`
	Quality *Quality `json:"quality,omitempty"` // of the caller's leg

	// AgentQuality is that of the agent's leg, if one was connected until now.
	AgentQuality *Quality `json:"agent_quality,omitempty"`
}

func (e CallEnded) bySwitch() bool { return e.By == 0 || e.By == SideSwitch }

// NodeRestarted says that a node's process began anew. It goes on with the
// calls that the one before it held, or they are gone.
type NodeRestarted struct {
	Node   string `json:"node"`
	Resume bool   `json:"resume,omitempty"`
}

// TimePassed carries nothing but its entry's time: expiries that are due fire.
type TimePassed struct{}

func (ConfigPublished) isEvent()   {}
func (AgentCommanded) isEvent()    {}
func (PhoneRegistered) isEvent()   {}
func (PhoneUnregistered) isEvent() {}
func (CallArrived) isEvent()       {}
func (CallStepped) isEvent()       {}
func (CallQueued) isEvent()        {}
func (QueueLeft) isEvent()         {}
func (CallOffered) isEvent()       {}
func (OfferRang) isEvent()         {}
func (OfferAnswered) isEvent()     {}
func (OfferFailed) isEvent()       {}
func (AgentReleased) isEvent()     {}
func (CallEnded) isEvent()         {}
func (NodeRestarted) isEvent()     {}
func (TimePassed) isEvent()        {}
func (CallMoved) isEvent()         {}
func (AgentDisposed) isEvent()     {}
