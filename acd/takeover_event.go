package acd

// NodeDown says that a node is dead, or cut off for so long that it has stopped
// acting by itself: others go on with its calls. Whatever it may still write
// counts no more until its process began anew.
type NodeDown struct {
	Node string `json:"node"`
	// Heir has the node's addresses from now on, and the calls that live at them.
	// Empty: nobody can go on with them, so they end.
	Heir string `json:"heir,omitempty"`
	// Process is the one of the node's that is meant, as the log counts them: it may
	// have begun anew before this is written.
	Process uint64 `json:"process,omitempty"`
	// Gone says that this process is known to have ended, not only to be silent: it
	// can't be heard again, however late this is read.
	Gone bool `json:"gone,omitempty"`
	// Away says that addresses can't move: the calls go on at the heir's own, and
	// their peers are told.
	Away bool `json:"away,omitempty"`
	// Term is that of the leader who says so; in the log of a later one it doesn't
	// count. Said is when he does, in log time.
	Term uint64 `json:"term,omitempty"`
	Said int64  `json:"said,omitempty"`
}

// NodeReady says that a node that began anew can serve, and where. Whoever has
// its address gives it back, calls and all.
type NodeReady struct {
	Node   string   `json:"node"`
	Listen []string `json:"listen,omitempty"` // where it serves SIP, as transport:address
	Host   string   `json:"host,omitempty"`   // what peers know it by, if not by its address
}

// AddressMoved gives a node's address to another one, with all calls that live
// there, while both are well: after a repair, and before maintenance.
type AddressMoved struct {
	Home string `json:"home"` // whose address it is
	From string `json:"from"`
	To   string `json:"to"`
	Away bool   `json:"away,omitempty"` // see NodeDown
}

// LegChanged is what another node needs to go on with a leg, if that is no
// longer what it was. Offer names an agent's; 0 is the caller's, who may have
// none before: whom an agent calls.
type LegChanged struct {
	Call  string `json:"call"`
	Offer uint64 `json:"offer,omitempty"`
	Leg   []byte `json:"leg"` // empty with a name: it is over

	// Name is that of a leg which is neither, as the call's owner calls it: of
	// somebody outside, of an agent's second line. Which one, About says.
	Name  string `json:"name,omitempty"`
	About []byte `json:"about,omitempty"`
}

func (NodeDown) isEvent()     {}
func (NodeReady) isEvent()    {}
func (AddressMoved) isEvent() {}
func (LegChanged) isEvent()   {}

// HoldAddress tells a node that it has another one's address from now on.
type HoldAddress struct {
	Node, Home string
	Listen     []string // see NodeReady
	Host       string
}

// FreeAddress tells a node to give an address up: Home is served by To.
type FreeAddress struct{ Node, Home, To string }

// GiveAddress asks a node that has another one's address to give it back.
type GiveAddress struct{ Node, Home string }

// TakeCall tells a node to go on with a call that another process held; what
// it needs is in the state. Those that matter most come first.
type TakeCall struct {
	Node, Call string
	Alone      bool // he who was to serve the caller rang, and doesn't any more
}

// DropCall tells a node to forget a call without a word to its peers: another
// one goes on with it.
type DropCall struct{ Node, Call string }

// StopGhost tells a node that a phone rings which a dead one called.
type StopGhost struct {
	Node, Home, Call, Agent string
	Offer                   uint64
	Contacts                []Binding
}

// EndLeg tells a node that an agent's leg of a dead one is up and belongs to
// nothing any more.
type EndLeg struct {
	Node string
	Leg  []byte
}

// NodeLost tells everybody that a node is down, itself included if it hears.
type NodeLost struct{ Node string }

func (HoldAddress) isEffect() {}
func (FreeAddress) isEffect() {}
func (GiveAddress) isEffect() {}
func (TakeCall) isEffect()    {}
func (DropCall) isEffect()    {}
func (StopGhost) isEffect()   {}
func (EndLeg) isEffect()      {}
func (NodeLost) isEffect()    {}
