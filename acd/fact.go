package acd

import (
	"slices"

	"tierline/routing"
)

// Fact is one line of the story: what an entry changed, in the words of the
// event stream, the CDR and the reports. Apply returns facts beside effects;
// unlike effects they are the same on every replay.
//
// A story is complete without the state: every call.arrived is followed by one
// call.ended; every call.queued by one call.connected or call.left_queue (a
// call.left_queue that says refused stands alone: the call never waited); every
// call.offered by one call.offer_failed or call.connected that names the same
// offer and agent (a ring group is several call.offered with one offer); every
// call.connected by one call.agent_released. A call.offered with a role is for no
// queue: it is followed by call.offer_failed or by call.joined, and that by
// call.agent_released; in between call.handed_over may make him the one who
// serves the call. A supervisor has supervision.started and supervision.ended
// in place of those two. Who made a call joins it without an offer.
type Fact struct {
	Kind FactKind `json:"kind"`

	Call       string        `json:"call,omitempty"`
	Agent      string        `json:"agent,omitempty"`
	Queue      string        `json:"queue,omitempty"`
	Offer      uint64        `json:"offer,omitempty"`
	Tier       *routing.Tier `json:"tier,omitempty"`
	Customer   string        `json:"customer,omitempty"`
	Language   string        `json:"language,omitempty"`
	Trunk      string        `json:"trunk,omitempty"`
	From       string        `json:"from,omitempty"`
	To         string        `json:"to,omitempty"`
	Flow       string        `json:"flow,omitempty"`
	Generation uint64        `json:"generation,omitempty"`
	Node       string        `json:"node,omitempty"`
	SIPCallID  string        `json:"sip_call_id,omitempty"`

	Step      string `json:"step,omitempty"`
	Milestone string `json:"milestone,omitempty"`
	Key       string `json:"key,omitempty"`

	State     string `json:"state,omitempty"`     // agent.state: the new one
	Previous  string `json:"previous,omitempty"`  // agent.state: the old one
	Reason    string `json:"reason,omitempty"`    // why not ready; why an offer was made
	Cause     string `json:"cause,omitempty"`     // call.ended, call.left_queue, call.offer_failed, agent.state
	By        string `json:"by,omitempty"`        // caller, agent, switch; or who commanded
	SIP       int    `json:"sip,omitempty"`       // final status
	WaitMS    int64  `json:"wait_ms,omitempty"`   // time in queue so far
	TalkMS    int64  `json:"talk_ms,omitempty"`   // call.agent_released: length of the conversation
	Until     int64  `json:"until_ms,omitempty"`  // log time when the state ends by itself
	Contact   string `json:"contact,omitempty"`   // phone.*
	Note      string `json:"note,omitempty"`      // config.published
	Hash      string `json:"hash,omitempty"`      // config.published
	Abandoned bool   `json:"abandoned,omitempty"` // call.ended: while waiting
	ReturnAt  int64  `json:"return_ms,omitempty"` // agent.state: planned end of not ready, log time
	CreditMS  int64  `json:"credit_ms,omitempty"` // call.queued: place brought along
	Refused   bool   `json:"refused,omitempty"`   // call.left_queue: it was never let in
	Band      int64  `json:"band,omitempty"`      // call.queued, call.moved

	Outcome string `json:"outcome,omitempty"` // call.step: how the step before ended
	TookMS  int64  `json:"took_ms,omitempty"` // call.step: how long that one lasted

	Origin  string `json:"origin,omitempty"`  // callback.requested: the call that asked; callback.ended: that took over
	Attempt int    `json:"attempt,omitempty"` // callback.*

	Question string `json:"question,omitempty"`  // call.surveyed
	Value    string `json:"value,omitempty"`     // call.surveyed
	Ref      string `json:"ref,omitempty"`       // call.recorded
	LengthMS int64  `json:"length_ms,omitempty"` // call.recorded
	SHA256   string `json:"sha256,omitempty"`    // call.recorded: of the file
	AtMS     int64  `json:"at_ms,omitempty"`     // recording.marked: on the recording
	Policy   string `json:"policy,omitempty"`    // auth.*
	Account  string `json:"account,omitempty"`   // auth.*: SHA-256 of the account

	Role      string `json:"role,omitempty"`      // of an agent or somebody outside beside the one who serves the call
	Direction string `json:"direction,omitempty"` // call.arrived: out, internal, test; "" in
	Leg       int    `json:"leg,omitempty"`       // outside.*: counts within the call

	Mode       string `json:"mode,omitempty"`       // supervision.*
	Supervised string `json:"supervised,omitempty"` // supervision.*: who serves the call

	Attach  []Attribute `json:"attach,omitempty"`
	Quality *Quality    `json:"quality,omitempty"`
}

// FactKind names a fact.
type FactKind string

// Kinds of facts.
const (
	FactConfigPublished   FactKind = "config.published"
	FactAgentState        FactKind = "agent.state"
	FactAgentNext         FactKind = "agent.next_state" // what will follow the call; state is empty if nothing special
	FactAgentDisposed     FactKind = "agent.disposed"   // what became of a call; reason is the code
	FactPhoneRegistered   FactKind = "phone.registered"
	FactPhoneUnregistered FactKind = "phone.unregistered"
	FactCallArrived       FactKind = "call.arrived"
	FactCallStep          FactKind = "call.step"
	FactCallQueued        FactKind = "call.queued"
	FactCallMoved         FactKind = "call.moved"   // to another band, by a supervisor
	FactCallRelaxed       FactKind = "call.relaxed" // waits with a weaker requirement from now on
	FactCallLeftQueue     FactKind = "call.left_queue"
	FactCallOffered       FactKind = "call.offered"
	FactCallRinging       FactKind = "call.ringing"
	FactOfferFailed       FactKind = "call.offer_failed"
	FactCallConnected     FactKind = "call.connected"
	FactAgentReleased     FactKind = "call.agent_released"
	FactCallEnded         FactKind = "call.ended"
	FactNodeRestarted     FactKind = "node.restarted"
	FactNodeDown          FactKind = "node.down"       // cause is who goes on with its calls, if anybody
	FactAddressMoved      FactKind = "address.moved"   // node is whose it is, cause who has it now
	FactCallTakenOver     FactKind = "call.taken_over" // node is who goes on with it
	FactCallSurveyed      FactKind = "call.surveyed"
	FactCallRecorded      FactKind = "call.recorded"    // reason is the kind of recording
	FactCallTransferred   FactKind = "call.transferred" // cause is the result
	FactRecordingMarked   FactKind = "recording.marked" // reason is the mark
	FactRecordingUsed     FactKind = "recording.used"   // reason is the use
	FactCallJoined        FactKind = "call.joined"      // an agent beside the one who serves the call, or who made it
	FactCallHandedOver    FactKind = "call.handed_over" // another agent serves it; previous is who did, if he left it so
	FactCallHeld          FactKind = "call.held"
	FactCallResumed       FactKind = "call.resumed"
	FactHoldReminded      FactKind = "call.hold_reminded" // the agent was, of the caller whom he holds; wait_ms
	FactCallMuted         FactKind = "call.muted"
	FactCallUnmuted       FactKind = "call.unmuted"
	FactCallRerouted      FactKind = "call.rerouted" // an agent sent the caller into another flow
	FactOutsideDialled    FactKind = "outside.dialled"
	FactOutsideAnswered   FactKind = "outside.answered"
	FactOutsideFailed     FactKind = "outside.failed"
	FactOutsideLeft       FactKind = "outside.left"
	FactCallbackRequested FactKind = "callback.requested"
	FactCallbackDue       FactKind = "callback.due"     // it waits for an agent from now on
	FactCallbackDialled   FactKind = "callback.dialled" // the agent is there, the customer is called
	FactCallbackReached   FactKind = "callback.reached"
	FactCallbackMissed    FactKind = "callback.missed"
	FactCallbackEnded     FactKind = "callback.ended"
	FactAuthLocked        FactKind = "auth.locked"
	FactAuthCleared       FactKind = "auth.cleared"

	FactSupervisionStarted FactKind = "supervision.started"
	FactSupervisionChanged FactKind = "supervision.changed" // mode is the new one
	FactSupervisionEnded   FactKind = "supervision.ended"
)

// Result is the outcome of applying one entry.
type Result struct {
	Effects []Effect
	Facts   []Fact
}

// expect makes room for so many facts: they are large, and growing copies them.
func (r *Result) expect(n int) { r.Facts = slices.Grow(r.Facts, n) }
