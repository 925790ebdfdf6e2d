package acd

import "fmt"

// Role says what an agent does in a call. The zero value serves it: one agent
// at most does, and what follows a conversation is about him.
type Role uint8

// Roles beside serving. The order is part of the log format.
const (
	RoleConsult    Role = iota + 1 // talks to the agent who asked, the caller waits
	RoleTransfer                   // is to have the caller in place of the agent
	RoleMember                     // is in a conference with everybody
	RoleCaller                     // made the call from his phone
	RoleSupervisor                 // looks after the agent who serves it
)

// String returns the role's name in facts and views.
func (r Role) String() string {
	switch r {
	case 0:
		return ""
	case RoleConsult:
		return "consult"
	case RoleTransfer:
		return "transfer"
	case RoleMember:
		return "member"
	case RoleCaller:
		return "caller"
	case RoleSupervisor:
		return "supervisor"
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// CallPlaced is a call that an agent makes from his phone, committed before
// anybody else's rings. To an agent or a queue he is the caller; outside, the
// one who is called is the customer and he serves the call from the start.
type CallPlaced struct {
	Call       string   `json:"call"`
	Node       string   `json:"node"`
	Agent      string   `json:"agent"`
	To         string   `json:"to"` // as dialled, normalised
	Outside    bool     `json:"outside,omitempty"`
	Trunk      string   `json:"trunk,omitempty"`
	Generation uint64   `json:"generation"`
	Customer   Customer `json:"customer"` // whose number To is
	SIPCallID  string   `json:"sip_call_id,omitempty"`
	Leg        []byte   `json:"leg,omitempty"`  // the agent's
	Home       string   `json:"home,omitempty"` // see CallArrived
}

// AgentCalled reserves an agent for a call outside of every queue, because
// somebody wants him there. The offer's id is the index of this entry; OfferRang,
// OfferAnswered, OfferFailed and AgentReleased are about it as about any other.
type AgentCalled struct {
	Call  string `json:"call"`
	Agent string `json:"agent"`
	Role  Role   `json:"role"`
	By    string `json:"by"`             // the agent in the call who asks, or somebody for him
	For   int64  `json:"for,omitempty"`  // ms the phone may ring; 0 = 15 s
	Mode  string `json:"mode,omitempty"` // of a supervisor: see ModeListen
}

// CallHandedOver makes an agent who is in the call the one who serves it; the
// one who did leaves.
type CallHandedOver struct {
	Call    string   `json:"call"`
	To      uint64   `json:"to"`                // his offer
	By      Side     `json:"by"`                // who ended the former one's part
	Quality *Quality `json:"quality,omitempty"` // of the former one's leg
}

// CallRequeued is an agent whose part in a call ends and whose caller waits
// again: at once, so that nobody else gets the agent before the caller has his
// place. If the agent's part is over already, the caller is queued all the same.
type CallRequeued struct {
	Released AgentReleased `json:"released"` // who serves the call
	Queued   CallQueued    `json:"queued"`
}

// MemberJoined lets a consulted agent talk to everybody.
type MemberJoined struct {
	Offer uint64 `json:"offer"`
	By    string `json:"by"`
}

// TalkChanged says whether an agent holds his call and whether he is muted.
type TalkChanged struct {
	Offer uint64 `json:"offer"`
	Held  bool   `json:"held,omitempty"`
	Muted bool   `json:"muted,omitempty"`
	By    string `json:"by"`

	HeldMS int64 `json:"held_ms,omitempty"` // after so long he is reminded of it
}

// States of somebody outside who is called into a call.
const (
	OutsideDialled  = "dialled"
	OutsideAnswered = "answered"
	OutsideFailed   = "failed"
	OutsideLeft     = "left"
)

// CallRerouted sends a caller whom nobody serves any more into another flow.
type CallRerouted struct {
	Call string `json:"call"`
	Flow string `json:"flow"`
	By   string `json:"by"`
}

// OutsideChanged tells of somebody outside who is called into a call. It
// changes nothing here, it is for the record.
type OutsideChanged struct {
	Call    string   `json:"call"`
	Leg     int      `json:"leg"` // counts within the call
	To      string   `json:"to"`
	Role    Role     `json:"role"`
	By      string   `json:"by"`
	State   string   `json:"state"` // see OutsideDialled
	Trunk   string   `json:"trunk,omitempty"`
	SIP     int      `json:"sip,omitempty"`
	Quality *Quality `json:"quality,omitempty"`
}

func (CallPlaced) isEvent()     {}
func (AgentCalled) isEvent()    {}
func (CallHandedOver) isEvent() {}
func (CallRequeued) isEvent()   {}
func (MemberJoined) isEvent()   {}
func (TalkChanged) isEvent()    {}
func (OutsideChanged) isEvent() {}
func (CallRerouted) isEvent()   {}
