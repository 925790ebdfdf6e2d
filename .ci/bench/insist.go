package main

import (
	"net"
	"time"

	"tierline/.ci/bed"
)

// tally is what became of the calls of a measurement.
type tally struct {
	setups   []time.Duration // from the INVITE to its 200
	refused  int             // 503 with a time to come back
	unkind   int             // refused in any other way
	cut      int             // ended by the switch, not by the agent
	unheard  int             // requests that were never answered
	repeated int             // what had to be sent again
}

func (t *tally) refusal(m bed.Message) {
	if m.Status() == 503 && m.Header("Retry-After") != "" {
		t.refused++
	} else {
		t.unkind++
		progress("refused: %.60q", string(m))
	}
}

// How often what isn't answered is sent (RFC 3261 §17).
const (
	firstRepeat = 500 * time.Millisecond
	mostRepeat  = 4 * time.Second
	mostRepeats = 8
)

// ask sends what wants an answer. mu is held.
func (p *peers) ask(c *net.UDPConn, l *leg, text string) {
	l.heard = false
	p.sendTo(c, l.at, text)
	if p.insist {
		p.repeat(c, l, text, firstRepeat, mostRepeats)
	}
}

// repeat repeats it until it is heard or something else was asked.
func (p *peers) repeat(c *net.UDPConn, l *leg, text string, after time.Duration, left int) {
	l.sent++
	mine := l.sent
	time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case l.heard || l.sent != mine:
		case left == 0:
			p.tally.unheard++
		default:
			p.tally.repeated++
			p.sendTo(c, l.at, text)
			p.repeat(c, l, text, min(2*after, mostRepeat), left-1)
		}
	})
}
