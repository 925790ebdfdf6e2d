package acd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tierline/routing"
	"tierline/routing/rank"
)

// AgentView is a copy of one agent for people and other programs. Times are
// log times in ms.
type AgentView struct {
	ID         string               `json:"id"`
	Name       string               `json:"name"`
	State      AgentState           `json:"state"`
	Reason     string               `json:"reason,omitempty"`
	Cause      string               `json:"cause,omitempty"` // of entering the state
	Since      int64                `json:"since_ms"`
	Until      int64                `json:"until_ms,omitempty"`    // when the state ends by itself
	BackOff    int64                `json:"back_off_ms,omitempty"` // until then no offers, although ready
	ReadySince int64                `json:"ready_since_ms,omitempty"`
	Call       string               `json:"call,omitempty"` // also what a wrap-up is about
	Offer      uint64               `json:"offer,omitempty"`
	Next       AgentState           `json:"next,omitempty"` // after the call, or when the phone is back
	NextReason string               `json:"next_reason,omitempty"`
	ReturnAt   int64                `json:"return_ms,omitempty"`   // planned end of not ready
	ExtendTo   int64                `json:"extend_ms,omitempty"`   // how long the wrap-up may be made to last
	Codes      []string             `json:"codes,omitempty"`       // dispositions to choose from
	Code       string               `json:"disposition,omitempty"` // the one chosen
	Misses     int                  `json:"misses,omitempty"`
	Role       Role                 `json:"role,omitempty"` // in the call, if he doesn't serve it
	Mode       string               `json:"mode,omitempty"` // of a supervisor
	Held       bool                 `json:"held,omitempty"` // he holds the call
	Muted      bool                 `json:"muted,omitempty"`
	Skills     []routing.SkillLevel `json:"skills"`
	Bindings   []Binding            `json:"bindings"`
}

// Index is that of the last entry applied: where in the log the state belongs.
func (s *State) Index() uint64 { return s.index }

// Agents returns all agents, sorted by id.
func (s *State) Agents() []AgentView {
	out := make([]AgentView, 0, len(s.agents))
	for _, id := range slices.Sorted(maps.Keys(s.agents)) {
		out = append(out, s.agentView(s.agents[id]))
	}
	return out
}

// Agent returns one agent.
func (s *State) Agent(id string) (AgentView, bool) {
	a := s.agents[id]
	if a == nil {
		return AgentView{}, false
	}
	return s.agentView(a), true
}

// BindingsOf returns what rings for an agent, his fixed contact first.
func (s *State) BindingsOf(agent string) []Binding {
	a := s.agents[agent]
	if a == nil {
		return nil
	}
	return a.contacts()
}

func (s *State) agentView(a *agent) AgentView {
	v := AgentView{
		ID: a.id, Name: a.config.Name, State: a.state, Reason: a.reason, Cause: a.cause, Since: a.since, Until: a.until,
		BackOff: a.backOff, Call: a.call, Offer: a.offer, Next: a.next.state, NextReason: a.next.reason,
		Misses: a.misses, Skills: slices.Clone(a.config.Skills), Bindings: a.contacts(),
	}
	if a.state == AgentReady {
		v.ReadySince = a.readySince
	}
	v.ReturnAt, v.ExtendTo, v.Codes, v.Code = a.back, a.work.limit, slices.Clone(a.work.codes), a.work.code
	if c := s.calls[a.call]; a.state == AgentTalking && c != nil {
		v.Codes = slices.Clone(c.queue.Dispositions)
	}
	if o := s.offers[a.offer]; o != nil {
		v.Role, v.Mode, v.Held, v.Muted = o.role, o.mode, o.held, o.muted
	}
	if a.state == AgentUnreachable {
		v.Next, v.NextReason = a.before.state, a.before.reason
	}
	if a.gone {
		v.Next = AgentSignedOut
	}
	return v
}

// CallView is a copy of one call. Times are log times in ms, except Arrived.
type CallView struct {
	ID          string       `json:"id"`
	Phase       Phase        `json:"phase"`
	Queue       string       `json:"queue,omitempty"` // the present or last one
	Agent       string       `json:"agent,omitempty"`
	More        []string     `json:"more,omitempty"` // whose phones ring as well
	Offer       uint64       `json:"offer,omitempty"`
	Tier        routing.Tier `json:"tier"`
	Language    string       `json:"language,omitempty"`
	From        string       `json:"from"`
	To          string       `json:"to"`
	Trunk       string       `json:"trunk"`
	Flow        string       `json:"flow"`
	Step        string       `json:"step,omitempty"`
	Arrived     int64        `json:"arrived_wall"`
	QueuedAt    int64        `json:"queued_at_ms,omitempty"`
	LeaveAt     int64        `json:"leave_at_ms,omitempty"` // when max wait is over
	Key         *rank.Key    `json:"key,omitempty"`         // while in a queue
	Requirement string       `json:"requirement,omitempty"`
	Node        string       `json:"node"`
	Generation  uint64       `json:"generation"`
	Customer    Customer     `json:"customer"`
	Attach      []Attribute  `json:"attach,omitempty"`
	SIPCallID   string       `json:"sip_call_id,omitempty"`
	Why         string       `json:"why,omitempty"`      // it waits
	Callback    bool         `json:"callback,omitempty"` // we call the customer, To
	PlacedBy    string       `json:"placed_by,omitempty"`
	Outside     bool         `json:"outside,omitempty"` // placed to somebody outside
	Sides       []SideView   `json:"sides,omitempty"`
}

// SideView is an agent in a call beside the one who serves it.
type SideView struct {
	Agent    string `json:"agent"`
	Role     Role   `json:"role"`
	Offer    uint64 `json:"offer"`
	Answered bool   `json:"answered,omitempty"`
	By       string `json:"by,omitempty"`
	Mode     string `json:"mode,omitempty"` // of a supervisor
}

// Calls returns all calls in the order of their arrival; call-backs only while
// somebody is on the line or an agent's phone rings for them.
func (s *State) Calls() []CallView {
	calls := slices.SortedFunc(maps.Values(s.calls), func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.index, b.index), strings.Compare(a.id, b.id))
	})
	out := make([]CallView, 0, len(calls))
	why := map[*rank.Requirement]string{} // many calls wait for the same
	for _, c := range calls {
		if c.callback != nil && c.offer == 0 && !c.reachedCustomer() {
			continue // nobody is on the line: see Callbacks
		}
		v := s.callView(c)
		if c.phase == PhaseWaiting {
			need := c.place.Requirement
			if why[need] == "" {
				why[need] = s.whyWaiting(need)
			}
			v.Why = s.whyCall(c, why[need])
		}
		out = append(out, v)
	}
	return out
}

// Call returns one call.
func (s *State) Call(id string) (CallView, bool) {
	c := s.calls[id]
	if c == nil {
		return CallView{}, false
	}
	v := s.callView(c)
	if c.phase == PhaseWaiting {
		v.Why = s.whyCall(c, s.whyWaiting(c.place.Requirement))
	}
	return v, true
}

func (s *State) callView(c *call) CallView {
	v := CallView{
		ID: c.id, Phase: c.phase, Offer: c.offer, Tier: c.tier, Language: c.language, From: c.from, To: c.to,
		Trunk: c.trunk, Flow: c.flow, Step: c.step, Arrived: c.arrivedWall, Node: c.node,
		Generation: c.generation.Generation, Customer: c.customer, Attach: slices.Clone(c.attach), SIPCallID: c.sipCallID,
		Callback: c.callback != nil, PlacedBy: c.placedBy, Outside: c.outside,
	}
	for _, o := range s.sidesOf(c) {
		agent, _ := o.who()
		v.Sides = append(v.Sides, SideView{
			Agent: agent, Role: o.role, Offer: o.id, Answered: o.answered(), By: o.by, Mode: o.mode,
		})
	}
	if c.queue != nil {
		v.Queue = c.queue.Name
	}
	if o := s.offers[c.offer]; o != nil {
		v.Agent, v.More = o.who()
	}
	if c.inQueue() {
		key := c.place.Key
		v.Key, v.QueuedAt, v.LeaveAt, v.Requirement = &key, c.queuedAt, c.leaveAt, c.place.Requirement.String()
	}
	return v
}

// whyWaiting says what calls with a requirement are short of.
func (s *State) whyWaiting(requirement *rank.Requirement) string {
	need := requirement.String()
	if need != "" {
		need = " with " + need
	}
	n := s.count(requirement)
	switch {
	case n.SignedIn == 0:
		return "no agent" + need + " is signed in"
	case n.Ready > 0:
		return aboutToBeOffered
	default:
		return fmt.Sprintf("no agent%s is ready: %d on a call, %d in wrap-up, %d backing off, %d not ready, %d unreachable",
			need, n.Reserved+n.Alerting+n.Talking, n.WrapUp, n.BackOff, n.NotReady, n.Unreachable)
	}
}

// aboutToBeOffered is why a call waits that the next match takes.
const aboutToBeOffered = "about to be offered"

// whyCall completes what all calls with the same requirement are short of.
func (s *State) whyCall(c *call, why string) string {
	if why == aboutToBeOffered && (c.keptUntil != 0 || c.yieldsUntil != 0) {
		why = "agents are ready"
	}
	return why + s.whatHelps(c)
}

// whatHelps says what keeps one call back beside the lack of agents, and when
// its chances get better.
func (s *State) whatHelps(c *call) string {
	in := func(at int64) string { return strconv.FormatInt(max(0, at-s.now+999)/1000, 10) + " s" }
	var b strings.Builder
	if c.keptUntil != 0 {
		b.WriteString("; kept for " + c.preferred + " for " + in(c.keptUntil))
	}
	if n := s.board.Order().KeepIdle[c.tier]; c.yieldsUntil != 0 && n > 0 {
		b.WriteString("; leaves " + strconv.Itoa(n) + " ready to higher tiers for " + in(c.yieldsUntil))
	}
	if c.reached < len(c.queue.Steps) {
		step := c.queue.Steps[c.reached]
		to := cmp.Or(step.Requirement, "any agent")
		if c.need != "" {
			to += " and " + c.need
		}
		b.WriteString("; relaxes to " + to + " in " + in(c.place.Key.Since+step.After))
	}
	if v := s.vigils[vigilKey(c)]; v != nil && v.nobody && c.callback == nil {
		b.WriteString("; leaves in " + in(max(v.since, c.queuedAt)+v.leave))
	}
	return b.String()
}

// AgentCount says how many agents are in which state.
type AgentCount struct {
	SignedIn    int `json:"signed_in"` // the sum of the following
	NotReady    int `json:"not_ready"`
	Ready       int `json:"ready"`
	BackOff     int `json:"back_off"` // ready, but busy or refused a moment ago
	Reserved    int `json:"reserved"`
	Alerting    int `json:"alerting"`
	Talking     int `json:"talking"`
	WrapUp      int `json:"wrap_up"`
	Unreachable int `json:"unreachable"`
}

// count adds up the agents who are able to meet a requirement.
func (s *State) count(need *rank.Requirement) AgentCount {
	m := s.board.Count(need)
	n := AgentCount{
		NotReady: m[AgentNotReady], Ready: m[AgentReady], Reserved: m[AgentReserved], Alerting: m[AgentAlerting],
		Talking: m[AgentTalking], WrapUp: m[AgentWrapUp], Unreachable: m[AgentUnreachable], BackOff: m[markBackOff],
	}
	n.SignedIn = n.NotReady + n.Ready + n.BackOff + n.Reserved + n.Alerting + n.Talking + n.WrapUp + n.Unreachable
	return n
}

// QueueView is a copy of one queue.
type QueueView struct {
	Name        string                 `json:"name"`
	Requirement string                 `json:"requirement,omitempty"`
	Waiting     int                    `json:"waiting"`
	ByTier      [routing.TierCount]int `json:"waiting_by_tier"` // by tier number
	Callbacks   int                    `json:"callbacks"`       // open ones; they are not among the waiting
	LongestMS   int64                  `json:"longest_ms"`      // the longest present wait
	Agents      AgentCount             `json:"agents"`          // who meet the queue's requirement
	Generation  uint64                 `json:"generation"`      // older than the current one if calls only finish in it
}

// Queues returns the queues of the current generation, and those that older
// calls still wait in, sorted by name.
func (s *State) Queues() []QueueView {
	var out []QueueView
	if g := s.current(); g != nil {
		for i := range g.config.Queues {
			out = append(out, s.queueView(&g.config.Queues[i], g))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if s.current().queue(name) == nil {
			c, _ := s.queues[name].line.First()
			out = append(out, s.queueView(c.queue, c.generation))
		}
	}
	slices.SortFunc(out, func(a, b QueueView) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *State) queueView(c *QueueConfig, g *generation) QueueView {
	v := QueueView{Name: c.Name, Requirement: c.Requirement, Generation: g.Generation}
	if need, err := rank.Parse(c.Requirement); err == nil {
		v.Agents = s.count(need)
	}
	v.Callbacks = s.callbacks.inQueue[c.Name]
	if q := s.queues[c.Name]; q != nil {
		v.Waiting, v.ByTier = q.line.Len(), q.waiting
		if longest, ok := q.line.First(); ok {
			v.LongestMS = s.now - longest.queuedAt
		}
	}
	return v
}

// Generation returns the number of the current generation, 0 before the first.
func (s *State) Generation() uint64 {
	if g := s.current(); g != nil {
		return g.Generation
	}
	return 0
}

// GenerationBundle returns one generation with its documents, which must not
// be changed.
func (s *State) GenerationBundle(n uint64) (Bundle, bool) {
	for _, g := range s.generations {
		if g.Generation == n {
			return g.Bundle, true
		}
	}
	return Bundle{}, false
}

// Generations returns the generations at hand without their documents, the
// newest first.
func (s *State) Generations() []Bundle {
	out := make([]Bundle, 0, len(s.generations))
	for _, g := range slices.Backward(s.generations) {
		b := g.Bundle
		b.Data = nil
		out = append(out, b)
	}
	return out
}
