package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tierline/.ci/bed"
)

func callSteps() []step {
	return []step{
		{"peers: sipp and the tap understand each other without a switch", peersAlone},
		{"register: sipp phones by digest", registerSipp},
		{"register: to take back what was never bound is no mistake", takeBackNothing},
		{"call: sipp caller, menu, queue, sipp agent; audio both ways; the agent hangs up", agentHangsUp},
		{"call: the caller hangs up", callerHangsUp},
		{"abandon: a caller who hangs up while the phone rings leaves nobody ringing", abandon},
		{"no answer: the agent goes not ready, the caller keeps his place", noAnswer},
		{"keys: the menu's, held until an agent answers, doesn't reach him; the next one does", heldKeys},
		{"baresip: agent registered by digest; audio both ways; BYE from either side", baresipAgent},
		{"nat: a phone whose SDP names another address than its packets is heard", baresipFar},
	}
}

func menuSteps() []step {
	return []step{
		{"keys: RFC 4733, with the key's sound leaking before it", keysByEvent},
		{"keys: SIP INFO, both bodies; what is no key gets 415", keysByInfo},
		{"keys: tones in the sound", keysInband},
		{"10001: each function in both languages, the prompts and amounts heard sample for sample", walks},
		{"10001: a person, then the survey; its answers in the record", surveyed},
		{"10001: sipp with RFC 4733 keys hears its bill", walkSipp},
		{"call-back: asked for while waiting; the agent's phone rings first, then the caller's", callBack},
		{"voicemail: a complaint is spoken, heard again and kept", voicemail},
		{"lockout: wrong PINs over several calls, the right one is no use until it is cleared", lockedOut},
	}
}

// lifeSteps end the switch more than once.
func lifeSteps() []step {
	return []step{
		{"load: 100 calls at 10 calls/s", hundred},
		{"kill -9: calls go on after the restart; agents, registrations and documents are there", killed},
		{"drain: SIGTERM lets a call finish", drain},
	}
}

// peersAlone lets sipp call sipp, so that a failure later is the switch's.
func peersAlone(ctx context.Context, l *lab) error {
	own, err := openTap(l.agentIP, callerHz, agentHz)
	if err != nil {
		return err
	}
	defer own.close()
	port := l.port()
	agent, err := l.phone(ctx, port, 1, 100*time.Millisecond, 2500*time.Millisecond)
	if err != nil {
		return err
	}
	caller, err := startSipp(ctx, l.work, peer{
		scenario: "caller", sound: []part{silence(time.Second), press('1'), hum(callerHz, time.Second)},
		ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort), number: "1001",
		lines: []string{"13800138000;"}, calls: 1, rate: 1, target: l.agentIP + ":" + strconv.Itoa(port),
	})
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if err := errors.Join(caller.wait(20*time.Second), agent.wait(20*time.Second)); err != nil {
		return err
	}
	return hears("the caller", own.toPort(callerPort, agentPort-1, agentHz), 1, time.Second)
}

// hears checks that each of n flows had a tone for some time.
func hears(who string, heard []time.Duration, n int, d time.Duration) error {
	good := 0
	for _, l := range heard {
		if l >= d {
			good++
		}
	}
	if good < n {
		return fmt.Errorf("%s: %d of %d heard the other side for %s: %v …", who, good, n, d, heard[:min(5, len(heard))])
	}
	return nil
}

// phone starts a sipp agent that answers n calls.
func (l *lab) phone(ctx context.Context, port, n int, ring, hang time.Duration) (*sipp, error) {
	return startSipp(ctx, l.work, peer{
		scenario: "agent", sound: []part{hum(agentHz, max(20*time.Second, hang))}, ring: ring, hang: hang,
		ip: l.agentIP, port: port, mediaPort: l.media(agentPort), number: "agent", calls: n,
	})
}

// ringer starts a phone that nobody answers.
func (l *lab) ringer(ctx context.Context, port int) (*sipp, error) {
	return startSipp(ctx, l.work, peer{
		scenario: "ring", ip: l.agentIP, port: port, mediaPort: l.media(agentPort), number: "agent", calls: 1,
	})
}

// Two customers of the demo: gold is offered "1: advisor", standard "1: bill".
const (
	gold     = "13700137008"
	standard = "15700157037"
)

// call starts sipp callers who press 1 and then speak.
func (l *lab) call(ctx context.Context, numbers []string, rate int, hang time.Duration, keys ...byte) (*sipp, error) {
	sound := []part{}
	for _, k := range keys {
		sound = append(sound, silence(1500*time.Millisecond), press(k))
	}
	var lines []string
	for _, n := range numbers {
		lines = append(lines, n+";")
	}
	return startSipp(ctx, l.work, peer{
		scenario: "caller", sound: append(sound, hum(callerHz, 60*time.Second)), hang: hang,
		ip: l.callerIP, port: l.port(), mediaPort: l.media(callerPort), number: "10000",
		lines: lines, calls: len(numbers), rate: rate, target: l.node.Address(),
	})
}

func registerSipp(ctx context.Context, l *lab) error {
	port := l.port()
	if err := l.register(ctx, port, "1001"); err != nil {
		return err
	}
	a, err := l.agent(ctx, "1001")
	if err != nil {
		return err
	}
	want := fmt.Sprintf("sip:1001@%s:%d", l.agentIP, port)
	if len(a.Phones) != 1 || a.Phones[0].Contact != want {
		return fmt.Errorf("phones of 1001: %v, not %s", a.Phones, want)
	}
	return nil
}

func takeBackNothing(_ context.Context, l *lab) error {
	return bind(l.node.Address(), l.agentIP, l.port(), "1003", "demo-1003", "*")
}

// one brings one sipp caller to one sipp agent.
func (l *lab) one(ctx context.Context, agentHang, callerHang time.Duration) (cdr, error) {
	before, err := l.count(ctx)
	if err != nil {
		return cdr{}, err
	}
	port := l.port()
	if err = errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return cdr{}, err
	}
	l.tap.reset()
	agent, err := l.phone(ctx, port, 1, 500*time.Millisecond, agentHang)
	if err != nil {
		return cdr{}, err
	}
	caller, err := l.call(ctx, []string{gold}, 1, callerHang, '1')
	if err != nil {
		return cdr{}, errors.Join(err, agent.kill())
	}
	if err = errors.Join(caller.wait(40*time.Second), agent.wait(40*time.Second)); err != nil {
		return cdr{}, err
	}
	if err = errors.Join(
		l.callersHeard(1, 2*time.Second),
		l.agentsHeard(1, 2*time.Second),
	); err != nil {
		return cdr{}, err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return c, err
	}
	return c, errors.Join(c.check(), l.expect(ctx, "1001", "ready"))
}

// check is for the call of one.
func (c cdr) check() error {
	if c.From != "+86"+gold || c.Tier != "gold" || c.Agent != "1001" || !c.Answered || c.TalkMS < 2000 {
		return fmt.Errorf("record %+v", c)
	}
	for _, s := range c.Path {
		if s.Key == "1" {
			return nil
		}
	}
	return fmt.Errorf("the record does not know the key: %+v", c.Path)
}

func agentHangsUp(ctx context.Context, l *lab) error {
	_, err := l.one(ctx, 4*time.Second, 0)
	return err
}

func callerHangsUp(ctx context.Context, l *lab) error {
	c, err := l.one(ctx, 0, 7*time.Second)
	if err == nil && c.EndedBy != "caller" {
		err = fmt.Errorf("recorded as ended by %s", c.EndedBy)
	}
	return err
}

func abandon(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	port := l.port()
	if err = errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return err
	}
	agent, err := l.ringer(ctx, port)
	if err != nil {
		return err
	}
	caller, err := l.call(ctx, []string{gold}, 1, 3500*time.Millisecond, '1')
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	// The ringer's scenario ends well only if its call was taken back.
	if err = errors.Join(caller.wait(20*time.Second), agent.wait(20*time.Second)); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	if !c.Abandoned || c.Answered || c.EndedBy != "caller" {
		return fmt.Errorf("record %+v", c)
	}
	return l.expect(ctx, "1001", "ready")
}

func noAnswer(ctx context.Context, l *lab) error {
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	deaf, awake := l.port(), l.port()
	if err = errors.Join(l.register(ctx, deaf, "1001"), l.register(ctx, awake, "1004"),
		l.onDuty(ctx, "1001", "1004")); err != nil {
		return err
	}
	l.tap.reset()
	ringer, err := l.ringer(ctx, deaf)
	if err != nil {
		return err
	}
	agent, err := l.phone(ctx, awake, 1, 200*time.Millisecond, 3*time.Second)
	if err != nil {
		return errors.Join(err, ringer.kill())
	}
	caller, err := l.call(ctx, []string{standard}, 1, 0, '1')
	if err != nil {
		return errors.Join(err, ringer.kill(), agent.kill())
	}
	if err = errors.Join(caller.wait(40*time.Second), ringer.wait(time.Second), agent.wait(time.Second)); err != nil {
		return err
	}
	c, err := l.record(ctx, before+1)
	if err != nil {
		return err
	}
	var story strings.Builder
	for _, s := range c.Segments {
		story.WriteString(s.Kind + " " + s.Agent + "; ")
	}
	// One wait: whoever loses his place waits twice.
	if !strings.Contains(story.String(), "queue ; offer 1001; offer 1004; talk 1004;") {
		return fmt.Errorf("record: %s", story.String())
	}
	return errors.Join(l.expect(ctx, "1001", "not_ready"),
		l.callersHeard(1, time.Second))
}

func hundred(ctx context.Context, l *lab) error {
	const n = 100
	before, err := l.count(ctx)
	if err != nil {
		return err
	}
	port := l.port()
	var ids []string
	for i := range 12 {
		ids = append(ids, strconv.Itoa(1001+i))
	}
	if err = errors.Join(l.register(ctx, port, ids...), l.onDuty(ctx, ids...)); err != nil {
		return err
	}
	l.tap.reset()
	agents, err := l.phone(ctx, port, n, 100*time.Millisecond, 2500*time.Millisecond)
	if err != nil {
		return err
	}
	var numbers []string
	for i := range n { // nobody knows them: they are asked for the language, then for what
		numbers = append(numbers, fmt.Sprintf("139%08d", 5000+i))
	}
	callers, err := l.call(ctx, numbers, 10, 0, '1', '1')
	if err != nil {
		return errors.Join(err, agents.kill())
	}
	if err = errors.Join(callers.wait(120*time.Second), agents.wait(10*time.Second)); err != nil {
		return err
	}
	if err = errors.Join(
		l.callersHeard(n, time.Second),
		l.agentsHeard(n, time.Second),
	); err != nil {
		return err
	}
	if _, err = l.record(ctx, before+n); err != nil {
		return err
	}
	all, err := l.records(ctx)
	if err != nil {
		return err
	}
	for _, c := range all[:n] {
		if !c.Answered || c.TalkMS < 1000 {
			return fmt.Errorf("record %+v", c)
		}
	}
	return nil
}

func drain(ctx context.Context, l *lab) error {
	port := l.port()
	if err := errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return err
	}
	agent, err := l.phone(ctx, port, 1, 200*time.Millisecond, 6*time.Second)
	if err != nil {
		return err
	}
	caller, err := l.call(ctx, []string{gold}, 1, 0, '1')
	if err != nil {
		return errors.Join(err, agent.kill())
	}
	if err := l.expect(ctx, "1001", "talking"); err != nil {
		return errors.Join(err, agent.kill(), caller.kill())
	}
	if err := l.node.Stop(); err != nil {
		return err
	}
	return errors.Join(caller.wait(time.Second), agent.wait(time.Second))
}

// talking brings a long call about and returns when both sides speak.
func (l *lab) talking(ctx context.Context, d time.Duration) (caller, agent *sipp, err error) {
	port := l.port()
	if err = errors.Join(l.register(ctx, port, "1001"), l.onDuty(ctx, "1001")); err != nil {
		return nil, nil, err
	}
	l.tap.reset()
	if agent, err = l.phone(ctx, port, 1, 200*time.Millisecond, d); err != nil {
		return nil, nil, err
	}
	if caller, err = l.call(ctx, []string{gold}, 1, 0, '1'); err != nil {
		return nil, nil, errors.Join(err, agent.kill())
	}
	err = bed.Eventually(10*time.Second, func() error {
		return l.callersHeard(1, 500*time.Millisecond)
	})
	return caller, agent, err
}
