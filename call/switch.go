package call

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/big"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tierline/acd"
	"tierline/call/registrar"
	"tierline/call/registration"
	"tierline/call/trace"
	"tierline/routing/trunk"
)

// Config is what a switch is made of.
type Config struct {
	Node      string
	Log       *slog.Logger
	Queue     Queue
	UA        Signalling
	Media     Media
	Registrar *registrar.Registrar
	Services  *Services
	Known     func(source netip.AddrPort) bool // registered phones; trunks are known from the documents
	MaxCalls  int                              // at once on this node; 0 = no limit
	Backend   Backend                          // nil: every lookup fails
	Speech    Speech                           // nil: texts are replaced by their prompts
	Accounts  map[string]Account               // what trunks ask us to prove, by the name in the documents
	Messages  *Messages                        // nil: nothing is recorded
	Tapes     *Tapes                           // nil: no conversation is recorded
	Addresses Addresses                        // of other nodes
	Trace     *trace.Store                     // nil: nothing is kept of messages
}

// Switch owns the calls of this node.
type Switch struct {
	cfg     Config
	session atomic.Uint64 // SDP session ids
	group   sync.WaitGroup
	stats   counters
	seats   seats
	keeper  *registration.Keeper
	proofs  proofs
	dialogs dialogs
	estate  estate
	crew    *crew
	root    context.Context //nolint:containedctx // ends every call of the node; set once by New

	mu       sync.Mutex // guards what follows
	calls    map[string]*Call
	trunks   map[string]*trunkState
	dialling map[string]*trunk.Limiter // calls outward by agents
	attached bool                      // calls can be made
	early    []acd.RingAgent           // call-backs whose turn came before that
	draining bool
	outlive  int            // lookups that carry on after their calls
	rest     sync.WaitGroup // the same
	empty    chan struct{}  // closed when draining and the last call has gone
}

// New returns a switch without calls. The calls end when ctx does.
func New(ctx context.Context, cfg Config) *Switch {
	s := &Switch{
		cfg: cfg, root: ctx, calls: map[string]*Call{}, trunks: map[string]*trunkState{},
		dialling: map[string]*trunk.Limiter{}, empty: make(chan struct{}), estate: newEstate(),
		crew: newCrew(ctx),
	}
	s.keeper = registration.New(ctx, client{s}, cfg.Log.With("part", "registration"), nil)
	context.AfterFunc(ctx, s.stop)
	s.session.Store(uint64(time.Now().Unix())) //nolint:gosec // positive until long after us
	return s
}

// Bind gives the switch its log, whose effects it already gets.
func (s *Switch) Bind(q Queue) { s.cfg.Queue = q }

// Attach gives the switch the user agent and the registrar that bring it to
// life; they need the log, so they come last.
func (s *Switch) Attach(ua Signalling, r *registrar.Registrar) {
	s.cfg.UA, s.cfg.Registrar = ua, r
	s.group.Go(s.inherit)
	s.mu.Lock()
	early := s.early
	s.attached, s.early = true, nil
	s.mu.Unlock()
	for _, e := range early {
		s.callBack(e)
	}
}

func (s *Switch) newSessionID() uint64 { return s.session.Add(1) }

// newID returns an id for a call that no other node or time makes again.
func newID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16) //nolint:gosec // after 1970
	_, _ = rand.Read(b[6:])                                               // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// Effects hands the ACD's effects to the calls they are for. It never blocks.
func (s *Switch) Effects(effects []acd.Effect) {
	for _, e := range effects {
		if g, ok := e.(acd.GenerationChanged); ok {
			s.cfg.Services.Changed(g.Generation)
			continue
		}
		node, id, offer := target(e)
		if node != s.cfg.Node || s.estate.put(e, id) {
			continue
		}
		ring, _ := e.(acd.RingAgent)
		switch c := s.find(id, offer); {
		case c != nil:
			_ = c.Post(asked{effect: e}) // a call that ended or overflows tells the log itself
		case ring.Role != 0: // the call has ended
		case ring.Callback != nil && s.later(ring):
		case ring.Callback != nil:
			s.callBack(ring)
		}
	}
}

// later keeps a call-back until the node can make calls; false: it can.
func (s *Switch) later(e acd.RingAgent) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.attached {
		s.early = append(s.early, e)
	}
	return !s.attached
}

// target names the node, call and offer an effect is for.
func target(e acd.Effect) (node, call string, offer uint64) {
	switch e := e.(type) {
	case acd.RingAgent:
		return e.Node, e.Call, e.Offer
	case acd.StopRinging:
		return e.Node, e.Call, e.Offer
	case acd.ConnectAgent:
		return e.Node, e.Call, e.Offer
	case acd.ReleaseAgent:
		return e.Node, e.Call, e.Offer
	case acd.LeaveQueue:
		return e.Node, e.Call, 0
	case acd.TakeCall:
		return e.Node, e.Call, 0
	case acd.DropCall:
		return e.Node, e.Call, 0
	case acd.HoldAddress:
		return e.Node, "", 0
	case acd.FreeAddress:
		return e.Node, "", 0
	case acd.GiveAddress:
		return e.Node, "", 0
	case acd.StopGhost:
		return e.Node, "", 0
	case acd.EndLeg:
		return e.Node, "", 0
	case acd.NodeLost:
	case acd.GenerationChanged:
	}
	return "", "", 0
}

// find returns a caller's call, or the attempt of a call-back.
func (s *Switch) find(id string, offer uint64) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		return c
	}
	if c := s.calls[attemptKey(id, offer)]; c != nil {
		return c
	}
	for _, c := range s.calls { // an agent whom the one of a call-back wants in it
		if c.id == id {
			return c
		}
	}
	return nil
}

// add registers a caller's call, or says why the node takes no more.
func (s *Switch) add(c *Call, t trunk.Trunk, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.room(); err != nil {
		return err
	}
	l := s.trunkState(t.Name)
	if reached := l.Admit(t.Limits, false, now); reached != trunk.NoLimit {
		return &fullError{trunk: t, limit: reached}
	}
	c.release = func() { l.Release(false) }
	s.calls[c.key] = c
	s.cfg.Trace.Begin(c.id, c.from, c.to)
	s.cfg.Trace.Claim(c.id, trace.Leg{CallID: c.sipCallID, Role: trace.Caller})
	return nil
}

// enter registers the attempt of a call-back.
func (s *Switch) enter(c *Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.room(); err != nil {
		return err
	}
	s.calls[c.key] = c
	s.cfg.Trace.Begin(c.id, c.from, c.to)
	if c.placed != nil {
		s.cfg.Trace.Claim(c.id, trace.Leg{CallID: c.sipCallID, Role: trace.Agent, Name: c.from})
	}
	return nil
}

// room says why the node takes no more calls. mu is held.
func (s *Switch) room() error {
	switch {
	case s.draining:
		return errDraining
	case s.cfg.MaxCalls > 0 && len(s.calls) >= s.cfg.MaxCalls:
		return errNodeFull
	}
	return nil
}

// Reasons to refuse a new call with 503.
var (
	errDraining  = errors.New("node is draining")
	errNoService = errors.New("no service documents are live")
	errNodeFull  = errors.New("node has its maximum of calls")
)

// fullError says that a limit of a trunk is reached.
type fullError struct {
	trunk trunk.Trunk
	limit trunk.Limit
}

func (e *fullError) Error() string { return "limit of trunk " + e.trunk.Name + ": " + e.limit.String() }

// ended forgets a call.
func (s *Switch) ended(c *Call, cause Cause) {
	s.stats.end(cause)
	s.dialogs.forget(c.dialogs)
	s.cfg.Trace.End(c.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[c.key] != c {
		return
	}
	delete(s.calls, c.key)
	c.release()
	if s.draining && len(s.calls) == 0 {
		close(s.empty)
	}
}

// Drain takes no new calls and waits until the running ones have ended, or
// limit has passed; then it ends the rest. It returns how many it had to end.
func (s *Switch) Drain(ctx context.Context, limit time.Duration) int {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		if len(s.calls) == 0 {
			close(s.empty)
		}
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case <-s.empty:
		s.finishLookups(ctx)
		return 0
	case <-ctx.Done():
	}
	s.mu.Lock()
	rest := make([]*Call, 0, len(s.calls))
	for _, c := range s.calls {
		rest = append(rest, c)
	}
	s.mu.Unlock()
	for _, c := range rest {
		_ = c.Post(stopped())
		<-c.done
	}
	return len(rest)
}

// finish begins a lookup that carries on after its call; false: there are too
// many of them.
func (s *Switch) finish() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outlive >= maxFinishing {
		return false
	}
	s.outlive++
	s.rest.Add(1)
	return true
}

func (s *Switch) finished() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outlive--
	s.rest.Done()
}

// finishLookups waits for lookups that must finish. No call is left to begin
// another one.
func (s *Switch) finishLookups(ctx context.Context) {
	done := make(chan struct{})
	s.group.Go(func() {
		s.rest.Wait()
		close(done)
	})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Wait returns when every goroutine of the switch has ended.
func (s *Switch) Wait() {
	s.group.Wait()
	s.keeper.Wait()
}

// Draining says whether new calls are refused for good.
func (s *Switch) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Live is the number of calls on this node.
func (s *Switch) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// retryAfter is a random number of seconds, 2 to 10, so that refused callers
// don't come back all at once (RFC 3261 §20.33).
func retryAfter() int {
	n, err := rand.Int(rand.Reader, big.NewInt(9))
	if err != nil {
		return 5
	}
	return 2 + int(n.Int64())
}
