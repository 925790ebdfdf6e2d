package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"tierline/.ci/bed"
)

// badMedia is 52 to 55: what comes to RTP ports.
func badMedia(ctx context.Context, l *lab) error {
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(l.callerIP)})
	if err != nil {
		return fmt.Errorf("open media socket: %w", err)
	}
	defer func() { _ = media.Close() }()
	at, err := net.ResolveUDPAddr("udp4", media.LocalAddr().String())
	if err != nil {
		return fmt.Errorf("name media socket: %w", err)
	}
	d, err := l.openDialog(keyNumber, func(d *draft) { d.body = bed.SDP(l.callerIP, at.Port) })
	if err != nil {
		return err
	}
	defer d.close()
	m := &mouth{conn: media, to: &net.UDPAddr{IP: net.ParseIP(l.switchIP), Port: d.answer.MediaPort()}}
	for range 5 {
		m.say(8, make([]byte, 160))
	}
	m.flood()
	return errors.Join(
		l.counts(ctx, `tierline_media_dropped_total{reason="malformed"}`, len(badRTP())+len(badRTCP()), func() {
			for _, b := range badRTP() {
				m.throw(b, 0)
			}
			for _, b := range badRTCP() {
				m.throw(b, 1)
			}
		}),
		m.strangers(ctx, l),
		m.keys(ctx, l),
		l.counts(ctx, "tierline_media_faults_total", 0, func() {}),
		d.within(d.prober, "BYE", "200", nothing),
	)
}

// counts checks by how much a metric grows.
func (l *lab) counts(ctx context.Context, metric string, by int, what func()) error {
	before, err := l.node.Metric(ctx, metric)
	if err != nil {
		return err
	}
	what()
	return bed.Eventually(2*time.Second, func() error {
		after, err := l.node.Metric(ctx, metric)
		if err == nil && int(after-before) != by {
			err = fmt.Errorf("%s grew by %v, not %d", metric, after-before, by)
		}
		return err
	})
}

// mouth is a peer's RTP sender.
type mouth struct {
	conn     *net.UDPConn
	to       *net.UDPAddr
	sequence uint16
	stamp    uint32
}

// throw sends bytes to the switch's port, or to one after it.
func (m *mouth) throw(b []byte, after int) {
	to := &net.UDPAddr{IP: m.to.IP, Port: m.to.Port + after}
	_, _ = m.conn.WriteToUDP(b, to) // a lost one shows in the counts
}

// packet makes the next RTP packet.
func (m *mouth) packet(pt byte, stamp uint32, payload []byte) []byte {
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, pt
	m.sequence++
	binary.BigEndian.PutUint16(b[2:], m.sequence)
	binary.BigEndian.PutUint32(b[4:], stamp)
	binary.BigEndian.PutUint32(b[8:], 0x5eed)
	return append(b, payload...)
}

// say sends one packet.
func (m *mouth) say(pt byte, payload []byte) {
	m.stamp += 160
	m.throw(m.packet(pt, m.stamp, payload), 0)
}

// badRTP are packets that lie about themselves.
func badRTP() [][]byte {
	head := []byte{0x80, 8, 0, 9, 0, 0, 0, 9, 0, 0, 0x5e, 0xed}
	with := func(first byte, rest ...byte) []byte {
		b := append([]byte(nil), head...)
		b[0] = first
		return append(b, rest...)
	}
	out := [][]byte{
		with(0x00, 1, 2, 3),                // version 0
		with(0xc0, 1, 2, 3),                // version 3
		with(0x8f, 1, 2, 3),                // fifteen sources, none there
		with(0x90, 0xbe, 0xde, 0xff, 0xff), // an extension of 256 kB
		with(0x90, 0xbe),                   // half an extension
		with(0xa0, 1, 2, 3, 200),           // padding longer than the packet
		with(0xa0, 1, 2, 3, 0),             // padding of nothing
	}
	for n := 1; n < len(head); n++ {
		out = append(out, head[:n])
	}
	return out
}

// badRTCP are reports that lie about their lengths.
func badRTCP() [][]byte {
	return [][]byte{
		{0x80},
		{0x80, 200, 0, 0},                      // a sender's report of nothing
		{0x9f, 201, 0, 1, 0, 0, 0x5e, 0xed},    // 31 blocks, none there
		{0x81, 203, 0xff, 0xff, 0, 0, 0, 1},    // BYE of 256 kB
		{0x9f, 203, 0, 1, 0, 0, 0, 1},          // BYE of 31 sources
		{0x83, 206, 0, 9, 0, 0, 0, 1, 0, 0},    // RPSI cut off
		{0x80, 207, 0xff, 0xff, 0, 0, 0, 1, 9}, // XR of 256 kB
		{0x00, 200, 0, 1, 0, 0, 0, 1},          // version 0
	}
}

// keyFlood is the rest of 55: a thousand keys in a second, each of which ends.
// As many keys as there is room for in an IVR's queue may be taken, and nobody
// is hurt.
func (m *mouth) keyFlood(ctx context.Context, l *lab, event func(code byte, end bool, duration uint16) []byte) error {
	const keys = 1000
	before, err := l.node.Metric(ctx, digitsMetric)
	if err != nil {
		return err
	}
	for i := range keys {
		m.stamp += 800
		m.throw(m.packet(101, m.stamp, event(byte(i%10), true, 400)), 0)
		time.Sleep(time.Millisecond)
	}
	after, err := l.node.Metric(ctx, digitsMetric)
	if err == nil && after-before > keys {
		err = fmt.Errorf("#55: %d events are %v keys", keys, after-before)
	}
	return err
}

// strangers is 54: 200 packets to each of many ports, from somebody else.
func (m *mouth) strangers(ctx context.Context, l *lab) error {
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(l.stranger())})
	if err != nil {
		return fmt.Errorf("open stranger's socket: %w", err)
	}
	defer func() { _ = other.Close() }()
	return l.counts(ctx, `tierline_media_dropped_total{reason="stranger"}`, 200, func() {
		b := m.packet(8, m.stamp, make([]byte, 160))
		for range 200 {
			for port := m.to.Port - 30; port <= m.to.Port+30; port += 2 {
				if port != m.to.Port && port >= l.node.RTPMin {
					_, _ = other.WriteToUDP(b, &net.UDPAddr{IP: m.to.IP, Port: port}) // nobody is there, or another call
				}
			}
			_, _ = other.WriteToUDP(b, m.to) // a lost one shows in the counts
			time.Sleep(time.Millisecond)
		}
	})
}

const digitsMetric = `tierline_digits_total{source="rfc4733"}`

// flood sends five thousand packets a second for a second, a hundred times what
// was agreed, from where they may come. The call beside it must not notice.
func (m *mouth) flood() {
	sound := make([]byte, 160)
	for began := time.Now(); time.Since(began) < time.Second; time.Sleep(time.Millisecond) {
		for range 5 {
			m.say(8, sound)
		}
	}
}

// keys is 55: events that are none, that never end, and that are said again.
func (m *mouth) keys(ctx context.Context, l *lab) error {
	const metric = digitsMetric
	event := func(code byte, end bool, duration uint16) []byte {
		b := []byte{code, 10, byte(duration >> 8), byte(duration)}
		if end {
			b[1] |= 0x80
		}
		return b
	}
	var last [][]byte
	return errors.Join(
		l.counts(ctx, metric, 0, func() { // event 255, however long
			for _, duration := range []uint16{0, 160, 65535} {
				m.say(101, event(255, duration > 160, duration))
			}
		}),
		l.counts(ctx, metric, 1, func() { // a key whose end never comes is one key
			m.stamp += 800
			for i := range 20 {
				b := m.packet(101, m.stamp, event(7, false, uint16(i)*160))
				last = append(last, b)
				m.throw(b, 0)
			}
		}),
		l.counts(ctx, metric, 0, func() { // and all of it again
			for _, b := range last {
				m.throw(b, 0)
			}
		}),
		m.keyFlood(ctx, l, event),
	)
}
