package acd

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// sideActions are what is done with agents beside the one who serves a call.
func (w *world) sideActions(
	agent *rapid.Generator[string], call func(*rapid.T) string, leg func(*rapid.T) legOf,
) map[string]func(*rapid.T) {
	// busy is a call that somebody talks in, if there is one.
	busy := func(t *rapid.T) string {
		for _, c := range w.s.Calls() {
			if c.Phase == PhaseTalking && rapid.Bool().Draw(t, "this") {
				return c.ID
			}
		}
		return call(t)
	}
	return map[string]func(*rapid.T){
		"place": func(t *rapid.T) {
			w.calls++
			_ = w.put(t, CallPlaced{
				Call: fmt.Sprint("c", w.calls), Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"),
				Agent: agent.Draw(t, "agent"), To: "139", Outside: rapid.Bool().Draw(t, "outside"),
			})
		},
		"test": func(t *rapid.T) {
			w.calls++
			_ = w.put(t, TestPlaced{
				Call: fmt.Sprint("c", w.calls), Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"),
				Trunk: "t", To: "139", By: "lead",
			})
		},
		"call an agent": func(t *rapid.T) {
			_ = w.put(t, AgentCalled{
				Call: busy(t), Agent: agent.Draw(t, "agent"), Role: Role(rapid.IntRange(0, 5).Draw(t, "role")),
				Mode: rapid.SampledFrom([]string{"", "", ModeListen, ModeBarge}).Draw(t, "mode"),
				By:   rapid.SampledFrom([]string{"a1", "a1", "lead", ""}).Draw(t, "by"),
				For:  rapid.SampledFrom([]int64{0, 5000, -1, longestRing + 1}).Draw(t, "for"),
			})
		},
		"side answers": func(t *rapid.T) {
			for _, c := range w.s.Calls() {
				for _, x := range c.Sides {
					if !x.Answered && rapid.Bool().Draw(t, "this") {
						_ = w.put(t, OfferAnswered{Offer: x.Offer, Leg: []byte("leg")})
						return
					}
				}
			}
		},
		"hand over": func(t *rapid.T) {
			id, to := w.answeredSide(t, leg)
			_ = w.put(t, CallHandedOver{Call: id, To: to, By: SideAgent})
		},
		"join": func(t *rapid.T) {
			_, offer := w.answeredSide(t, leg)
			_ = w.put(t, MemberJoined{Offer: offer, By: "a1"})
		},
		"hold": func(t *rapid.T) {
			_ = w.put(t, TalkChanged{
				Offer: leg(t).offer, Held: rapid.Bool().Draw(t, "held"), Muted: rapid.Bool().Draw(t, "muted"), By: "a1",
			})
		},
		"reroute": func(t *rapid.T) { _ = w.put(t, CallRerouted{Call: call(t), Flow: "g", By: "a1"}) },
		"supervise": func(t *rapid.T) {
			_ = w.put(t, AgentCalled{
				Call: busy(t), Agent: agent.Draw(t, "agent"), Role: RoleSupervisor, By: "boss",
				Mode: rapid.SampledFrom([]string{ModeListen, ModeWhisper}).Draw(t, "mode"),
			})
		},
		"change mode": func(t *rapid.T) {
			_, offer := w.answeredSide(t, leg)
			_ = w.put(t, SupervisionChanged{
				Offer: offer, Mode: rapid.SampledFrom([]string{ModeListen, ModeBarge, "?"}).Draw(t, "mode"), By: "boss",
			})
		},
		"outside": func(t *rapid.T) {
			_ = w.put(t, OutsideChanged{
				Call: call(t), Leg: 1, To: "139", By: "a1",
				State: rapid.SampledFrom([]string{OutsideDialled, OutsideLeft, "?"}).Draw(t, "state"),
			})
		},
	}
}

// answeredSide returns an agent who is in a call beside the one who serves it,
// or somebody else if there is none.
func (w *world) answeredSide(t *rapid.T, leg func(*rapid.T) legOf) (call string, offer uint64) {
	for _, c := range w.s.Calls() {
		for _, x := range c.Sides {
			if x.Answered && rapid.Bool().Draw(t, "this") {
				return c.ID, x.Offer
			}
		}
	}
	return "c1", leg(t).offer
}

// TestPropertySides is about agents beside the one who serves a call: whatever
// they do, whoever leaves first, no agent is in two calls or in none that he
// thinks he is in, and every call has an agent, rings one, or knows that it has
// none.
func TestPropertySides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		config := Config{Queues: []QueueConfig{{Name: "human", WrapUp: 10_000, RingTime: 15_000}}}
		for _, id := range []string{"a1", "a2", "a3", "a4"} {
			config.Agents = append(config.Agents, AgentConfig{
				ID: id, Contact: "sip:fixed", SignedIn: id != "a4", MaxMisses: 2, Groups: []string{"g" + id},
				Supervises: map[string][]string{"a3": {"ga1", "a2"}, "a4": {"*"}}[id],
			})
		}
		if err := w.put(t, ConfigPublished{Hash: "h", Config: config}); err != nil {
			t.Fatal(err)
		}
		all := w.actions()
		actions := map[string]func(*rapid.T){}
		for _, name := range []string{
			"arrive and queue", "queue", "place", "call an agent", "side answers", "hand over", "join", "hold", "outside",
			"supervise", "change mode",
			"answered", "failed", "rang", "released", "end", "command", "ready", "restart", "wait", "reload", "dispose",
		} {
			actions[name] = all[name]
		}
		actions["call another agent"], actions["side answers later"] = all["call an agent"], all["side answers"]
		actions["hand over later"] = all["hand over"]
		actions[""] = func(t *rapid.T) { w.settle(t) }
		t.Repeat(actions)
		w.settle(t)
		w.nobodyStuck(t)
		w.replayed(t)
	})
}

// hearSide checks what is told of agents beside the one who serves a call.
func (w *world) hearSide(t *rapid.T, c *tale, f Fact) bool {
	if c.sides == nil {
		c.sides = map[uint64]string{}
	}
	was := c.sides[f.Offer]
	var ok bool
	switch f.Kind { //nolint:exhaustive // the others are told elsewhere
	case FactCallOffered:
		if f.Role == "" {
			return false
		}
		ok, c.sides[f.Offer] = was == "", "rings"
	case FactCallRinging:
		if was == "" {
			return false
		}
		ok = was == "rings"
	case FactOfferFailed:
		if was == "" {
			return false
		}
		ok = was == "rings"
		delete(c.sides, f.Offer)
	case FactCallJoined:
		if f.Role == "" { // who placed a call outside
			ok, c.talking = c.talking == 0 && was == "", f.Offer
			break
		}
		ok, c.sides[f.Offer] = was != "in" || f.Role == RoleMember.String(), "in"
	case FactCallHandedOver:
		ok, c.talking = was == "in" && c.talking == 0, f.Offer
		delete(c.sides, f.Offer)
	case FactSupervisionStarted:
		ok, c.sides[f.Offer] = was == "rings" && f.Supervised != "", "in"
	case FactSupervisionChanged:
		ok = was == "in" && f.Mode != ""
	case FactSupervisionEnded:
		ok = was == "in"
		if f.Cause != causeTakeOver { // call.handed_over follows
			delete(c.sides, f.Offer)
		}
	case FactAgentReleased:
		if was == "" {
			return false
		}
		ok = was == "in"
		delete(c.sides, f.Offer)
	default:
		return false
	}
	if !ok {
		t.Fatalf("%+v at the wrong moment: it was %q", f, was)
	}
	return true
}
