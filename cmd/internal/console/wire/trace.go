package wire

import (
	"encoding/json"
	"time"

	"tierline/acd"
)

// Trace is what happened to a call, message by message.
type Trace struct {
	Call    string       `json:"call,omitempty" doc:"Absent: a leg that no call has claimed, one refused for example"`
	From    string       `json:"from"`
	To      string       `json:"to"`
	Began   time.Time    `json:"began"`
	Ended   bool         `json:"ended"`
	Node    string       `json:"node"`
	Source  string       `json:"source" enum:"memory,records" doc:"records: messages are gone, what the log says is left"`
	Legs    []TraceLeg   `json:"legs"`
	Entries []TraceEntry `json:"entries"`
	Missing int          `json:"missing,omitempty" doc:"Entries that there was no room for"`
	Next    uint64       `json:"next" doc:"Pass it as after to get what came later"`
	Others  []TraceOther `json:"others,omitempty" doc:"Other calls that fit, the newest first"`
}

// TraceLeg is one SIP leg of a call.
type TraceLeg struct {
	Role      string `json:"role" doc:"caller, agent, outside; empty: nobody has claimed it"`
	Name      string `json:"name,omitempty" doc:"The agent, the number outside"`
	SIPCallID string `json:"sip_call_id"`
}

// TraceEntry is one thing that happened.
type TraceEntry struct {
	Seq   uint64          `json:"seq"`
	At    time.Time       `json:"at"`
	Kind  string          `json:"kind" enum:"sip,rtp,key,event,log"`
	Leg   *int            `json:"leg,omitempty" doc:"Place in legs; absent: the call itself"`
	Text  string          `json:"text" doc:"In a few words"`
	SIP   *TraceMessage   `json:"sip,omitempty"`
	RTP   *TraceSound     `json:"rtp,omitempty"`
	Event json.RawMessage `json:"event,omitempty" doc:"A fact, as in the event stream"`
}

// TraceMessage is a SIP message without credentials and keys.
type TraceMessage struct {
	Out       bool   `json:"out" doc:"We sent it"`
	Transport string `json:"transport" enum:"udp,tcp,tls,ws,wss"`
	Local     string `json:"local"`
	Remote    string `json:"remote"`
	Text      string `json:"text"`
}

// TraceSound is how the RTP of a leg went since the entry before, or in all.
type TraceSound struct {
	Final         bool   `json:"final,omitempty" doc:"Over all of the leg"`
	Codec         string `json:"codec,omitempty"`
	Local         string `json:"local,omitempty"`
	Remote        string `json:"remote,omitempty"`
	Sent          uint64 `json:"sent" doc:"Packets"`
	Received      uint64 `json:"received"`
	Lost          uint64 `json:"lost"`
	Late          uint64 `json:"late,omitempty"`
	JitterMS      int64  `json:"jitter_ms"`
	MaxGapMS      int64  `json:"max_gap_ms" doc:"Longest silence so far"`
	RemoteLost    int64  `json:"remote_lost" doc:"Of what we sent, by the peer's RTCP"`
	RemoteJitter  int64  `json:"remote_jitter_ms"`
	RoundTripMS   int64  `json:"round_trip_ms,omitempty"`
	MOSX100       int64  `json:"mos_x100,omitempty" doc:"Estimate of what we received; absent: nothing was"`
	RemoteMOSX100 int64  `json:"remote_mos_x100,omitempty" doc:"The same of what the peer received"`
}

// TraceOther is another call that a search fits.
type TraceOther struct {
	Call  string    `json:"call,omitempty"`
	SIP   string    `json:"sip_call_id,omitempty"`
	From  string    `json:"from"`
	To    string    `json:"to"`
	Began time.Time `json:"began"`
}

// LegQuality is how one leg of a running call sounds.
type LegQuality struct {
	Role string `json:"role" enum:"caller,agent,outside"`
	Name string `json:"name,omitempty"`
	acd.Quality
}
