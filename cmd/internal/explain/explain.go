package explain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tierline/acd"
	"tierline/acd/report"
	"tierline/call/service"
	"tierline/cmd/internal/console/wire"
	"tierline/ivr"
	"tierline/ivr/trial"
	"tierline/routing"
	"tierline/routing/dialplan"
	"tierline/routing/trunk"
)

// ErrTrunk says that the question's trunk doesn't exist, or must be named.
var ErrTrunk = errors.New("no such trunk")

// World is what a decision is made of.
type World struct {
	Service *service.Service
	Length  func(ivr.Prompt) time.Duration // of a prompt's sound; 0: there is none
	// Lookup asks a source; nil if no source can be asked.
	Lookup func(context.Context, ivr.Lookup) ivr.LookedUp
	Read   func(view func(*acd.State))
}

// Question is a call that nobody makes.
type Question struct {
	From, To string
	Trunk    string   // "": the only one
	Keys     []string // pressed one group after another, whenever the flow wants some
	At       time.Time
}

// Explain answers a question.
func Explain(ctx context.Context, w World, q Question) (wire.Explained, error) {
	t, err := pick(w.Service.Trunks.Trunks(), q.Trunk)
	if err != nil {
		return wire.Explained{}, err
	}
	e := wire.Explained{
		Trunk: t.Name, From: t.Normalise(q.From), To: t.Normalise(q.To), At: report.TimeOf(q.At), Calendars: w.hours(q.At),
	}
	for _, v := range w.Service.Numbers.Explain(t.Name, e.To) {
		e.Rules = append(e.Rules, wire.RuleVerdict{Rule: v.Rule.Name(), Flow: v.Rule.Flow, Won: v.Won, Why: v.Why})
	}
	p, known := w.Service.Customers.ByNumber(e.From)
	e.Customer, e.Known, e.Tier, e.Language = wire.Customer{ID: p.ID, Name: p.Name}, known, p.Tier.String(), p.Language
	route, err := w.Service.Numbers.Lookup(t.Name, e.To)
	if errors.Is(err, dialplan.ErrNoRoute) {
		e.Ended = "refused with 404: no number leads to a flow"
		return e, nil
	}
	e.Flow = route.Flow
	walk := &walker{ctx: ctx, world: w, out: &e, tier: p.Tier, from: e.From, customer: acd.Customer{
		ID: p.ID, Name: p.Name, Tier: p.Tier, Language: p.Language,
	}}
	walk.run(w.Service.Flows[route.Flow], ivr.Caller{
		Call: "explain", ANI: e.From, DNIS: e.To, Known: known, Customer: ivr.Customer{
			ID: p.ID, Name: p.Name, Tier: p.Tier.String(), Language: p.Language, Phone: e.From,
		},
	}, q)
	return e, nil
}

func pick(trunks []trunk.Trunk, name string) (trunk.Trunk, error) {
	var names []string
	for _, t := range trunks {
		if t.Name == name || name == "" && len(trunks) == 1 {
			return t, nil
		}
		names = append(names, t.Name)
	}
	if name == "" {
		return trunk.Trunk{}, fmt.Errorf("%w: say which, there are %v", ErrTrunk, names)
	}
	return trunk.Trunk{}, fmt.Errorf("%w: %q; there are %v", ErrTrunk, name, names)
}

// hours says which calendars are open.
func (w World) hours(at time.Time) []wire.Hours {
	out := []wire.Hours{}
	for name, c := range w.Service.Calendars {
		open, why := c.Open(at)
		out = append(out, wire.Hours{Calendar: name, Open: open, Why: why})
	}
	slices.SortFunc(out, func(a, b wire.Hours) int {
		if a.Calendar < b.Calendar {
			return -1
		}
		return 1
	})
	return out
}

// Bounds of a walk: flows have limits of their own, far below.
const (
	maxMoves = 5000
	maxWait  = time.Hour
)

// walker is the world around a call that nobody makes.
type walker struct {
	ctx      context.Context //nolint:containedctx // of one walk; the trial's World has none
	world    World
	out      *wire.Explained
	tier     routing.Tier
	from     string
	customer acd.Customer
	queued   *ivr.Enqueue
	t        *trial.Trial
}

func (w *walker) run(f *ivr.Flow, c ivr.Caller, q Question) {
	w.t = trial.New(f, q.At, w.world.Length, w)
	w.t.Begin(c)
	wants := wantKeys(f)
	keys := q.Keys
	for range maxMoves {
		ended, cause := w.t.Ended()
		if ended {
			w.out.Ended = "the flow ends the call: " + cause
			break
		}
		node := w.t.Node()
		switch {
		case w.t.Immediate():
			w.t.Advance(0)
			continue
		case len(keys) > 0 && wants[node]:
			w.t.Press(keys[0])
			keys = keys[1:]
			continue
		case w.t.Queued():
		case w.t.Advance(maxWait):
			continue
		}
		break
	}
	w.tell(keys)
}

// wantKeys are the nodes at which callers press keys.
func wantKeys(f *ivr.Flow) map[string]bool {
	out := map[string]bool{}
	for _, n := range f.Nodes() {
		switch n.Type {
		case "menu", "collect", "authenticate", "callback", "survey", "record", "queue":
			out[n.ID] = true
		}
	}
	return out
}

func (w *walker) tell(keys []string) {
	w.out.Path = []wire.PathStep{}
	for _, s := range w.t.Steps() {
		w.out.Path = append(w.out.Path, wire.PathStep{
			AtMS: s.At.Milliseconds(), Node: s.Note.Step, Key: s.Note.Key, Outcome: s.Note.Outcome,
			Milestone: s.Note.Milestone, Language: s.Note.Language,
		})
	}
	for _, k := range keys {
		w.out.Assumed = append(w.out.Assumed, "the keys "+k+" are pressed when nobody wants any")
	}
	if w.queued == nil || !w.t.Queued() {
		return
	}
	w.out.Queue = w.queued.Queue
	ev := acd.CallQueued{
		Queue: w.queued.Queue, Tier: w.tier, Language: w.t.Session().Language(), Requirement: w.queued.Requirement,
		MaxWait: w.queued.MaxWait.Milliseconds(), Preferred: w.queued.Preferred, PreferLast: w.queued.PreferLast,
		PreferredFor: w.queued.PreferredFor.Milliseconds(),
	}
	for _, a := range w.queued.Attach {
		ev.Attach = append(ev.Attach, acd.Attribute{Name: a.Name, Value: a.Value})
	}
	if c, ok := w.world.Service.Hours(ev.Queue); ok {
		if open, _ := c.Open(w.out.At.Std()); !open {
			ev.Refused = acd.LeftClosed
		}
	}
	w.world.Read(func(s *acd.State) {
		if d, ok := s.Explain(ev, w.from, w.customer); ok {
			w.out.Decision = &d
		}
	})
}

// Ask implements trial.World.
func (w *walker) Ask(a ivr.Action) (in ivr.Input, after time.Duration) {
	switch a := a.(type) {
	case ivr.Lookup:
		return w.lookup(a), 0
	case ivr.Notify:
		w.assume("the message %s goes out", a.Template)
		return ivr.Notified{OK: true}, 0
	case ivr.TryAuth:
		w.assume("the secret for %s may be tried", a.Policy)
		return ivr.Attempt{Result: ivr.AttemptAllowed}, 0
	case ivr.RequestCallback:
		w.assume("the call-back to queue %s is taken", a.Queue)
		return ivr.CallbackAnswer{OK: true}, 0
	case ivr.Transfer:
		w.assume("nobody answers at %s", a.To)
		return ivr.Transferred{Result: ivr.TransferNoAnswer}, 0
	case ivr.AskPlace:
		return ivr.PlaceKnown{}, 0
	case ivr.Enqueue:
		w.queued = &a
	default: // nothing that is answered
	}
	return nil, 0
}

func (w *walker) assume(format string, args ...any) {
	w.out.Assumed = append(w.out.Assumed, fmt.Sprintf(format, args...))
}

// lookup asks what changes nothing; of the rest it assumes that nothing is
// found.
func (w *walker) lookup(l ivr.Lookup) ivr.LookedUp {
	r := ivr.LookedUp{Status: ivr.LookupNotFound}
	asked := wire.AskedSource{Source: l.Source, Request: trial.Asked(l.Request), Answer: "not asked, assumed: not_found"}
	if w.world.Lookup != nil && l.Request.Method == http.MethodGet && !l.Request.Secret {
		r = w.world.Lookup(w.ctx, l)
		asked.Answer = answerOf(r.Status)
	}
	w.out.Asked = append(w.out.Asked, asked)
	return r
}

func answerOf(s ivr.LookupStatus) string {
	switch s {
	case ivr.LookupOK:
		return "ok"
	case ivr.LookupNotFound:
		return "not_found"
	case ivr.LookupRefused:
		return "refused"
	case ivr.LookupError:
	}
	return "error"
}
