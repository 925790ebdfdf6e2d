package media

import (
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tierline/media/dtmf"
	"tierline/media/rtcp"
	"tierline/media/rtp"
)

// lab is an engine whose only worker is driven by the test, in virtual time.
// The sockets are real: on loopback a datagram has arrived when it is sent.
type lab struct {
	t   testing.TB
	e   *Engine
	w   *worker
	now time.Duration

	peers     []*peer
	impatient bool // time goes on although the disk lags behind
}

func newLab(t testing.TB) *lab {
	t.Helper()
	p, err := newPorts(31002, 41001, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b := &lab{t: t, now: time.Hour}
	b.e = &Engine{
		ip: loopback(), log: slog.New(slog.DiscardHandler), ports: p, cname: "lab", create: createRecording,
		clock: func() time.Duration { return b.now },
	}
	if b.w, err = newWorker(b.e); err != nil {
		t.Fatal(err)
	}
	b.e.workers = []*worker{b.w}
	t.Cleanup(func() {
		go b.w.run()
		b.e.Close()
	})
	return b
}

// run lets time pass, a millisecond at once.
func (b *lab) run(d time.Duration) {
	for end := b.now + d; ; b.now += time.Millisecond {
		b.settle()
		b.disk()
		if b.now >= end {
			return
		}
	}
}

// disk waits for the writers of recordings: on a machine that is busy elsewhere
// time in the lab must not outrun them.
func (b *lab) disk() {
	b.t.Helper()
	for limit := time.Now().Add(time.Minute); !b.impatient && b.lags(); runtime.Gosched() {
		if time.Now().After(limit) {
			b.t.Fatal("the disk does not come to rest")
		}
		b.settle()
	}
}

// lags tells whether a writer has something to do.
func (b *lab) lags() bool {
	return slices.ContainsFunc(b.peers, func(n *peer) bool {
		if r := n.leg.recorder; r != nil && (r.ended != 0 || len(r.full) > 0) {
			return true
		}
		return n.leg.tap != nil && n.leg.tap.tape.lags()
	})
}

func (t *Tape) lags() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.ended && t.ready-t.start >= chunkSize
}

// settle carries out commands and takes every packet that has arrived.
func (b *lab) settle() {
	b.t.Helper()
	for range 1000 {
		b.w.prepare()
		in := b.w.count.in.Load()
		if err := b.w.poll(0); err != nil {
			b.t.Fatal(err)
		}
		if in == b.w.count.in.Load() && b.w.list.Load() == nil {
			return
		}
	}
	b.t.Fatal("the worker does not come to rest")
}

// peer is somebody with one RTP socket and perhaps others.
type peer struct {
	*lab
	leg     *Leg
	fd      int
	is      netip.AddrPort
	got     []Event
	figures []Quality // told without being asked
	ssrc    uint32
	seq     uint16
	ts      uint32
	pt      uint8
}

func (b *lab) socket() (int, netip.AddrPort) {
	b.t.Helper()
	fd, err := openSocket(loopback(), 0, 1<<20, false)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = unix.Close(fd) })
	a, err := unix.Getsockname(fd)
	if err != nil {
		b.t.Fatal(err)
	}
	return fd, netip.AddrPortFrom(loopback(), uint16(a.(*unix.SockaddrInet4).Port))
}

func (b *lab) peer(p Params) *peer {
	b.t.Helper()
	n := &peer{lab: b, ssrc: 0x1234, seq: 65534, ts: 1<<32 - 160, pt: p.Codec.PayloadType()}
	n.fd, n.is = b.socket()
	l, err := b.e.Open(func(ev Event) {
		if m, ok := ev.(Measured); ok {
			n.figures = append(n.figures, m.Quality)
			return
		}
		n.got = append(n.got, ev)
	})
	if err != nil {
		b.t.Fatal(err)
	}
	n.leg = l
	b.peers = append(b.peers, n)
	b.t.Cleanup(l.Close)
	p.Remote = n.is
	n.configure(p)
	return n
}

func (n *peer) configure(p Params) {
	n.t.Helper()
	p.PT = p.Codec.PayloadType()
	if err := n.leg.Configure(p); err != nil {
		n.t.Fatal(err)
	}
	n.settle()
}

// raw sends a datagram to the leg, from the peer's socket.
func (n *peer) raw(b []byte) { n.rawFrom(n.fd, b) }

func (n *peer) rawFrom(fd int, b []byte) {
	n.t.Helper()
	to := makeSockaddr(netip.AddrPortFrom(loopback(), uint16(n.leg.Port())))
	if !transmit(fd, b, &to) {
		n.t.Fatal("cannot send")
	}
	n.settle()
}

func datagram(h rtp.Header, payload []byte) []byte {
	b := make([]byte, rtp.HeaderSize, rtp.HeaderSize+len(payload))
	h.Put(b)
	return append(b, payload...)
}

// say sends the next packet of n samples.
func (n *peer) say(samples int) {
	n.t.Helper()
	n.raw(datagram(n.header(), make([]byte, samples)))
	n.seq++
	n.ts += uint32(samples)
}

func (n *peer) header() rtp.Header {
	return rtp.Header{PayloadType: n.pt, Sequence: n.seq, Timestamp: n.ts, SSRC: n.ssrc}
}

// key sends one event packet with the next sequence number.
func (n *peer) key(code uint8, ts uint32, duration int, end bool) {
	n.t.Helper()
	b := [dtmf.PayloadSize]byte{code, 10, byte(duration >> 8), byte(duration)}
	if end {
		b[1] |= 0x80
	}
	n.raw(datagram(rtp.Header{PayloadType: 101, Sequence: n.seq, Timestamp: ts, SSRC: n.ssrc}, b[:]))
	n.seq++
}

// heard returns what has arrived at the peer.
func (n *peer) heard() []packet { return n.heardOn(n.fd) }

func (n *peer) heardOn(fd int) (all []packet) {
	n.t.Helper()
	var b [2000]byte
	var from sockaddr
	for {
		k := receive(fd, b[:], &from)
		if k < 0 {
			return all
		}
		h, begin, end, err := new(rtp.Reader).Parse(b[:k])
		if err != nil {
			n.t.Fatalf("we sent % x: %v", b[:k], err)
		}
		all = append(all, packet{Header: h, payload: append([]byte(nil), b[begin:end]...), from: from.addrPort()})
	}
}

// one returns the only packet that has arrived.
func (n *peer) one() packet {
	n.t.Helper()
	all := n.heard()
	if len(all) != 1 {
		n.t.Fatalf("%d packets, want 1", len(all))
	}
	return all[0]
}

// controls opens the peer's RTCP port, which must be free.
func (b *lab) pair() (rtpFD, rtcpFD int, is netip.AddrPort) {
	b.t.Helper()
	for range 100 {
		port := 41002 + 2*int(time.Now().UnixNano()%10000)
		one, two, err := openPair(loopback(), port, false)
		if err != nil {
			continue
		}
		b.t.Cleanup(func() {
			_ = unix.Close(one)
			_ = unix.Close(two)
		})
		return one, two, netip.AddrPortFrom(loopback(), uint16(port))
	}
	b.t.Fatal("no free pair")
	return 0, 0, netip.AddrPort{}
}

func (b *lab) reports(fd int, ours uint32) (all []rtcp.Report) {
	b.t.Helper()
	var buffer [2000]byte
	var from sockaddr
	for {
		k := receive(fd, buffer[:], &from)
		if k < 0 {
			return all
		}
		r, err := rtcp.Parse(buffer[:k], ours)
		if err != nil {
			b.t.Fatalf("we sent % x: %v", buffer[:k], err)
		}
		all = append(all, r)
	}
}

func compound(t testing.TB, r rtcp.Report) []byte {
	t.Helper()
	b, err := rtcp.Marshal(r, "peer")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// controlled is where the leg hears RTCP.
func (n *peer) controlled() netip.AddrPort {
	return netip.AddrPortFrom(loopback(), uint16(n.leg.Port()+1))
}

func addrPort(ip string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), port)
}
