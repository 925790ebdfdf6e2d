package call

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// move is something that somebody does.
type move struct {
	Who  string // 1001, 1002, 1003, caller, out1, out2
	Does string
	To   string        // an agent, a queue's extension, a number outside
	Then time.Duration // passes
}

// words are repeated by how often they are to come.
func words(list string) *rapid.Generator[string] { return rapid.SampledFrom(strings.Split(list, ",")) }

func someMove(t *rapid.T) move {
	does := words("consult,consult,consult,conference with,conference with,conference with,conference,conference,"+
		"transfer,transfer to,swap,hold,resume,mute,unmute,drop,drop one,phone holds,phone resumes,dial,dial,dial,"+
		"refer,refer attended,be ready,be ready,habit,habit,hang up,supervise,supervise,supervise").Draw(t, "does")
	m := move{
		Does: does, Who: words("1001,1001,1001,1001,1002,1002,1003").Draw(t, "who"),
		To: words("1002,1002,1003,1003,out1,out2,1001,800,10001").Draw(t, "to"),
		Then: time.Duration(rapid.SampledFrom([]int{1500, 3000, 1500, 500, 20, 0, 40000}).Draw(t, "then")) *
			time.Millisecond,
	}
	switch does {
	case "habit":
		m.Does = words("become busy,become deaf,become quick,become slow,become fine,become fine").Draw(t, "habit")
		m.Who = words("1001,1002,1003,out1,out2").Draw(t, "whose")
	case "supervise": // who may not, too
		m.Does = words("supervise listen,supervise whisper,supervise barge,supervise take_over,supervise leave").Draw(t, "mode")
		m.Who = words("1002,1002,1002,1003").Draw(t, "supervisor")
		m.To = words("1001,1001,1001,1003,").Draw(t, "whom")
	case "hang up", "phone holds", "phone resumes":
		m.Who = words("1001,1002,1003,1002,1003,out1,out2,caller").Draw(t, "whose")
	}
	return m
}

// TestControlAtRandom: whatever agents, callers and phones do, in whatever
// order, nobody talks to who is on hold, no agent is in two places, and in the
// end everybody is free and there is one record of each call.
func TestControlAtRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		todo := rapid.SliceOfN(rapid.Custom(someMove), 4, 30).Draw(rt, "moves")
		if !t.Run("moves", func(t *testing.T) { inLab(t, func(l *lab) { l.plays(todo) }) }) {
			rt.Fatalf("see above: %+v", todo)
		}
	})
}

func (l *lab) plays(todo []move) {
	l.talking()
	l.atWork("1002", "1003")
	for n := range 2 {
		l.outsideAnswers(n+1, 200)
	}
	for i, m := range todo {
		l.plays1(m)
		time.Sleep(m.Then)
		synctest.Wait()
		if l.consistent(); l.t.Failed() {
			l.t.Fatalf("after %+v", todo[:i+1])
		}
	}
	l.everybodyHangsUp()
	time.Sleep(3 * time.Minute)
	l.over()
	l.mu.Lock()
	all := strings.Join(l.lines, "\n") + "\n"
	l.mu.Unlock()
	if began, ended := 1+strings.Count(all, "call.arrived"), strings.Count(all, "call.ended"); began != ended {
		l.t.Errorf("%d calls began, %d ended", began, ended)
	}
	if n := l.sw.Stats().Silences; len(n) > 0 {
		l.t.Errorf("callers heard nothing for 1.5 s: %v", n)
	}
	if strings.Contains(all, "call.ended fault") || strings.Contains(l.said.String(), "panic") {
		l.t.Errorf("a call failed:\n%s", all)
	}
}

// number is what a phone dials to reach somebody.
func number(who string) string {
	if n, ok := strings.CutPrefix(who, "out"); ok {
		return "05718765100" + n
	}
	return who
}

func (m move) target() Target {
	switch {
	case m.To == "800":
		return Target{Queue: "group"}
	case m.To == "10001":
		return Target{Flow: "service"}
	case strings.HasPrefix(m.To, "out"):
		return Target{Number: number(m.To)}
	}
	return Target{Agent: m.To}
}

// plays1 does one thing. Whether it is possible is not asked.
func (l *lab) plays1(m move) {
	agent := strings.HasPrefix(m.Who, "1")
	w := Control{Agent: m.Who, Do: Action(m.Does)}
	switch m.Does {
	case "hang up":
		l.leg(m.Who, sipua.Hungup{Q850: 16})
		return
	case "become busy":
		l.becomes(m.Who, habit{after: time.Second, status: 486})
		return
	case "become deaf":
		l.becomes(m.Who, habit{})
		return
	case "become quick":
		l.becomes(m.Who, habit{after: 100 * time.Millisecond, status: 200})
		return
	case "become fine":
		l.becomes(m.Who, habit{after: time.Second, status: 200})
		return
	case "become slow":
		l.becomes(m.Who, habit{after: 9 * time.Second, status: 200})
		return
	case "phone holds":
		l.leg(m.Who, l.reinvite(sdp.SendOnly, uint64(time.Since(l.start))))
		return
	case "phone resumes":
		l.leg(m.Who, l.reinvite(sdp.SendRecv, uint64(time.Since(l.start))))
		return
	case "refer":
		l.leg(m.Who, sipua.ReferredIn{Number: number(m.To), Reply: func(int) error { return nil }})
		return
	case "refer attended":
		l.leg(m.Who, sipua.ReferredIn{Number: m.To, Replaces: naming("caller", false), Reply: func(int) error { return nil }})
		return
	case "conference with", "transfer to":
		word, _, _ := strings.Cut(m.Does, " ")
		w.Do, w.Target = Action(word), m.target()
	case "consult":
		w.Target = m.target()
	case "drop one":
		w.Do, w.Party = Drop, m.To
	}
	if do, ok := strings.CutPrefix(m.Does, "supervise "); ok {
		_ = l.oversight(Oversight{Supervisor: m.Who, Agent: m.To, Do: do})
		synctest.Wait()
		return
	}
	switch {
	case !agent:
	case m.Does == "be ready":
		_, _, _ = l.log.Propose(l.t.Context(), acd.AgentCommanded{Agent: m.Who, Command: acd.GoReady, By: m.Who})
	case m.Does == "dial":
		l.callsFrom(m.Who, number(m.To))
	case m.Does != "press":
		_ = l.wish(w)
	}
	synctest.Wait()
}

func (l *lab) becomes(who string, h habit) {
	if n, ok := strings.CutPrefix(who, "out"); ok {
		who = "sip:8765100" + n + "@192.0.2.9;transport=udp"
	}
	l.phone.mu.Lock()
	defer l.phone.mu.Unlock()
	l.phone.habits[who] = h
}

// leg lets something happen on somebody's latest leg, if he has one.
func (l *lab) leg(who string, ev sipua.LegEvent) {
	synctest.Wait()
	l.phone.mu.Lock()
	d := l.phone.of[who]
	if n, ok := strings.CutPrefix(who, "out"); ok {
		d = l.phone.out["sip:8765100"+n+"@192.0.2.9;transport=udp"]
	}
	l.phone.mu.Unlock()
	if who == "caller" {
		for _, c := range l.running() {
			if c.placed == nil && c.caller.sip != nil {
				d = c.caller.sip.(*fakeDialog)
			}
		}
	}
	if d != nil {
		d.event(ev)
	}
	synctest.Wait()
}

func (l *lab) running() []*Call {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	var out []*Call
	for _, c := range l.sw.calls {
		out = append(out, c)
	}
	return out
}

// consistent checks what must hold at any time.
func (l *lab) consistent() {
	faults := make(chan string, 100)
	for _, c := range l.running() {
		c.later(func() {
			for _, fault := range c.faults() {
				faults <- fault
			}
		})
	}
	synctest.Wait()
	for len(faults) > 0 {
		l.t.Error(<-faults)
	}
}

func (c *Call) faults() []string {
	var out []string
	fault := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for pair := range arrangement(c.room.members).hears {
		supervised := pair[0].role == roleSupervisor || pair[1].role == roleSupervisor
		if (pair[0].held || pair[1].held) && !supervised {
			fault("%s hears %s, and one of them is on hold", c.label(pair[0]), c.label(pair[1]))
		}
	}
	out = append(out, c.leaks()...)
	seen := map[string]bool{}
	for _, m := range c.room.members {
		label := c.label(m)
		if seen[label] {
			fault("%s is in the conversation twice", label)
		}
		seen[label] = true
		if m.dead {
			fault("%s is in the conversation, and his leg is dead", label)
		}
	}
	if len(c.invited()) > mostParties-2 {
		fault("%d guests", len(c.invited()))
	}
	return append(out, c.strays()...)
}

// leaks are sounds that reach somebody whom they are not for, as the media have
// it: a whisper beside the agent, or a conversation a supervisor who may not hear
// its agent.
func (c *Call) leaks() []string {
	var out []string
	for _, boss := range c.room.members {
		if boss.role != roleSupervisor {
			continue
		}
		c.sw.cfg.Queue.Read(func(s *acd.State) {
			if c.agent == nil || !s.MaySupervise(boss.agent, c.agent.agent) {
				out = append(out, boss.agent+" hears a call that he may not hear")
			}
		})
		for _, m := range c.room.members {
			secret := boss.mode == modeListen || boss.mode == modeWhisper && m.role != roleAgent
			if secret && m != boss && c.room.audible(boss, m) {
				out = append(out, fmt.Sprintf("%s hears what %s says in mode %s", c.label(m), boss.agent, boss.mode.word()))
			}
		}
	}
	return out
}

// audible tells whether the media bring one's sound to another.
func (r *room) audible(from, to *member) bool {
	if f, ok := r.mix.(*fakeMix); ok && f.in[from.media.(*fakeLeg)] && f.in[to.media.(*fakeLeg)] {
		return f.gains[[2]MediaLeg{from.media, to.media}] > 0
	}
	return slices.Contains(r.bridged, from) && slices.Contains(r.bridged, to)
}

// strays are agents of whom the log says that they talk in this call, and who
// are not in it, or the other way round.
func (c *Call) strays() []string {
	var out []string
	here := map[string]bool{}
	if c.agent != nil {
		here[c.agent.agent] = true
	}
	if c.placed != nil {
		here[c.placed.agent] = here[c.placed.agent] || c.placed.customer == nil || !c.answered
	}
	asks := 0
	for _, g := range c.invited() {
		if g.role == acd.RoleConsult {
			asks++
		}
		if g.agent != "" && g.party != nil {
			here[g.agent] = true
		}
	}
	if asks > 1 {
		out = append(out, fmt.Sprintf("%d are asked at once", asks))
	}
	c.sw.cfg.Queue.Read(func(s *acd.State) {
		for _, a := range s.Agents() {
			if talks := a.State == acd.AgentTalking && a.Call == c.id; talks != here[a.ID] {
				out = append(out, fmt.Sprintf("agent %s is %s in the log, in the call: %t", a.ID, a.State, here[a.ID]))
			}
		}
	})
	return out
}

func (l *lab) everybodyHangsUp() {
	for _, who := range []string{"caller", "1001", "1002", "1003", "out1", "out2"} {
		l.leg(who, sipua.Hungup{Q850: 16})
	}
	for _, c := range l.running() { // whoever has made a call from his phone
		c.later(func() {
			if c.placed != nil && c.placed.sip != nil {
				c.placed.sip.(*fakeDialog).event(sipua.Hungup{Q850: 16})
			}
		})
	}
	synctest.Wait()
}
