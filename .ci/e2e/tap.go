package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tierline/media/g711"
	"tierline/media/tone"
)

// tap listens to the loopback interface, because sipp cannot tell what it
// heard. It keeps a tone detector for each RTP flow from the switch.
type tap struct {
	fd   int
	from [4]byte // the switch's address
	hz   []float64

	mu    sync.Mutex
	flows map[flow]*heard
	opus  map[flow]int // packets
	keys  map[flow]string
	sip   func(payload []byte)
	done  chan struct{}
}

// flow is the ports of one direction of a call's media.
type flow struct{ src, dst uint16 }

type heard struct {
	tones   *tone.Detector
	packets int
	loud    int // of them
	first   time.Time
	last    time.Time
}

// openTap needs the privilege to capture packets.
func openTap(ip string, hz ...float64) (*tap, error) {
	const ipv4 = 0x0800
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(htons(ipv4)))
	if err != nil {
		return nil, fmt.Errorf("open packet socket (needs root or CAP_NET_RAW): %w", err)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find loopback: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(ipv4), Ifindex: lo.Index}); err != nil {
		return nil, fmt.Errorf("listen to loopback: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20) // a smaller buffer only loses packets
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
		return nil, fmt.Errorf("listen to loopback: %w", err)
	}
	t := &tap{
		fd: fd, hz: hz, flows: map[flow]*heard{}, opus: map[flow]int{}, keys: map[flow]string{}, done: make(chan struct{}),
	}
	copy(t.from[:], net.ParseIP(ip).To4())
	go t.run()
	return t, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func (t *tap) run() {
	defer close(t.done)
	buf := make([]byte, 65536)
	for {
		n, from, err := unix.Recvfrom(t.fd, buf, 0)
		if errors.Is(err, unix.EBADF) {
			return
		}
		if l, ok := from.(*unix.SockaddrLinklayer); err != nil || !ok || l.Pkttype == unix.PACKET_OUTGOING {
			continue // loopback shows everything twice
		}
		t.packet(buf[:n], time.Now())
	}
}

func (t *tap) close() {
	_ = unix.Shutdown(t.fd, unix.SHUT_RDWR) // a packet socket may not know it; the time-out wakes the reader
	_ = unix.Close(t.fd)
	<-t.done
}

func (t *tap) packet(ip []byte, now time.Time) {
	if len(ip) < 28 || ip[0]>>4 != 4 || ip[9] != unix.IPPROTO_UDP || [4]byte(ip[12:16]) != t.from {
		return
	}
	udp := ip[4*int(ip[0]&15):]
	if len(udp) < 20 {
		return
	}
	src, dst, payload := binary.BigEndian.Uint16(udp), binary.BigEndian.Uint16(udp[2:]), udp[8:]
	t.mu.Lock()
	defer t.mu.Unlock()
	if payload[0] < 0x80 { // text: SIP
		if t.sip != nil {
			t.sip(payload)
		}
		return
	}
	if payload[0]>>6 == 2 {
		t.rtp(flow{src, dst}, payload, now)
	}
}

// rtp takes a packet of one direction. mu is held.
func (t *tap) rtp(f flow, payload []byte, now time.Time) {
	switch kind := payload[1] & 0x7f; {
	case kind == opusType:
		t.opus[f]++
	case kind == eventPT && len(payload) >= 16:
		t.keys[f] += string("0123456789*#ABCD"[payload[12]&15])
	case kind == pcma:
		t.sound(f, payload, now)
	}
}

// sound listens to A-law. mu is held.
func (t *tap) sound(f flow, payload []byte, now time.Time) {
	h := t.flows[f]
	if h == nil {
		h = &heard{tones: tone.NewDetector(t.hz...), first: now}
		t.flows[f] = h
	}
	h.packets++
	h.last = now
	audio := payload[min(len(payload), 12+4*int(payload[0]&15)):]
	pcm := make([]int16, len(audio))
	for i, b := range audio {
		pcm[i] = g711.DecodeA(b)
	}
	if len(pcm) > 0 && slices.Max(pcm) > 300 {
		h.loud++
	}
	h.tones.Feed(pcm)
}

// onSIP passes on what the switch sends as SIP from now on.
func (t *tap) onSIP(f func(payload []byte)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sip = f
}

// reset forgets all flows.
func (t *tap) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.flows)
	clear(t.opus)
	clear(t.keys)
}

// keysTo returns the keys of all telephone events to the ports, once for each
// packet.
func (t *tap) keysTo(lo, hi uint16) (out string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f, keys := range t.keys {
		if f.dst >= lo && f.dst <= hi {
			out += keys
		}
	}
	return out
}

// opusType is the payload type of Opus in what the switch offers.
const opusType = 111

// opusTo returns the numbers of packets of Opus in each flow to the ports.
func (t *tap) opusTo(lo, hi uint16) (out []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f, n := range t.opus {
		if f.dst >= lo && f.dst <= hi {
			out = append(out, n)
		}
	}
	return out
}

// toPort returns, for each flow to the ports, how long it had a frequency. Only
// who had it for half a second without a gap counts all of it: music and speech
// have a bit of everything.
func (t *tap) toPort(lo, hi uint16, hz float64) []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []time.Duration
	for f, h := range t.flows {
		if f.dst < lo || f.dst > hi {
			continue
		}
		for _, got := range h.tones.Heard() {
			switch {
			case got.Hz != hz:
			case got.Longest >= 500*time.Millisecond:
				out = append(out, got.Duration)
			default:
				out = append(out, got.Longest)
			}
		}
	}
	slices.Sort(out)
	return out
}
