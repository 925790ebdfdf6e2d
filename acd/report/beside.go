package report

import (
	"cmp"
	"slices"

	"tierline/acd"
)

// Outcomes of segments beside a conversation.
const (
	outcomeHandedOver = "handed_over"
	outcomeResumed    = "resumed"
	outcomeLeft       = "left"
	outcomeChanged    = "changed" // a supervisor does something else now
)

// beside is a segment that lies inside a conversation: somebody else is in the
// call, or the caller is on hold. It isn't over.
type beside struct {
	Segment int    `json:"segment"` // its index
	Kind    Kind   `json:"kind"`
	Offer   uint64 `json:"offer,omitempty"` // of an agent
	Leg     int    `json:"leg,omitempty"`   // of somebody outside
}

// aside books what happens beside a conversation; false: it is about the
// conversation.
func (o *open) aside(s Story, fact acd.Fact) bool {
	switch fact.Kind { //nolint:exhaustive // the others are the caller's
	case acd.FactCallJoined:
		o.joined(s, fact)
	case acd.FactCallHandedOver:
		o.endBeside(s, beside{Offer: fact.Offer}, Segment{Outcome: outcomeHandedOver})
		o.talks(s, fact)
	case acd.FactCallHeld:
		o.beginBeside(s, beside{Kind: Hold, Offer: fact.Offer}, Segment{Agent: fact.Agent, Reason: fact.By})
	case acd.FactCallResumed:
		o.endBeside(s, beside{Kind: Hold, Offer: fact.Offer}, Segment{Outcome: outcomeResumed})
	case acd.FactAgentReleased:
		over := Segment{Outcome: outcomeReleased, EndedBy: fact.By, Quality: fact.Quality}
		o.endBeside(s, beside{Offer: fact.Offer}, over)
		return fact.Role != ""
	case acd.FactOutsideDialled, acd.FactOutsideAnswered, acd.FactOutsideFailed, acd.FactOutsideLeft:
		o.outside(s, fact)
	case acd.FactSupervisionStarted, acd.FactSupervisionChanged, acd.FactSupervisionEnded:
		o.supervised(s, fact)
	default:
		return false
	}
	return true
}

// supervised books a supervisor: a segment for each mode.
func (o *open) supervised(s Story, fact acd.Fact) {
	is := beside{Kind: Supervision, Offer: fact.Offer}
	switch fact.Kind { //nolint:exhaustive // the caller picks
	case acd.FactSupervisionStarted:
		o.endOffer(s, fact.Agent, Segment{Outcome: outcomeAnswered})
	case acd.FactSupervisionChanged:
		o.endBeside(s, is, Segment{Outcome: outcomeChanged})
	case acd.FactSupervisionEnded:
		o.endBeside(s, is, Segment{
			Outcome: cmp.Or(fact.Cause, outcomeReleased), EndedBy: fact.By, Quality: fact.Quality,
		})
		return
	}
	o.beginBeside(s, is, Segment{Agent: fact.Agent, Reason: fact.Mode + " by " + fact.By})
}

// joined books an agent who comes in. One who is to have the caller has a
// segment of his own when he gets him.
func (o *open) joined(s Story, fact acd.Fact) {
	o.endOffer(s, fact.Agent, Segment{Outcome: outcomeAnswered})
	is := Segment{Queue: fact.Queue, Agent: fact.Agent, Offer: fact.Offer, Reason: fact.By}
	switch fact.Role {
	case "": // he calls somebody outside
		is.Kind = Dial
		o.begin(s, is)
	case acd.RoleConsult.String():
		o.beginBeside(s, beside{Kind: Consult, Offer: fact.Offer}, is)
	case acd.RoleMember.String():
		o.endBeside(s, beside{Kind: Consult, Offer: fact.Offer}, Segment{Outcome: outcomeAnswered})
		o.beginBeside(s, beside{Kind: Member, Offer: fact.Offer}, is)
	case acd.RoleCaller.String():
		o.beginBeside(s, beside{Kind: Caller, Offer: fact.Offer}, is)
	}
}

// talks begins a conversation that no queue gave.
func (o *open) talks(s Story, fact acd.Fact) {
	if !o.CDR.Answered {
		o.CDR.Answered, o.CDR.Agent = true, fact.Agent
	}
	o.end(s, IVR, Segment{})
	o.begin(s, Segment{Kind: Talk, Queue: fact.Queue, Agent: fact.Agent, Offer: fact.Offer})
}

// outside books somebody outside. Leg 0 is the customer whom an agent calls, or
// whoever answers a test.
func (o *open) outside(s Story, fact acd.Fact) {
	if fact.Leg == 0 {
		o.customer(s, fact)
		return
	}
	is := beside{Kind: Outside, Leg: fact.Leg}
	switch fact.Kind { //nolint:exhaustive // the caller picks
	case acd.FactOutsideDialled:
		o.beginBeside(s, is, Segment{Reason: fact.Role + " " + fact.To})
	case acd.FactOutsideFailed:
		o.endBeside(s, is, Segment{Outcome: "failed", SIP: fact.SIP})
	case acd.FactOutsideLeft:
		o.endBeside(s, is, Segment{Outcome: outcomeLeft, Quality: fact.Quality})
	}
}

func (o *open) customer(s Story, fact acd.Fact) {
	switch fact.Kind { //nolint:exhaustive // the caller picks
	case acd.FactOutsideAnswered:
		o.end(s, Dial, Segment{Outcome: outcomeReached})
		if o.CDR.Direction == Test { // nobody talks to him
			o.beginBeside(s, beside{Kind: Outside}, Segment{Reason: fact.To})
			return
		}
		fact.Agent = o.CDR.From
		for i := range o.CDR.Segments {
			if o.CDR.Segments[i].Kind == Dial {
				fact.Offer = o.CDR.Segments[i].Offer
			}
		}
		o.talks(s, fact)
	case acd.FactOutsideFailed:
		o.end(s, Dial, Segment{Outcome: "failed", SIP: fact.SIP})
	case acd.FactOutsideLeft:
		o.endBeside(s, beside{Kind: Outside}, Segment{Outcome: outcomeLeft, Quality: fact.Quality})
	}
}

func (o *open) beginBeside(s Story, b beside, seg Segment) {
	o.endBeside(s, b, Segment{})
	b.Segment, seg.Kind = len(o.CDR.Segments), b.Kind
	seg.Offer = b.Offer
	o.Beside = append(o.Beside, b)
	o.add(s, seg)
}

// endBeside ends what is named: of one kind, or all of an offer's.
func (o *open) endBeside(s Story, which beside, how Segment) {
	for i := 0; i < len(o.Beside); {
		b := o.Beside[i]
		if b.Offer != which.Offer || b.Leg != which.Leg || which.Kind != "" && b.Kind != which.Kind {
			i++
			continue
		}
		o.Beside = slices.Delete(o.Beside, i, i+1)
		o.conclude(s, b.Segment, how)
	}
}

// endAside ends whatever goes on beside the conversation.
func (o *open) endAside(s Story, how Segment) {
	for len(o.Beside) > 0 {
		o.endBeside(s, o.Beside[0], how)
	}
}
