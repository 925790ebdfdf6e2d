package call

import (
	"context"
	"net/netip"
	"time"

	"tierline/acd"
	"tierline/call/registration"
	"tierline/call/resolve"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/media"
	"tierline/media/handshake"
	"tierline/media/prompt"
)

// Queue is the replicated ACD as a call sees it.
type Queue interface {
	// Propose writes an event to the log and returns once it is applied.
	Propose(ctx context.Context, ev acd.Event) (acd.Result, uint64, error)
	// Post does the same without waiting, in the order of the calls.
	Post(ev acd.Event)
	// Read shows the replicated state for as long as view runs; view must be quick
	// and keep nothing of it.
	Read(view func(s *acd.State))
	// Ready returns nil, or why no new call can be taken.
	Ready() error
}

// Backend asks business systems and sends messages. Its methods block until
// there is an answer; ivr/backend is the real one.
type Backend interface {
	Lookup(ctx context.Context, policy ivr.Source, l ivr.Lookup) ivr.LookedUp
	Notify(ctx context.Context, c ivr.Channel, n ivr.Notify) ivr.Notified
}

// Speech speaks texts that nobody has recorded.
type Speech interface {
	Speak(ctx context.Context, language, text string) (*prompt.Clip, error)
}

// Signalling places calls to phones.
type Signalling interface {
	Dial(r sipua.DialRequest, on func(sipua.LegEvent)) (Dialog, error)
	// Ping asks a peer whether it lives.
	Ping(target string, patience time.Duration, on func(sipua.Pong))
	// Enrol registers us at a carrier, and waits for what comes of it.
	Enrol(ctx context.Context, r registration.Request) registration.Result
	// Resolve finds the hosts of a URI that is a name, beside the caller; on gets
	// them, the best first.
	Resolve(target string, on func(hops []resolve.Hop, err error))
	// Report tells whether one of them was any good.
	Report(addr netip.AddrPort, good bool)
	Inheritance
}

// Inheritance is what user agents do for one another's calls.
type Inheritance interface {
	// Resume goes on with a dialog that another process began.
	Resume(d sipua.Dialog, on func(sipua.LegEvent)) Dialog
	// ResumeInvite goes on with one that isn't answered; told: the peer knows our
	// SDP already.
	ResumeInvite(d sipua.Dialog, told bool) (Invitation, error)
	// CancelInvite stops what rings because of a Dial of another process.
	CancelInvite(d sipua.Dialog) error
	// Serves tells whether a dialog's peer sends to us already.
	Serves(d sipua.Dialog) bool
	// Adopt also serves another node's address, given as transport:host:port, and
	// Leave gives it up.
	Adopt(listen, host string) error
	Leave(at netip.Addr)
	// CancelGhost stops what rings because of the same Dial of another process.
	CancelGhost(r sipua.DialRequest) error
}

// Account is what a peer that asks for a digest knows us by. Challenges of
// other realms are not answered.
type Account struct{ Realm, Username, Password string }

// Dialog is one SIP leg.
type Dialog interface {
	// Hangup ends the leg as its state needs: BYE, CANCEL or a refusal.
	Hangup(q850 int, reason string)
	// Refer asks the peer to call somebody in our place; sipua.Referred follows.
	Refer(target string) error
	// Reinvite offers the peer something else. done gets the final status and the
	// answer, in order with the events.
	Reinvite(sdp []byte, done func(status int, sdp []byte))
	// Check asks the peer whether it still has the call; Hungup follows if not, or
	// if it doesn't answer in time.
	Check(patience time.Duration)
	// Show tells the peer whom it talks to from now on.
	Show(id sipua.Identity) error
	// Acknowledge tells a phone that its answer counts, once that is in the log.
	Acknowledge()
	// Abandon forgets the leg without a word: another process goes on with it.
	Abandon()
	// Dialog returns what another process needs to go on with the leg.
	Dialog() sipua.Dialog
}

// Invitation is an INVITE that waits for its answer.
type Invitation interface {
	// Dialog returns what another process needs to answer it.
	Dialog() sipua.Dialog
	// Abandon forgets it without an answer: another process gives that.
	Abandon()
	Ringing() error
	// Reliable tells whether the caller acknowledges Progress.
	Reliable() bool
	// Progress lets the caller hear us before he is answered.
	Progress(sdp []byte, on func(sipua.LegEvent)) error
	// Session says which session timer the leg is to have; an error: it was refused
	// with 422, because it asks for a shorter one.
	Session(t sipua.SessionTimer) error
	Answer(sdp []byte, on func(sipua.LegEvent)) (Dialog, error)
	Reject(status int, reason string, retryAfter int, headers map[string][]string) error
	OnCancel(f func())
}

// Invite is what an INVITE says.
type Invite struct {
	Invitation
	CallID        string
	From          string // user part of From
	FromName      string
	Identity      string // user part of P-Asserted-Identity
	Withheld      bool   // whoever is called shall not know the number
	Number        string // user part of the request URI
	To            string // user part of To
	Line          string // of a contact that we registered at a carrier
	Trunk         string // that has proved itself; "": nobody had to
	URI           string // request URI, for digest
	Source        netip.AddrPort
	Local         netip.Addr // which of our addresses it came to
	Transport     string
	UserAgent     string
	Authorization []string
	Offer         []byte          // nil: the offer comes late, from us
	Replaces      *sipua.Replaces // the dialog whose place it is to take; nil: none
}

// Media opens RTP legs and joins them.
type Media interface {
	Open(on func(media.Event)) (MediaLeg, error)
	// OpenAt is Open at an address that may be another node's; port 0 is any.
	OpenAt(at netip.AddrPort, on func(media.Event)) (MediaLeg, error)
	Bridge(a, b MediaLeg)
	Unbridge(a, b MediaLeg)
	// Mix makes a mix of nobody, for more than two.
	Mix() Mix
	// Tape records what legs say, on two channels, until End or until one of them
	// is closed. on is told the end once, on a goroutine of its own.
	Tape(path string, on func(media.Taped)) Tape
	// IP is the address that goes into our SDP.
	IP() netip.Addr
	// Fingerprint is that of the certificate the media show to their peers.
	Fingerprint() handshake.Fingerprint
	// Music makes a clip into an endless source shared by its listeners.
	Music(c *prompt.Clip) *media.Music
}

// Mix lets several legs hear each other. A leg that joins leaves its bridge, and
// one that is bridged the mix; one that leaves is silent.
type Mix interface {
	Join(l MediaLeg)
	Leave(l MediaLeg)
	// Gain sets how loud one hears another: 256 as it is, 0 not at all, the default.
	Gain(from, to MediaLeg, gain int)
	Close()
}

// Tape is a recording of legs.
type Tape interface {
	Join(l MediaLeg, side int) // 0 is left
	Leave(l MediaLeg)
	// Mute records silence until it is ended, and returns where on the tape.
	Mute(on bool) time.Duration
	Position() time.Duration
	End()
}

// MediaLeg is the RTP side of one leg.
type MediaLeg interface {
	Port() int
	Configure(p media.Params) error
	Play(id uint64, clips []*prompt.Clip)
	PlayMusic(m *media.Music)
	// Record writes what the peer says into a file; media.Recorded tells the end.
	Record(id uint64, o media.RecordOptions)
	StopRecord(id uint64)
	Stop()
	// SendDigit presses a key for the peer.
	SendDigit(code rune, ms int)
	// EndCode says that the peer's next key is no part of a code.
	EndCode()
	Quality() media.Quality
	Close()
}
