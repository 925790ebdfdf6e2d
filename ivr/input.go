package ivr

import "time"

// Input is what happened to the call.
//
//sumtype:decl
type Input interface{ isInput() }

// Key is a key the caller pressed: 0-9, *, #, A-D.
type Key struct{ Digit rune }

// PromptDone says that a Speak has been played to its end.
type PromptDone struct{ ID uint64 }

// TimerFired says that a timer ran out.
type TimerFired struct{ ID uint64 }

// QueueLeft says that the wait ended without an agent.
type QueueLeft struct{ Cause string }

// Causes of QueueLeft.
const (
	LeftTimeout = "timeout"  // waited too long
	LeftFull    = "full"     // the queue couldn't take the call
	LeftLong    = "long"     // the estimated wait is above the queue's max_estimate
	LeftNoStaff = "no_staff" // nobody who could serve the call is signed in
	LeftClosed  = "closed"   // the queue's calendar says so
	LeftOffline = "offline"  // nothing can be written down now: the node is cut off from the others
	LeftKey     = "key"      // the answer to Unqueue; changes nothing any more
)

// AgentConnected says that the caller now talks to an agent.
type AgentConnected struct{}

// AgentDone says that the agent left and the caller is still there.
type AgentDone struct{}

// Requeued says that the agent, who has left, sends the caller to a queue; the
// place in line stays his.
type Requeued struct{ Queue string }

// HungUp says that the caller is gone.
type HungUp struct{}

// LookedUp is the answer to a Lookup.
type LookedUp struct {
	ID     uint64
	Status LookupStatus
	Body   []byte        // JSON, with LookupOK; never more than the source's limit
	Took   time.Duration // until the answer
	Err    string        // for the log, with LookupError; never holds a secret
}

// LookupStatus says how a lookup ended.
type LookupStatus uint8

// Ends of a lookup.
const (
	LookupOK       LookupStatus = iota + 1
	LookupNotFound              // the source answered: there is no such thing
	LookupRefused               // the source answered: these credentials are wrong (HTTP 401 and 403)
	LookupError                 // no answer, no usable answer, or no permission to ask (breaker, concurrency)
)

// Notified is the answer to a Notify.
type Notified struct {
	ID uint64
	OK bool
}

// Attempt is the answer to TryAuth.
type Attempt struct {
	ID     uint64
	Result AttemptResult
}

// AttemptResult says whether a secret may be tried.
type AttemptResult uint8

// Results of TryAuth.
const (
	AttemptAllowed AttemptResult = iota + 1
	AttemptLocked                // too many failures, in this call or others
	AttemptUnknown               // nobody can say now (no quorum)
)

// PlaceKnown is the answer to AskPlace.
type PlaceKnown struct {
	ID       uint64
	Position int // 1 is next; 0: not known. Never rises while a call waits
	Wait     WaitRange
}

// WaitRange is an estimate of a wait, rounded to what may be announced.
type WaitRange struct {
	Known    bool
	Min, Max time.Duration // whole minutes; Min 0, Max 1 min: less than a minute
}

// CallbackAnswer is the answer to RequestCallback.
type CallbackAnswer struct {
	ID     uint64
	OK     bool
	Reason string // why not: exists, number, slot, full, unavailable
}

// Recorded says that a recording ended: by StopRecording, silence, its limit or
// the caller's hang-up.
type Recorded struct {
	ID     uint64
	Ref    string        // names the recording; "" if nothing was kept
	Length time.Duration // without the silence at its end
	Voice  bool          // there was something to hear in it
}

// Transferred is how a Transfer went. TransferAnswered with a bridge is
// followed by TransferDone when the far end hangs up first.
type Transferred struct {
	ID      uint64
	Result  TransferResult
	Bridged bool // the far end is on a leg of ours although the flow wanted REFER
}

// TransferResult says how a transfer went.
type TransferResult string

// Results of a transfer.
const (
	TransferAnswered TransferResult = "answered" // bridged, or taken over by the far switch (REFER)
	TransferBusy     TransferResult = "busy"
	TransferNoAnswer TransferResult = "no_answer"
	TransferFailed   TransferResult = "failed"
)

// TransferDone says that a bridged transfer is over and the caller still there.
type TransferDone struct{}

// TransferStands says, to a session that goes on elsewhere, that the caller
// talks already to whom the node has sent him.
type TransferStands struct{}

func (LookedUp) isInput()       {}
func (Notified) isInput()       {}
func (Attempt) isInput()        {}
func (PlaceKnown) isInput()     {}
func (CallbackAnswer) isInput() {}
func (Recorded) isInput()       {}
func (Transferred) isInput()    {}
func (TransferDone) isInput()   {}
func (TransferStands) isInput() {}
func (Key) isInput()            {}
func (PromptDone) isInput()     {}
func (TimerFired) isInput()     {}
func (QueueLeft) isInput()      {}
func (AgentConnected) isInput() {}
func (AgentDone) isInput()      {}
func (Requeued) isInput()       {}
func (HungUp) isInput()         {}
