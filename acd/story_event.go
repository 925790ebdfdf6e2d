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

func (CallSurveyed) isEvent()    {}
func (CallRecorded) isEvent()    {}
func (CallTransferred) isEvent() {}
