package acd

import (
	"cmp"

	"tierline/routing"
	"tierline/routing/rank"
)

// Config is what the core needs of a generation of service documents. Lists
// are sorted by name.
type Config struct {
	Policy    Policy                   `json:"policy,omitempty"`
	HeadStart [routing.TierCount]int64 `json:"head_start"`          // ms, by tier number; of PolicyDeadline
	Objective [routing.TierCount]int64 `json:"objective,omitempty"` // ms, by tier number; of PolicyRatio
	Queues    []QueueConfig            `json:"queues"`
	Agents    []AgentConfig            `json:"agents"`

	// A call of tier t that has waited less than KeepIdleFor[t] ms is offered to
	// nobody while no more than KeepIdle[t] agents able to take it are ready:
	// the reserve of the tiers above.
	KeepIdle    [routing.TierCount]int   `json:"keep_idle,omitempty"`
	KeepIdleFor [routing.TierCount]int64 `json:"keep_idle_for,omitempty"`

	// LookBack is how far the measured rates of arrivals look back, ms; 0 = 15
	// min, and up to twice as far.
	LookBack int64 `json:"look_back,omitempty"`

	// Reasons agents may give for being not ready; none: any.
	Reasons []string `json:"reasons,omitempty"`
}

// QueueConfig is one queue: a label with defaults, not a line of its own.
type QueueConfig struct {
	Name         string `json:"name"`
	Requirement  string `json:"requirement,omitempty"` // "billing>=3 and lang.en>=1"
	RingTime     int64  `json:"ring_time"`             // ms an agent's phone may ring; 0 = 15 s
	WrapUp       int64  `json:"wrap_up"`               // ms after a conversation; 0 = none
	MaxWait      int64  `json:"max_wait,omitempty"`    // ms; 0 = no limit
	MaxLength    int    `json:"max_length,omitempty"`  // calls; 0 = no limit
	ReofferAfter int64  `json:"reoffer_after"`         // ms an agent is passed over after missing this call
	Fit          Fit    `json:"fit,omitempty"`

	// HeadStart replaces Config.HeadStart for calls of this queue.
	HeadStart *[routing.TierCount]int64 `json:"head_start,omitempty"`

	// Steps weaken the requirement of a call that waits, the last one reached
	// counts. Whoever meets an earlier one is still asked first.
	Steps []Step `json:"steps,omitempty"`

	// PreserveGeneralists asks agents with fewer skills first.
	PreserveGeneralists bool `json:"preserve_generalists,omitempty"`

	// WrapUpManual lets the agent say when the work after the call is done;
	// WrapUpMax is how long it may take then, or when it is extended.
	WrapUpManual bool  `json:"wrap_up_manual,omitempty"`
	WrapUpMax    int64 `json:"wrap_up_max,omitempty"` // ms; 0 = 15 min

	// RingGroup is how many agents one call rings at once; 0 and 1: one.
	RingGroup int `json:"ring_group,omitempty"`

	// MaxEstimate is the estimated wait above which no call is let in, ms; 0 =
	// none.
	MaxEstimate int64 `json:"max_estimate,omitempty"`

	// While nobody who could ever serve a call is signed in with a phone, it is
	// not let in (NoStaffRefuse), or leaves after NoStaffLeave ms; 0 = it waits.
	NoStaffRefuse bool  `json:"no_staff_refuse,omitempty"`
	NoStaffLeave  int64 `json:"no_staff_leave,omitempty"`

	// LastAgent is how long it is remembered who served a caller, ms; 0 = not.
	LastAgent int64 `json:"last_agent,omitempty"`

	// Dispositions are the codes for what became of a call.
	Dispositions []string `json:"dispositions,omitempty"`

	Callback CallbackConfig `json:"callback,omitzero"`
}

// CallbackConfig is how a queue calls back.
type CallbackConfig struct {
	Attempts int   `json:"attempts,omitempty"` // to reach the customer; 0 = 3
	Spacing  int64 `json:"spacing,omitempty"`  // ms between attempts; 0 = 5 min
	Expires  int64 `json:"expires,omitempty"`  // ms after it was due for the first time; 0 = 24 h
	Max      int   `json:"max,omitempty"`      // open ones; 0 = no limit of its own
}

// maxDispositions is what an agent can still choose from.
const maxDispositions = 15

// maxRingGroup is how many phones may ring for one call.
const maxRingGroup = 20

// wrapUp returns how long the work after a call lasts if nobody says otherwise,
// and how long it may.
func (q *QueueConfig) wrapUp() (lasts, most int64) {
	most = max(cmp.Or(q.WrapUpMax, defaultWrapUpMax), q.WrapUp)
	if q.WrapUpManual {
		return most, most
	}
	return q.WrapUp, most
}

// Step is what a queue asks of agents after some time.
type Step struct {
	After       int64  `json:"after"` // ms of waiting
	Requirement string `json:"requirement"`
}

// headStart returns how far ahead of a standard call one of a tier stands.
func (c *Config) headStart(q *QueueConfig, t routing.Tier) int64 {
	if q.HeadStart != nil {
		return q.HeadStart[t]
	}
	return c.HeadStart[t]
}

// order returns the comparator of waiting calls.
func (c *Config) order() rank.Order {
	o := rank.Order{Policy: c.Policy, KeepIdle: c.KeepIdle}
	if c.Policy == PolicyRatio {
		o.Objective = c.Objective
	}
	return o
}

// Policy says what the order of waiting calls is made of.
type Policy = rank.Policy

// Ranking policies.
const (
	PolicyDeadline = rank.PolicyDeadline // time of joining less the tier's head start
	PolicyStrict   = rank.PolicyStrict   // a higher tier first, whatever the waits
	PolicyRatio    = rank.PolicyRatio    // greatest waited/objective
	PolicyFIFO     = rank.PolicyFIFO     // first come, first served
)

// Fit says which of several eligible agents is preferred before the longest
// idle one.
type Fit = rank.Fit

// Skill fits.
const (
	FitNone  = rank.FitNone  // longest idle only
	FitMost  = rank.FitMost  // highest levels in the required skills first
	FitLeast = rank.FitLeast // lowest sufficient levels first: keeps experts free
)

// AgentConfig is one agent as documents describe him.
type AgentConfig struct {
	ID        string               `json:"id"`
	Name      string               `json:"name"`
	Skills    []routing.SkillLevel `json:"skills"`
	MaxMisses int                  `json:"max_misses"`        // unanswered offers in a row until not ready; 0 = 1
	BackOff   int64                `json:"back_off"`          // ms without offers after busy or reject; at least 1 s
	Contact   string               `json:"contact,omitempty"` // fixed contact URI instead of a registration
	SignedIn  bool                 `json:"signed_in"`         // ready from the start (agents without feature codes)

	Groups     []string `json:"groups,omitempty"`     // that supervisors know him by
	Supervises []string `json:"supervises,omitempty"` // agents and groups whose calls he may join; "*" everybody
}
