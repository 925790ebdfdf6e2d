package call

import (
	"context"

	"tierline/acd"
	"tierline/call/sipua"
	"tierline/media"
)

// msg is what reaches a call's mailbox. The set is closed.
//
//sumtype:decl
type msg interface{ isMsg() }

// signalled is an event of a SIP leg.
type signalled struct {
	from *party
	ev   sipua.LegEvent
}

// heard is an event of a leg's media.
type heard struct {
	from *party
	ev   media.Event
}

// asked is an effect of the ACD for this call.
type asked struct{ effect acd.Effect }

// rang is a timer of the menu.
type rang struct{ timer uint64 }

// cancelled is a CANCEL before our answer.
type cancelled struct{}

// back brings what ran beside the actor back to it.
type back struct{ run func() }

// ordered is what somebody outside wants of the call.
type ordered struct{ run func(ctx context.Context) }

// taped is the end of a recorded conversation.
type taped struct {
	of *conversation
	ev media.Taped
}

// dismissed ends the call from outside: the node stops.
type dismissed struct{ err error }

func (signalled) isMsg() {}
func (heard) isMsg()     {}
func (asked) isMsg()     {}
func (rang) isMsg()      {}
func (cancelled) isMsg() {}
func (back) isMsg()      {}
func (ordered) isMsg()   {}
func (taped) isMsg()     {}
func (dismissed) isMsg() {}
