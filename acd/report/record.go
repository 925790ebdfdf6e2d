package report

import (
	"errors"
	"fmt"
	"time"

	"tierline/acd"
	"tierline/acd/report/interval"
	"tierline/routing"
)

// Story is what one entry of the log changed, as the cluster tells it.
type Story struct {
	Index uint64
	At    int64 // log time in ms
	Wall  int64 // Unix time in ms
	Facts []acd.Fact
}

// Time is a wall time in Unix milliseconds, written as
// 2026-11-23T02:39:00.123Z: always UTC, always the same width, so that its
// text sorts like the time.
type Time int64

// Layout is how a [Time] is written.
const Layout = "2006-01-02T15:04:05.000Z"

// TimeOf converts a time.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std converts to the standard library's type.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

func (t Time) String() string { return t.Std().Format(Layout) }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return t.Std().AppendFormat(nil, Layout), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	*t = TimeOf(at)
	return nil
}

// CDR is the record of one ended call. Times are UTC, durations milliseconds.
// docs/reference/cdr.md describes each field for readers of the tables.
type CDR struct {
	Call       string       `json:"call"`
	Direction  Direction    `json:"direction" doc:"in; out: a call-back, or an agent calls; internal; test: of a trunk"`
	Node       string       `json:"node" doc:"Node that held the call"`
	Trunk      string       `json:"trunk"`
	From       string       `json:"from" doc:"Caller's number, normalised"`
	To         string       `json:"to" doc:"Called number, normalised; of a call-back the customer's"`
	Flow       string       `json:"flow"`
	Generation uint64       `json:"generation" doc:"Service documents the call ran on"`
	SIPCallID  string       `json:"sip_call_id,omitempty" doc:"Call-ID header of the caller's leg"`
	Customer   string       `json:"customer,omitempty"`
	Tier       routing.Tier `json:"tier"`
	Language   string       `json:"language,omitempty" doc:"Last language used"`

	Started    Time  `json:"started"`
	Ended      Time  `json:"ended"`
	DurationMS int64 `json:"duration_ms" doc:"From arrival to end"`
	IVRMS      int64 `json:"ivr_ms" doc:"Sum of the ivr segments"`
	WaitMS     int64 `json:"wait_ms" doc:"Sum of the queue segments, ringing included"`
	RingMS     int64 `json:"ring_ms" doc:"How long agents' phones rang, summed"`
	TalkMS     int64 `json:"talk_ms" doc:"Sum of the talk segments"`

	Queue     string `json:"queue,omitempty" doc:"Last queue"`
	Agent     string `json:"agent,omitempty" doc:"First agent who answered"`
	Answered  bool   `json:"answered" doc:"An agent and the customer were connected"`
	Abandoned bool   `json:"abandoned" doc:"The caller hung up while waiting"`
	Cause     string `json:"cause" doc:"Why the call ended, a stable word"`
	EndedBy   string `json:"ended_by,omitempty" doc:"caller, agent or switch"`
	SIP       int    `json:"sip,omitempty" doc:"Final SIP status, if the call was refused"`

	Callback string `json:"callback,omitempty" doc:"Call-back that this call asked for"`
	Origin   string `json:"origin,omitempty" doc:"Of a call-back: the call that asked for it"`

	Path     []Step       `json:"path,omitempty" doc:"Steps of the menu with milestones and keys"`
	Quality  *acd.Quality `json:"quality,omitempty" doc:"RTP figures of the caller's leg"`
	Notes    []Note       `json:"notes,omitempty" doc:"Answers of surveys, recordings, transfers"`
	Segments []Segment    `json:"segments"`

	FirstIndex uint64 `json:"first_index" doc:"Log index of the arrival"`
	LastIndex  uint64 `json:"last_index" doc:"Log index of the end"`
}

// Step is one checkpoint of the menu.
type Step struct {
	AfterMS   int64  `json:"after_ms" doc:"Since the call arrived"`
	Step      string `json:"step"`
	Milestone string `json:"milestone,omitempty"`
	Key       string `json:"key,omitempty" doc:"What the caller pressed to get here"`
	Outcome   string `json:"outcome,omitempty" doc:"How the step before ended"`
	TookMS    int64  `json:"took_ms,omitempty" doc:"How long that one lasted"`
}

// Direction says who called.
type Direction string

// Directions.
const (
	Inward   Direction = "in"
	Outward  Direction = "out"
	Internal Direction = "internal"
	Test     Direction = "test"
)

// NoteKind names what a note is about.
type NoteKind string

// Kinds of notes.
const (
	Survey    NoteKind = "survey"    // name: the question, value: the answer, agent: whom it is about
	Recording NoteKind = "recording" // name: its kind, value: where it is
	Mark      NoteKind = "mark"      // name: what kind of place on the recording, value: its text, length: where
	Transfer  NoteKind = "transfer"  // name: the destination, value: how it went
)

// Note is something that is kept of a call beside its path and segments.
type Note struct {
	AfterMS  int64    `json:"after_ms" doc:"Since the call arrived"`
	Kind     NoteKind `json:"kind" doc:"survey, recording, mark or transfer"`
	Name     string   `json:"name" doc:"The question, the kind of recording, the mark, the destination"`
	Value    string   `json:"value" doc:"The answer, the recording's name, the mark's text, how the transfer went"`
	Agent    string   `json:"agent,omitempty" doc:"Of an answer: the agent it is about; of a conversation: who talked"`
	LengthMS int64    `json:"length_ms,omitempty" doc:"Of a recording; of a mark: where it is on the recording"`
	SHA256   string   `json:"sha256,omitempty" doc:"Of a recording: checksum of its file, in hex"`
	Failed   string   `json:"failed,omitempty" doc:"Of a recording: why there is no file: disk, slow, lost"`
}

// Kind names what a segment consists of.
type Kind string

// Kinds of segments.
const (
	IVR   Kind = "ivr"   // in the menu
	Queue Kind = "queue" // waiting; offers happen inside it
	Offer Kind = "offer" // one agent's phone is being called
	Talk  Kind = "talk"  // caller and agent are connected
	Dial  Kind = "dial"  // the agent is there, the customer is called

	Hold    Kind = "hold"    // the agent holds the call
	Consult Kind = "consult" // an agent is asked by the one who serves the call
	Member  Kind = "member"  // an agent takes part in a conference
	Caller  Kind = "caller"  // an agent made the call from his phone
	Outside Kind = "outside" // somebody outside is called into the call, or in it

	Supervision Kind = "supervision" // a supervisor hears the call in one mode
)

// Segment is one stretch of a call. An offer lies inside its queue segment,
// hold, consult, member, caller, outside and supervision beside the others;
// otherwise segments follow each other.
type Segment struct {
	Kind       Kind         `json:"kind"`
	Started    Time         `json:"started"`
	Ended      Time         `json:"ended"`
	DurationMS int64        `json:"duration_ms"`
	RingMS     int64        `json:"ring_ms,omitempty" doc:"Of an offer: how long the phone rang"`
	Queue      string       `json:"queue,omitempty"`
	Agent      string       `json:"agent,omitempty"`
	Offer      uint64       `json:"offer,omitempty" doc:"Identifier of the offer"`
	Outcome    string       `json:"outcome,omitempty" doc:"How the segment ended, a stable word"`
	EndedBy    string       `json:"ended_by,omitempty"`
	SIP        int          `json:"sip,omitempty" doc:"Final status of the agent's leg"`
	Reason     string       `json:"reason,omitempty" doc:"Why this agent; of outside: what for and whom; else who asked"`
	Quality    *acd.Quality `json:"quality,omitempty" doc:"RTP figures of the agent's leg"`
}

// Event is one fact with its place in the log: Index and Seq name it for ever.
type Event struct {
	Index uint64
	Seq   int // place among the facts of the entry, from 0
	Wall  Time
	Fact  acd.Fact
}

// ErrTaken says that the records don't end where a batch begins: another node
// writes them.
var ErrTaken = errors.New("another node writes the call records")

// Batch is what a row of stories adds to the store, to be written as a whole.
type Batch struct {
	After  uint64 // where the batch before it ended
	Cursor uint64 // index of the last story in it
	Events []Event
	Ended  []CDR
	Open   []OpenCall // calls that changed and go on

	Numbers interval.Batch
}

// Saved is what a store keeps for Resume.
type Saved struct {
	Cursor  uint64 // index of the last story committed
	Wall    Time   // of that story; 0: it is no longer kept
	Calls   []OpenCall
	Numbers []interval.Open
}

// OpenCall is the unfinished record of a running call.
type OpenCall struct {
	Call   string
	Record []byte // opaque; for Resume
}
