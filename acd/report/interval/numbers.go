package interval

// Slot is the length of the intervals that are kept, in ms. Longer ones are
// made of them; every time zone's offset is a multiple.
const Slot = 15 * 60 * 1000

// Longer stands for all waits of more than that many seconds less one: waits
// are counted by full seconds up to two minutes, so that a service level can
// be asked for with any threshold, also afterwards.
const Longer = 121

// Place is what a visit belongs to.
type Place struct {
	Queue string `json:"queue"`
	Tier  string `json:"tier"`
	Skill string `json:"skill,omitempty"` // names of the requirement's skills, sorted, with "+"
}

// Key is a place in one slot.
type Key struct {
	Slot int64 // wall time of the begin in ms
	Place
}

// Calls are the sums of one place. The comments of docs/reference/numbers.md
// apply: waits belong to the slot in which the visit began, talk and wrap-up
// to the slots in which they took place.
type Calls struct {
	Offered, Refused, Handled                          int64
	AnsweredWaitMS, AbandonedWaitMS, LeftWaitMS, MaxMS int64
	TalkMS, WrapUpMS                                   int64
}

// plus adds two sums.
func (c Calls) plus(o Calls) Calls {
	return Calls{
		Offered: c.Offered + o.Offered, Refused: c.Refused + o.Refused, Handled: c.Handled + o.Handled,
		AnsweredWaitMS: c.AnsweredWaitMS + o.AnsweredWaitMS, AbandonedWaitMS: c.AbandonedWaitMS + o.AbandonedWaitMS,
		LeftWaitMS: c.LeftWaitMS + o.LeftWaitMS, MaxMS: max(c.MaxMS, o.MaxMS),
		TalkMS: c.TalkMS + o.TalkMS, WrapUpMS: c.WrapUpMS + o.WrapUpMS,
	}
}

// WaitKey counts visits that ended with one outcome after as many seconds,
// rounded up.
type WaitKey struct {
	Key
	Outcome string
	Seconds int // at most Longer
}

// TimeKey counts an agent's ms in a state. Queue is that of his call, if the
// state has one.
type TimeKey struct {
	Slot                        int64
	Agent, Queue, State, Reason string
}

// OfferKey counts an agent's offers that ended with an outcome.
type OfferKey struct {
	Slot                  int64
	Agent, Queue, Outcome string
}

// Callbacks are the sums of call-backs that one place was asked for, apart from
// its visits. They belong to the slot in which they were asked for:
// Requested = Done + Failed + Expired + Cancelled + CalledAgain + Lost + those
// that are open.
type Callbacks struct {
	Requested, Attempts                                 int64
	Done, Failed, Expired, Cancelled, CalledAgain, Lost int64
	DoneMS                                              int64 // from the request until the customer was reached
}

// Open returns how many go on.
func (c Callbacks) Open() int64 {
	return c.Requested - c.Done - c.Failed - c.Expired - c.Cancelled - c.CalledAgain - c.Lost
}

func (c Callbacks) plus(o Callbacks) Callbacks {
	return Callbacks{
		Requested: c.Requested + o.Requested, Attempts: c.Attempts + o.Attempts, Done: c.Done + o.Done,
		Failed: c.Failed + o.Failed, Expired: c.Expired + o.Expired, Cancelled: c.Cancelled + o.Cancelled,
		CalledAgain: c.CalledAgain + o.CalledAgain, Lost: c.Lost + o.Lost, DoneMS: c.DoneMS + o.DoneMS,
	}
}

// Kinds of tallies.
const (
	Survey   = "survey"   // Name: the question, Value: the answer, Agent: whom it is about
	Transfer = "transfer" // Name: the destination, Value: how it went
)

// Tally counts what needs no more than counting.
type Tally struct {
	Slot                            int64
	Kind, Queue, Agent, Name, Value string
}

// Numbers are sums of many places and agents.
type Numbers struct {
	Calls     map[Key]Calls
	Waits     map[WaitKey]int64
	Times     map[TimeKey]int64
	Offers    map[OfferKey]int64
	Callbacks map[Key]Callbacks
	Tallies   map[Tally]int64
}

// NewNumbers returns sums of nothing.
func NewNumbers() Numbers {
	return Numbers{
		Calls: map[Key]Calls{}, Waits: map[WaitKey]int64{}, Times: map[TimeKey]int64{}, Offers: map[OfferKey]int64{},
		Callbacks: map[Key]Callbacks{}, Tallies: map[Tally]int64{},
	}
}

// Add adds other numbers.
func (n Numbers) Add(o Numbers) {
	for k, v := range o.Calls {
		n.call(k, v)
	}
	for k, v := range o.Waits {
		n.Waits[k] += v
	}
	for k, v := range o.Times {
		n.Times[k] += v
	}
	for k, v := range o.Offers {
		n.Offers[k] += v
	}
	for k, v := range o.Callbacks {
		n.callback(k, v)
	}
	for k, v := range o.Tallies {
		n.Tallies[k] += v
	}
}

func (n Numbers) call(k Key, c Calls) { n.Calls[k] = n.Calls[k].plus(c) }

func (n Numbers) callback(k Key, c Callbacks) { n.Callbacks[k] = n.Callbacks[k].plus(c) }

// Open is what goes on: a visit, a call-back or an agent's stretch, to be kept with the
// numbers. An empty record means that it is over.
type Open struct {
	Kind   string // "visit", "callback" or "agent"
	ID     string // of the call or agent
	Record []byte // opaque; for Resume
}

// Batch is what stories add to the numbers, to be written as a whole.
type Batch struct {
	Numbers
	Open []Open
}

// floor returns the begin of the slot of a wall time.
func floor(wall int64) int64 { return wall - ((wall%Slot)+Slot)%Slot }
