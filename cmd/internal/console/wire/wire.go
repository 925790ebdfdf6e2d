package wire

import (
	"encoding/json"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/routing"
)

// Call is a running call.
type Call struct {
	ID          string            `json:"id"`
	Phase       string            `json:"phase" enum:"menu,waiting,offered,talking,after,dormant,dialling,directed,test"`
	Trunk       string            `json:"trunk"`
	From        string            `json:"from" doc:"Caller's number, normalised"`
	To          string            `json:"to" doc:"Called number, normalised"`
	Customer    Customer          `json:"customer"`
	Tier        string            `json:"tier" enum:"diamond,gold,silver,standard"`
	Language    string            `json:"language,omitempty"`
	Flow        string            `json:"flow"`
	Step        string            `json:"step,omitempty" doc:"Where the call is in its flow"`
	Queue       string            `json:"queue,omitempty"`
	Agent       string            `json:"agent,omitempty"`
	Arrived     report.Time       `json:"arrived"`
	AgeMS       int64             `json:"age_ms" doc:"Since the arrival"`
	WaitedMS    int64             `json:"waited_ms,omitempty" doc:"In the queue so far"`
	LeavesInMS  int64             `json:"leaves_in_ms,omitempty" doc:"Until the longest wait is over"`
	Key         *int64            `json:"key,omitempty" doc:"Rank of a waiting call; the smallest is served first"`
	Band        int64             `json:"band,omitempty" doc:"A supervisor has moved it"`
	Requirement string            `json:"requirement,omitempty" doc:"Skills an agent needs for it"`
	Why         string            `json:"why,omitempty" doc:"Why it waits"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Generation  uint64            `json:"generation" doc:"Service documents it runs on"`
	Node        string            `json:"node"`
	SIPCallID   string            `json:"sip_call_id,omitempty"`
	PlacedBy    string            `json:"placed_by,omitempty" doc:"Agent who made the call"`
	Parties     []Party           `json:"parties,omitempty" doc:"Agents beside the one who serves it"`
	Legs        []LegQuality      `json:"legs,omitempty" doc:"How they sound, on the node that has it; some seconds old"`
}

// Customer is what was known of the caller.
type Customer struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Agent is an agent's present state.
type Agent struct {
	ID           string               `json:"id"`
	Name         string               `json:"name"`
	State        string               `json:"state" doc:"Stable word: ready, not_ready, talking, …"`
	Reason       string               `json:"reason,omitempty" doc:"Why not ready"`
	Cause        string               `json:"cause,omitempty" doc:"What led to the state"`
	ForMS        int64                `json:"for_ms" doc:"Since the state began"`
	EndsInMS     int64                `json:"ends_in_ms,omitempty" doc:"Until the state ends by itself"`
	Call         string               `json:"call,omitempty"`
	Role         string               `json:"role,omitempty" doc:"In the call, beside whoever serves it: consult, …"`
	Mode         string               `json:"mode,omitempty" doc:"Of a supervisor: listen, whisper, barge"`
	Held         bool                 `json:"held,omitempty" doc:"Holds the call"`
	Muted        bool                 `json:"muted,omitempty"`
	Next         string               `json:"next,omitempty" doc:"State that follows the call"`
	NextReason   string               `json:"next_reason,omitempty"`
	ReturnsInMS  int64                `json:"returns_in_ms,omitempty" doc:"Planned end of not ready; below 0: late"`
	ExtendableMS int64                `json:"extendable_ms,omitempty" doc:"How far wrap-up can be extended"`
	Dispositions []string             `json:"dispositions,omitempty" doc:"Codes for what became of the call"`
	Disposition  string               `json:"disposition,omitempty" doc:"The code chosen"`
	Misses       int                  `json:"misses,omitempty" doc:"Offers in a row that rang out"`
	Skills       []routing.SkillLevel `json:"skills"`
	Phones       []Phone              `json:"phones" doc:"What rings for the agent"`
}

// Phone is a contact that is called for an agent.
type Phone struct {
	Contact   string `json:"contact"`
	Transport string `json:"transport,omitempty"`
	Source    string `json:"source,omitempty" doc:"Address the registration came from"`
	UserAgent string `json:"user_agent,omitempty"`
	Fixed     bool   `json:"fixed,omitempty" doc:"From the agent's document, not registered"`
	EndsInMS  int64  `json:"ends_in_ms,omitempty" doc:"Until the registration expires"`
}

// Queue is a queue's present state.
type Queue struct {
	Name        string         `json:"name"`
	Requirement string         `json:"requirement,omitempty"`
	Waiting     int            `json:"waiting"`
	ByTier      map[string]int `json:"by_tier" doc:"Waiting calls by customer tier"`
	LongestMS   int64          `json:"longest_ms" doc:"Longest present wait"`
	Agents      acd.AgentCount `json:"agents" doc:"Agents who meet the queue's requirement, by state"`
	Generation  uint64         `json:"generation" doc:"Older than the current one if calls only finish in it"`
	Today       *Today         `json:"today,omitempty" doc:"Since midnight; absent if the records can't be read"`
}

// Command is what an agent, or somebody for the agent, asks for.
type Command struct {
	Command string `json:"command" enum:"sign_in,ready,not_ready,sign_out,end_wrap_up,extend_wrap_up"`
	Reason  string `json:"reason,omitempty" maxLength:"64" doc:"For not_ready"`
	ForMS   int64  `json:"for_ms,omitempty" minimum:"0" maximum:"86400000" doc:"Planned; extend_wrap_up: 0 is 30 s"`
	By      string `json:"by,omitempty" maxLength:"64" doc:"Who asks, if not the agent"`
}

// Disposition says what became of a call.
type Disposition struct {
	Code string `json:"code" minLength:"1" maxLength:"64" doc:"One of the agent's dispositions"`
	Call string `json:"call,omitempty" maxLength:"64" doc:"Absent: the one the agent talks in or works on"`
	By   string `json:"by,omitempty" maxLength:"64" doc:"Who says so, if not the agent"`
}

// Move puts a waiting call into another band.
type Move struct {
	Band int64  `json:"band" minimum:"-100" maximum:"100" doc:"Begins at 0; the smallest is served first"`
	By   string `json:"by,omitempty" maxLength:"64" doc:"Who asks"`
}

// Generation is one published set of service documents.
type Generation struct {
	Generation uint64      `json:"generation"`
	Hash       string      `json:"hash"`
	Current    bool        `json:"current"`
	Published  report.Time `json:"published"`
	By         string      `json:"by"`
	Note       string      `json:"note,omitempty"`
	Calls      int         `json:"calls" doc:"Running calls that finish on it"`
}

// Document is one file of a generation.
type Document struct {
	Name   string `json:"name"`
	Size   int    `json:"size"`
	Text   string `json:"text,omitempty"`
	Hidden bool   `json:"hidden,omitempty" doc:"The text isn't shown: it may hold secrets or customers' data"`
}

// Documents are the files of a generation.
type Documents struct {
	Generation uint64            `json:"generation"`
	Files      []Document        `json:"files"`
	Prompts    map[string]string `json:"prompts" doc:"SHA-256 of the sounds by name"`
}

// Publication is what a publication did, or would do.
type Publication struct {
	Applied    bool      `json:"applied" doc:"A new generation was made"`
	Unchanged  bool      `json:"unchanged" doc:"The documents are current already"`
	Current    uint64    `json:"current" doc:"Generation that was current before"`
	Generation uint64    `json:"generation,omitempty" doc:"Generation that is current now"`
	Hash       string    `json:"hash"`
	Changes    []string  `json:"changes"`
	Flows      []Flow    `json:"flows,omitempty" doc:"Flows that change, and the calls in them"`
	Staying    int       `json:"staying" doc:"Running calls: they finish on the documents they began on"`
	Missing    []string  `json:"missing_prompts,omitempty" doc:"SHA-256 of sounds to send before publishing"`
	Warnings   []Mistake `json:"warnings,omitempty"`
}

// Flow is a flow that a publication changes: its nodes by name.
type Flow struct {
	Flow    string   `json:"flow"`
	New     bool     `json:"new,omitempty" doc:"There was no flow of this name"`
	Gone    bool     `json:"gone,omitempty" doc:"There is no flow of this name any more"`
	Changed []string `json:"changed"`
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Calls   int      `json:"calls" doc:"Running calls that stay on the version they began with"`
}

// Mistake is one thing wrong in the documents.
type Mistake struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Col      int    `json:"col"`
	Severity string `json:"severity" enum:"error,warning"`
	Text     string `json:"text"`
}

// Rollback asks for older documents.
type Rollback struct {
	To   uint64 `json:"to,omitempty" doc:"Generation to return to; absent: the newest that differs from the current one"`
	By   string `json:"by,omitempty" maxLength:"64"`
	Note string `json:"note,omitempty" maxLength:"200"`
}

// Lists, as the API returns them.
type (
	// Calls are running calls in the order of their arrival.
	Calls struct {
		Calls []Call `json:"calls"`
	}
	// Agents are all agents.
	Agents struct {
		Agents []Agent `json:"agents"`
	}
	// Queues are all queues.
	Queues struct {
		Queues       []Queue      `json:"queues"`
		ServiceLevel ServiceLevel `json:"service_level" doc:"How today's is counted"`
	}
	// Generations are the generations at hand, the newest first.
	Generations struct {
		Generations []Generation `json:"generations"`
	}
	// CDRs are call records, the newest first.
	CDRs struct {
		CDRs []report.CDR `json:"cdrs"`
		Next string       `json:"next,omitempty" doc:"Value of page for what follows"`
	}
)

// Event is a fact in a CloudEvents 1.0 envelope.
type Event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"` // index.seq
	Source      string          `json:"source"`
	Type        string          `json:"type"` // tierline.call.queued.v1
	Subject     string          `json:"subject,omitempty"`
	Time        report.Time     `json:"time"`
	Index       uint64          `json:"index"`
	Seq         int             `json:"seq"`
	Data        json.RawMessage `json:"data"` // acd.Fact
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Node       string   `json:"node"`
	Version    string   `json:"version"`
	Ready      bool     `json:"ready"`
	Reasons    []string `json:"reasons,omitempty"`
	Generation uint64   `json:"generation"`
}
