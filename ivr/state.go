package ivr

// state is everything that another node needs to go on.
type state struct {
	Caller Caller `json:"caller"`
	frame
	Stack      []frame  `json:"stack,omitempty"` // flows that called the one that runs
	Came       int64    `json:"came"`            // to the node; Unix ms
	Place      place    `json:"place"`
	Last       uint64   `json:"last"` // id of the last prompt, timer or question
	Language   string   `json:"lang"`
	Path       []string `json:"path,omitempty"`    // milestones
	Typed      string   `json:"typed,omitempty"`   // keys that wait for their node
	Swallow    int64    `json:"swallow,omitempty"` // until when (Unix ms) SwallowKey is dropped
	SwallowKey int32    `json:"swallow_key,omitempty"`
	Steps      int      `json:"steps"`
	Visit      int      `json:"visit"` // of all nodes; names one visit
	Quiet      int64    `json:"quiet"` // since when the caller hears nothing, if he doesn't; Unix ms
	Exceeded   bool     `json:"exceeded,omitempty"`
	Ended      bool     `json:"ended,omitempty"`
	Guard      uint64   `json:"guard,omitempty"` // timer of max_duration, 0: it stands still
	GuardEnd   int64    `json:"guard_end"`       // Unix ms; while it stands still: ms left

	Auth     authState `json:"auth,omitzero"`
	Waiting  string    `json:"waiting,omitempty"`  // the queue node in whose queue the call stands
	Line     line      `json:"line,omitzero"`      // what was announced there
	Overflow bool      `json:"overflow,omitempty"` // the wait before ended without an agent
	Returned string    `json:"returned,omitempty"` // outcome of the return that ended the first flow
	Review   string    `json:"review,omitempty"`   // a recording that nothing was decided of
}

// frame is a call's place in one flow.
type frame struct {
	Flow    string         `json:"flow"`
	At      string         `json:"at"`
	Vars    map[string]any `json:"vars,omitempty"`
	Lost    []string       `json:"lost,omitempty"`    // secret variables that stayed on another node
	History []string       `json:"history,omitempty"` // menus, for @back
	Visits  map[string]int `json:"visits,omitempty"`
}

// place is the state within one node.
type place struct {
	Phase    int    `json:"phase,omitempty"` // of the node
	Stage    int    `json:"stage,omitempty"` // of its question, or of waiting for an answer
	Speaking uint64 `json:"speaking,omitempty"`
	Music    bool   `json:"music,omitempty"`
	Timer    uint64 `json:"timer,omitempty"`
	Pending  uint64 `json:"pending,omitempty"` // the question to the outside whose answer is awaited

	// Of a question to the caller.
	Attempts int    `json:"attempts,omitempty"`
	Heard    bool   `json:"heard,omitempty"`
	Short    bool   `json:"short,omitempty"`  // the short prompt is spoken
	Silent   bool   `json:"silent,omitempty"` // what went wrong was silence
	Digits   string `json:"digits,omitempty"` // of an entry that isn't complete
	Since    int64  `json:"since,omitempty"`  // Unix ms of its first key
	Secret   bool   `json:"secret,omitempty"` // Digits, Value and First must not leave the session
	Value    string `json:"value,omitempty"`  // what was entered
	First    string `json:"first,omitempty"`  // of two entries that must be equal

	// Of single node types.
	Tries   int    `json:"tries,omitempty"`   // of a secret
	Account string `json:"account,omitempty"` // whose secret is tried
	Asked   bool   `json:"asked,omitempty"`   // the caller was asked for the account
	Index   int    `json:"index,omitempty"`   // of a survey's question, a comfort message, a time slot
	Again   bool   `json:"again,omitempty"`   // a request was made before, on another node
}

// line is the place in the queue as a waiting caller may be told.
type line struct {
	Position int `json:"position,omitempty"` // 0: not known
	Min      int `json:"min,omitempty"`      // minutes
	Max      int `json:"max,omitempty"`      // 0: not known

	// What he was told: it never rises.
	ToldPosition int `json:"told_position,omitempty"`
	ToldMax      int `json:"told_max,omitempty"`
}

// authState is who the caller proved to be.
type authState struct {
	Account  string   `json:"account,omitempty"`
	Policies []string `json:"policies,omitempty"` // that he passed, as flow/policy
}
