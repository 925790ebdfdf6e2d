package interval_test

import (
	"slices"
	"testing"

	"tierline/acd"
	"tierline/acd/report/interval"
	"tierline/routing"
)

// base is the wall time of log time 0 in these tests.
const base = int64(1_795_420_800_000) // 2026-11-23T08:00:00Z

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// story is the real core with a fold behind it.
type story struct {
	t     fataler
	state *acd.State
	fold  *interval.Fold
	index uint64
	wall  int64 // wall time of log time 0
}

func newStory(t fataler) *story {
	return &story{t: t, state: acd.NewState(), fold: interval.NewFold(), wall: base}
}

// put applies an event at a time in ms and reports whether it was accepted.
func (s *story) put(at int64, ev acd.Event) bool {
	s.index++
	r, err := acd.Apply(s.state, acd.Entry{Index: s.index, At: at, Wall: s.wall + at, Event: ev})
	s.fold.Take(s.state.Now(), s.wall+at, r.Facts)
	return err == nil
}

// do lets pass what is due until a second and applies an event that must be
// accepted then. It returns its index.
func (s *story) do(at int64, ev acd.Event) uint64 {
	s.t.Helper()
	s.pass(at)
	if !s.put(at*1000, ev) {
		s.t.Fatalf("%d s: %T%+v is refused", at, ev, ev)
	}
	return s.index
}

func (s *story) pass(until int64) {
	for {
		due, ok := s.state.NextDue()
		if !ok || due > until*1000 {
			return
		}
		s.put(due, acd.TimePassed{})
	}
}

// flush takes what the fold has gathered.
func (s *story) flush() interval.Batch {
	s.t.Helper()
	b, err := s.fold.Flush()
	if err != nil {
		s.t.Fatalf("flush: %v", err)
	}
	return b
}

// visit is one row of the day: times are seconds after eight o'clock.
type visit struct {
	call, queue string
	tier        routing.Tier
	queued      int64
	maxWait     int64
	offers      []offer
	ended       int64 // of the conversation, or hung up while waiting
	key         int64 // left by key
}

type offer struct {
	agent    string
	at       int64
	answered int64
	rejected int64
}

// act is something that happens at a second.
type act struct {
	at int64
	do func(s *story)
}

// acts of a row. Each phone rings one second after its offer.
func (v visit) acts() []act {
	out := []act{{v.queued, func(s *story) {
		s.do(v.queued, acd.CallArrived{Call: v.call, Node: "n1", Customer: acd.Customer{Tier: v.tier}})
		s.do(v.queued, acd.CallQueued{Call: v.call, Queue: v.queue, Tier: v.tier, MaxWait: v.maxWait})
	}}}
	for _, o := range v.offers {
		var id uint64
		out = append(out,
			act{o.at, func(s *story) { id = s.do(o.at, acd.CallOffered{Call: v.call, Agent: o.agent}) }},
			act{o.at + 1, func(s *story) { s.do(o.at+1, acd.OfferRang{Offer: id}) }})
		if o.answered != 0 {
			out = append(out, act{o.answered, func(s *story) { s.do(o.answered, acd.OfferAnswered{Offer: id}) }})
		}
		if o.rejected != 0 {
			out = append(out, act{o.rejected, func(s *story) {
				s.do(o.rejected, acd.OfferFailed{Offer: id, Outcome: acd.Rejected, SIP: 603})
			}})
		}
	}
	if v.key != 0 {
		out = append(out, act{v.key, func(s *story) { s.do(v.key, acd.QueueLeft{Call: v.call, Cause: acd.LeftKey}) }})
	}
	if v.ended != 0 {
		out = append(out, act{v.ended, func(s *story) {
			s.do(v.ended, acd.CallEnded{Call: v.call, Cause: "normal", By: acd.SideCaller})
		}})
	}
	return out
}

// play does everything in the order of time.
func (s *story) play(acts []act) {
	slices.SortStableFunc(acts, func(a, b act) int { return int(a.at - b.at) })
	for _, a := range acts {
		a.do(s)
	}
}

func command(at int64, agent string, c acd.AgentCommand, reason string) act {
	return act{at, func(s *story) { s.do(at, acd.AgentCommanded{Agent: agent, Command: c, Reason: reason, By: agent}) }}
}

// minutes of a time written as 8:44 after eight o'clock.
func clock(m, s int64) int64 { return m*60 + s }

// theDay is an hour of two agents, worked out by hand in day_test.go.
func theDay(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	skills := []routing.SkillLevel{{Skill: "billing", Level: 3}, {Skill: "lang.en", Level: 3}}
	s.do(0, acd.ConfigPublished{Config: acd.Config{
		Queues: []acd.QueueConfig{
			{Name: "human", RingTime: 30_000, WrapUp: 30_000},
			{Name: "vip", Requirement: "billing>=2 and lang.en>=1", RingTime: 30_000, MaxLength: 1},
		},
		Agents: []acd.AgentConfig{
			{ID: "1001", Contact: "sip:1001@127.0.0.1", SignedIn: true, Skills: skills},
			{ID: "1002", Contact: "sip:1002@127.0.0.1", SignedIn: true, Skills: skills},
		},
	}})
	acts := []act{
		command(clock(18, 0), "1001", acd.GoReady, ""), // after the missed offer
		command(clock(31, 35), "1001", acd.EndWrapUp, ""),
		command(clock(40, 0), "1002", acd.GoNotReady, "lunch"),
		command(clock(50, 0), "1002", acd.GoReady, ""),
		command(clock(60, 0), "1001", acd.SignOut, ""),
		command(clock(60, 0), "1002", acd.SignOut, ""),
	}
	for _, v := range dayVisits() {
		acts = append(acts, v.acts()...)
	}
	acts = append(acts, dayCallback()...)
	s.play(acts)
	return s
}

// dayCallback is c22, who asks to be called back, and what becomes of it.
func dayCallback() []act {
	var first, second uint64
	put := func(at int64, ev acd.Event) act { return act{at, func(s *story) { s.do(at, ev) }} }
	return append(visit{call: "c22", queue: "human", queued: clock(51, 0)}.acts(),
		put(clock(51, 30), acd.CallbackRequested{Callback: "b22", Call: "c22", Node: "n1", Number: "138", Queue: "human"}),
		put(clock(51, 32), acd.CallEnded{Call: "c22", Cause: "normal", By: acd.SideCaller}),
		act{clock(51, 40), func(s *story) { first = s.do(clock(51, 40), acd.CallOffered{Call: "b22", Agent: "1001"}) }},
		act{clock(51, 41), func(s *story) { s.do(clock(51, 41), acd.OfferRang{Offer: first}) }},
		act{clock(51, 45), func(s *story) { s.do(clock(51, 45), acd.OfferAnswered{Offer: first}) }},
		act{clock(52, 15), func(s *story) {
			s.do(clock(52, 15), acd.CallbackMissed{Offer: first, Outcome: acd.NoAnswer})
		}},
		act{clock(57, 20), func(s *story) { second = s.do(clock(57, 20), acd.CallOffered{Call: "b22", Agent: "1002"}) }},
		act{clock(57, 21), func(s *story) { s.do(clock(57, 21), acd.OfferRang{Offer: second}) }},
		act{clock(57, 25), func(s *story) { s.do(clock(57, 25), acd.OfferAnswered{Offer: second}) }},
		act{clock(57, 35), func(s *story) { s.do(clock(57, 35), acd.CallbackReached{Offer: second}) }},
		act{clock(58, 35), func(s *story) { s.do(clock(58, 35), acd.AgentReleased{Offer: second, By: acd.SideAgent}) }},
		put(clock(58, 40), acd.CallSurveyed{Call: "b22", Question: "satisfaction", Value: "4"}),
		put(clock(58, 42), acd.CallTransferred{Call: "b22", To: "shop", Result: "busy"}),
		put(clock(58, 45), acd.CallEnded{Call: "b22", Cause: "normal", By: acd.SideCaller}),
	)
}

func dayVisits() []visit {
	const human, vip = "human", "vip"
	one := func(agent string, at, answered int64) []offer {
		return []offer{{agent: agent, at: at, answered: answered}}
	}
	return []visit{
		{call: "c01", queue: human, queued: 10, offers: one("1001", 10, 14), ended: clock(3, 14)},
		{call: "c02", queue: human, tier: routing.Gold, queued: 20, offers: one("1002", 20, 25), ended: clock(5, 25)},
		{call: "c03", queue: human, queued: 30, ended: 33},
		{call: "c04", queue: human, queued: 60, offers: one("1001", clock(3, 44), clock(3, 50)), ended: clock(6, 50)},
		{call: "c05", queue: human, tier: routing.Silver, queued: 120, ended: 140},
		{call: "c06", queue: human, queued: 180, ended: 270},
		{call: "c07", queue: vip, tier: routing.Diamond, queued: 300, offers: one("1002", 355, 360), ended: 600},
		{call: "c08", queue: human, tier: routing.Gold, queued: 420, offers: []offer{
			{agent: "1001", at: 440, rejected: 445}, {agent: "1001", at: 460, answered: 465},
		}, ended: 585},
		{call: "c09", queue: human, queued: 480, key: 510, ended: 512},
		{call: "c10", queue: human, queued: 620, offers: one("1001", 620, 622), ended: 652},
		{call: "c11", queue: human, tier: routing.Gold, queued: 660, offers: one("1002", 660, 680), ended: 1040},
		{call: "c12", queue: human, tier: routing.Silver, queued: 890, offers: one("1001", 895, 905), ended: 965},
		{call: "c13", queue: vip, tier: routing.Diamond, queued: 880, ended: 1000},
		{call: "c14", queue: vip, tier: routing.Gold, queued: 885, ended: 887},
		{call: "c15", queue: human, queued: 1000, offers: []offer{
			{agent: "1001", at: 1000}, {agent: "1002", at: 1070, answered: 1075},
		}, ended: 1195},
		{call: "c16", queue: human, queued: 1200, offers: one("1001", 1200, 1206), ended: 1446},
		{call: "c17", queue: human, tier: routing.Gold, queued: 1260, offers: one("1002", 1260, 1270), ended: 1330},
		{call: "c18", queue: human, tier: routing.Diamond, queued: 1500, maxWait: 60_000, ended: 1562},
		{call: "c19", queue: human, queued: 1770, offers: one("1001", 1780, 1790), ended: 1880},
		{call: "c20", queue: human, queued: 2690, offers: one("1001", 2760, 2765), ended: 2825},
		{call: "c21", queue: human, tier: routing.Gold, queued: 3540},
	}
}
