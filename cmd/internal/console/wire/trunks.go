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
