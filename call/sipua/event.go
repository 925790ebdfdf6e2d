package sipua

import (
	"context"
	"net/netip"
	"time"

	"tierline/call/registrar"
)

// Handler decides what the switch does with what peers ask.
type Handler interface {
	// Invite gets each new INVITE on a goroutine of its own. It answers with
	// the methods of in, at once or later.
	Invite(in *Incoming)
	// Register gets each REGISTER. ctx ends when nobody waits for the answer.
	Register(ctx context.Context, q registrar.Request) registrar.Response
	// Gone tells that the connection over which somebody registered is closed:
	// phones behind it can't be reached any more. It has a goroutine of its own.
	Gone(transport string, remote netip.AddrPort)
	// Known tells whether source may talk to us outside of a dialog. If not,
	// its message is dropped without an answer. user is the user part of From.
	// It is called by the reader of the socket and must be quick.
	Known(source netip.AddrPort, method, user string) bool
	// Prove says whether an INVITE is let in: some peers have to prove who they
	// are. It is called by the reader of the socket, before anything is kept of the
	// INVITE, and must be quick.
	Prove(p Proof) Verdict
	// Options returns the answer to OPTIONS: 200, or 503 with the seconds of
	// Retry-After. It must be quick.
	Options() (status, retryAfter int)
}

// Proof is what an INVITE says about who sent it.
type Proof struct {
	Source        netip.AddrPort
	URI           string   // request URI
	Number        string   // its user part
	From          string   // user part of From
	Line          string   // see Incoming
	Authorization []string // values of all such headers
	UserAgent     string
}

// Verdict is what becomes of an INVITE.
type Verdict struct {
	Status    int      // 0: it is let in; else the refusal
	Trunk     string   // the peer that proved itself; "": nobody had to
	Challenge []string // values of WWW-Authenticate headers of a 401
	Judged    bool     // a refusal that counts: repetitions of the INVITE get it again
}

// LegEvent is what happens to a leg. The set is closed. Events of one leg
// come in order, one at a time, and the function that gets them must not
// block.
//
//sumtype:decl
type LegEvent interface{ isLegEvent() }

// Ringing is a provisional answer to our INVITE, 100 excepted.
type Ringing struct {
	Status int
	SDP    []byte // what the peer lets us hear already
	Fork   string // which of those that were called together it is
}

// Answered is the 200 to our INVITE; the ACK is already sent, unless it was to
// wait (see [DialRequest]).
type Answered struct {
	SDP    []byte
	Dialog Dialog
}

// Failed ends a leg that we called and that was not answered: by its final
// status; 408 when nobody answered in time, 487 after Cancel or Hangup, 503
// when the transport failed.
type Failed struct {
	Status     int
	Reason     string
	RetryAfter int      // seconds; 0 = not said
	Contacts   []string // URIs of a 3xx
	Trouble    string   // why the peer didn't get it or said nothing; "": the status is the peer's
}

// Confirmed is the ACK to our 200. SDP is the answer if the offer was ours.
// The ACK of a re-INVITE is reported only if it brings such an answer.
type Confirmed struct{ SDP []byte }

// NoAck ends a leg whose peer never acknowledged our 200; BYE is sent.
type NoAck struct{}

// Reinvited is a re-INVITE, or an UPDATE with an offer. Offer is nil if the peer wants ours in the 200.
// Reply is called once, from any goroutine, with 200 and our SDP, or with a
// status of 300 or more and nil.
type Reinvited struct {
	Offer []byte
	Reply func(status int, sdp []byte) error
}

// Hungup ends a leg by the peer's BYE, or because the peer no longer knows
// the dialog. Reason and Q850 are what its Reason header says.
type Hungup struct {
	Reason string
	Q850   int
	Lost   bool // it was us: the peer didn't refresh the session, or has lost the dialog
}

// Info is a key that the peer told by an INFO request, answered with 200
// already. Most peers tell it when it is released.
type Info struct {
	Key  rune          // 0–9 * # A–D
	Held time.Duration // how long it was pressed
}

func (Ringing) isLegEvent()   {}
func (Answered) isLegEvent()  {}
func (Failed) isLegEvent()    {}
func (Confirmed) isLegEvent() {}
func (NoAck) isLegEvent()     {}
func (Reinvited) isLegEvent() {}
func (Hungup) isLegEvent()    {}
func (Info) isLegEvent()      {}
