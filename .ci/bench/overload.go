package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"tierline/.ci/bed"
)

// What the overload is made of.
const (
	rungTime   = 6 * time.Second
	floodTime  = 60 * time.Second
	easyTime   = 20 * time.Second // of what can be done
	standing   = 50               // calls that were there before
	promptly   = 2 * time.Second  // who is answered later has given up
	drainTime  = 20 * time.Second
	badRate    = 10_000
	goodRate   = 50
	goodTime   = 20 * time.Second
	cleanShare = 0.99
)

// overload measures the capacity, what is left of it at twice of it, and what
// rubbish does to a few good calls.
func (b *bench) overload(ctx context.Context) error {
	capacity := b.known
	if capacity == 0 {
		var err error
		if capacity, err = b.capacity(ctx); err != nil {
			return err
		}
	}
	b.printf("Overload: %d calls/s are answered in time, then twice as many for %s, %d calls standing:\n\n"+
		"| admission | offered | answered in %s | of the capacity | refused | otherwise | p50 | p99 | repeated | "+
		"unfinished | lost |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|\n", capacity, floodTime, standing, promptly)
	for _, o := range []struct {
		admission string
		rate      int
		time      time.Duration
	}{{"auto", capacity * 9 / 10, easyTime}, {"auto", 2 * capacity, floodTime}, {"off", 2 * capacity, floodTime}} {
		if err := b.overloaded(ctx, o.admission, o.rate, capacity, o.time); err != nil {
			return err
		}
	}
	b.printf("\n")
	return nil
}

// site is a switch under load and those who make it.
type site struct {
	*peers
	nodes []*bed.Node
}

func (b *bench) site(ctx context.Context, admission string) (*site, error) {
	b.admission = admission
	nodes, err := b.fleet(ctx, 2000)
	if err != nil {
		return nil, err
	}
	p, err := openPeers(service, nodes...)
	if err != nil {
		stop(nodes)
		return nil, err
	}
	p.insist = true
	p.talk = func() time.Duration { return talk }
	return &site{p, nodes}, nil
}

func (s *site) close() {
	_ = s.peers.close() // measured what there was to measure
	stop(s.nodes)
}

// offer has calls begin at a rate for a time, by the clock.
func (s *site) offer(rate int, d time.Duration) (offered int) {
	began := time.Now()
	for {
		at := time.Since(began)
		due := int(min(at, d).Seconds() * float64(rate))
		for ; offered < due; offered++ {
			s.call()
		}
		if at >= d {
			return offered
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// drain waits for the end of all calls but some, and returns how many there
// still are.
func (s *site) drain(standing int) (left int) {
	settle(drainTime, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		left = len(s.calls) - standing
		return left <= 0
	})
	return max(0, left)
}

// take returns what happened since it was last called.
func (s *site) take() *tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tally
	s.tally = tally{}
	slices.Sort(t.setups)
	return &t
}

// inTime counts the calls that were answered before their caller gave up.
func (t *tally) inTime() int {
	n, _ := slices.BinarySearch(t.setups, promptly)
	return n
}

// halves are the median and the 99th percentile in milliseconds.
func (t *tally) halves() (p50, p99 float64) {
	return ms(percentile(t.setups, 0.5)), ms(percentile(t.setups, 0.99))
}

// capacity raises the rate until some calls are not answered in time, or have
// to be repeated, without admission control. A node that lets callers repeat
// themselves lives on a queue that grows; a rung is too short to see it full.
func (b *bench) capacity(ctx context.Context) (int, error) {
	s, err := b.site(ctx, "off")
	if err != nil {
		return 0, err
	}
	defer s.close()
	best := 0
	for rate := b.step; rate <= b.top; rate += b.step {
		offered := s.offer(rate, rungTime)
		left := s.drain(0)
		t := s.take()
		progress("capacity %d calls/s: %d of %d in time, p99 %.0f ms, %d repeated, %d left", rate, t.inTime(), offered,
			ms(percentile(t.setups, 0.99)), t.repeated, left)
		clean := cleanShare * float64(offered)
		if float64(t.inTime()) < clean || float64(offered-t.repeated) < clean || left > 0 {
			break
		}
		best = rate
		time.Sleep(time.Second)
	}
	if best == 0 {
		return 0, fmt.Errorf("%d calls/s are too many already", b.step)
	}
	return best, nil
}

// overloaded offers a rate beside calls that stand.
func (b *bench) overloaded(ctx context.Context, admission string, rate, capacity int, d time.Duration) error {
	s, err := b.site(ctx, admission)
	if err != nil {
		return err
	}
	defer s.close()
	stood, err := s.stand()
	if err != nil {
		return err
	}
	offered := s.offer(rate, d)
	left := s.drain(standing)
	t := s.take()
	lost := t.cut + stood()
	share := 100 * float64(t.inTime()) / d.Seconds() / float64(capacity)
	p50, p99 := t.halves()
	progress("overload %s %d calls/s: %d of %d in time (%.0f %% of the capacity), %d refused, %d otherwise, "+
		"p50 %.0f ms, p99 %.0f ms, %d repeated, %d never answered, %d unfinished, %d lost", admission, rate,
		t.inTime(), offered, share, t.refused, t.unkind+t.unheard, p50, p99, t.repeated, t.unheard, left, lost)
	b.printf("| %s | %d/s | %d | %.0f %% | %d | %d | %.0f ms | %.0f ms | %d | %d | %d |\n", admission, rate, t.inTime(),
		share, t.refused, t.unkind+t.unheard, p50, p99, t.repeated, left, lost)
	return nil
}

// stand sets up calls that stay, and returns how to end them: it tells how
// many can't be ended as they should.
func (s *site) stand() (end func() (lost int), err error) {
	s.mu.Lock()
	s.talk = func() time.Duration { return time.Hour }
	s.mu.Unlock()
	s.offer(standing, time.Second)
	if !settle(drainTime, func() bool { return s.bridged() == standing }) {
		return nil, fmt.Errorf("%d of %d standing calls", s.bridged(), standing)
	}
	_ = s.take()
	s.mu.Lock()
	s.talk = func() time.Duration { return talk }
	s.mu.Unlock()
	return func() int {
		there := s.bridged()
		s.endAll()
		return standing - there + s.drain(0)
	}, nil
}

// rubbish compares a few calls alone with the same beside bad datagrams.
func (b *bench) rubbish(ctx context.Context) error {
	s, err := b.site(ctx, "auto")
	if err != nil {
		return err
	}
	defer s.close()
	b.printf("%d good calls/s:\n\n| bad datagrams/s | answered in time | p50 | p99 | repeated | CPU of a core |\n"+
		"|---|---|---|---|---|---|\n", goodRate)
	for _, rate := range []int{0, badRate} {
		before, err := spent(s.nodes)
		if err != nil {
			return err
		}
		var beside sync.WaitGroup
		sent := 0
		beside.Go(func() { sent, err = flood(ctx, s.nodes[0].Address(), rate, goodTime) })
		offered := s.offer(goodRate, goodTime)
		beside.Wait()
		if err != nil {
			return err
		}
		left := s.drain(0)
		after, err := spent(s.nodes)
		if err != nil {
			return err
		}
		t := s.take()
		p50, p99 := t.halves()
		share := 100 * (after - before).Seconds() / goodTime.Seconds()
		progress("rubbish %d/s: %d of %d in time, p50 %.1f ms, p99 %.1f ms, %d repeated, %d left, %.0f %% of a core",
			sent/int(goodTime.Seconds()), t.inTime(), offered, p50, p99, t.repeated, left, share)
		b.printf("| %d | %d of %d | %.1f ms | %.1f ms | %d | %.0f %% |\n", sent/int(goodTime.Seconds()), t.inTime(),
			offered, p50, p99, t.repeated, share)
	}
	b.printf("\n")
	return nil
}

// flood sends bad datagrams by the clock.
func flood(ctx context.Context, target string, rate int, d time.Duration) (sent int, err error) {
	if rate == 0 {
		return 0, nil
	}
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "udp4", target)
	if err != nil {
		return 0, fmt.Errorf("open socket of rubbish: %w", err)
	}
	defer func() { _ = c.Close() }()
	bad := rubbishOf(target)
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		at := time.Since(began)
		for due := int(min(at, d).Seconds() * float64(rate)); sent < due; sent++ {
			_, _ = c.Write(bad[sent%len(bad)]) // refusals by the kernel are the switch's business
		}
		if at >= d {
			return sent, nil
		}
	}
}

// rubbishOf is what nobody should send: noise, other protocols, broken SIP,
// SIP of strangers, and INVITEs of a known peer that must be refused.
func rubbishOf(target string) [][]byte {
	noise := make([]byte, 600)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	invite := func(extra, body string) []byte {
		return fmt.Appendf(nil, "INVITE sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK%x\r\n"+
			"Max-Forwards: 70\r\nFrom: <sip:bad@127.0.0.1>;tag=1\r\nTo: <sip:%s@%s>\r\nCall-ID: %x\r\nCSeq: 1 INVITE\r\n"+
			"Contact: <sip:bad@127.0.0.1:9>\r\n%sContent-Length: %d\r\n\r\n%s",
			service, target, rand.Uint64(), service, target, rand.Uint64(), extra, len(body), body)
	}
	return [][]byte{
		noise,
		append([]byte{0x80, 8}, noise[:170]...), // RTP
		append([]byte{0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42}, noise[:20]...), // STUN
		[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		[]byte("INVITE sip:1000@x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\n\r\n"),
		[]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\r\n"),
		invite("Require: nothing\r\n", ""),
		invite("Content-Type: application/sdp\r\n", "v=0\r\nc=IN\r\nm=audio 1 RTP/AVP 8\r\n"),
	}
}
