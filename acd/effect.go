package acd

import (
	"fmt"

	"tierline/routing"
)

// Effect is something the owner of a call must do. The set is closed. An
// effect is carried out by the node it names, once, and never on replay.
//
//sumtype:decl
type Effect interface{ isEffect() }

// RingAgent asks the node that holds the call to ring the agent's phone. A ring
// group is several of them with one offer, of whom one at most is connected. The
// node gives up after For and reports how it ended; if nobody reports, the
// core withdraws the offer one second later.
type RingAgent struct {
	Node, Call, Agent string
	Offer             uint64
	Contacts          []Binding // ring all, first answer wins
	For               int64     // ms the phone may ring

	Callback *CallbackCall // whom to call once the agent is there; nil: the caller is

	Role Role   // 0: a queue gives him the call
	By   string // who wants him, if no queue does
}

// CallbackCall is a call-back in the making. After ConnectAgent the switch
// prepares the agent and calls the customer; it reports CallbackReached or
// CallbackMissed within For. It holds no leg before RingAgent and none after
// the offer failed or ReleaseAgent.
type CallbackCall struct {
	Number   string
	Queue    string
	Tier     routing.Tier
	Customer Customer
	Language string
	Attach   []Attribute
	Attempt  int   // 1 is the first
	For      int64 // ms, from the agent's answer
}

// StopRinging withdraws an offer from one agent.
type StopRinging struct {
	Node, Call, Agent string
	Offer             uint64
	Outcome           Outcome
}

// ConnectAgent bridges caller and agent: the answer was in time.
type ConnectAgent struct {
	Node, Call, Agent string
	Offer             uint64
}

// LeaveQueue tells the call's menu that its wait ended without an agent.
type LeaveQueue struct {
	Node, Call string
	Cause      LeaveCause
}

// ReleaseAgent hangs up an agent's leg whose call is no longer his. Of a
// call-back whose customer has not been reached it ends all legs.
type ReleaseAgent struct {
	Node, Call, Agent string
	Offer             uint64
}

// GenerationChanged tells every node that new service documents are current.
type GenerationChanged struct{ Generation uint64 }

func (RingAgent) isEffect()         {}
func (StopRinging) isEffect()       {}
func (ConnectAgent) isEffect()      {}
func (LeaveQueue) isEffect()        {}
func (ReleaseAgent) isEffect()      {}
func (GenerationChanged) isEffect() {}

// LeaveCause says why a call left its queue without an agent.
type LeaveCause uint8

// Leave causes. The order is part of the log format.
const (
	LeftTimeout  LeaveCause = iota + 1 // max_wait reached
	LeftFull                           // the queue had max_length calls
	LeftKey                            // the caller pressed a key of the queue node
	LeftEnded                          // hung up
	LeftClosed                         // the queue's hours are over
	LeftLong                           // the wait was estimated above max_estimate
	LeftNoStaff                        // nobody who could ever serve the call is signed in
	LeftCallback                       // a call-back has taken its place
)

// String returns the cause's name in facts and reports.
func (c LeaveCause) String() string {
	switch c {
	case LeftTimeout:
		return "timeout"
	case LeftFull:
		return "full"
	case LeftKey:
		return "key"
	case LeftEnded:
		return "ended"
	case LeftClosed:
		return "closed"
	case LeftLong:
		return "long"
	case LeftNoStaff:
		return "no_staff"
	case LeftCallback:
		return "callback"
	}
	return fmt.Sprintf("left(%d)", uint8(c))
}
