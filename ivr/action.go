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
	LeftTimeout = "timeout" // waited too long
	LeftFull    = "full"    // the queue couldn't take the call
	LeftKey     = "key"     // the answer to Unqueue; changes nothing any more
)

// AgentConnected says that the caller now talks to an agent.
type AgentConnected struct{}

// AgentDone says that the agent left and the caller is still there.
type AgentDone struct{}

// HungUp says that the caller is gone.
type HungUp struct{}

func (Key) isInput()            {}
func (PromptDone) isInput()     {}
func (TimerFired) isInput()     {}
func (QueueLeft) isInput()      {}
func (AgentConnected) isInput() {}
func (AgentDone) isInput()      {}
func (HungUp) isInput()         {}

// Action is what the owner of the call must do next, in order.
//
//sumtype:decl
type Action interface{ isAction() }

// Prompt names one piece of audio. Language is empty for music.
type Prompt struct {
	ID       string
	Language string
}

// Speak plays prompts one after another, in place of what plays, and reports
// PromptDone with its id after the last sample. BargeIn tells that a key will
// stop it; the session says so itself, by StopSpeaking.
type Speak struct {
	ID      uint64
	Prompts []Prompt
	BargeIn bool
}

// StopSpeaking stops prompts and music.
type StopSpeaking struct{}

// SetTimer asks for TimerFired with this id.
type SetTimer struct {
	ID    uint64
	After time.Duration
}

// CancelTimer forgets a timer.
type CancelTimer struct{ ID uint64 }

// Attribute is one named value that travels with a queued call.
type Attribute struct{ Name, Value string }

// Enqueue puts the call into a queue of the ACD. MaxWait 0 leaves the limit to
// the queue. The answer is AgentConnected or QueueLeft.
type Enqueue struct {
	Queue   string
	Attach  []Attribute // sorted by name
	MaxWait time.Duration
}

// Unqueue takes the call out of its queue because the caller pressed a key.
type Unqueue struct{ Cause string }

// PlayMusic plays music without end, in place of what plays.
type PlayMusic struct{ Prompt Prompt }

// Note is a checkpoint: the call entered a node.
type Note struct {
	Step      string
	Milestone string
	Key       string // what the caller pressed to get here
	Language  string
}

// Disconnect ends the call.
type Disconnect struct{ Cause string }

// Causes of Disconnect, which the call maps to SIP and Q.850.
const (
	CauseNormal     = "normal"
	CauseBusy       = "busy"
	CauseCongestion = "congestion"
	CauseFault      = "fault" // limits exceeded twice, or an internal fault
)

func (Speak) isAction()        {}
func (StopSpeaking) isAction() {}
func (SetTimer) isAction()     {}
func (CancelTimer) isAction()  {}
func (Enqueue) isAction()      {}
func (Unqueue) isAction()      {}
func (PlayMusic) isAction()    {}
func (Note) isAction()         {}
func (Disconnect) isAction()   {}
