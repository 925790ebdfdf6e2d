package trace

import (
	"encoding/json"
	"net/netip"
	"time"

	"tierline/acd"
	"tierline/media/emodel"
)

// Sighting is a SIP message as a socket took or gave it.
type Sighting struct {
	At            time.Time
	Out           bool
	Transport     string
	Local, Remote netip.AddrPort
	CallID        string
	Call          bool   // it belongs to a call or wants to be one; otherwise the collector only gets it
	From, To      string // users of the headers
	Text          []byte // is copied
}

// SIP keeps a message.
func (s *Store) SIP(m Sighting) {
	if s == nil {
		return
	}
	msg := &Message{
		Out: m.Out, Transport: m.Transport, Local: m.Local, Remote: m.Remote, Text: Clean(m.Text),
	}
	s.c.Collector.message(m.At, m.CallID, msg)
	if !m.Call || m.CallID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.legs[m.CallID]
	if r == nil {
		r = &record{from: m.From, to: m.To, began: m.At, legs: []Leg{{CallID: m.CallID}}}
		s.legs[m.CallID] = r
		s.enter(r, s.loose)
	}
	s.add(r, Entry{At: m.At, Kind: KindSIP, Leg: r.leg(m.CallID), SIP: msg})
}

// of finds a call that entries may be put into.
func (s *Store) of(call string, put func(r *record)) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.calls[call]; r != nil {
		put(r)
	}
}

// RTP keeps how the sound of a leg went. total counts from the leg's beginning.
func (s *Store) RTP(call, callID string, total Sound) {
	s.of(call, func(r *record) {
		leg := r.leg(callID)
		said := total
		if !total.Final {
			said = total.since(r.toldOf(leg))
		}
		r.tell(leg, total)
		now := s.c.Now()
		s.c.Collector.sound(now, callID, &total)
		s.add(r, Entry{At: now, Kind: KindRTP, Leg: leg, RTP: &said})
	})
}

// toldOf is what was told of a leg before.
func (r *record) toldOf(leg int) Sound {
	if leg < 0 || leg >= len(r.last) {
		return Sound{}
	}
	return r.last[leg]
}

func (r *record) tell(leg int, total Sound) {
	if leg < 0 { // somebody else's
		return
	}
	for len(r.last) <= leg {
		r.last = append(r.last, Sound{})
	}
	r.last[leg] = total
}

// since is what came after an earlier report, with a score of its own.
func (t *Sound) since(before Sound) Sound {
	out := *t
	out.Sent, out.Received = less(t.Sent, before.Sent), less(t.Received, before.Received)
	out.Lost, out.Late = less(t.Lost, before.Lost), less(t.Late, before.Late)
	out.RemoteLost = max(0, t.RemoteLost-before.RemoteLost)
	stretch := emodel.Stream{
		Expected: out.Received + out.Lost, Lost: out.Lost, Jitter: t.Jitter, RoundTrip: t.RoundTrip, Packet: packet,
	}
	out.MOS = stretch.Score()
	if t.RemoteMOS > 0 {
		stretch.Expected, stretch.Lost, stretch.Jitter = out.Sent, uint64(out.RemoteLost), t.RemoteShake
		out.RemoteMOS = stretch.Score()
	}
	return out
}

// packet is the sound in one packet, as a rule.
const packet = 20 * time.Millisecond

func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// Key keeps a key that the caller pressed.
func (s *Store) Key(call, callID string, k Key) {
	s.of(call, func(r *record) {
		s.add(r, Entry{At: s.c.Now(), Kind: KindKey, Leg: r.leg(callID), Key: &k})
	})
}

// Facts keeps what the log says of calls that are known here.
func (s *Store) Facts(facts []acd.Fact) {
	if s == nil {
		return
	}
	for i := range facts {
		f := &facts[i]
		if f.Call == "" || f.Kind == acd.FactAgentState || f.Kind == acd.FactAgentNext {
			continue // an agent's state follows from what the call says of him
		}
		s.of(f.Call, func(r *record) {
			text, err := json.Marshal(f)
			if err != nil { // our own types, made of text and numbers
				return
			}
			s.add(r, Entry{At: s.c.Now(), Kind: KindEvent, Leg: -1, Event: text})
		})
	}
}

// line keeps what a call wrote into the program's log.
func (s *Store) line(call string, at time.Time, l Line) {
	s.of(call, func(r *record) {
		s.add(r, Entry{At: at, Kind: KindLog, Leg: -1, Log: &l})
	})
}
