package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"tierline/acd"
	"tierline/call/sdp"
	"tierline/call/sipua"
)

// atWork makes agents ready whose phones answer after a second.
func (l *lab) atWork(agents ...string) {
	l.t.Helper()
	for _, id := range agents {
		l.phone.mu.Lock()
		l.phone.habits[id] = habit{after: time.Second, status: 200}
		l.phone.mu.Unlock()
		ev := acd.AgentCommanded{Agent: id, Command: acd.GoReady, By: id}
		if id == "1003" {
			l.log.Post(acd.PhoneRegistered{Agent: id, TTL: 3_600_000, Binding: acd.Binding{
				Contact: "sip:1003@192.0.2.53", Received: "192.0.2.53:5060", CallID: "r", CSeq: 1,
			}})
		}
		if _, _, err := l.log.Propose(l.t.Context(), ev); err != nil {
			l.t.Fatal(err)
		}
	}
}

// wish is what agent 1001 wants, unless w says another.
func (l *lab) wish(w Control) error {
	l.t.Helper()
	if w.Agent == "" {
		w.Agent = "1001"
	}
	err := l.sw.Control(l.t.Context(), w)
	synctest.Wait()
	return err
}

func (l *lab) do(w Control) {
	l.t.Helper()
	if err := l.wish(w); err != nil {
		l.t.Fatalf("%s: %v", w.Do, err)
	}
}

// refuses checks the code of a refusal.
func (l *lab) refuses(w Control, code string) {
	l.t.Helper()
	err := l.wish(w)
	var d *DeniedError
	if !errors.As(err, &d) || d.Code != code {
		l.t.Errorf("%s: %v, want %s", w.Do, err, code)
	}
}

// phoneOf lets something happen on the latest leg to an agent's phone.
func (l *lab) phoneOf(agent string, ev sipua.LegEvent) {
	l.t.Helper()
	synctest.Wait()
	l.phone.mu.Lock()
	d := l.phone.of[agent]
	l.phone.mu.Unlock()
	if d == nil {
		l.t.Fatalf("nobody has called agent %s", agent)
	}
	d.event(ev)
	synctest.Wait()
}

func (l *lab) hangsUp(agent string) { l.phoneOf(agent, sipua.Hungup{Q850: 16}) }

// theCall returns the only call.
func (l *lab) theCall() *Call {
	l.t.Helper()
	synctest.Wait()
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	for _, c := range l.sw.calls {
		if len(l.sw.calls) == 1 {
			return c
		}
	}
	l.t.Fatalf("%d calls", len(l.sw.calls))
	return nil
}

// label names a member.
func (c *Call) label(m *member) string {
	switch {
	case m.party == c.caller:
		return "caller"
	case m.agent != "" && (c.agent == nil || m.party != c.agent.party) && c.agent != nil && m.agent == c.agent.agent:
		return m.agent + "/2"
	case m.agent != "":
		return m.agent
	}
	for _, g := range c.guests {
		if g.party == m.party {
			return fmt.Sprintf("far%d", g.leg)
		}
	}
	return "far"
}

// hears says who hears whom: a+b, and who hears music.
func (l *lab) hears() string {
	l.t.Helper()
	c := l.theCall()
	said := make(chan string, 1)
	c.later(func() { said <- c.arrangedNow() })
	synctest.Wait()
	select {
	case s := <-said:
		return s
	default:
		return "the call has ended"
	}
}

func (c *Call) arrangedNow() string {
	p := arrangement(c.room.members)
	var both, music []string
	for pair := range p.hears {
		a, b := c.label(pair[0]), c.label(pair[1])
		if _, back := p.hears[[2]*member{pair[1], pair[0]}]; back && a < b {
			both = append(both, a+"+"+b)
		} else if !back {
			both = append(both, a+"<"+b)
		}
	}
	for _, m := range p.music {
		music = append(music, c.label(m))
	}
	slices.Sort(both)
	slices.Sort(music)
	return strings.TrimSpace(fmt.Sprintf("%s; %s", strings.Join(both, " "), strings.Join(music, " ")))
}

// arranged checks who hears whom.
func (l *lab) arranged(want string) {
	l.t.Helper()
	if got := l.hears(); got != want {
		l.t.Errorf("who hears whom: %q, want %q", got, want)
	}
}

// states checks what agents are doing.
func (l *lab) states(want string) {
	l.t.Helper()
	var got []string
	for _, id := range []string{"1001", "1002", "1003"} {
		a := l.agent(id)
		word := a.State.String()
		if a.Role != 0 {
			word += "/" + a.Role.String()
		}
		got = append(got, word)
	}
	if s := strings.Join(got, " "); s != want {
		l.t.Errorf("agents are %q, want %q", s, want)
	}
}

// over ends the call and checks that nothing is left of it.
func (l *lab) over() {
	l.t.Helper()
	time.Sleep(time.Minute)
	synctest.Wait()
	if n := l.sw.Live(); n != 0 {
		l.t.Errorf("%d calls are left", n)
	}
	if n := l.media.legs(); n != 0 {
		l.t.Errorf("%d media legs are left", n)
	}
	if calls := l.calls(); len(calls) != 0 {
		l.t.Errorf("the log has %+v", calls)
	}
	for _, id := range []string{"1001", "1002", "1003"} {
		if a := l.agent(id); a.State == acd.AgentTalking || a.Offer != 0 {
			l.t.Errorf("agent %s is still %s", id, a.State)
		}
	}
}

// phoneOfCaller lets something happen on the leg of who has called.
func (l *lab) phoneOfCaller(ev sipua.LegEvent) {
	l.t.Helper()
	c := l.theCall()
	c.later(func() { c.caller.sip.(*fakeDialog).event(ev) })
	synctest.Wait()
}

// held is a re-INVITE that puts us on hold.
func (l *lab) held() sipua.Reinvited { return l.reinvite(sdp.SendOnly, 2) }

func (l *lab) reinvite(d sdp.Direction, version uint64) sipua.Reinvited {
	return sipua.Reinvited{
		Offer: sdp.Offer(sdp.LocalOptions{
			IP: l.media.IP(), Port: 40000, SessionID: 1, Version: version, Codecs: []uint8{sdp.PCMA}, Direction: d,
		}),
		Reply: func(int, []byte) error { return nil },
	}
}
