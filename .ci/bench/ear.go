package main

import (
	"encoding/binary"
	"time"
)

// listened is what callers heard of prompts. Each prompt of the measurement is
// one A-law code over and over, so that a packet tells whose it is.
type listened struct {
	silences  []time.Duration // from the end of a prompt to the next one, one for each change
	reactions []time.Duration // from a key to the prompt it leads to
	stalls    []time.Duration // between packets of one prompt, beyond 20 ms
}

// ear is one caller's.
type ear struct {
	prompt  byte
	at      uint64 // ns, of the last packet
	idle    time.Duration
	pressed uint64 // ns; 0: not waiting
}

const frame = 20 * time.Millisecond

// hear takes a packet of a prompt.
func (s *side) hear(p []byte, from uint16, now uint64) {
	if len(p) <= 12 || p[1]&0x7f != 8 {
		return
	}
	payload := p[12:]
	e := s.ear(from)
	gap := max(time.Duration(now-e.at)-frame, 0)
	switch prompt := payload[0]; {
	case e.prompt == 0:
	case prompt == e.prompt:
		s.got.stalls = append(s.got.stalls, gap)
	default:
		s.got.silences = append(s.got.silences, gap+e.idle)
		if e.pressed != 0 {
			s.got.reactions = append(s.got.reactions, time.Duration(now-e.pressed))
			e.pressed = 0
		}
	}
	n := len(payload)
	for n > 1 && payload[n-1] == idleA {
		n--
	}
	e.prompt, e.at, e.idle = payload[n-1], now, time.Duration(len(payload)-n)*time.Second/8000
}

func (s *side) ear(port uint16) *ear {
	e := s.ears[port]
	if e == nil {
		e = &ear{}
		s.ears[port] = e
	}
	return e
}

// A key of 100 ms: five packets that grow, and the end twice more.
const (
	keyPackets = 7
	keyGrows   = 5
)

// event writes the next packet of the key over one of sound.
func (st *stream) event(p *[2048]byte) {
	sent := keyPackets - st.left
	if sent == 0 {
		st.began = st.seq * 160
	}
	st.left--
	p[1] = 101
	if sent == 0 {
		p[1] |= 0x80
	}
	binary.BigEndian.PutUint32(p[4:], st.began)
	p[12], p[13] = st.key, 10
	if sent >= keyGrows-1 {
		p[13] |= 0x80
	}
	binary.BigEndian.PutUint16(p[14:], uint16(160*min(sent+1, keyGrows)))
}

// press lets a stream press a key from its next packet on.
func (g *generator) press(s *side, st *stream, key byte) {
	s.recorded.Lock()
	s.ear(st.to.Port).pressed = uint64(time.Now().UnixNano())
	s.recorded.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.left == 0 {
		st.key, st.left = key, keyPackets
		g.pressed.Add(1)
	}
}
