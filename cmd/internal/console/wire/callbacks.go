package wire

import "tierline/acd/report"

// Callback is an open call-back.
type Callback struct {
	ID          string            `json:"id" doc:"Also of the call that comes of it"`
	Phase       string            `json:"phase" enum:"dormant,waiting,offered,dialling,talking,after"`
	Number      string            `json:"number" doc:"To be called, normalised"`
	Queue       string            `json:"queue"`
	Tier        string            `json:"tier" enum:"diamond,gold,silver,standard"`
	Language    string            `json:"language,omitempty"`
	Customer    Customer          `json:"customer"`
	Origin      string            `json:"origin,omitempty" doc:"Call that asked for it"`
	By          string            `json:"by,omitempty" doc:"Who asked, if no call did"`
	Requested   report.Time       `json:"requested"`
	DueInMS     int64             `json:"due_in_ms,omitempty" doc:"While dormant: until it waits for an agent"`
	EndsInMS    int64             `json:"ends_in_ms" doc:"No attempt begins later"`
	Attempts    int               `json:"attempts" doc:"So far"`
	Most        int               `json:"most_attempts"`
	Last        string            `json:"last,omitempty" doc:"How the latest attempt went"`
	Agent       string            `json:"agent,omitempty"`
	Key         int64             `json:"key" doc:"Rank; the smallest is served first"`
	Requirement string            `json:"requirement,omitempty"`
	Why         string            `json:"why,omitempty" doc:"Why it waits"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Node        string            `json:"node"`
}

// Callbacks are all open call-backs in the order they were asked for.
type Callbacks struct {
	Callbacks []Callback `json:"callbacks"`
}

// CallbackRequest asks that a customer be called.
type CallbackRequest struct {
	Number      string       `json:"number" minLength:"2" maxLength:"32" example:"13800138000"`
	Queue       string       `json:"queue" minLength:"1" maxLength:"64"`
	Requirement string       `json:"requirement,omitempty" maxLength:"512" doc:"Beside the queue's own"`
	Tier        string       `json:"tier,omitempty" enum:"diamond,gold,silver,standard" doc:"Absent: the customer's"`
	Language    string       `json:"language,omitempty" maxLength:"16"`
	NotBefore   *report.Time `json:"not_before,omitempty" doc:"Absent: as soon as it is his turn"`
	NotAfter    *report.Time `json:"not_after,omitempty" doc:"Absent: as long as the queue keeps call-backs"`
	By          string       `json:"by,omitempty" maxLength:"64" doc:"Who asks"`
}

// Lockout is an account on which wrong secrets were tried.
type Lockout struct {
	Policy     string `json:"policy"`
	Key        string `json:"key" doc:"SHA-256 of the account: the log holds no account numbers"`
	Failures   int    `json:"failures"`
	Locked     bool   `json:"locked"`
	ForgetInMS int64  `json:"forget_in_ms" doc:"Until all failures are forgotten"`
}

// Lockouts are all accounts with failures.
type Lockouts struct {
	Lockouts []Lockout `json:"lockouts"`
}

// Unlock forgets the failures of an account.
type Unlock struct {
	Policy  string `json:"policy" minLength:"1" maxLength:"64"`
	Account string `json:"account,omitempty" maxLength:"64" doc:"As the caller types it"`
	Key     string `json:"key,omitempty" maxLength:"64" doc:"Instead of the account"`
	By      string `json:"by,omitempty" maxLength:"64" doc:"Who asks"`
}
