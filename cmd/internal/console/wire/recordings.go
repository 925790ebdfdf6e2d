package wire

import "tierline/acd/report"

// Recording is a recording of an ended call.
type Recording struct {
	Ref       string      `json:"ref" doc:"Name; /api/v1/recordings/REF is the file"`
	Kind      string      `json:"kind" doc:"message, conversation"`
	Call      string      `json:"call"`
	Agent     string      `json:"agent,omitempty" doc:"Of a conversation: who talked first"`
	Queue     string      `json:"queue,omitempty"`
	From      string      `json:"from" doc:"Caller's number"`
	To        string      `json:"to" doc:"Called number"`
	Started   report.Time `json:"started" doc:"The call"`
	LengthMS  int64       `json:"length_ms"`
	SHA256    string      `json:"sha256,omitempty"`
	Failed    string      `json:"failed,omitempty" doc:"Why there is no file: disk, slow, lost"`
	Node      string      `json:"node" doc:"Where it was made, and is unless it was stored elsewhere"`
	AudioPath string      `json:"audio_path,omitempty" doc:"Where the file is on this API"`
}

// Recordings is a page of recordings.
type Recordings struct {
	Recordings []Recording `json:"recordings"`
	Next       string      `json:"next,omitempty" doc:"Pass it as page to go on"`
}

// RecordingMark is a place on a recording.
type RecordingMark struct {
	AtMS int64  `json:"at_ms"`
	Mark string `json:"mark" enum:"pause,resume,secret,secret_end,mark"`
	Text string `json:"text,omitempty"`
	By   string `json:"by,omitempty"`
}

// RecordingCommand is what is wanted of the recording of a running call.
type RecordingCommand struct {
	Action string `json:"action" enum:"pause,resume,mark"`
	Text   string `json:"text,omitempty" maxLength:"200" doc:"Of a mark"`
	By     string `json:"by,omitempty" maxLength:"64" doc:"Who wants it"`
}

// RecordingState is how the recording of a running call is.
type RecordingState struct {
	Ref    string `json:"ref"`
	AtMS   int64  `json:"at_ms" doc:"Where on the recording"`
	Paused bool   `json:"paused" doc:"Somebody said so"`
	Secret bool   `json:"secret" doc:"The caller is asked for a secret: silence is recorded"`
}

// SecretRequest sends a caller who talks to an agent into a flow and back.
type SecretRequest struct {
	Flow string `json:"flow" minLength:"1" maxLength:"64" doc:"A flow of the service; it ends with return"`
	By   string `json:"by,omitempty" maxLength:"64" doc:"Who wants it"`
}
