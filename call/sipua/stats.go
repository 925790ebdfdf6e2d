package sipua

import (
	"strconv"
	"sync/atomic"

	"github.com/emiago/sipgo/sip"
)

// Stats counts since the UA was opened.
type Stats struct {
	In           map[string]uint64 // messages by method, or by status of responses: "INVITE", "200"
	Out          map[string]uint64
	Drops        map[string]uint64 // what was ignored, by reason
	Faults       uint64            // panics that cost one message or one call
	Repeated     uint64            // 2xx we had to send again because the ACK was late
	Legs         int               // early ones included
	Transactions int               // unfinished, of both sides
	Connections  int               // streams
	Streams      map[string]int    // the same by transport, of those that are served
}

// methods are those counted by name; others are one figure.
func methods() [15]sip.RequestMethod {
	return [...]sip.RequestMethod{
		sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.OPTIONS, sip.REGISTER, sip.INFO, sip.UPDATE, sip.PRACK,
		sip.REFER, sip.NOTIFY, sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH, "other",
	}
}

type dropReason int

// Why a message was ignored.
const (
	dropNotSIP dropReason = iota
	dropBroken
	dropStranger
	dropStray
	dropUnsafe
	dropOverload
	dropSend
	dropHandshake
	dropHushed
	dropReasons
)

func (d dropReason) String() string {
	return [...]string{
		"not_sip", "broken", "stranger", "stray", "unsafe", "overload", "send_failed", "handshake", "hushed",
	}[d]
}

type counters struct {
	requests  [2][15]atomic.Uint64 // by direction, then as methods()
	responses [2][700]atomic.Uint64
	drops     [dropReasons]atomic.Uint64
	faults    atomic.Uint64
	repeated  atomic.Uint64
}

const (
	inward = iota
	outward
)

func (c *counters) count(direction int, m sip.Message) {
	switch m := m.(type) {
	case *sip.Request:
		all := methods()
		for i, name := range all {
			if m.Method == name || i == len(all)-1 {
				c.requests[direction][i].Add(1)
				return
			}
		}
	case *sip.Response:
		if m.StatusCode >= 0 && m.StatusCode < 700 {
			c.responses[direction][m.StatusCode].Add(1)
		}
	}
}

func (c *counters) drop(why dropReason) { c.drops[why].Add(1) }

func (c *counters) messages(direction int) map[string]uint64 {
	out := map[string]uint64{}
	for i, name := range methods() {
		if n := c.requests[direction][i].Load(); n > 0 {
			out[string(name)] = n
		}
	}
	for i := range c.responses[direction] {
		if n := c.responses[direction][i].Load(); n > 0 {
			out[strconv.Itoa(i)] = n
		}
	}
	return out
}

// Stats returns the figures so far.
func (u *UA) Stats() Stats {
	s := Stats{
		In: u.counters.messages(inward), Out: u.counters.messages(outward), Drops: map[string]uint64{},
		Faults: u.counters.faults.Load(), Repeated: u.counters.repeated.Load(),
	}
	for i := range u.counters.drops {
		if n := u.counters.drops[i].Load(); n > 0 {
			s.Drops[dropReason(i).String()] = n
		}
	}
	s.Legs, s.Transactions = u.table.sizes()
	s.Streams = u.streams.sizes()
	for _, ep := range u.endpoints() {
		if ep.network != UDP {
			s.Streams[ep.network] += 0
		}
	}
	for _, n := range s.Streams {
		s.Connections += n
	}
	return s
}
