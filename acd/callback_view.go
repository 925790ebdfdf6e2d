package acd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tierline/routing"
	"tierline/routing/rank"
)

// CallbackView is a copy of one open call-back. Times are log times in ms,
// except Requested.
type CallbackView struct {
	ID          string       `json:"id"`
	Phase       Phase        `json:"phase"` // dormant, waiting, offered, dialling, talking, after
	Number      string       `json:"number"`
	Queue       string       `json:"queue"`
	Tier        routing.Tier `json:"tier"`
	Language    string       `json:"language,omitempty"`
	Customer    Customer     `json:"customer"`
	Attach      []Attribute  `json:"attach,omitempty"`
	Origin      string       `json:"origin,omitempty"` // the call that asked
	By          string       `json:"by,omitempty"`     // who asked, if no call did
	Requested   int64        `json:"requested_wall"`
	Due         int64        `json:"due_ms,omitempty"` // while dormant: when it begins to wait
	Expires     int64        `json:"expires_ms"`       // no attempt begins later
	Attempts    int          `json:"attempts"`         // so far
	Most        int          `json:"most_attempts"`
	Last        string       `json:"last,omitempty"` // how the latest attempt went
	Agent       string       `json:"agent,omitempty"`
	Offer       uint64       `json:"offer,omitempty"`
	Key         rank.Key     `json:"key"`
	Requirement string       `json:"requirement,omitempty"`
	Node        string       `json:"node"`
	Generation  uint64       `json:"generation"`
	Why         string       `json:"why,omitempty"` // it waits
}

// Callbacks returns the open call-backs in the order they were asked for.
func (s *State) Callbacks() []CallbackView {
	out := make([]CallbackView, 0, len(s.callbacks.number))
	calls := slices.SortedFunc(maps.Values(s.callbacks.number), func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.index, b.index), strings.Compare(a.id, b.id))
	})
	for _, c := range calls {
		out = append(out, s.callbackView(c))
	}
	return out
}

// Callback returns one open call-back.
func (s *State) Callback(id string) (CallbackView, bool) {
	c := s.calls[id]
	if c == nil || c.callback == nil {
		return CallbackView{}, false
	}
	return s.callbackView(c), true
}

func (s *State) callbackView(c *call) CallbackView {
	b := c.callback
	v := CallbackView{
		ID: c.id, Phase: c.phase, Number: c.to, Queue: c.queue.Name, Tier: c.tier, Language: c.language,
		Customer: c.customer, Attach: slices.Clone(c.attach), Origin: b.origin, By: b.by, Requested: c.arrivedWall,
		Expires: b.expires, Attempts: b.attempt, Most: c.queue.Callback.attempts(), Last: b.last, Offer: c.offer,
		Key: c.place.Key, Node: c.node, Generation: c.generation.Generation,
	}
	switch c.phase {
	case PhaseDormant:
		v.Due = b.at
	case PhaseWaiting:
		v.Why = s.whyCall(c, s.whyWaiting(c.place.Requirement))
	case PhaseMenu, PhaseOffered, PhaseTalking, PhaseAfter, PhaseDialling, PhaseDirected, PhaseTest:
	}
	if c.inQueue() {
		v.Requirement = c.place.Requirement.String()
	}
	if o := s.offers[c.offer]; o != nil {
		v.Agent, _ = o.who()
	}
	return v
}
