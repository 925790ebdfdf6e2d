package cluster

import (
	"cmp"
	"slices"
)

// fate is what became of an entry before the core saw it.
type fate uint8

const (
	fateApplied   fate = iota
	fateDuplicate      // sent again after a failure that was none
	fateGap            // an earlier event of its author is missing
	fateStale          // written by a process of the node that has been replaced
	fateFault          // the core panicked
	fateOvertaken      // another leader has been elected since it was written
	fateUnseen         // in the log, but what it gave came to this node in a snapshot
)

// session is what the log knows of one node as an author.
type session struct {
	Node  string `json:"node"`
	Start uint64 `json:"start"`
	Seq   uint64 `json:"seq"` // the last posted event applied

	// Fenced says that others have gone on with what the process held: nothing
	// that it writes counts.
	Fenced bool `json:"fenced,omitempty"`
}

// sessions is the list of authors, sorted by node. It is part of the
// replicated state: all nodes admit the same entries.
type sessions []session

// written reports whether an author's entry of a number is in the log.
func (s *sessions) written(o origin) bool {
	for _, a := range *s {
		if a.Node == o.Node && a.Start == o.Start {
			return o.Seq <= a.Seq
		}
	}
	return false
}

// process is which of a node's processes has written last.
func (s *sessions) process(node string) uint64 {
	for _, a := range *s {
		if a.Node == node {
			return a.Start
		}
	}
	return 0
}

// fenced reports whether others have gone on with what a process held.
func (s *sessions) fenced(node string, start uint64) bool {
	for _, a := range *s {
		if a.Node == node {
			return a.Fenced && a.Start == start
		}
	}
	return false
}

// fence lets nothing of a process count any more.
func (s *sessions) fence(node string) {
	for i := range *s {
		if (*s)[i].Node == node {
			(*s)[i].Fenced = true
		}
	}
}

// admit decides whether an entry is applied. Posted events come once and
// without gaps; a proposed one comes after the events posted before it.
func (s *sessions) admit(o origin) fate {
	i, known := slices.BinarySearchFunc(*s, o.Node, func(a session, node string) int { return cmp.Compare(a.Node, node) })
	if !known {
		*s = slices.Insert(*s, i, session{Node: o.Node, Start: o.Start})
	}
	a := &(*s)[i]
	if o.Start > a.Start {
		a.Start, a.Seq, a.Fenced = o.Start, 0, false
	}
	switch {
	case o.Start < a.Start, a.Fenced:
		return fateStale
	case o.Seq == 0 && o.After > a.Seq, o.Seq > a.Seq+1:
		return fateGap
	case o.Seq > 0 && o.Seq <= a.Seq:
		return fateDuplicate
	case o.Seq > 0:
		a.Seq = o.Seq
	}
	return fateApplied
}
