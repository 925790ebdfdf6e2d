package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tierline/.ci/bed"
)

// conferred has two calls on the node that is killed: a conference, and one that
// an agent made.
func (n *mortal) conferred(ctx context.Context, l *lab) error {
	err := n.whole(ctx, l)
	if err == nil {
		err = n.call(ctx, l)
	}
	if err == nil {
		err = n.does(ctx, l, hearing{
			"caller": "1001+1003", "1001": "1003+caller", "1003": "1001+caller",
		}, "1001 conference --agent 1003")
	}
	if err != nil {
		return err
	}
	far, err := n.outside(ctx, l, 0)
	if err != nil {
		return err
	}
	err = n.phones[boss].press(ctx, "dial", "sip:057187651000@"+l.node.Address())
	if err == nil {
		err = n.survives(l, hearing{
			"caller": "1001+1003", "1001": "1003+caller", "1003": "1001+caller", boss: "far", "far": boss,
		})
	}
	if err == nil {
		err = n.does(ctx, l, hearing{
			"caller": "1001", "1001": "caller", boss: "far", "far": boss,
		}, "1001 drop 1003")
	}
	if err == nil {
		err = n.phones[boss].hangup(ctx)
	}
	if err == nil {
		err = errors.Join(far.wait(5*time.Second), l.expect(ctx, boss, "ready"), n.over(ctx, l, "1001"))
	} else {
		return errors.Join(err, far.kill())
	}
	delete(n.ears.ports, "far")
	if err == nil {
		err = n.oneRecord(ctx, l, "talk 1001; offer 1003; member 1003; ivr ; ")
	}
	if err == nil {
		err = n.again(ctx, l)
	}
	return err
}

func (n *mortal) overheard(ctx context.Context, l *lab) error {
	err := n.whole(ctx, l)
	if err == nil {
		err = n.call(ctx, l)
	}
	if err == nil {
		err = n.supervises(ctx, l, inMode("whisper"), "1001", "whisper")
	}
	if err == nil {
		err = n.survives(l, inMode("whisper"))
	}
	if err == nil {
		err = n.supervises(ctx, l, inMode("listen"), "listen")
	}
	if err == nil {
		err = n.over(ctx, l, "1001")
	}
	if err == nil {
		err = n.oneRecord(ctx, l, "talk 1001; offer "+boss+"; supervision "+boss+"; supervision "+boss+"; ivr ; ")
	}
	if err == nil {
		err = n.again(ctx, l)
	}
	return err
}

// What a caller says until the node is dead for sure, even on a slow machine,
// and after that.
const (
	untilHz = 20 * time.Second
	afterHz = 1200.0
)

// encrypted has two phones, one of which takes no new keys and lives on its
// connection: baresip. That they hear their callers after the kill is told by
// another tone, since the tap can't look into it.
func (n *mortal) encrypted(ctx context.Context, l *lab) error {
	if err := n.whole(ctx, l); err != nil {
		return err
	}
	linphone, err := l.linphone(ctx, sealedAgent, "udp", "srtp")
	if err != nil {
		return err
	}
	baresip, err := l.baresip(ctx, handset{id: tlsAgent, by: "tls", account: ";mediaenc=srtp-mand", modules: "srtp"})
	if err != nil {
		return errors.Join(err, linphone.stop())
	}
	if err = n.encryptedCalls(ctx, l, linphone, baresip); err != nil {
		return errors.Join(err, linphone.stop(), baresip.stop())
	}
	for _, p := range []softphone{linphone, baresip} {
		if err = p.stop(); err != nil {
			return err
		}
		heard, err := p.heard(afterHz)
		if err == nil && heard < 2*time.Second {
			err = fmt.Errorf("a phone (%T) heard the caller for %s after the kill", p, heard)
		}
		if err != nil {
			return err
		}
	}
	return n.again(ctx, l)
}

func (n *mortal) encryptedCalls(ctx context.Context, l *lab, phones ...softphone) error {
	defer delete(n.ears.ports, "second")
	err := errors.Join(l.registered(ctx, sealedAgent), l.registered(ctx, tlsAgent))
	if err == nil {
		err = l.onDuty(ctx, sealedAgent, tlsAgent)
	}
	began, all := time.Now(), hearing{"caller": "1001", "second": "1001"} // the phones speak at that one's frequency
	sound := []part{hum(callerHz, untilHz), hum(afterHz, time.Minute)}
	if err == nil {
		err = n.calls(ctx, l, sound...)
	}
	if err != nil {
		return err
	}
	second, err := n.callsTo(ctx, l, controlNumber, "second", sound...)
	if err == nil {
		err = n.survives(l, all)
	}
	if now := time.Since(began); err == nil && now > untilHz {
		err = fmt.Errorf("all that took %s: the callers say already what they should say after it", now)
	}
	if err != nil {
		return err
	}
	time.Sleep(time.Until(began.Add(untilHz + 7*time.Second)))
	for _, p := range phones {
		err = errors.Join(err, p.hangup(ctx))
	}
	return errors.Join(err, n.caller.wait(10*time.Second), second.wait(10*time.Second))
}

// unanswered has a caller who hears us and isn't answered, and an agent who calls
// a customer. Whose phone rings is stopped, and rings anew.
func (n *mortal) unanswered(ctx context.Context, l *lab) error {
	err := n.whole(ctx, l)
	if err == nil {
		err = errors.Join(l.onDuty(ctx), l.command(ctx, boss, "ready"))
	}
	if err != nil {
		return err
	}
	customer, err := startSipp(ctx, l.work, peer{
		scenario: "ring", ip: l.callerIP, port: outwardPort, mediaPort: l.media(agentPort), number: "customer", calls: 2,
	})
	if err != nil {
		return err
	}
	err = n.phones[boss].press(ctx, "dial", "sip:057187651000@"+l.node.Address())
	if err == nil {
		err = l.expect(ctx, boss, "talking")
	}
	if err == nil {
		n.caller, err = n.callsTo(ctx, l, unansweredNumber, "caller", hum(callerHz, 90*time.Second))
	}
	if err == nil {
		err = n.survives(l, hearing{"caller": "music"})
	}
	if err == nil { // now he is answered
		err = l.command(ctx, "1001", "ready")
	}
	if err == nil {
		err = n.ears.expect(hearing{"caller": "1001", "1001": "caller"})
	}
	if err == nil {
		err = n.phones[boss].hangup(ctx)
	}
	if err != nil {
		return errors.Join(err, customer.kill())
	}
	if err = customer.wait(10 * time.Second); err != nil {
		return fmt.Errorf("the customer's phone didn't ring twice, or rang on: %w", err)
	}
	if err = errors.Join(l.expect(ctx, boss, "ready"), n.over(ctx, l, "1001")); err != nil {
		return err
	}
	if err = n.oneRecord(ctx, l, "talk 1001; ivr ; "); err != nil {
		return err
	}
	return n.again(ctx, l)
}

func (n *mortal) browsed(ctx context.Context, l *lab) (err error) {
	const id = "1002"
	if err = n.whole(ctx, l); err != nil {
		return err
	}
	b, err := l.browser(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	err = errors.Join(b.registered(ctx, l, id), l.onDuty(ctx, id), n.calls(ctx, l, hum(callerHz, time.Minute)))
	if err == nil {
		err = n.ears.expect(hearing{"caller": "1001"}) // they speak at one frequency
	}
	if err == nil {
		err = n.kill(l)
	}
	if err == nil {
		err = bed.Eventually(15*time.Second, func() error {
			if failed := b.run("phone.heard = {}, 0", nil); failed != nil {
				return failed
			}
			failed := n.ears.expect(hearing{"caller": "1001"})
			return errors.Join(failed, b.hears(callerHz, 800))
		})
	}
	if err == nil {
		err = b.run("phone.session.terminate()", nil)
	}
	if err != nil {
		s, _ := b.seen()
		return fmt.Errorf("%w (page: %+v)", err, s)
	}
	return errors.Join(n.caller.wait(10*time.Second), l.expect(ctx, id, "ready"))
}
