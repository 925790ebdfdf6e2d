package rank

import (
	"cmp"
	"strings"

	"tierline/routing"
)

// Key is a waiting call's place in the one global order: what [Order] compares
// under each policy. It never changes while the call waits, unless a supervisor
// moves the call to another band.
type Key struct {
	Band     int64        `json:"band"`     // 0 normally; lower goes before everybody in higher bands
	Deadline int64        `json:"deadline"` // Since − head start of the tier, ms of log time
	Index    uint64       `json:"index"`    // log index of the entry that queued the call: a total order
	Since    int64        `json:"since"`    // time of joining − credit, ms of log time
	Tier     routing.Tier `json:"tier"`
}

// Fit says which of several able agents is preferred before the longest idle
// one. The order of the constants is part of the log format.
type Fit uint8

// Skill fits.
const (
	FitNone  Fit = iota // longest idle only
	FitMost             // highest levels in the required skills first
	FitLeast            // lowest sufficient levels first: keeps experts free
)

// cost turns a score (sum of levels) into what AgentKey compares.
func (f Fit) cost(score int) int {
	switch f {
	case FitMost:
		return -score
	case FitLeast:
		return score
	case FitNone:
	}
	return 0
}

// AgentKey is an able agent's place for one call; the smallest is rung.
type AgentKey struct {
	Passed     bool  // missed or refused this call lately
	Other      bool  // not the one the call prefers
	Ring       int   // how often the requirement had to be relaxed for him
	Cost       int   // skill fit
	Breadth    int   // number of skills, if generalists are to be kept free
	ReadySince int64 // longest idle first, ms of log time
	ID         string
}

// Compare orders keys as cmp.Compare does.
func (k AgentKey) Compare(o AgentKey) int {
	return cmp.Or(
		falseFirst(k.Passed, o.Passed),
		falseFirst(k.Other, o.Other),
		cmp.Compare(k.Ring, o.Ring),
		cmp.Compare(k.Cost, o.Cost),
		cmp.Compare(k.Breadth, o.Breadth),
		cmp.Compare(k.ReadySince, o.ReadySince),
		strings.Compare(k.ID, o.ID),
	)
}

func falseFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}
