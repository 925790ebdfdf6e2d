package ivr

import "time"

// Action is what the owner of the call must do next, in order.
//
//sumtype:decl
type Action interface{ isAction() }

// Prompt is one piece of audio: a prompt of the pack by its id, or one of the
// following, which go before the id. Language is empty for music.
type Prompt struct {
	ID       string
	Language string

	Reading   *Reading // a value, spoken in fragments
	Recording string   // a recording of this call, for review
	Text      string   // spoken by the speech engine; ID is what is heard if that is too slow
}

// Reading is a value as it is read out.
type Reading struct {
	Text      string   // as people write it: 一百二十三元四角五分
	Fragments []string // the sounds it is made of: yi4, bai3, er4, … see say.Reading
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

	Requirement  string        // beside the queue's own
	Preferred    string        // agent asked first, "" nobody
	PreferLast   bool          // the agent who talked to this caller last is preferred
	PreferredFor time.Duration // nobody else is asked for so long
	Keep         bool          // the place of the visit before is kept (overflow)
}

// Unqueue takes the call out of its queue because the caller pressed a key.
type Unqueue struct{ Cause string }

// PlayMusic plays music without end, in place of what plays. An empty prompt is
// the service's own music on hold.
type PlayMusic struct{ Prompt Prompt }

// Note is a checkpoint: the call entered a node.
type Note struct {
	Step      string
	Milestone string
	Key       string // what the caller pressed to get here
	Language  string
	Outcome   string        // how the node before ended: key, ok, not_found, …; "" at the start
	Took      time.Duration // how long the call was at the node before
}

// Trouble says what went wrong inside the flow, for the log and a counter. The
// call goes on as the flow says.
type Trouble struct {
	Step string
	Text string // never holds a secret
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

// Lookup asks a source. The answer is LookedUp, always: the owner of the call
// bounds the time. A lookup of a call that ended is cancelled unless Finish.
type Lookup struct {
	ID      uint64
	Source  string
	Request Request
	Cache   time.Duration // an answer this old will do; 0: ask
	Finish  bool          // carry on although the caller hangs up
}

// Request is what a source is asked. Values of secret variables may be in it:
// it is never logged.
type Request struct {
	Method      string // GET, POST, …; SQL for a statement
	Path        string // with values filled in and escaped; or the SQL statement with ? for each value
	Body        []Field
	Args        []any  // of the SQL statement
	Idempotency string // the same for every try of one request; "" none
	Secret      bool   // it holds a secret: not cached, not traced
}

// Field is one value of a request's body or a template's data. The value is a
// string, int, bool, or a nested []Field.
type Field struct {
	Name  string
	Value any
}

// CancelLookup says that nobody waits for the answer any more.
type CancelLookup struct{ ID uint64 }

// Notify sends a message through a channel. The answer is Notified: it says
// that the channel took the message, not that it was read.
type Notify struct {
	ID       uint64
	Channel  string
	To       string
	Template string
	Language string
	Data     []Field // sorted by name
}

// TryAuth asks whether a secret of an account may be tried, and counts the try
// before it is made: many calls at once get no more tries than one. The answer
// is Attempt. AuthResult must follow a try that was allowed.
type TryAuth struct {
	ID     uint64
	Policy string
	Key    string        // the account
	Max    int           // failures until the account is locked
	Window time.Duration // failures older than this are forgotten; a lock lasts as long
}

// AuthResult says how a try ended.
type AuthResult struct {
	Policy string
	Key    string
	Result AuthOutcome
}

// AuthOutcome says what a try counts as.
type AuthOutcome uint8

// Outcomes of a try.
const (
	AuthPassed AuthOutcome = iota + 1 // earlier failures are forgotten
	AuthFailed
	AuthVoid // it couldn't be checked: it never happened
)

// AskPlace asks how long the caller will wait. The answer is PlaceKnown.
type AskPlace struct{ ID uint64 }

// RequestCallback asks that the caller be called back when it is his turn. The
// call leaves its queue, if it is in one, and the call-back takes its place.
// The answer is CallbackAnswer.
type RequestCallback struct {
	ID          uint64
	Number      string
	Queue       string
	Requirement string
	Language    string
	Attach      []Attribute // sorted by name
	NotBefore   time.Time   // zero: as soon as it is his turn
	NotAfter    time.Time   // zero: whenever
}

// Record records the caller until StopRecording, Silence or Max; Recorded says
// how it ended. Beep: a tone tells him to speak.
type Record struct {
	ID      uint64
	Max     time.Duration
	Silence time.Duration
	Beep    bool
}

// StopRecording ends a recording; Recorded follows.
type StopRecording struct{ ID uint64 }

// KeepRecording and DropRecording decide what becomes of a recording. One that
// nothing was said of is kept when the call ends: the caller hung up.
type KeepRecording struct{ Ref string }

// DropRecording deletes a recording.
type DropRecording struct{ Ref string }

// Answer is what the caller answered to a question of a survey.
type Answer struct {
	Question string
	Value    string
}

// Transfer sends the caller to somebody outside the ACD. He hears it ring until
// something else is played. The answer is Transferred.
type Transfer struct {
	ID       uint64
	To       string // a destination of the service's transfers document
	Number   string // for a destination that leaves the number open
	CallerID string
	Timeout  time.Duration // of ringing; 0: the destination's
	Refer    bool          // leave the call to the far switch (RFC 3515) if it can
}

func (Lookup) isAction()          {}
func (CancelLookup) isAction()    {}
func (Notify) isAction()          {}
func (TryAuth) isAction()         {}
func (AuthResult) isAction()      {}
func (AskPlace) isAction()        {}
func (RequestCallback) isAction() {}
func (Record) isAction()          {}
func (StopRecording) isAction()   {}
func (KeepRecording) isAction()   {}
func (DropRecording) isAction()   {}
func (Answer) isAction()          {}
func (Transfer) isAction()        {}

func (Speak) isAction()        {}
func (StopSpeaking) isAction() {}
func (SetTimer) isAction()     {}
func (CancelTimer) isAction()  {}
func (Enqueue) isAction()      {}
func (Unqueue) isAction()      {}
func (PlayMusic) isAction()    {}
func (Note) isAction()         {}
func (Trouble) isAction()      {}
func (Disconnect) isAction()   {}
