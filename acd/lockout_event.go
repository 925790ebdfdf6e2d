package acd

// AuthTried counts a try of a secret before it is made, as if it had failed:
// many calls at once get no more tries than one. It is refused with code
// [CodeLocked] if the account is locked.
type AuthTried struct {
	Policy string `json:"policy"`
	Key    string `json:"key"`            // SHA-256 of the account in hex; the secret is never here
	Max    int    `json:"max"`            // failures until the account is locked
	Window int64  `json:"window"`         // ms; older failures are forgotten, a lock lasts as long
	Call   string `json:"call,omitempty"` // for the story
}

// AuthOutcome says what a counted try came to.
type AuthOutcome uint8

// Outcomes of a try. The order is part of the log format.
const (
	AuthPassed AuthOutcome = iota + 1 // all failures are forgotten
	AuthFailed
	AuthVoid // it couldn't be checked: it never happened
)

// AuthEnded says how a counted try ended. A try that nobody ends has failed.
type AuthEnded struct {
	Policy  string      `json:"policy"`
	Key     string      `json:"key"`
	Outcome AuthOutcome `json:"outcome"`
	Call    string      `json:"call,omitempty"`
}

// AuthCleared forgets the failures of an account, and so unlocks it.
type AuthCleared struct {
	Policy string `json:"policy"`
	Key    string `json:"key"`
	By     string `json:"by"`
}

func (AuthTried) isEvent()   {}
func (AuthEnded) isEvent()   {}
func (AuthCleared) isEvent() {}
