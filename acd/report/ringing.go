package report

import (
	"slices"

	"tierline/acd"
)

// ringing is an offer to an agent that isn't over. A ring group has several.
type ringing struct {
	Segment int    `json:"segment"` // index of its segment
	Agent   string `json:"agent"`
	Rang    int64  `json:"rang"` // log time when the phone began to ring; 0: not yet
}

// is reports whether a fact is about the agent. Without a name it is about the
// only one.
func (r ringing) is(agent string) bool { return agent == "" || r.Agent == agent }

// offered begins an agent's offer. Those of an earlier one are over: the facts
// are in order.
func (o *open) offered(s Story, fact acd.Fact) {
	segments := o.CDR.Segments
	if n := len(o.Ringing); n > 0 && segments[o.Ringing[n-1].Segment].Offer != fact.Offer {
		o.endOffers(s, Segment{})
	}
	o.Ringing = append(o.Ringing, ringing{Segment: len(segments), Agent: fact.Agent})
	o.add(s, Segment{Kind: Offer, Queue: o.CDR.Queue, Agent: fact.Agent, Offer: fact.Offer, Reason: fact.Reason})
}

func (o *open) rang(s Story, agent string) {
	for i := range o.Ringing {
		if r := &o.Ringing[i]; r.is(agent) && r.Rang == 0 {
			r.Rang = s.At
		}
	}
}

// endOffer ends an agent's offer.
func (o *open) endOffer(s Story, agent string, how Segment) {
	i := slices.IndexFunc(o.Ringing, func(r ringing) bool { return r.is(agent) })
	if i < 0 {
		return
	}
	r := o.Ringing[i]
	o.Ringing = slices.Delete(o.Ringing, i, i+1)
	if r.Rang != 0 {
		how.RingMS = s.At - r.Rang
	}
	o.conclude(s, r.Segment, how)
}

// endOffers ends whatever rings.
func (o *open) endOffers(s Story, how Segment) {
	for len(o.Ringing) > 0 {
		o.endOffer(s, o.Ringing[0].Agent, how)
	}
}

// upgrade reads what was kept before there were ring groups.
func (o *open) upgrade() {
	i := slices.Index(o.Running, Offer)
	if i < 0 {
		return
	}
	o.Running = slices.Delete(o.Running, i, i+1)
	for at, seg := range slices.Backward(o.CDR.Segments) {
		if seg.Kind == Offer {
			o.Ringing = []ringing{{Segment: at, Agent: seg.Agent, Rang: o.Rang}}
			break
		}
	}
	o.Rang = 0
}
