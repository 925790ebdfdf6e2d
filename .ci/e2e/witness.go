package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tierline/.ci/bed"
)

// witness is a call that goes on beside the steps of a lane and must not notice
// any of them. To bring one about takes longer than most steps.
type witness struct {
	caller, agent *sipp
	began         time.Time // of the talk
}

// Times of a witness.
const (
	witnessTalk  = 34 * time.Second
	witnessSlack = 1500 * time.Millisecond // of what must have been heard so far
)

func (w *witness) left() time.Duration { return witnessTalk - time.Since(w.began) }

// beside runs something next to a call that must not notice it, and bounds
// what it may cost: the memory that the switch has taken meanwhile. need is how
// long it takes, well meant.
func (l *lab) beside(ctx context.Context, need time.Duration, most int64, something func() error) error {
	if err := l.witnessFor(ctx, need); err != nil {
		return err
	}
	before, err := l.node.Memory()
	if err != nil {
		return err
	}
	failed := errors.Join(something(), l.open(ctx))
	if l.witness.left() < 0 {
		failed = errors.Join(failed, errors.New("it took longer than the call beside it"))
	}
	if !l.node.Running() {
		return errors.Join(failed, fmt.Errorf("the switch died:\n%s", l.node.Tail(40)))
	}
	after, err := l.node.Memory()
	if err == nil && after > before+most {
		err = fmt.Errorf("the switch grew by %d MB", (after-before)>>20)
	}
	faults, asked := l.node.Metric(ctx, "tierline_sip_faults_total")
	if asked == nil && faults > 0 {
		err = errors.Join(err, fmt.Errorf("%v messages made the switch panic", faults))
	}
	return errors.Join(failed, err, asked, l.undisturbed())
}

// witnessFor makes sure that the call lasts long enough.
func (l *lab) witnessFor(ctx context.Context, need time.Duration) error {
	if l.witness != nil {
		if l.witness.left() > need {
			return nil
		}
		if err := l.dismiss(); err != nil {
			return err
		}
	}
	caller, agent, err := l.talking(ctx, witnessTalk)
	if err == nil {
		l.witness = &witness{caller, agent, time.Now()}
	}
	return err
}

// open waits until the switch refuses nobody any more for what was late: on a
// machine that others use, a flood may have been too much.
func (l *lab) open(ctx context.Context) error {
	return bed.Eventually(30*time.Second, func() error {
		limited, err := l.node.Metric(ctx, "tierline_admission_limited")
		if err == nil && limited > 0 {
			err = errors.New("new calls are refused")
		}
		return err
	})
}

// undisturbed checks that both sides have heard each other all the time.
func (l *lab) undisturbed() error {
	d := min(time.Since(l.witness.began), witnessTalk) - witnessSlack
	return errors.Join(l.callersHeard(1, d), l.agentsHeard(1, d))
}

// dismiss waits for the end of the call, which must be an ordinary one. The
// caller is not asked how it was.
func (l *lab) dismiss() error {
	w := l.witness
	l.witness = nil
	return errors.Join(w.agent.wait(max(0, w.left())+5*time.Second), w.caller.kill())
}

// survived ends the call beside all that, and makes another.
func survived(_ context.Context, l *lab) error {
	if l.witness != nil {
		if err := errors.Join(l.undisturbed(), l.dismiss()); err != nil {
			return err
		}
	}
	return bed.Eventually(5*time.Second, func() error {
		d, err := l.openDialog(keyNumber, nothing)
		if err != nil {
			return err
		}
		defer d.close()
		return d.within(d.prober, "BYE", "200", nothing)
	})
}
