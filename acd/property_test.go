package acd

import (
	"bytes"
	"fmt"
	"maps"

	"pgregory.net/rapid"

	"tierline/routing"
	"tierline/routing/rank"
)

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// reload sends a state through a snapshot.
func reload(t fataler, s *State) *State {
	t.Helper()
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// timeless is the digest of a state without its clock: what a refused entry
// must not change.
func timeless(s *State) [32]byte {
	frozen := *s
	frozen.now, frozen.index = 0, 0
	return frozen.Hash()
}

// settle is the leader at work. Before each batch it looks for inversions and
// afterwards for calls that wait though somebody could take them.
func (w *world) settle(t *rapid.T) {
	for range 200 {
		evs := Decide(w.s, w.now)
		if len(evs) == 0 {
			if w.minds(noIdleAgent) {
				w.nobodyIdle(t)
			}
			return
		}
		for _, ev := range evs {
			if o, ok := ev.(CallOffered); ok {
				w.before(t, o)
			}
			if err := w.put(t, ev); err != nil {
				t.Fatalf("the leader's own %T: %v", ev, err)
			}
		}
	}
	t.Fatal("the leader never stops deciding")
}

// before compares an offer with those who are left waiting for the same agent.
func (w *world) before(t *rapid.T, o CallOffered) {
	taken, a := w.s.calls[o.Call], w.s.agents[o.Agent]
	for _, c := range w.s.calls {
		if c == taken || c.phase != PhaseWaiting || !w.eligible(a, c) || w.yields(c) {
			continue
		}
		if w.minds(noInversion) && w.s.board.Order().Compare(c.place.Key, taken.place.Key, w.now) < 0 {
			t.Fatalf("%s goes before %s with a smaller key", taken.id, c.id)
		}
		if w.minds(boundedOvertaking) {
			w.overtakes(t, taken, c)
		}
	}
}

// overtakes says it in the words of the customer, policy by policy: who
// goes before somebody that came earlier owes it to his tier.
func (w *world) overtakes(t *rapid.T, taken, left *call) {
	ahead := taken.queuedAt - left.queuedAt
	if ahead <= 0 || taken.place.Key.Band < left.place.Key.Band {
		return
	}
	limit := int64(0)
	switch w.s.board.Order().Policy {
	case PolicyDeadline:
		limit = w.head[taken.id] - w.head[left.id]
	case PolicyStrict, PolicyRatio:
		if taken.tier > left.tier { // objectives fall with the tier
			return
		}
	case PolicyFIFO:
	}
	if limit += taken.credit - left.credit; ahead > limit {
		t.Fatalf("%s overtakes %s by %d ms, allowed are %d", taken.id, left.id, ahead, limit)
	}
}

func (w *world) nobodyIdle(t *rapid.T) {
	for _, c := range w.s.calls {
		for _, a := range w.s.agents {
			if c.phase == PhaseWaiting && a.state == AgentReady && a.backOff == 0 && w.eligible(a, c) && !w.yields(c) {
				t.Fatalf("%s waits while %s is ready", c.id, a.id)
			}
		}
	}
}

// eligible is the definition of design/acd.md, from the documents and the time
// waited: the last step reached counts, and a call may be kept for one agent.
func (w *world) eligible(a *agent, c *call) bool {
	text := c.queue.Requirement
	for _, step := range c.queue.Steps {
		if w.s.now-c.place.Key.Since >= step.After {
			text = step.Requirement
		}
	}
	for _, need := range []string{text, c.need} {
		r, err := rank.Parse(need)
		if err != nil {
			return false
		}
		if _, ok := r.Able(a.config.Skills); !ok {
			return false
		}
	}
	return c.keptUntil == 0 || c.preferred == a.id
}

// yields reports whether a call may be left waiting for the sake of others.
func (w *world) yields(c *call) bool {
	return c.yieldsUntil != 0 && w.s.board.Order().KeepIdle[c.tier] > 0
}

func headStart(tier routing.Tier) int64 {
	return [routing.TierCount]int64{0, 30_000, 60_000, 120_000}[tier]
}

// nobodyStuck gives every offer and wrap-up time to run out and expects
// everybody to be free, although nobody outside says a word.
func (w *world) nobodyStuck(t *rapid.T) {
	s := reload(t, w.s)
	for range 1000 {
		at, ok := s.NextDue()
		if !ok {
			break
		}
		if _, err := Apply(s, Entry{Index: s.index + 1, At: at, Event: TimePassed{}}); err != nil {
			t.Fatal(err)
		}
		if next, ok := s.NextDue(); ok && next <= at {
			t.Fatalf("after %d has passed something is due at %d", at, next)
		}
	}
	for _, a := range s.agents {
		if a.state == AgentReserved || a.state == AgentAlerting || a.state == AgentWrapUp || a.backOff != 0 {
			t.Fatalf("agent %s is %s for ever", a.id, a.state)
		}
	}
	nothingPromisedForEver(t, s)
}

func drawConfig(t *rapid.T) Config {
	var c Config
	c.Policy = rapid.SampledFrom([]Policy{PolicyDeadline, PolicyDeadline, PolicyStrict, PolicyRatio, PolicyFIFO}).
		Draw(t, "policy")
	c.Objective = [routing.TierCount]int64{120_000, 60_000, 30_000, 15_000}
	for tier := range routing.Tier(routing.TierCount) {
		c.HeadStart[tier] = headStart(tier)
	}
	if rapid.IntRange(0, 3).Draw(t, "reserve") == 0 {
		c.KeepIdle[routing.Standard], c.KeepIdleFor[routing.Standard] = 1, 20_000
	}
	for _, name := range []string{"human", "fault", "vip"} {
		if name != "human" && rapid.IntRange(0, 3).Draw(t, "no queue") == 0 {
			continue
		}
		var own *[routing.TierCount]int64
		if rapid.IntRange(0, 3).Draw(t, "own head start") == 0 {
			own = &[routing.TierCount]int64{0, 0, 0, 300_000}
		}
		need := rapid.SampledFrom([]string{"", "a>=3", "a>=1 or b>=2", "b>=1"}).Draw(t, "requirement")
		steps := [][]Step{nil, nil, {{5000, ""}}}
		if need != "" {
			steps = append(steps, []Step{{3000, "b>=1 or a>=1"}, {20_000, ""}})
		}
		c.Queues = append(c.Queues, QueueConfig{
			Name: name, HeadStart: own, Steps: rapid.SampledFrom(steps).Draw(t, "steps"),
			WrapUpManual: rapid.IntRange(0, 3).Draw(t, "manual") == 0, Dispositions: []string{"sold", "no"},
			WrapUpMax:           rapid.SampledFrom([]int64{0, 15_000}).Draw(t, "wrap-up max"),
			PreserveGeneralists: rapid.Bool().Draw(t, "preserve generalists"),
			RingTime:            15_000,
			Requirement:         need,
			WrapUp:              rapid.SampledFrom([]int64{0, 10_000}).Draw(t, "wrap-up"),
			MaxWait:             rapid.SampledFrom([]int64{0, 40_000}).Draw(t, "max wait"),
			NoStaffRefuse:       rapid.IntRange(0, 5).Draw(t, "refuse") == 0,
			NoStaffLeave:        rapid.SampledFrom([]int64{0, 0, 8000}).Draw(t, "no staff"),
			LastAgent:           rapid.SampledFrom([]int64{0, 60_000}).Draw(t, "last agent"),
			RingGroup:           rapid.IntRange(0, 3).Draw(t, "ring group"),
			MaxLength:           rapid.SampledFrom([]int{0, 3}).Draw(t, "max length"),
			Callback: CallbackConfig{
				Attempts: rapid.IntRange(1, mostAttempts-1).Draw(t, "attempts"), Max: rapid.IntRange(0, 2).Draw(t, "call-backs"),
				Spacing: rapid.SampledFrom([]int64{1, 4000}).Draw(t, "spacing"),
				Expires: rapid.SampledFrom([]int64{0, 50_000}).Draw(t, "expires"),
			},
			ReofferAfter: rapid.SampledFrom([]int64{0, 30_000}).Draw(t, "reoffer"),
			Fit:          rapid.SampledFrom([]Fit{FitNone, FitMost, FitLeast}).Draw(t, "fit"),
		})
	}
	for _, id := range []string{"a1", "a2", "a3", "a4"} {
		if rapid.IntRange(0, 5).Draw(t, "no agent") == 0 {
			continue
		}
		a := AgentConfig{
			ID: id, MaxMisses: rapid.IntRange(0, 2).Draw(t, "misses"),
			BackOff:  rapid.SampledFrom([]int64{0, 5000}).Draw(t, "back-off"),
			Contact:  rapid.SampledFrom([]string{"", "sip:fixed"}).Draw(t, "contact"),
			SignedIn: rapid.Bool().Draw(t, "signed in"),
		}
		for _, skill := range []routing.Skill{"b", "a"} {
			if level := rapid.SampledFrom([]routing.Level{0, 1, 4}).Draw(t, "level"); level > 0 {
				a.Skills = append(a.Skills, routing.SkillLevel{Skill: skill, Level: level})
			}
		}
		c.Agents = append(c.Agents, a)
	}
	return c
}

// actions are all events of the outside, each also when it makes no sense.
func (w *world) actions() map[string]func(*rapid.T) {
	agent := rapid.SampledFrom([]string{"a1", "a2", "a3", "a4"})
	queue := rapid.SampledFrom([]string{"human", "human", "fault", "vip"})
	tier := rapid.SampledFrom([]routing.Tier{routing.Standard, routing.Silver, routing.Gold, routing.Diamond})
	node := rapid.SampledFrom([]string{"n1", "n2"})
	call := func(t *rapid.T) string {
		return fmt.Sprint("c", rapid.IntRange(max(0, w.calls-8), w.calls).Draw(t, "call"))
	}
	leg := func(t *rapid.T) legOf {
		if len(w.offers) == 0 {
			return legOf{}
		}
		l := rapid.SampledFrom(w.offers[max(0, len(w.offers)-5):]).Draw(t, "offer")
		if rapid.IntRange(0, 7).Draw(t, "unnamed") == 0 {
			l.agent = ""
		}
		return l
	}
	arrive := func(t *rapid.T) string {
		w.calls++
		id := fmt.Sprint("c", w.calls)
		_ = w.put(t, CallArrived{
			Leg:  rapid.SampledFrom([][]byte{nil, []byte("leg")}).Draw(t, "leg"),
			Call: id, Node: node.Draw(t, "node"), From: rapid.SampledFrom([]string{"", "138"}).Draw(t, "from"),
			Customer: Customer{
				ID: rapid.SampledFrom([]string{"", "", "u1", "u2"}).Draw(t, "customer"), Tier: tier.Draw(t, "tier"),
			},
		})
		return id
	}
	wait := func(t *rapid.T, id string) CallQueued {
		return CallQueued{
			Call: id, Queue: queue.Draw(t, "queue"), Tier: tier.Draw(t, "tier"),
			Requirement: rapid.SampledFrom([]string{"", "", "b>=4", "a>"}).Draw(t, "own"),
			MaxWait:     rapid.SampledFrom([]int64{0, 0, 25_000}).Draw(t, "max wait"),

			Preferred:    rapid.SampledFrom([]string{"", "", "a1", "a2", "nobody"}).Draw(t, "preferred"),
			PreferredFor: rapid.SampledFrom([]int64{0, 10_000}).Draw(t, "preferred for"),
			PreferLast:   rapid.Bool().Draw(t, "prefer last"),
			Refused:      LeaveCause(max(0, rapid.IntRange(-20, 9).Draw(t, "refused"))),

			Keep: rapid.Bool().Draw(t, "keep"), Credit: rapid.SampledFrom([]int64{0, 0, 30_000}).Draw(t, "credit"),
		}
	}
	enqueue := func(t *rapid.T, id string) { _ = w.put(t, wait(t, id)) }
	actions := map[string]func(*rapid.T){
		"arrive":           func(t *rapid.T) { arrive(t) },
		"arrive and queue": func(t *rapid.T) { enqueue(t, arrive(t)) },
		"queue":            func(t *rapid.T) { enqueue(t, call(t)) },
		"step":             func(t *rapid.T) { _ = w.put(t, CallStepped{Call: call(t), Step: "menu", Menu: []byte{1}}) },
		"move": func(t *rapid.T) {
			_ = w.put(t, CallMoved{Call: call(t), Band: rapid.Int64Range(-2, 1).Draw(t, "band"), By: "lead"})
		},
		"left": func(t *rapid.T) {
			_ = w.put(t, QueueLeft{Call: call(t), Cause: LeaveCause(rapid.IntRange(0, 9).Draw(t, "cause"))})
		},
		"end": func(t *rapid.T) {
			_ = w.put(t, CallEnded{Call: call(t), Cause: "normal", By: Side(rapid.IntRange(1, 3).Draw(t, "by"))})
		},
		"foreign offer": func(t *rapid.T) {
			ev := CallOffered{Call: call(t), Agent: agent.Draw(t, "agent")}
			if rapid.Bool().Draw(t, "group") {
				ev.More = []string{agent.Draw(t, "more")}
			}
			_ = w.put(t, ev)
		},
		"rang": func(t *rapid.T) {
			l := leg(t)
			_ = w.put(t, OfferRang{Offer: l.offer, Agent: l.agent})
		},
		"answered": func(t *rapid.T) {
			l := leg(t)
			_ = w.put(t, OfferAnswered{Offer: l.offer, Agent: l.agent, Leg: []byte("leg")})
		},
		"failed": func(t *rapid.T) {
			l := leg(t)
			out := Outcome(rapid.IntRange(0, 8).Draw(t, "outcome"))
			_ = w.put(t, OfferFailed{Offer: l.offer, Agent: l.agent, Outcome: out})
		},
		"released": func(t *rapid.T) { _ = w.put(t, AgentReleased{Offer: leg(t).offer, By: SideAgent}) },
		"requeued": func(t *rapid.T) {
			id := call(t)
			ev := CallRequeued{Released: AgentReleased{Offer: leg(t).offer, By: SideAgent}, Queued: wait(t, id)}
			if c := w.s.calls[id]; c != nil && rapid.IntRange(0, 3).Draw(t, "his own") > 0 {
				ev.Released.Offer = c.offer
			}
			_ = w.put(t, ev)
		},
		"command": func(t *rapid.T) {
			_ = w.put(t, AgentCommanded{
				Agent: agent.Draw(t, "agent"), Command: AgentCommand(rapid.IntRange(0, 7).Draw(t, "command")),
				For:    rapid.SampledFrom([]int64{0, 5000, 600_000}).Draw(t, "for"),
				Reason: rapid.SampledFrom([]string{"lunch", "training"}).Draw(t, "reason"),
			})
		},
		"dispose": func(t *rapid.T) {
			_ = w.put(t, AgentDisposed{
				Agent: agent.Draw(t, "agent"), Call: call(t), Code: rapid.SampledFrom([]string{"sold", "no", "?"}).Draw(t, "code"),
			})
		},
		"ready": func(t *rapid.T) {
			_ = w.put(t, AgentCommanded{Agent: agent.Draw(t, "agent"), Command: GoReady})
		},
		"register": func(t *rapid.T) {
			_ = w.put(t, PhoneRegistered{
				Agent: agent.Draw(t, "agent"), TTL: rapid.SampledFrom([]int64{20_000, 60_000}).Draw(t, "ttl"),
				Binding: Binding{
					Contact: rapid.SampledFrom([]string{"sip:p1", "sip:p2"}).Draw(t, "contact"),
					CallID:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, "call id"), CSeq: uint32(len(w.log)),
				},
			})
		},
		"unregister": func(t *rapid.T) {
			_ = w.put(t, PhoneUnregistered{
				Agent: agent.Draw(t, "agent"), Contact: rapid.SampledFrom([]string{"sip:p1", "sip:p2", "*"}).Draw(t, "contact"),
			})
		},
		"publish": func(t *rapid.T) {
			if err := w.put(t, ConfigPublished{Hash: "h", Bundle: []byte("documents"), Config: drawConfig(t)}); err != nil {
				t.Fatal(err)
			}
		},
		"restart": func(t *rapid.T) {
			_ = w.put(t, NodeRestarted{Node: node.Draw(t, "node"), Resume: rapid.Bool().Draw(t, "resume")})
		},
		"down": func(t *rapid.T) {
			_ = w.put(t, NodeDown{
				Node: node.Draw(t, "node"), Heir: node.Draw(t, "heir"), Away: rapid.Bool().Draw(t, "away"),
			})
		},
		"back": func(t *rapid.T) { _ = w.put(t, NodeReady{Node: node.Draw(t, "node")}) },
		"address": func(t *rapid.T) {
			_ = w.put(t, AddressMoved{
				Home: node.Draw(t, "home"), From: node.Draw(t, "from"), To: node.Draw(t, "to"), Away: rapid.Bool().Draw(t, "away"),
			})
		},
		"wait":   func(t *rapid.T) { w.now += rapid.SampledFrom([]int64{1, 999, 5000, 17_000}).Draw(t, "ms") },
		"reload": func(t *rapid.T) { w.s = reload(t, w.s) },
		"freeze": func(t *rapid.T) { w.ice.freeze(t, w.s) },
	}
	maps.Copy(actions, w.callbackActions(call, leg))
	maps.Copy(actions, w.sideActions(agent, call, leg))
	return actions
}
