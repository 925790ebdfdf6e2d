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

// encrypted has a phone that takes new keys: linphone. That it hears the caller
// after the kill is told by another tone, since the tap can't look into it.
func (n *mortal) encrypted(ctx context.Context, l *lab) error {
	if err := n.whole(ctx, l); err != nil {
		return err
	}
	p, err := l.linphone(ctx, sealedAgent, "udp", "srtp")
	if err != nil {
		return err
	}
	err = errors.Join(l.registered(ctx, sealedAgent), l.onDuty(ctx, sealedAgent))
	began, both := time.Now(), hearing{"caller": "1001"} // the phone speaks at that one's frequency
	if err == nil {
		err = n.calls(ctx, l, hum(callerHz, untilHz), hum(afterHz, time.Minute))
	}
	if err == nil {
		err = n.survives(l, both)
	}
	if now := time.Since(began); err == nil && now > untilHz {
		err = fmt.Errorf("all that took %s: the caller says already what he should say after it", now)
	}
	if err != nil {
		return errors.Join(err, p.stop())
	}
	time.Sleep(time.Until(began.Add(untilHz + 7*time.Second)))
	if err = errors.Join(p.hangup(ctx), n.caller.wait(5*time.Second), p.stop()); err != nil {
		return err
	}
	heard, err := p.heard(afterHz)
	if err == nil && heard < 2*time.Second {
		err = fmt.Errorf("the phone heard the caller for %s after the kill", heard)
	}
	if err == nil {
		err = n.again(ctx, l)
	}
	return err
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
