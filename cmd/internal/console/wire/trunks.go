package wire

import "tierline/acd/report"

// Trunk is a trunk and what it does on the node that was asked.
type Trunk struct {
	Name     string            `json:"name"`
	State    string            `json:"state" enum:"ok,impaired,full,down,unregistered,gone" doc:"impaired: partly down"`
	Gone     bool              `json:"gone,omitempty" doc:"Not in the current documents; its calls finish"`
	Sources  []string          `json:"sources" doc:"Where its requests come from"`
	Trusted  bool              `json:"trusted,omitempty" doc:"Its P-Asserted-Identity is believed"`
	Targets  []Target          `json:"targets" doc:"Where calls outward go, tried in this order"`
	Lines    []Line            `json:"registrations,omitempty" doc:"Where it registers"`
	Allow    []string          `json:"allow" doc:"Beginnings of the numbers that may be called"`
	Limits   TrunkLimits       `json:"limits"`
	In       int               `json:"in" doc:"Running calls that came in"`
	Out      int               `json:"out" doc:"Running calls that we made"`
	AllCalls int               `json:"all_calls,omitempty" doc:"Running calls on all nodes, if the trunk has limits"`
	Screened uint64            `json:"screened,omitempty" doc:"Callers since the start whose number was not believed"`
	Refused  map[string]uint64 `json:"refused" doc:"Callers refused since the start, by reason"`
	Made     map[string]uint64 `json:"made" doc:"Calls that we made and that ended ringing since the start, by outcome"`
	Error    string            `json:"last_error,omitempty"`
	ErrorAt  *report.Time      `json:"last_error_at,omitempty"`
}

// Target is an address that calls outward go to.
type Target struct {
	Target string       `json:"target" example:"sip:192.0.2.10;transport=udp"`
	Health string       `json:"health" enum:"unwatched,unknown,up,down"`
	Since  *report.Time `json:"since,omitempty" doc:"It is up or down"`
}

// Line is a registration at a carrier.
type Line struct {
	Registrar string       `json:"registrar" example:"sip:ims.example.net"`
	State     string       `json:"state" enum:"trying,registered,refused,failing"`
	Since     report.Time  `json:"since" doc:"It is in this state"`
	Until     *report.Time `json:"until,omitempty" doc:"The registration holds, unless it is refreshed before"`
	Error     string       `json:"error,omitempty" doc:"The last one since it was registered last"`
}

// TrunkLimits are limits of calls both ways together and of each; 0 is none.
type TrunkLimits struct {
	Calls int     `json:"calls" doc:"At the same time"`
	Rate  int     `json:"rate" doc:"New calls a second"`
	Burst int     `json:"burst" doc:"New calls at once; 0: as many as rate"`
	Hour  int     `json:"hour,omitempty" doc:"New calls in an hour"`
	Day   int     `json:"day,omitempty" doc:"New calls in 24 hours"`
	In    *Limits `json:"in,omitempty" doc:"Of calls that come in alone"`
	Out   *Limits `json:"out,omitempty" doc:"Of calls that we make alone"`
}

// Limits are limits of calls; 0 is none.
type Limits struct {
	Calls int `json:"calls" doc:"At the same time"`
	Rate  int `json:"rate" doc:"New calls a second"`
	Burst int `json:"burst" doc:"New calls at once; 0: as many as rate"`
	Hour  int `json:"hour" doc:"New calls in an hour"`
	Day   int `json:"day" doc:"New calls in 24 hours"`
}

// Trunks are all trunks in the order of the documents.
type Trunks struct {
	Node   string  `json:"node" doc:"Other nodes have counts of their own"`
	Trunks []Trunk `json:"trunks"`
}

// MostTest is the longest that a test of a trunk takes, in milliseconds.
const MostTest = 150_000

// TrunkTest says how a trunk is to be tested.
type TrunkTest struct {
	Number string `json:"number,omitempty" maxLength:"64" doc:"To call; none: the targets are asked by OPTIONS"`
	RingMS int64  `json:"ring_ms,omitempty" minimum:"1000" maximum:"90000" doc:"Until we give up; default 45 s"`
	TalkMS int64  `json:"talk_ms,omitempty" minimum:"500" maximum:"30000" doc:"After the answer; default 6 s"`
	By     string `json:"by,omitempty" maxLength:"128" doc:"Who asks; stands in the log"`
}

// TrunkTested is what came of it.
type TrunkTested struct {
	Node  string     `json:"node" doc:"That made the test"`
	Trunk string     `json:"trunk"`
	Tries []Try      `json:"tries" doc:"What each target did"`
	Call  *TrialCall `json:"call,omitempty" doc:"If a number was called"`
}

// Try is what a target did with a test.
type Try struct {
	Target  string `json:"target" example:"sip:192.0.2.10;transport=udp"`
	Host    string `json:"host,omitempty" doc:"Where the question went"`
	Status  int    `json:"status,omitempty" doc:"SIP; none: no answer"`
	Reason  string `json:"reason,omitempty"`
	Trouble string `json:"trouble,omitempty" doc:"Why there was no answer"`
	TookMS  int64  `json:"took_ms"`
}

// TrialCall is what became of a test call.
type TrialCall struct {
	Call        string   `json:"call" doc:"Its identifier, in call records and traces"`
	Number      string   `json:"number" doc:"Normalised"`
	Called      string   `json:"called" doc:"The same as it was written for the carrier"`
	Shown       string   `json:"shown" doc:"The caller's number, or address"`
	Outcome     string   `json:"outcome" enum:"answered,busy,no_answer,rejected,unreachable,switch_failed,"`
	RangMS      int64    `json:"rang_ms,omitempty" doc:"After so long it rang"`
	HeardMS     int64    `json:"heard_ms,omitempty" doc:"After so long their first sound came, before they answered"`
	AnsweredMS  int64    `json:"answered_ms,omitempty" doc:"After so long they answered"`
	Codec       string   `json:"codec,omitempty"`
	Cipher      string   `json:"cipher,omitempty" doc:"None: the sound was not encrypted"`
	Sent        uint64   `json:"sent" doc:"Packets of sound"`
	Received    uint64   `json:"received"`
	Lost        uint64   `json:"lost"`
	JitterMS    int64    `json:"jitter_ms"`
	RoundTripMS int64    `json:"round_trip_ms,omitempty" doc:"By their reports; none: they sent no usable one"`
	Findings    []string `json:"findings" doc:"What isn't as it should be; none: all is well"`
}
