package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"time"

	"tierline/media/g711"
	"tierline/media/tone"
)

// part is a stretch of what a sipp peer sends: tones (none: silence) or a
// digit.
type part struct {
	hz    []float64
	digit byte
	d     time.Duration
	nth   int // each so many packets one is lost; 0: none
}

func silence(d time.Duration) part         { return part{d: d} }
func hum(hz float64, d time.Duration) part { return part{hz: []float64{hz}, d: d} }

// tones is a digit as a telephone without RFC 4733 sends it.
func tones(digit byte) part {
	i := strings.IndexByte("123A456B789C*0#D", digit)
	low, high := []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}
	return part{hz: []float64{low[i/4], high[i%4]}, d: 80 * time.Millisecond}
}

func press(digit byte) part { return part{digit: digit, d: 160 * time.Millisecond} }

const (
	samples = 160 // in 20 ms
	eventPT = 101
	pcma    = 8
)

// capture builds a pcap file of RTP packets; sipp plays it with addresses of
// its own.
type capture struct {
	out       []byte
	at        time.Duration
	seq       uint16
	timestamp uint32
}

// writePcap writes the parts as one capture file.
func writePcap(file string, parts ...part) error {
	c := &capture{}
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = binary.LittleEndian.AppendUint32(head, 65535)
	c.out = binary.LittleEndian.AppendUint32(head, 1) // Ethernet
	for _, p := range parts {
		if p.digit != 0 {
			c.event(p)
		} else {
			c.audio(p)
		}
	}
	if err := os.WriteFile(file, c.out, 0o600); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

func (c *capture) audio(p part) {
	pcm := tone.Make(p.d, -12, p.hz...)
	for ; len(pcm) >= samples; pcm = pcm[samples:] {
		payload := make([]byte, samples)
		for i, s := range pcm[:samples] {
			payload[i] = g711.EncodeA(s)
		}
		if p.nth > 0 && int(c.seq)%p.nth == p.nth-1 {
			c.seq++
		} else {
			c.packet(pcma, c.timestamp, c.seq == 0, payload)
		}
		c.step()
	}
}

// event is a digit by RFC 4733: one timestamp, a growing length, the end three
// times.
func (c *capture) event(p part) {
	code := byte(strings.IndexByte("0123456789*#ABCD", p.digit))
	start, n := c.timestamp, int(p.d/(20*time.Millisecond))
	for i := range n {
		length := uint16((i + 1) * samples)
		c.packet(eventPT, start, i == 0, binary.BigEndian.AppendUint16([]byte{code, 10}, length))
		c.step()
	}
	for range 3 {
		c.packet(eventPT, start, false, binary.BigEndian.AppendUint16([]byte{code, 0x80 | 10}, uint16(n*samples)))
	}
}

func (c *capture) step() {
	c.at += 20 * time.Millisecond
	c.timestamp += samples
}

func (c *capture) packet(pt byte, timestamp uint32, marker bool, payload []byte) {
	rtp := []byte{0x80, pt}
	if marker {
		rtp[1] |= 0x80
	}
	rtp = binary.BigEndian.AppendUint16(rtp, c.seq)
	rtp = binary.BigEndian.AppendUint32(rtp, timestamp)
	rtp = binary.BigEndian.AppendUint32(rtp, 0x74657374)
	rtp = append(rtp, payload...)
	c.seq++

	frame := append(make([]byte, 12), 0x08, 0x00) // Ethernet without addresses, IPv4
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1}
	binary.BigEndian.PutUint16(ip[2:], uint16(28+len(rtp)))
	udp := binary.BigEndian.AppendUint16(nil, 6000)
	udp = binary.BigEndian.AppendUint16(udp, 6000)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(rtp)))
	udp = append(udp, 0, 0)
	frame = append(append(append(frame, ip...), udp...), rtp...)

	c.out = binary.LittleEndian.AppendUint32(c.out, uint32(c.at/time.Second))
	c.out = binary.LittleEndian.AppendUint32(c.out, uint32(c.at%time.Second/time.Microsecond))
	c.out = binary.LittleEndian.AppendUint32(c.out, uint32(len(frame)))
	c.out = binary.LittleEndian.AppendUint32(c.out, uint32(len(frame)))
	c.out = append(c.out, frame...)
}
