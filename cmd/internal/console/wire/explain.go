package wire

import (
	"tierline/acd"
	"tierline/acd/report"
)

// Explained is the whole decision about a call that might come.
type Explained struct {
	Trunk     string           `json:"trunk"`
	From      string           `json:"from" doc:"Normalised by the trunk's numbering"`
	To        string           `json:"to" doc:"Normalised"`
	At        report.Time      `json:"at"`
	Rules     []RuleVerdict    `json:"rules" doc:"What each rule of numbers.yaml had to say"`
	Flow      string           `json:"flow,omitempty"`
	Customer  Customer         `json:"customer"`
	Known     bool             `json:"known" doc:"The number belongs to a customer"`
	Tier      string           `json:"tier" enum:"diamond,gold,silver,standard"`
	Language  string           `json:"language,omitempty"`
	Calendars []Hours          `json:"calendars"`
	Path      []PathStep       `json:"path" doc:"The nodes that the caller passes"`
	Asked     []AskedSource    `json:"asked,omitempty" doc:"What the flow asked of business systems"`
	Assumed   []string         `json:"assumed,omitempty" doc:"What can't be known without doing it"`
	Queue     string           `json:"queue,omitempty" doc:"Where the caller waits in the end"`
	Decision  *acd.Explanation `json:"decision,omitempty" doc:"Who would get the call now, and why"`
	Ended     string           `json:"ended,omitempty" doc:"How the call ends, if it doesn't wait"`
}

// RuleVerdict is what a rule of the dial plan had to say about a number.
type RuleVerdict struct {
	Rule string `json:"rule"`
	Flow string `json:"flow"`
	Won  bool   `json:"won,omitempty"`
	Why  string `json:"why"`
}

// Hours says whether a calendar is open.
type Hours struct {
	Calendar string `json:"calendar"`
	Open     bool   `json:"open"`
	Why      string `json:"why"`
}

// PathStep is a node of a flow that a call entered.
type PathStep struct {
	AtMS      int64  `json:"at_ms" doc:"Since the answer"`
	Node      string `json:"node"`
	Key       string `json:"key,omitempty" doc:"Pressed to get there"`
	Outcome   string `json:"outcome,omitempty" doc:"How the node before ended"`
	Milestone string `json:"milestone,omitempty"`
	Language  string `json:"language,omitempty"`
}

// AskedSource is a question to a business system. Secrets aren't in it.
type AskedSource struct {
	Source  string `json:"source"`
	Request string `json:"request"`
	Answer  string `json:"answer" doc:"ok, not_found, refused, error, or that it wasn't asked"`
}
