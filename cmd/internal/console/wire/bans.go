package wire

import "tierline/acd/report"

// Ban is an address from which wrong SIP credentials came.
type Ban struct {
	Source     string       `json:"source" doc:"An IPv4 address, or the /64 of an IPv6 one" example:"192.0.2.7/32"`
	User       string       `json:"user,omitempty" doc:"Tried as this agent; empty: the address with whatever user"`
	State      string       `json:"state" enum:"watched,held,banned"`
	Failures   int          `json:"failures" doc:"Towards a ban"`
	EndsInMS   int64        `json:"ends_in_ms" doc:"Of the back-off or the ban; 0: neither"`
	LastFailed *report.Time `json:"last_failed"`
}

// Bans are those who failed lately on the node that was asked, the banned
// first.
type Bans struct {
	Node string `json:"node" doc:"Other nodes have lists of their own"`
	Bans []Ban  `json:"bans"`
}

// Lift asks to forget failures.
type Lift struct {
	Source string `json:"source" maxLength:"64" doc:"An address" example:"192.0.2.7"`
	User   string `json:"user,omitempty" maxLength:"64" doc:"Only failures as this agent; empty: all of the address"`
	By     string `json:"by,omitempty" maxLength:"64" doc:"Who asks"`
}
