package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"tierline/acd"
	"tierline/acd/report/interval"
)

// maxSteps bounds the path kept of one call: a caller who walks round in a
// menu for hours must not fill the disk. Later steps are only in the events.
const maxSteps = 256

// Words for what the fold concludes by itself.
const (
	outcomeAnswered  = "answered"
	outcomeAbandoned = "abandoned"
	outcomeCaller    = "caller_left"
	outcomeEnded     = "ended"
	outcomeReleased  = "released"
	causeLost        = "node_lost"
)

// Fold turns stories into records.
type Fold struct {
	open    map[string]*open
	touched map[string]bool // open calls changed since the last Flush
	numbers *interval.Fold
	batch   Batch
	usual   int // events of the batch before
}

// open is the record of a running call, as it is kept between restarts.
type open struct {
	CDR     CDR       `json:"cdr"`
	Arrived int64     `json:"arrived"`           // log time
	Begun   []int64   `json:"begun"`             // log time by segment
	Running []Kind    `json:"running"`           // kinds of the segments that are not ended, each at most once
	Ringing []ringing `json:"ringing,omitempty"` // offers that are not over
	Rang    int64     `json:"rang,omitempty"`    // only read: see upgrade
	Beside  []beside  `json:"beside,omitempty"`  // segments inside others that are not ended
}

// NewFold returns a fold at the beginning of the log.
func NewFold() *Fold {
	return &Fold{open: map[string]*open{}, touched: map[string]bool{}, numbers: interval.NewFold()}
}

// Resume returns a fold that goes on where another stopped.
func Resume(s Saved) (*Fold, error) {
	f := NewFold()
	f.batch.After, f.batch.Cursor = s.Cursor, s.Cursor
	var err error
	if f.numbers, err = interval.Resume(s.Numbers); err != nil {
		return nil, fmt.Errorf("resume the numbers: %w", err)
	}
	for _, r := range s.Calls {
		o := &open{}
		if err := json.Unmarshal(r.Record, o); err != nil {
			return nil, fmt.Errorf("read the unfinished record of call %s: %w", r.Call, err)
		}
		o.upgrade()
		f.open[r.Call] = o
	}
	return f, nil
}

// Cursor returns the index of the last story taken.
func (f *Fold) Cursor() uint64 { return f.batch.Cursor }

// Skip moves the cursor over stories that are lost. Calls that ran across
// them keep their records; what they add to the numbers is unknown.
func (f *Fold) Skip(to uint64) {
	if to > f.batch.Cursor {
		f.batch.Cursor = to
		f.numbers.Lose()
	}
}

// Open returns how many calls are running.
func (f *Fold) Open() int { return len(f.open) }

// Pending returns how many events and records wait for Flush.
func (f *Fold) Pending() int { return len(f.batch.Events) + len(f.batch.Ended) }

// Take adds one story. Stories at or before the cursor are ignored, so a
// source that repeats itself does no harm.
func (f *Fold) Take(s Story) {
	if s.Index <= f.batch.Cursor {
		return
	}
	f.batch.Cursor = s.Index
	if f.batch.Events == nil && len(s.Facts) > 0 { // events are large, and growing copies them
		f.batch.Events = make([]Event, 0, max(len(s.Facts), f.usual+f.usual/4))
	}
	for i, fact := range s.Facts {
		f.batch.Events = append(f.batch.Events, Event{Index: s.Index, Seq: i, Wall: Time(s.Wall), Fact: fact})
		f.fact(s, fact)
	}
	f.lost(s)
	f.numbers.Take(s.At, s.Wall, s.Facts)
}

// Flush returns what was gathered since the last Flush and begins anew.
func (f *Fold) Flush() (Batch, error) {
	b := f.batch
	f.usual = len(b.Events)
	for call := range f.touched {
		o, running := f.open[call]
		if !running {
			continue
		}
		record, err := json.Marshal(o)
		if err != nil {
			return Batch{}, fmt.Errorf("write the unfinished record of call %s: %w", call, err)
		}
		b.Open = append(b.Open, OpenCall{Call: call, Record: record})
	}
	var err error
	if b.Numbers, err = f.numbers.Flush(); err != nil {
		return Batch{}, fmt.Errorf("flush the numbers: %w", err)
	}
	slices.SortFunc(b.Open, func(a, b OpenCall) int { return cmp.Compare(a.Call, b.Call) })
	clear(f.touched)
	f.batch = Batch{After: b.Cursor, Cursor: b.Cursor}
	return b, nil
}

func (f *Fold) fact(s Story, fact acd.Fact) {
	if fact.Call == "" {
		return
	}
	o, running := f.open[fact.Call]
	switch {
	case fact.Kind == acd.FactCallArrived && !running:
		o = arrived(s, fact)
		f.open[fact.Call] = o
	case fact.Kind == acd.FactCallbackRequested && !running:
		f.requested(s, fact)
		return
	case !running:
		return // ended earlier: the event stays, the record is closed
	case fact.Kind == acd.FactCallEnded, fact.Kind == acd.FactCallbackEnded:
		f.close(s, fact, o)
		return
	default:
		o.change(s, fact)
	}
	f.touched[fact.Call] = true
}

func arrived(s Story, fact acd.Fact) *open {
	o := &open{Arrived: s.At, CDR: CDR{
		Call: fact.Call, Direction: cmp.Or(Direction(fact.Direction), Inward), Node: fact.Node,
		Trunk: fact.Trunk, From: fact.From, To: fact.To,
		Flow: fact.Flow, Generation: fact.Generation, SIPCallID: fact.SIPCallID,
		Customer: fact.Customer, Language: fact.Language,
		Started: Time(s.Wall), FirstIndex: s.Index,
	}}
	if fact.Tier != nil {
		o.CDR.Tier = *fact.Tier
	}
	switch o.CDR.Direction {
	case Inward:
		o.begin(s, Segment{Kind: IVR})
	case Test:
		o.begin(s, Segment{Kind: Dial})
	case Outward, Internal: // the agent's part begins
	}
	return o
}

// change books what happened to a running call. Kinds that say nothing about
// the record (agents, phones, documents) are left out on purpose.
func (o *open) change(s Story, fact acd.Fact) {
	if o.aside(s, fact) {
		return
	}
	switch fact.Kind {
	case acd.FactCallStep:
		o.step(s, fact)
	case acd.FactCallQueued:
		o.queued(s, fact)
	case acd.FactCallLeftQueue:
		o.leftQueue(s, fact)
	case acd.FactCallOffered:
		o.offered(s, fact)
	case acd.FactCallRinging:
		o.rang(s, fact.Agent)
	case acd.FactOfferFailed:
		o.endOffer(s, fact.Agent, Segment{Outcome: fact.Cause, SIP: fact.SIP})
	case acd.FactCallConnected:
		o.connected(s, fact)
	case acd.FactAgentReleased:
		o.end(s, Dial, Segment{EndedBy: fact.By})
		o.end(s, Talk, Segment{Outcome: outcomeReleased, EndedBy: fact.By, Quality: fact.Quality})
	case acd.FactCallbackDue, acd.FactCallbackDialled, acd.FactCallbackMissed, acd.FactCallbackReached:
		o.called(s, fact)
	case acd.FactCallSurveyed, acd.FactCallRecorded, acd.FactCallTransferred, acd.FactRecordingMarked:
		o.note(s, fact)
	case acd.FactCallArrived, acd.FactCallEnded, acd.FactAgentState, acd.FactAgentNext, acd.FactPhoneRegistered,
		acd.FactPhoneUnregistered, acd.FactConfigPublished, acd.FactNodeRestarted,
		acd.FactCallMoved, acd.FactCallRelaxed, acd.FactAgentDisposed, acd.FactAuthLocked, acd.FactAuthCleared,
		acd.FactCallbackRequested, acd.FactCallbackEnded, acd.FactRecordingUsed, acd.FactCallMuted, acd.FactCallUnmuted,
		acd.FactCallRerouted, acd.FactHoldReminded,
		acd.FactNodeDown, acd.FactAddressMoved, acd.FactCallTakenOver:
	case acd.FactCallJoined, acd.FactCallHandedOver, acd.FactCallHeld, acd.FactCallResumed,
		acd.FactOutsideDialled, acd.FactOutsideAnswered, acd.FactOutsideFailed, acd.FactOutsideLeft,
		acd.FactSupervisionStarted, acd.FactSupervisionChanged, acd.FactSupervisionEnded: // see aside
	}
}

func (o *open) step(s Story, fact acd.Fact) {
	if fact.Language != "" {
		o.CDR.Language = fact.Language
	}
	if len(o.CDR.Path) < maxSteps {
		o.CDR.Path = append(o.CDR.Path, Step{
			AfterMS: s.At - o.Arrived, Step: fact.Step, Milestone: fact.Milestone, Key: fact.Key,
			Outcome: fact.Outcome, TookMS: fact.TookMS,
		})
	}
	if len(o.Running) == 0 { // the agent has left, the menu goes on
		o.begin(s, Segment{Kind: IVR})
	}
}

func (o *open) queued(s Story, fact acd.Fact) {
	o.CDR.Queue = fact.Queue
	if fact.Tier != nil {
		o.CDR.Tier = *fact.Tier
	}
	if fact.Language != "" {
		o.CDR.Language = fact.Language
	}
	o.end(s, IVR, Segment{})
	o.begin(s, Segment{Kind: Queue, Queue: fact.Queue})
}

// leftQueue books the end of a wait. A call that found the queue full never
// waited: it gets a segment of no length, and its menu goes on.
func (o *open) leftQueue(s Story, fact acd.Fact) {
	if !slices.Contains(o.Running, Queue) {
		o.CDR.Queue = fact.Queue
		o.begin(s, Segment{Kind: Queue, Queue: fact.Queue})
		o.end(s, Queue, Segment{Outcome: fact.Cause})
		return
	}
	o.endOffers(s, Segment{Outcome: outcomeCaller})
	o.end(s, Queue, Segment{Outcome: fact.Cause})
	o.begin(s, Segment{Kind: IVR})
}

func (o *open) connected(s Story, fact acd.Fact) {
	if !o.CDR.Answered {
		o.CDR.Answered, o.CDR.Agent = true, fact.Agent
	}
	o.endOffer(s, fact.Agent, Segment{Outcome: outcomeAnswered})
	o.end(s, Queue, Segment{Outcome: outcomeAnswered})
	o.begin(s, Segment{Kind: Talk, Queue: o.CDR.Queue, Agent: fact.Agent, Offer: fact.Offer})
}

// close ends a call's record and hands it over.
func (f *Fold) close(s Story, fact acd.Fact, o *open) {
	o.endOffers(s, Segment{Outcome: outcomeCaller})
	o.endAside(s, Segment{Outcome: outcomeReleased, EndedBy: fact.By})
	o.end(s, Queue, Segment{Outcome: outcomeEnded})
	o.end(s, Dial, Segment{EndedBy: fact.By})
	o.end(s, Talk, Segment{Outcome: outcomeReleased, EndedBy: fact.By})
	o.end(s, IVR, Segment{EndedBy: fact.By})
	if o.CDR.Direction != Outward {
		o.settle(s, fact)
	}

	c := &o.CDR
	c.Direction = cmp.Or(c.Direction, Inward) // of a record begun by an older release
	c.Ended, c.DurationMS, c.LastIndex = Time(s.Wall), s.At-o.Arrived, s.Index
	c.Cause, c.EndedBy, c.SIP, c.Abandoned = fact.Cause, fact.By, fact.SIP, fact.Abandoned
	if fact.Quality != nil {
		c.Quality = fact.Quality
	}
	f.batch.Ended = append(f.batch.Ended, *c)
	delete(f.open, c.Call)
	delete(f.touched, c.Call)
}

// settle corrects what only the end explains: a wait that ended with the call
// was abandoned, or ended by somebody, and no menu came after it.
func (o *open) settle(s Story, fact acd.Fact) {
	segments := o.CDR.Segments
	last := len(segments) - 1
	if last < 0 {
		return
	}
	wait := last
	if segments[last].Kind == IVR && o.Begun[last] == s.At {
		wait--
	}
	for wait > 0 && segments[wait].Kind == Offer {
		wait--
	}
	if wait < 0 || segments[wait].Kind != Queue {
		return
	}
	if segments[last].Kind == IVR {
		segments = segments[:last]
	}
	if w := &segments[wait]; w.Outcome == outcomeEnded && o.Begun[wait]+w.DurationMS == s.At {
		w.EndedBy = fact.By
		if fact.Abandoned {
			w.Outcome = outcomeAbandoned
		}
	}
	o.CDR.Segments = segments
}

// lost closes what a restarted node held and the core did not end by name:
// a record must not stay open for ever.
func (f *Fold) lost(s Story) {
	for _, fact := range s.Facts {
		if fact.Kind != acd.FactNodeRestarted || fact.Reason != "" { // it goes on with its calls
			continue
		}
		var gone []string
		for call, o := range f.open {
			if o.CDR.Node == fact.Node && (o.CDR.Direction != Outward || o.CDR.From != "") { // call-backs outlive their node
				gone = append(gone, call)
			}
		}
		slices.Sort(gone)
		for _, call := range gone {
			f.close(s, acd.Fact{Cause: causeLost, By: "switch"}, f.open[call])
		}
	}
}

// begin opens a segment. One of the same kind that still runs ends first: the
// facts are in order, so it is over.
func (o *open) begin(s Story, seg Segment) {
	o.end(s, seg.Kind, Segment{})
	o.add(s, seg)
	o.Running = append(o.Running, seg.Kind)
}

func (o *open) add(s Story, seg Segment) {
	seg.Started = Time(s.Wall)
	o.CDR.Segments = append(o.CDR.Segments, seg)
	o.Begun = append(o.Begun, s.At)
}

// end closes the running segment of a kind, if there is one, and books its
// time. How carries what is only known now.
func (o *open) end(s Story, k Kind, how Segment) {
	at := slices.Index(o.Running, k)
	if at < 0 {
		return
	}
	o.Running = slices.Delete(o.Running, at, at+1)
	i := len(o.CDR.Segments) - 1
	for o.CDR.Segments[i].Kind != k {
		i--
	}
	o.conclude(s, i, how)
}

// conclude closes a segment.
func (o *open) conclude(s Story, i int, how Segment) {
	seg := &o.CDR.Segments[i]
	seg.Ended, seg.DurationMS = Time(s.Wall), s.At-o.Begun[i]
	seg.Outcome, seg.EndedBy, seg.SIP = how.Outcome, how.EndedBy, how.SIP
	seg.RingMS, seg.Quality = how.RingMS, how.Quality
	switch seg.Kind {
	case IVR:
		o.CDR.IVRMS += seg.DurationMS
	case Queue:
		o.CDR.WaitMS += seg.DurationMS
	case Offer:
		o.CDR.RingMS += seg.RingMS
	case Talk:
		o.CDR.TalkMS += seg.DurationMS
	case Dial, Hold, Consult, Member, Caller, Outside, Supervision:
	}
}
