package report

import "tierline/acd"

// maxNotes bounds what is kept of one call beside its path and segments.
const maxNotes = 256

// outcomeReached is how the dialling of a customer ends who answers.
const outcomeReached = "reached"

// requested opens the record of a call-back, and notes it in that of the call
// that asked for it.
func (f *Fold) requested(s Story, fact acd.Fact) {
	o := &open{Arrived: s.At, CDR: CDR{
		Call: fact.Call, Direction: Outward, Node: fact.Node, To: fact.To, Generation: fact.Generation,
		Customer: fact.Customer, Language: fact.Language, Queue: fact.Queue, Origin: fact.Origin,
		Started: Time(s.Wall), FirstIndex: s.Index,
	}}
	if fact.Tier != nil {
		o.CDR.Tier = *fact.Tier
	}
	f.open[fact.Call] = o
	f.touched[fact.Call] = true
	if origin := f.open[fact.Origin]; origin != nil {
		origin.CDR.Callback = fact.Call
		f.touched[fact.Origin] = true
	}
}

// called books what happened to a call-back.
func (o *open) called(s Story, fact acd.Fact) {
	switch fact.Kind { //nolint:exhaustive // the caller picks
	case acd.FactCallbackDue:
		o.begin(s, Segment{Kind: Queue, Queue: fact.Queue})
	case acd.FactCallbackDialled:
		o.endOffer(s, fact.Agent, Segment{Outcome: outcomeAnswered})
		o.end(s, Queue, Segment{Outcome: outcomeAnswered})
		o.begin(s, Segment{Kind: Dial, Queue: o.CDR.Queue, Agent: fact.Agent, Offer: fact.Offer})
	case acd.FactCallbackMissed:
		o.end(s, Dial, Segment{Outcome: fact.Cause, SIP: fact.SIP})
	case acd.FactCallbackReached:
		o.end(s, Dial, Segment{Outcome: outcomeReached})
		o.CDR.Answered, o.CDR.Agent = true, fact.Agent
		o.CDR.Trunk, o.CDR.SIPCallID = fact.Trunk, fact.SIPCallID
		o.begin(s, Segment{Kind: Talk, Queue: o.CDR.Queue, Agent: fact.Agent, Offer: fact.Offer})
	}
}

// note keeps what the caller answered, what was recorded, where he was sent.
func (o *open) note(s Story, fact acd.Fact) {
	n := Note{AfterMS: s.At - o.Arrived}
	switch fact.Kind { //nolint:exhaustive // the caller picks
	case acd.FactCallSurveyed:
		n.Kind, n.Name, n.Value, n.Agent = Survey, fact.Question, fact.Value, fact.Agent
	case acd.FactCallRecorded:
		n.Kind, n.Name, n.Value, n.LengthMS = Recording, fact.Reason, fact.Ref, fact.LengthMS
		n.Agent, n.SHA256, n.Failed = fact.Agent, fact.SHA256, fact.Cause
	case acd.FactRecordingMarked:
		n.Kind, n.Name, n.Value, n.LengthMS = Mark, fact.Reason, fact.Value, fact.AtMS
	case acd.FactCallTransferred:
		n.Kind, n.Name, n.Value = Transfer, fact.To, fact.Cause
	}
	if len(o.CDR.Notes) < maxNotes {
		o.CDR.Notes = append(o.CDR.Notes, n)
	}
}
