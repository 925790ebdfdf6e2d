package script

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tierline/ivr" //nolint:depguard // scripts are about flows
	"tierline/routing/document"
)

// mock answers what matches it.
type mock struct {
	pos     document.Pos
	match   string
	source  string
	replies []reply
	used    int
}

// reply is one answer.
type reply struct {
	body   []byte // JSON
	status int
	err    string
	delay  time.Duration
	result string
	place  ivr.PlaceKnown
}

type mockDoc struct {
	replyDoc
	Match   document.Value[string] `doc:"match,required"`
	Source  document.Value[string] `doc:"source"`
	Replies []replyDoc             `doc:"replies,nonempty"`
}

type replyDoc struct {
	Reply    *document.Node                `doc:"reply"`
	Status   document.Value[int]           `doc:"status,min=100,max=599"`
	Error    document.Value[string]        `doc:"error,nonempty"`
	Delay    document.Value[time.Duration] `doc:"delay,max=1h"`
	Result   document.Value[string]        `doc:"result"`
	Position document.Value[int]           `doc:"position,min=0,max=100000"`
	WaitMin  document.Value[time.Duration] `doc:"wait_min"`
	WaitMax  document.Value[time.Duration] `doc:"wait_max"`
}

// Statuses of HTTP with a meaning of their own.
const (
	statusOK           = 200
	statusUnauthorised = 401
	statusForbidden    = 403
	statusNotFound     = 404
	statusGone         = 410
)

// targets are what mocks can answer beside lookups, and their results.
func targets() map[string][]string {
	return map[string][]string{
		"NOTIFY": {"ok", "error"},
		"AUTH":   {"allowed", "locked", "unknown"},
		"QUEUE": {
			"waits", "answers", ivr.LeftTimeout, ivr.LeftFull, ivr.LeftLong, ivr.LeftNoStaff, ivr.LeftClosed,
			ivr.LeftOffline,
		},
		"PLACE":    nil,
		"CALLBACK": {"ok", "exists", "number", "slot", "full", "unavailable"},
		"TRANSFER": {"answered", "busy", "no_answer", "failed"},
	}
}

func (r reader) mocks(docs []mockDoc) []mock {
	var out []mock
	for _, d := range docs {
		m := mock{pos: d.Match.Pos, match: strings.Join(strings.Fields(d.Match.V), " "), source: d.Source.V}
		target, _, _ := strings.Cut(m.match, " ")
		if target != "*" && strings.ToUpper(target) != target {
			r.p.Errorf(d.Match.Pos, `match is like "GET /v1/bills/*", "NOTIFY sms" or "*", not %q`, m.match)
		}
		list := d.Replies
		if list == nil {
			list = []replyDoc{d.replyDoc}
		} else if d.replyDoc != (replyDoc{}) {
			r.p.Errorf(d.Match.Pos, "a mock has one reply or a list of replies")
		}
		for _, one := range list {
			m.replies = append(m.replies, r.reply(target, one))
		}
		out = append(out, m)
	}
	return out
}

func (r reader) reply(target string, d replyDoc) reply {
	out := reply{status: d.Status.Or(statusOK), err: d.Error.V, delay: d.Delay.V, result: d.Result.V}
	out.place = ivr.PlaceKnown{Position: d.Position.V, Wait: ivr.WaitRange{
		Known: d.WaitMax.Given, Min: d.WaitMin.V, Max: d.WaitMax.V,
	}}
	if d.Reply != nil {
		body, err := json.Marshal(plain(d.Reply))
		if err != nil {
			r.p.Errorf(d.Reply.Pos, "reply: %v", err)
		}
		out.body = body
	}
	if d.Result.Given {
		results, known := targets()[target]
		if !known {
			r.p.Errorf(d.Result.Pos, "a lookup has a reply, a status or an error, no result")
		} else {
			r.among(&document.Node{Pos: d.Result.Pos}, d.Result.V, results)
		}
	}
	return out
}

// plain is a value as JSON has it.
func plain(n *document.Node) any {
	switch n.Kind {
	case document.Map:
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			out[p.Key.V] = plain(p.Value)
		}
		return out
	case document.List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = plain(item)
		}
		return out
	case document.Bool:
		return n.Text == "true"
	case document.Int:
		if i, err := strconv.Atoi(n.Text); err == nil {
			return i
		}
	case document.Float:
		if f, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return f
		}
	case document.Null:
		return nil
	case document.String:
	}
	return n.Text
}

// Matches tells whether a text is what a pattern says; * stands for any text.
func Matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}

// World answers for the outside by mocks.
type World struct {
	mocks    []*mock
	failures map[string]int // of secrets, by policy and account
	// Missing answers a lookup that no mock answers.
	Missing func(l ivr.Lookup) (ivr.LookedUp, time.Duration)
	// timeouts are what a source takes to give up.
	timeouts map[string]time.Duration
}

// World returns a world with the mocks of a test, which go before those of the
// whole script; the test may be nil.
func (s *Script) World(f *ivr.Flow, t *Test) *World {
	if t == nil {
		return newWorld(f, s.mocks)
	}
	return newWorld(f, t.mocks, s.mocks)
}

// NewWorld returns a world without mocks.
func NewWorld(f *ivr.Flow) *World { return newWorld(f) }

func newWorld(f *ivr.Flow, lists ...[]mock) *World {
	w := &World{failures: map[string]int{}, timeouts: map[string]time.Duration{}}
	w.Missing = func(ivr.Lookup) (ivr.LookedUp, time.Duration) {
		return ivr.LookedUp{Status: ivr.LookupError, Err: "no mock"}, 0
	}
	for _, list := range lists {
		for i := range list {
			m := list[i]
			w.mocks = append(w.mocks, &m)
		}
	}
	for _, s := range f.Sources() {
		d := s.Value
		w.timeouts[s.Key.V] = d.Timeout.Or(2*time.Second) * time.Duration(1+d.Retries.V)
	}
	return w
}

// find returns the next reply of the first mock that matches.
func (w *World) find(asked, source string) (reply, bool) {
	asked = strings.Join(strings.Fields(asked), " ")
	for _, m := range w.mocks {
		target, _, _ := strings.Cut(asked, " ")
		if _, special := targets()[target]; special && m.match == "*" {
			continue // means all lookups
		}
		if Matches(m.match, asked) && (m.source == "" || m.source == source) {
			r := m.replies[min(m.used, len(m.replies)-1)]
			m.used++
			return r, true
		}
	}
	return reply{}, false
}

// Ask implements trial.World.
func (w *World) Ask(a ivr.Action) (ivr.Input, time.Duration) {
	switch a := a.(type) {
	case ivr.Lookup:
		return w.lookup(a)
	case ivr.Notify:
		return w.notify(a)
	case ivr.TryAuth:
		return w.try(a)
	case ivr.AskPlace:
		r, _ := w.find("PLACE", "")
		return r.place, r.delay
	case ivr.RequestCallback:
		r, _ := w.find("CALLBACK "+a.Queue, "")
		if good := r.result == "" || r.result == "ok"; !good {
			return ivr.CallbackAnswer{Reason: r.result}, r.delay
		}
		return ivr.CallbackAnswer{OK: true}, r.delay
	case ivr.Transfer:
		r, _ := w.find("TRANSFER "+a.To, "")
		return ivr.Transferred{Result: ivr.TransferResult(cmp.Or(r.result, "answered"))}, r.delay
	case ivr.Enqueue:
		return w.queue(a)
	default:
		return nil, 0
	}
}

// Tell takes what needs no answer.
func (w *World) Tell(a ivr.Action) {
	r, ok := a.(ivr.AuthResult)
	if !ok {
		return
	}
	switch key := r.Policy + " " + r.Key; r.Result {
	case ivr.AuthPassed:
		delete(w.failures, key)
	case ivr.AuthVoid:
		w.failures[key]--
	case ivr.AuthFailed:
	}
}

func (w *World) notify(a ivr.Notify) (ivr.Input, time.Duration) {
	r, ok := w.find("NOTIFY "+a.Channel+" "+a.Template, "")
	good := r.err == "" && r.result != "error" && r.status/100 == 2
	return ivr.Notified{OK: !ok || good}, r.delay
}

func (w *World) lookup(a ivr.Lookup) (ivr.Input, time.Duration) {
	asked := a.Request.Method + " " + a.Request.Path
	r, ok := w.find(asked, a.Source)
	switch {
	case !ok:
		return w.Missing(a)
	case r.err != "":
		after := r.delay
		if r.err == "timeout" && after == 0 {
			after = cmp.Or(w.timeouts[a.Source], 2*time.Second)
		}
		return ivr.LookedUp{Status: ivr.LookupError, Err: r.err}, after
	case r.status == statusNotFound || r.status == statusGone:
		return ivr.LookedUp{Status: ivr.LookupNotFound}, r.delay
	case r.status == statusUnauthorised || r.status == statusForbidden:
		return ivr.LookedUp{Status: ivr.LookupRefused}, r.delay
	case r.status/100 != 2:
		return ivr.LookedUp{Status: ivr.LookupError, Err: fmt.Sprintf("status %d", r.status)}, r.delay
	}
	return ivr.LookedUp{Status: ivr.LookupOK, Body: r.body}, r.delay
}

// try counts before the try is made, as the cluster does.
func (w *World) try(a ivr.TryAuth) (ivr.Input, time.Duration) {
	r, _ := w.find("AUTH "+a.Policy, "")
	key := a.Policy + " " + a.Key
	switch {
	case r.result == "locked" || w.failures[key] >= a.Max && a.Max > 0:
		return ivr.Attempt{Result: ivr.AttemptLocked}, r.delay
	case r.result == "unknown":
		return ivr.Attempt{Result: ivr.AttemptUnknown}, r.delay
	}
	w.failures[key]++
	return ivr.Attempt{Result: ivr.AttemptAllowed}, r.delay
}

func (w *World) queue(a ivr.Enqueue) (ivr.Input, time.Duration) {
	r, _ := w.find("QUEUE "+a.Queue, "")
	switch r.result {
	case "", "waits":
		return nil, 0
	case "answers":
		return ivr.AgentConnected{}, r.delay
	}
	return ivr.QueueLeft{Cause: r.result}, r.delay
}
