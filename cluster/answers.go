package cluster

import (
	"cmp"
	"fmt"
	"time"

	"tierline/acd"
)

type outcome struct {
	result acd.Result
	index  uint64
	err    error
}

// flight is an event that Raft has, and its answer.
type flight struct {
	item   *item
	future pending
}

// collect takes Raft's answers until flights is closed.
func (p *proposer) collect() {
	for f := range p.flights {
		p.landing.Store(f.item)
		err := f.future.Error()
		p.landing.Store(nil)
		a, _ := f.future.Response().(applied) // nothing if err is set
		if f.item.seq > 0 && err == nil {
			a = p.route.outcome(f.item.seq, a)
		}
		p.settle(f, a, err)
	}
}

func (p *proposer) settle(f flight, a applied, err error) {
	if err == nil && a.fate == fateGap {
		err = errAgain
	}
	if err == nil {
		p.report(f.item, a)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	switch {
	case err != nil && f.item.seq > 0:
		p.count.again.Add(1)
		p.redo = append(p.redo, f.item)
	case f.item.posted():
		p.posted()
	case err != nil:
		f.item.done <- outcome{err: fmt.Errorf("%w: %w", ErrNoQuorum, err)}
	default:
		f.item.done <- outcomeOf(cmp.Or(a.index, f.future.Index()), a)
	}
	p.broken = p.broken || err != nil
	if p.broken && p.flying == 0 {
		p.queue = append(p.redo, p.queue...)
		p.redo, p.broken = nil, false
		nudge(p.wake)
	}
}

// report counts an event that is in the log.
func (p *proposer) report(it *item, a applied) {
	if a.refused != nil {
		p.count.refused.Add(1)
		if it.posted() {
			p.log.Debug("posted event refused", "err", a.refused)
		}
	}
	if p.observe != nil {
		p.observe(time.Since(it.since))
	}
}

// posted takes one posted event off the list.
func (p *proposer) posted() {
	p.posts--
	if p.posts == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

func outcomeOf(index uint64, a applied) outcome {
	o := outcome{result: a.result, index: index}
	switch {
	case a.refused != nil:
		o.err = a.refused
	case a.fate == fateFault:
		o.err = errFault
	case a.fate == fateUnseen:
		o.err = fmt.Errorf("%w: %w", ErrNoQuorum, errUnseen)
	case a.fate == fateOvertaken:
		o.err = fmt.Errorf("%w: another leader has been elected since", ErrNoQuorum)
	case a.fate == fateStale:
		o.err = fmt.Errorf("%w: a newer process of this node has taken over", ErrNoQuorum)
	}
	return o
}
