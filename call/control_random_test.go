package call

import (
	"fmt"
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
		"refer,refer attended,be ready,be ready,habit,habit,hang up").Draw(t, "does")
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
		if pair[0].held || pair[1].held {
			fault("%s hears %s, and one of them is on hold", c.label(pair[0]), c.label(pair[1]))
		}
	}
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
	if len(c.guests) > mostParties-2 {
		fault("%d guests", len(c.guests))
	}
	return append(out, c.strays()...)
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
	for _, g := range c.guests {
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
