package acd

// CallSurveyed is an answer of the caller to a question about the service.
type CallSurveyed struct {
	Call     string `json:"call"`
	Question string `json:"question"`
	Value    string `json:"value"`
}

// CallRecorded is a recording that was kept, or that failed.
type CallRecorded struct {
	Call     string `json:"call"`
	Ref      string `json:"ref"`
	LengthMS int64  `json:"length_ms"`
	Kind     string `json:"kind"` // a stable word: message, conversation
	Agent    string `json:"agent,omitempty"`
	SHA256   string `json:"sha256,omitempty"` // of the file, in hex
	Failed   string `json:"failed,omitempty"` // a stable word: disk, slow, lost; then there is no file
}

// CallTransferred says how sending the caller to somebody outside went.
type CallTransferred struct {
	Call   string `json:"call"`
	To     string `json:"to"`
	Result string `json:"result"` // a stable word: answered, busy, no_answer, failed
}

// RecordingMarked is a place on a recording that is being made: where it pauses
// and goes on, or one that somebody marked.
type RecordingMarked struct {
	Call string `json:"call"`
	Ref  string `json:"ref"`
	Mark string `json:"mark"`  // a stable word: pause, resume, secret, secret_end, mark
	AtMS int64  `json:"at_ms"` // on the recording
	Text string `json:"text,omitempty"`
	By   string `json:"by,omitempty"` // who; nobody: the switch
}

// RecordingUsed is what became of a recording after its call: it was listened
// to, downloaded, or moved to the store.
type RecordingUsed struct {
	Ref string `json:"ref"`
	Use string `json:"use"` // a stable word: heard, downloaded, stored
	By  string `json:"by"`
}

func (RecordingMarked) isEvent() {}
func (RecordingUsed) isEvent()   {}
func (CallSurveyed) isEvent()    {}
func (CallRecorded) isEvent()    {}
func (CallTransferred) isEvent() {}
