package registration

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"tierline/call/resolve"
)

// Line is one registration that we want: a trunk at one registrar. It is
// comparable; another value is another registration.
type Line struct {
	Trunk     string
	Registrar string // SIP URI of its host, without a user
	Domain    string // of the address that we register
	User      string // the same
	Token     string // in our contact, and in the carrier's INVITEs
	Expires   time.Duration
	Name      string // whom the registrar must prove to be over TLS; "": its host

	Realm, Username, Password string
}

// Request is one REGISTER.
type Request struct {
	Line
	Hop     resolve.Hop
	CallID  string // "": a new one
	CSeq    uint32 // of the last one
	Expires time.Duration
}

// Result is what came of it.
type Result struct {
	Status     int // final; 0: none
	Reason     string
	Expires    time.Duration // granted to our contact
	MinExpires time.Duration // of a 423
	RetryAfter time.Duration
	CallID     string
	CSeq       uint32
	Err        error // why it could not be sent
}

// Client sends REGISTER; call/sipua does.
type Client interface {
	// Enrol sends one and waits for its end, or that of ctx. It answers one
	// challenge of the line's realm.
	Enrol(ctx context.Context, r Request) Result
	// Resolve finds the hosts of a URI.
	Resolve(target string, on func(hops []resolve.Hop, err error))
	// Report tells whether one of them was any good.
	Report(addr netip.AddrPort, good bool)
}

// View is how a registration stands.
type View struct {
	Trunk, Registrar string
	Phase            Phase
	Since            time.Time // of the phase
	Until            time.Time // the end of the binding; zero: there is none
	Trouble          string    // "": none since the last success
	Failed           time.Time // when that was
}

// Keeper keeps registrations.
type Keeper struct {
	client Client
	log    *slog.Logger
	chance func() float64
	root   context.Context //nolint:containedctx // ends every registration; set once by New

	mu     sync.Mutex // guards what follows
	lines  map[Line]*kept
	closed bool
	wg     sync.WaitGroup
}

// kept is one registration and who keeps it.
type kept struct {
	line  Line
	stop  context.CancelFunc
	state state
	hosts []netip.Addr // of the registrar
	known time.Time    // until when calls may come from them; also after the registration is taken back

	// Only its goroutine:
	callID string
	cseq   uint32
}

// New returns a keeper without registrations. When ctx ends nothing is done any
// more. chance is from 0 up to 1; nil is real chance.
func New(ctx context.Context, client Client, log *slog.Logger, chance func() float64) *Keeper {
	if chance == nil {
		chance = rand.Float64
	}
	return &Keeper{root: ctx, client: client, log: log, chance: chance, lines: map[Line]*kept{}}
}

// Want says which registrations there shall be. New ones begin; those that are
// gone are taken back.
func (k *Keeper) Want(lines []Line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	for line, e := range k.lines {
		if !slices.Contains(lines, line) {
			e.stop()
			delete(k.lines, line)
		}
	}
	for _, line := range lines {
		if k.lines[line] != nil {
			continue
		}
		ctx, stop := context.WithCancel(k.root)
		e := &kept{line: line, stop: stop, state: state{ask: line.Expires, since: time.Now()}}
		k.lines[line] = e
		k.wg.Go(func() { k.keep(ctx, e) })
	}
}

// Close takes all registrations back and returns when that is done or ctx ends.
// What the carriers still send us stays known.
func (k *Keeper) Close(ctx context.Context) {
	k.mu.Lock()
	k.closed = true
	for _, e := range k.lines {
		e.stop()
	}
	k.mu.Unlock()
	done := make(chan struct{})
	go func() { k.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Wait returns when nothing is registered any more, or tried.
func (k *Keeper) Wait() { k.wg.Wait() }

// Views shows all registrations, in the order of their names.
func (k *Keeper) Views() []View {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	var out []View
	for line, e := range k.lines {
		v := View{
			Trunk: line.Trunk, Registrar: line.Registrar, Phase: e.state.phase, Since: e.state.since,
			Until: e.state.until, Trouble: e.state.trouble, Failed: e.state.failed,
		}
		if v.Phase == Registered && !now.Before(v.Until) { // a refresh fails, slowly
			v.Phase, v.Since, v.Until = Failing, v.Until, time.Time{}
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b View) int {
		return cmp.Or(cmp.Compare(a.Trunk, b.Trunk), cmp.Compare(a.Registrar, b.Registrar))
	})
	return out
}

// Match returns the trunk that a request from source belongs to: source is a
// host of a registrar that we are registered at. Of several trunks at one
// carrier the token in the request's URI tells which.
func (k *Keeper) Match(source netip.Addr, token string) (trunk string, ok bool) {
	source = source.Unmap()
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	for line, e := range k.lines {
		if !slices.Contains(e.hosts, source) || !e.known.After(now) {
			continue
		}
		if line.Token == token {
			return line.Trunk, true
		}
		if !ok || line.Trunk < trunk { // the carrier hides our contact; take the first by name
			trunk, ok = line.Trunk, true
		}
	}
	return trunk, ok
}

const (
	patience  = 5 * time.Second // for the answer of one host
	mostHosts = 4
	farewell  = 2 * time.Second // for taking a registration back
)

// keep registers until it is stopped, then takes the registration back.
func (k *Keeper) keep(ctx context.Context, e *kept) {
	defer func() {
		if p := recover(); p != nil {
			k.log.Error("panic while registering", "trunk", e.line.Trunk, "panic", fmt.Sprint(p),
				"stack", string(debug.Stack()))
		}
	}()
	var at resolve.Hop
	for {
		r, hop, hosts := k.register(ctx, e)
		if ctx.Err() != nil {
			break
		}
		if r.good() {
			at = hop
		}
		wait := k.note(e, r, hosts)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			continue
		case <-ctx.Done():
			timer.Stop()
		}
		break
	}
	if at.Addr.IsValid() && k.root.Err() == nil {
		k.takeBack(e, at) //nolint:contextcheck // ctx has ended: that is why
	}
}

// note takes over what an answer means and returns how long to wait.
func (k *Keeper) note(e *kept, r Result, hosts []netip.Addr) time.Duration {
	k.mu.Lock()
	before := e.state
	after, wait := before.next(r, time.Now(), k.chance())
	e.state = after
	if len(hosts) > 0 {
		e.hosts = hosts
	}
	e.known = after.until
	k.mu.Unlock()
	log := k.log.With("trunk", e.line.Trunk, "registrar", e.line.Registrar)
	switch {
	case after.phase == Registered && before.phase != Registered:
		log.Info("registered at a carrier", "expires", r.Expires)
	case after.phase != before.phase || after.trouble != "" && before.trouble == "":
		log.Warn("registration at a carrier failed", "why", after.trouble, "state", after.phase.String(), "again_in", wait)
	}
	return wait
}

// register asks the hosts of the registrar one after the other until one says
// something that counts.
func (k *Keeper) register(ctx context.Context, e *kept) (r Result, at resolve.Hop, hosts []netip.Addr) {
	hops, err := k.find(ctx, e.line.Registrar)
	if err != nil {
		return Result{Err: err}, at, nil
	}
	for _, h := range hops {
		hosts = append(hosts, h.Addr.Addr())
	}
	for _, at = range hops[:min(len(hops), mostHosts)] {
		r = k.ask(ctx, e, at, k.wish(e))
		silent := r.Status == 0 || r.Status == 408 || r.Status >= 500 && r.Status < 600
		k.client.Report(at.Addr, !silent)
		if !silent || ctx.Err() != nil {
			return r, at, hosts
		}
	}
	return r, at, hosts
}

func (k *Keeper) wish(e *kept) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return e.state.ask
}

func (k *Keeper) find(ctx context.Context, target string) ([]resolve.Hop, error) {
	type found struct {
		hops []resolve.Hop
		err  error
	}
	out := make(chan found, 1)
	k.client.Resolve(target, func(hops []resolve.Hop, err error) { out <- found{hops, err} })
	select {
	case f := <-out:
		return f.hops, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *Keeper) ask(ctx context.Context, e *kept, at resolve.Hop, expires time.Duration) Result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := k.client.Enrol(ctx, Request{Line: e.line, Hop: at, CallID: e.callID, CSeq: e.cseq, Expires: expires})
	e.callID, e.cseq = r.CallID, r.CSeq
	return r
}

// takeBack ends our binding, as far as the registrar still listens.
func (k *Keeper) takeBack(e *kept, at resolve.Hop) {
	ctx, cancel := context.WithTimeout(k.root, farewell)
	defer cancel()
	r := k.ask(ctx, e, at, 0)
	k.mu.Lock()
	e.state.phase, e.state.since, e.state.until = Trying, time.Now(), time.Time{}
	k.mu.Unlock()
	k.log.Info("registration at a carrier taken back", "trunk", e.line.Trunk, "registrar", e.line.Registrar,
		"status", r.Status)
}
