package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
	"tierline/ivr"
	"tierline/media/dtmf"
	"tierline/routing/trunk"
)

// Errors of Post.
var (
	ErrEnded = errors.New("call has ended")
	ErrBusy  = errors.New("mailbox of the call is full")
)

// Call is one caller's call, from the INVITE to the record of its end.
type Call struct {
	id   string
	key  string // in the switch's registry
	sw   *Switch
	log  *slog.Logger
	gen  *Generation // the documents this call began with
	flow *ivr.Flow

	from, to, trunk, flowName, sipCallID string
	customer                             acd.Customer
	profile                              ivr.Caller
	codecs                               []uint8     // in the order the call's trunk prefers
	srtp                                 sdp.Policy  // what its trunk says of encryption
	opus                                 bool        // its trunk carries Opus
	unsettled                            *time.Timer // until the legs of a conversation are tuned
	digits                               trunk.Digits
	early                                bool               // its caller hears us before he is answered
	timer                                sipua.SessionTimer // of the caller's leg
	home                                 home               // at whose address its legs are
	release                              func()             // gives the trunk its place back

	sounds atomic.Pointer[[]LegSound] // as last told

	box    inbox
	done   chan struct{}
	full   sync.Once
	life   context.Context //nolint:containedctx // nobody runs between two messages who could hold it
	cancel context.CancelFunc

	// ---- owned by work ----
	caller   *party
	keys     dtmf.Merger
	session  *ivr.Session
	timers   map[uint64]*time.Timer
	pending  map[*time.Timer]struct{}
	wait     *wait       // in a queue
	joining  *wait       // on its way into the log
	parting  *parting    // an agent who is gone, which the log isn't told yet
	offers   []*offer    // agents' phones that ring for this call
	agent    *talk       // the caller talks to an agent
	guests   []*guest    // whom the agent wants in the call, or who are there
	watchers []*guest    // supervisors who are there, or ring
	queue    string      // that gave the call to an agent; "" none
	legs     int         // of somebody outside, so far
	greeting greeting    // before they hear each other
	room     room        // who talks, and how
	vigil    vigil       // over what the caller hears
	reminder *time.Timer // of an agent who holds the caller
	answered bool
	ending   bool

	speaking   uint64                        // the menu's Speak that is heard or being made
	saying     *saying                       // the part of it that is still being made
	lookups    map[uint64]context.CancelFunc // that the menu waits for
	taping     *taping                       // what is being recorded
	recordings int                           // made so far
	kept       map[string]time.Duration      // recordings that the menu hasn't decided about, and their lengths
	aside      *aside                        // a flow that the caller answers in a conversation
	talked     *conversation                 // what is being recorded of caller and agent
	tapes      map[*conversation]struct{}    // that and others that aren't on the disk yet

	dialogs []sipua.DialogID // of all its legs
	resumed bool             // another process had it; what it says is being done again

	moved    bool      // another switch has the caller
	away     *transfer // the caller is sent to somebody outside
	callback *attempt  // the call is a call-back: nobody called us
	placed   *placed   // an agent has made the call
	trial    *trial    // the call tests a trunk

	code      string // that the agent is dialling
	codeTimer *time.Timer
}

// prime makes a call ready to run; key is its name in the registry.
func (c *Call) prime(key string) {
	c.key, c.done = key, make(chan struct{})
	c.timers, c.pending = map[uint64]*time.Timer{}, map[*time.Timer]struct{}{}
	c.lookups, c.kept = map[uint64]context.CancelFunc{}, map[string]time.Duration{}
	c.tapes = map[*conversation]struct{}{}
	log := c.sw.cfg.Log.With("call", c.id)
	c.log = slog.New(c.sw.cfg.Trace.Handler(c.id, log.Handler()))
}

// guarded handles one message. A panic is a fault of this call and no other's.
func (c *Call) guarded(ctx context.Context, m msg) {
	defer func() {
		if r := recover(); r != nil {
			c.sw.stats.faults.Add(1)
			c.log.Error("call panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			c.end(&EndError{Cause: CauseFault(), Err: fmt.Errorf("panic: %v", r)})
		}
	}()
	c.handle(ctx, m)
}

func (c *Call) handle(ctx context.Context, m msg) {
	switch m := m.(type) {
	case signalled:
		c.onSignal(ctx, m.from, m.ev)
	case heard:
		c.onMedia(ctx, m.from, m.ev)
	case asked:
		c.onEffect(ctx, m.effect)
	case rang:
		delete(c.timers, m.timer)
		c.menu(ctx, ivr.TimerFired{ID: m.timer})
	case cancelled:
		c.gaveUp()
	case back:
		m.run()
	case ordered:
		m.run(ctx)
	case taped:
		c.onTaped(m.of, m.ev)
	case replacing:
		c.replaced(ctx, m)
	case controlled:
		c.controlled(ctx, m)
	case overseen:
		c.oversee(ctx, m)
	case dismissed:
		c.end(m.err)
	}
}

// beside runs what takes time next to the actor; then, on the actor again, the
// function it returns. Nothing runs after the call has ended.
func (c *Call) beside(work func() func()) {
	c.sw.group.Go(func() {
		defer func() {
			if r := recover(); r != nil {
				c.sw.stats.faults.Add(1)
				c.log.Error("panic beside the call", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				_ = c.Post(dismissed{err: &EndError{Cause: CauseFault(), Err: fmt.Errorf("panic: %v", r)}})
			}
		}()
		if then := work(); then != nil {
			c.later(then)
		}
	})
}

// later runs a function on the actor, after what has happened already. An ended
// call needs no news.
func (c *Call) later(run func()) { _ = c.Post(back{run: run}) }

// after is later, when some time has passed. The timer ends with the call.
func (c *Call) after(d time.Duration, run func()) *time.Timer {
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		c.later(func() {
			if _, ok := c.pending[t]; ok {
				delete(c.pending, t)
				run()
			}
		})
	})
	c.pending[t] = struct{}{}
	return t
}

// forgetTimer stops a timer of after; its function will not run.
func (c *Call) forgetTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
		delete(c.pending, t)
	}
}

// end ends the call. It is the only place where a call's error is logged, and
// the only place where it turns into signalling.
func (c *Call) end(err error) {
	if c.ending {
		return
	}
	c.ending = true
	cause := CauseOf(err)
	if c.moved && cause.Reason == "normal" {
		cause.Reason = "transferred"
	}
	c.stopTimers()
	c.sayParting()
	switch {
	case c.callback != nil:
		c.endCallback(cause)
	case c.placed != nil:
		c.endPlaced(&cause)
	case c.trial != nil:
		c.endTrial(cause)
	default:
		c.endCaller(&cause)
	}
	c.sw.ended(c, cause)
	if cause.Reason == "fault" {
		c.log.Error("call failed", "reason", cause.Reason, "err", err)
		return
	}
	c.log.Info("call ended", "reason", cause.Reason, "by", cause.Side)
}

func (c *Call) stopTimers() {
	for _, t := range c.timers {
		t.Stop()
	}
	for t := range c.pending {
		t.Stop()
	}
}

// endCaller ends what a caller's call has begun, and tells the log.
func (c *Call) endCaller(cause *Cause) {
	c.lastWords()
	c.dismissGuests(cause.Side, *cause)
	c.dropOffers(*cause)
	agentQuality := c.leaveAgent()
	c.leaveTransfer(*cause)
	if cause.Reason == "normal" && c.wait != nil && c.wait.queued {
		cause.Reason = "abandoned"
	}
	if !c.answered {
		cause.SIP = refusalOf(*cause)
	}
	c.hangupCaller(*cause)
	c.endTapes()
	quality := c.parted(c.caller)
	c.caller.closeMedia()
	ended := acd.CallEnded{
		Call: c.id, Cause: cause.Reason, By: cause.Side, Quality: quality, AgentQuality: agentQuality,
	}
	if !c.answered {
		ended.SIP = cause.SIP
	}
	c.sw.cfg.Queue.Post(ended)
}

// hangupCaller ends the caller's leg unless the caller did.
func (c *Call) hangupCaller(cause Cause) {
	switch {
	case c.caller.sip != nil:
		c.caller.sip.Hangup(cause.Q850, cause.Reason)
	case !c.caller.dead && !c.answered:
		_ = c.caller.invite.Reject(cause.SIP, reasonPhrase(cause.SIP), 0, nil)
	}
}
