package media

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tierline/media/prompt"
	"tierline/media/rtp"
)

// generatorEnv makes the test binary a load generator in a process of its
// own, so that getrusage tells the engine's CPU alone.
const generatorEnv = "TIERLINE_MEDIA_GENERATOR"

// generate speaks PCMA on as many sockets as it reads ports, 50 packets/s
// each, until its input ends; then it tells loss and one-way delay.
func generate() {
	in := bufio.NewReader(os.Stdin)
	var n int
	if _, err := fmt.Fscanln(in, &n); err != nil {
		panic(err)
	}
	socks := make([]*net.UDPConn, n)
	for i := range socks {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		socks[i] = c
		_, _ = fmt.Fprintln(os.Stdout, c.LocalAddr().(*net.UDPAddr).Port)
	}
	to := make([]netip.AddrPort, n)
	for i := range to {
		var port uint16
		if _, err := fmt.Fscanln(in, &port); err != nil {
			panic(err)
		}
		to[i] = netip.AddrPortFrom(loopback(), port)
	}
	var mu sync.Mutex
	var delays []time.Duration
	for _, c := range socks {
		go func() {
			b := make([]byte, 2000)
			for {
				if k, err := c.Read(b); err != nil {
					return
				} else if k == 172 {
					d := time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(b[12:])))
					mu.Lock()
					delays = append(delays, d)
					mu.Unlock()
				}
			}
		}()
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(stop)
	}()
	sent := speak(socks, to, stop)
	time.Sleep(200 * time.Millisecond)
	mu.Lock()
	slices.Sort(delays)
	_, _ = fmt.Fprintln(os.Stdout, sent, len(delays), delays[len(delays)/2].Microseconds(), delays[len(delays)*99/100].Microseconds())
}

// speak sends on all sockets, spread over the 20 ms.
func speak(socks []*net.UDPConn, to []netip.AddrPort, stop chan struct{}) (sent int) {
	b := make([]byte, 172)
	begin := time.Now()
	for tick := 0; ; tick++ {
		select {
		case <-stop:
			return sent
		default:
		}
		time.Sleep(time.Until(begin.Add(time.Duration(tick) * time.Millisecond)))
		for i := tick % 20; i < len(socks); i += 20 {
			h := rtp.Header{PayloadType: 8, Sequence: uint16(tick / 20), Timestamp: uint32(tick / 20 * 160), SSRC: uint32(i)}
			h.Put(b)
			binary.BigEndian.PutUint64(b[12:], uint64(time.Now().UnixNano()))
			if _, err := socks[i].WriteToUDPAddrPort(b, to[i]); err == nil {
				sent++
			}
		}
	}
}

type generator struct {
	in    io.WriteCloser
	out   *bufio.Reader
	cmd   *exec.Cmd
	ports []uint16
}

func startGenerator(b *testing.B, n int) *generator {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), generatorEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	g := &generator{in: in, out: bufio.NewReader(out), cmd: cmd, ports: make([]uint16, n)}
	_, _ = fmt.Fprintln(in, n)
	for i := range g.ports {
		if _, err := fmt.Fscanln(g.out, &g.ports[i]); err != nil {
			b.Fatal(err)
		}
	}
	return g
}

func (g *generator) finish(b *testing.B) {
	b.Helper()
	_ = g.in.Close()
	var sent, heard int
	var p50, p99 float64
	if _, err := fmt.Fscanln(g.out, &sent, &heard, &p50, &p99); err != nil {
		b.Fatal(err)
	}
	if err := g.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(sent-heard)/float64(max(sent, 1))*100, "%lost")
	b.ReportMetric(p50/1000, "p50-ms")
	b.ReportMetric(p99/1000, "p99-ms")
}

func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func resident() float64 {
	runtime.GC()
	b, _ := os.ReadFile("/proc/self/statm")
	var pages, rss float64
	_, _ = fmt.Fscan(strings.NewReader(string(b)), &pages, &rss)
	return rss * float64(os.Getpagesize()) / 1000
}

func benchmarkBridge(b *testing.B, calls int) {
	b.Helper()
	e := newTestEngine(b, Config{Reserve: true})
	before := resident()
	g := startGenerator(b, 2*calls)
	legs := make([]*Leg, 2*calls)
	for i := range legs {
		l, err := e.Open(nil)
		if err != nil {
			b.Fatal(err)
		}
		p := talking(PCMA)
		p.PT, p.Remote = 8, netip.AddrPortFrom(loopback(), g.ports[i])
		if err := l.Configure(p); err != nil {
			b.Fatal(err)
		}
		if legs[i] = l; i%2 == 1 {
			Bridge(legs[i-1], l)
		}
		_, _ = fmt.Fprintln(g.in, l.Port())
	}
	time.Sleep(time.Second)
	start := cpuTime()
	seconds := 0
	for b.Loop() {
		time.Sleep(time.Second)
		seconds++
	}
	used := cpuTime() - start
	b.ReportMetric(used.Seconds()*1000/float64(calls*seconds), "cpu-ms/call-s")
	b.ReportMetric((resident()-before)/float64(calls), "kB/call")
	b.ReportMetric(0, "ns/op")
	g.finish(b)
}

// One iteration is a second of that many bridged calls:
// go test -run - -bench Bridge1 -benchtime 10x ./media.
func BenchmarkBridge100(b *testing.B) { benchmarkBridge(b, 100) }
func BenchmarkBridge300(b *testing.B) { benchmarkBridge(b, 300) }

// benchmarkPlaying measures a second of many callers who hear something.
func benchmarkPlaying(b *testing.B, calls int, play func(e *Engine) func(l *Leg)) {
	b.Helper()
	e := newTestEngine(b, Config{})
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = sink.Close() }()
	before := resident()
	start := play(e)
	for range calls {
		l, err := e.Open(nil)
		if err != nil {
			b.Fatal(err)
		}
		p := talking(PCMA)
		p.PT, p.Remote = 8, sink.LocalAddr().(*net.UDPAddr).AddrPort()
		p.Remote = netip.AddrPortFrom(p.Remote.Addr().Unmap(), p.Remote.Port())
		if err := l.Configure(p); err != nil {
			b.Fatal(err)
		}
		start(l)
	}
	time.Sleep(200 * time.Millisecond)
	used, sent := cpuTime(), e.Stats().PacketsOut
	seconds := 0
	for b.Loop() {
		time.Sleep(time.Second)
		seconds++
	}
	used = cpuTime() - used
	b.ReportMetric(used.Seconds()*1000/float64(calls*seconds), "cpu-ms/call-s")
	b.ReportMetric(float64(e.Stats().PacketsOut-sent)/float64(calls*seconds), "packets/call-s")
	b.ReportMetric(e.Stats().LatenessMax.Seconds()*1000, "late-max-ms")
	b.ReportMetric((resident()-before)/float64(calls), "kB/call")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMusic300 is a second of 300 callers with the same music.
func BenchmarkMusic300(b *testing.B) {
	benchmarkPlaying(b, 300, func(e *Engine) func(*Leg) {
		m := NewMusic(prompt.Silence(10_000), e)
		return func(l *Leg) { l.PlayMusic(m) }
	})
}

// BenchmarkReadings1000 is a second of 1,000 callers, each with a reading of
// his own, out of fragments of 80 to 400 ms.
func BenchmarkReadings1000(b *testing.B) {
	benchmarkPlaying(b, 1000, func(*Engine) func(*Leg) {
		fragments := make([]*prompt.Clip, 40)
		for i := range fragments {
			fragments[i] = prompt.Silence(80 + 8*i)
		}
		n := 0
		return func(l *Leg) {
			n++
			reading := make([]*prompt.Clip, 500) // two minutes
			for i := range reading {
				reading[i] = fragments[(i*7+n)%len(fragments)]
			}
			l.Play(1, reading)
		}
	})
}

// BenchmarkForward is one packet through a bridge with conversion, without
// the socket it came from.
func BenchmarkForward(b *testing.B) {
	l := newLab(b)
	one, two := bridged(l, talking(PCMA), talking(PCMU))
	d := make([]byte, 172)
	var buffer [2000]byte
	var from sockaddr
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.now += 20 * ms
		rtp.Header{PayloadType: 8, Sequence: uint16(i), Timestamp: uint32(i * 160), SSRC: 5}.Put(d)
		one.leg.rtpArrived(d, one.is, l.now)
		receive(two.fd, buffer[:], &from)
	}
}

// BenchmarkFrame is one frame of a prompt.
func BenchmarkFrame(b *testing.B) {
	l := newLab(b)
	n := l.peer(talking(PCMA))
	n.leg.PlayMusic(NewMusic(prompt.Silence(1000), l.e))
	l.settle()
	var buffer [2000]byte
	var from sockaddr
	b.ReportAllocs()
	for b.Loop() {
		l.now += 20 * ms
		l.w.pace(l.now)
		receive(n.fd, buffer[:], &from)
	}
}
