package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The RTP generator: one socket for all callers and one for all agents. It
// sends each leg of the switch 50 packets a second, spread over the 20 ms, with
// the sender's number, a sequence number and the time inside, and measures loss
// and one-way delay by what arrives on the other side. It sends and receives
// in batches, for it shares two cores with what it measures. When a packet came
// is told by the kernel, so nobody has to be woken for it: on loopback the sender
// pays for that, and the sender is what we measure. (The generator that measured
// the peers does the same.)
const (
	slots   = 20 // of 1 ms
	batch   = 32
	packet  = 172 // 12 of header, 160 of A-law
	magic   = 0x7469_6572
	idleA   = 0xd5
	sockets = 8 << 20 // buffer

	controlSize = 64
)

// stream is what is sent to one leg.
type stream struct {
	to  unix.RawSockaddrInet4
	id  uint32 // its slot is id % slots
	seq uint32

	// A key that is being pressed, in place of sound.
	key   byte
	left  int // packets
	began uint32
}

// arrival is what is known of a stream at the far side.
type arrival struct {
	next uint32
	seen bool
}

// stats is what one measurement saw.
type stats struct {
	sent, received, lost, foreign uint64
	delays                        []time.Duration
	listened
}

func (s stats) percentile(p float64) time.Duration { return percentile(s.delays, p) }

func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(p*float64(len(all))))]
}

// side is one of the two sockets.
type side struct {
	fd   int
	port int

	mu      sync.Mutex
	streams [slots][]*stream

	sent     atomic.Uint64
	recorded sync.Mutex // guards what follows
	arrived  map[uint32]*arrival
	ears     map[uint16]*ear // by the port of the switch's leg
	got      stats
}

// generator is both sides and their threads.
type generator struct {
	callers   *side
	agents    *side
	next      atomic.Uint32
	pressed   atomic.Int64
	measuring atomic.Bool
	stop      atomic.Bool
	wg        sync.WaitGroup
}

func newGenerator(ip netip.Addr) (*generator, error) {
	g := &generator{}
	for _, s := range []**side{&g.callers, &g.agents} {
		opened, err := openSide(ip)
		if err != nil {
			return nil, err
		}
		*s = opened
		g.wg.Go(func() { g.receive(opened) })
	}
	g.wg.Go(g.send)
	return g, nil
}

func openSide(ip netip.Addr) (*side, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open RTP socket: %w", err)
	}
	for _, option := range []int{unix.SO_RCVBUFFORCE, unix.SO_SNDBUFFORCE} {
		// Without the privilege the ordinary limit holds; the loss column tells.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, sockets)
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, fmt.Errorf("set RTP socket: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: ip.As4()}); err != nil {
		return nil, fmt.Errorf("bind RTP socket: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("bind RTP socket: %w", err)
	}
	port := 0
	if in4, ok := name.(*unix.SockaddrInet4); ok {
		port = in4.Port
	}
	return &side{fd: fd, port: port, arrived: map[uint32]*arrival{}, ears: map[uint16]*ear{}}, nil
}

func (g *generator) close() {
	g.stop.Store(true)
	g.wg.Wait()
	for _, s := range []*side{g.callers, g.agents} {
		_ = unix.Close(s.fd) // nothing is left to be flushed
	}
}

// add begins to send to a leg of the switch.
func (g *generator) add(s *side, to netip.AddrPort) *stream {
	st := &stream{id: g.next.Add(1)}
	st.to.Family = unix.AF_INET
	st.to.Addr = to.Addr().As4()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&st.to.Port))[:], to.Port())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st.id%slots] = append(s.streams[st.id%slots], st)
	return st
}

// remove ends a stream.
func (g *generator) remove(s *side, st *stream) {
	if st == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := &s.streams[st.id%slots]
	*slot = slices.DeleteFunc(*slot, func(o *stream) bool { return o == st })
}

// begin starts a measurement, end returns it: callers' side first.
func (g *generator) begin() {
	for _, s := range []*side{g.callers, g.agents} {
		s.recorded.Lock()
		s.got, s.arrived, s.ears = stats{}, map[uint32]*arrival{}, map[uint16]*ear{}
		s.recorded.Unlock()
		s.sent.Store(0)
	}
	g.measuring.Store(true)
}

func (g *generator) end() (callers, agents stats) {
	g.measuring.Store(false)
	out := make([]stats, 0, 2)
	for _, s := range []*side{g.callers, g.agents} {
		s.recorded.Lock()
		got := s.got
		got.sent = s.sent.Load()
		s.recorded.Unlock()
		out = append(out, got)
	}
	return out[0], out[1]
}

// mmsghdr is the kernel's struct of sendmmsg and recvmmsg.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// burst is memory for one batch.
type burst struct {
	msgs  [batch]mmsghdr
	iov   [batch]unix.Iovec
	names [batch]unix.RawSockaddrInet4
	data  [batch][2048]byte
	notes [batch][controlSize]byte // control messages: when a packet came
}

func newBurst() *burst {
	b := &burst{}
	for i := range b.msgs {
		b.iov[i].Base = &b.data[i][0]
		b.iov[i].Len = uint64(len(b.data[i]))
		h := &b.msgs[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Namelen = uint32(unsafe.Sizeof(b.names[i]))
		h.Iov = &b.iov[i]
		h.Iovlen = 1
	}
	return b
}

// ready prepares the burst for receiving.
func (b *burst) ready() {
	for i := range b.msgs {
		h := &b.msgs[i].hdr
		h.Namelen = uint32(unsafe.Sizeof(b.names[i]))
		h.Control = &b.notes[i][0]
		h.SetControllen(controlSize)
	}
}

// came returns when the kernel had packet i, in ns since 1970.
func (b *burst) came(i int) uint64 {
	const header = unix.SizeofCmsghdr
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b.notes[i][0]))
	if b.msgs[i].hdr.Controllen < header || c.Type != unix.SO_TIMESTAMPNS {
		return uint64(time.Now().UnixNano())
	}
	ts := (*unix.Timespec)(unsafe.Pointer(&b.notes[i][header]))
	return uint64(ts.Nano())
}

// send walks the slots, one each millisecond.
func (g *generator) send() {
	runtime.LockOSThread()
	b := newBurst()
	for i := range b.data {
		b.data[i][0], b.data[i][1] = 0x80, 8
		for j := 12; j < packet; j++ {
			b.data[i][j] = idleA
		}
		b.iov[i].Len = packet
	}
	next := time.Now()
	for tick := 0; !g.stop.Load(); tick++ {
		for _, s := range []*side{g.callers, g.agents} {
			g.sendSlot(s, tick%slots, b)
		}
		next = next.Add(time.Millisecond)
		if d := time.Until(next); d > 0 {
			ts := unix.NsecToTimespec(int64(d))
			_ = unix.Nanosleep(&ts, nil) // an early wake-up is corrected by the next one
		}
	}
}

func (g *generator) sendSlot(s *side, slot int, b *burst) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, st := range s.streams[slot] {
		p := &b.data[n]
		p[1], b.iov[n].Len = 8, packet
		binary.BigEndian.PutUint16(p[2:], uint16(st.seq))
		binary.BigEndian.PutUint32(p[4:], st.seq*160)
		binary.BigEndian.PutUint32(p[8:], st.id)
		binary.BigEndian.PutUint32(p[12:], magic)
		binary.BigEndian.PutUint32(p[16:], st.id)
		binary.BigEndian.PutUint32(p[20:], st.seq)
		if st.left > 0 {
			st.event(p)
			b.iov[n].Len = 16
		}
		b.names[n] = st.to
		st.seq++
		if n++; n == batch {
			g.flush(s, b, n)
			n = 0
		}
	}
	g.flush(s, b, n)
}

func (g *generator) flush(s *side, b *burst, n int) {
	now := uint64(time.Now().UnixNano())
	for i := range n {
		binary.BigEndian.PutUint64(b.data[i][24:], now)
	}
	for done := 0; done < n; {
		k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd),
			uintptr(unsafe.Pointer(&b.msgs[done])), uintptr(n-done), 0, 0, 0)
		if errno != 0 {
			k = 1 // that packet is lost; the far side counts it
		}
		done += int(k)
	}
	if g.measuring.Load() {
		s.sent.Add(uint64(n))
	}
}

// receive empties the socket once a millisecond.
func (g *generator) receive(s *side) {
	runtime.LockOSThread()
	b := newBurst()
	pause := unix.NsecToTimespec(int64(time.Millisecond))
	for !g.stop.Load() {
		b.ready()
		k, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd),
			uintptr(unsafe.Pointer(&b.msgs[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			_ = unix.Nanosleep(&pause, nil) // an early wake-up finds nothing
			continue
		}
		if !g.measuring.Load() {
			continue
		}
		s.recorded.Lock()
		for i := range int(k) {
			s.take(b.data[i][:b.msgs[i].n], b.names[i].Port, b.came(i))
		}
		s.recorded.Unlock()
	}
}

// take measures one packet.
func (s *side) take(p []byte, from uint16, now uint64) {
	if len(p) < 32 || binary.BigEndian.Uint32(p[12:]) != magic {
		s.got.foreign++ // a prompt or music of the switch
		s.hear(p, from, now)
		return
	}
	id, seq := binary.BigEndian.Uint32(p[16:]), binary.BigEndian.Uint32(p[20:])
	a := s.arrived[id]
	if a == nil {
		a = &arrival{}
		s.arrived[id] = a
	}
	if a.seen && seq > a.next {
		s.got.lost += uint64(seq - a.next)
	}
	a.seen, a.next = true, seq+1
	s.got.received++
	s.got.delays = append(s.got.delays, time.Duration(now-binary.BigEndian.Uint64(p[24:])))
}

// address joins a peer's IP and a port from its SDP.
func address(ip net.IP, port int) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip.To4())
	return netip.AddrPortFrom(a, uint16(port))
}
