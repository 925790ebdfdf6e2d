package acd

import "tierline/routing"

// CallbackRequested asks that a customer be called back when it is his turn.
// The call that asks, if one does, leaves its queue; the call-back takes its
// place, and keeps it whatever attempts fail.
type CallbackRequested struct {
	Callback    string       `json:"callback"`       // its id; also that of the call which comes of it
	Call        string       `json:"call,omitempty"` // the call that asks
	Node        string       `json:"node"`           // holds the legs of the attempts
	Number      string       `json:"number"`         // to call, normalised
	Queue       string       `json:"queue"`
	Requirement string       `json:"requirement,omitempty"` // added to the queue's by "and"
	Tier        routing.Tier `json:"tier"`
	Language    string       `json:"language,omitempty"`
	Customer    Customer     `json:"customer"`
	Attach      []Attribute  `json:"attach,omitempty"`     // sorted by name
	NotBefore   int64        `json:"not_before,omitempty"` // Unix ms; 0 = as soon as it is his turn
	NotAfter    int64        `json:"not_after,omitempty"`  // Unix ms; 0 = as long as the queue says
	Generation  uint64       `json:"generation"`
	By          string       `json:"by,omitempty"` // who asked, if no call did
}

// CallbackReached says that the customer answered: he and the agent of the
// offer talk. If Apply refuses it, his leg must be released: the attempt is
// over.
type CallbackReached struct {
	Offer     uint64 `json:"offer"`
	Trunk     string `json:"trunk,omitempty"`
	SIPCallID string `json:"sip_call_id,omitempty"`
	Leg       []byte `json:"leg,omitempty"` // encoded dialog and SDP of the customer's leg
}

// CallbackMissed says that the customer was not reached. Outcome is NoAnswer,
// Busy, Rejected, Unreachable (the number doesn't work) or SwitchFailed (we
// could not call).
type CallbackMissed struct {
	Offer   uint64  `json:"offer"`
	Outcome Outcome `json:"outcome"`
	SIP     int     `json:"sip,omitempty"` // final status of the customer's leg, if there was one
}

// CallbackCancelled takes a call-back back, unless the customer has been
// reached already.
type CallbackCancelled struct {
	Callback string `json:"callback"`
	By       string `json:"by"`
	Cause    string `json:"cause,omitempty"` // in somebody's own words
}

func (CallbackRequested) isEvent() {}
func (CallbackReached) isEvent()   {}
func (CallbackMissed) isEvent()    {}
func (CallbackCancelled) isEvent() {}
