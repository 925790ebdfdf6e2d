package media

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tierline/media/rtp"
)

const (
	datagramSize = 2048                   // larger ones are cut off, and RTP of a telephone never is
	eventCount   = 128                    // sockets served between two looks at the clock
	housekeeping = 100 * time.Millisecond // how often reports are looked at
	moment       = 2                      // ms; for longer a worker that has nothing to do gives its processor back
	wakeSlot     = -1                     // in an epoll event: the worker's own wake-up
)

// worker is one goroutine that owns some of the engine's legs.
type worker struct {
	engine *Engine
	epoll  int
	wake   *os.File // eventfd; a File, so that a late wake-up cannot hit a reused descriptor
	list   atomic.Pointer[command]
	done   chan struct{}
	count  counters

	// ---- owned by run
	legs     []*Leg // by slot
	vacant   []int
	live     int
	wheel    wheel
	kept     time.Duration // last housekeeping
	events   [eventCount]unix.EpollEvent
	datagram [datagramSize]byte
	narrow   [datagramSize]byte  // what is in it, if that is G.722
	linear   [datagramSize]int16 // of the datagram that a mix takes
	made     outgoing
	reader   rtp.Reader // one for all legs: what a hostile header makes it hold, it holds once
	from     sockaddr
	busy     bool // there were datagrams a moment ago
	stopping bool
}

// command is something to be done by a worker.
type command struct {
	next *command
	do   func()
}

func newWorker(e *Engine) (*worker, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll set: %w", err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make eventfd: %w", err), unix.Close(epoll))
	}
	w := &worker{engine: e, epoll: epoll, wake: os.NewFile(uintptr(fd), "media wake-up"), done: make(chan struct{})}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeSlot, Pad: int32(fd)}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return nil, errors.Join(fmt.Errorf("watch eventfd: %w", err), w.wake.Close(), unix.Close(epoll))
	}
	return w, nil
}

// post hands a command to the worker. After the worker's end it is dropped.
func (w *worker) post(do func()) {
	c := &command{do: do}
	before := w.list.Load()
	for c.next = before; !w.list.CompareAndSwap(before, c); c.next = before {
		before = w.list.Load()
	}
	if before != nil {
		return // whoever put the first one wakes the worker
	}
	one := [8]byte{1}
	if _, err := w.wake.Write(one[:]); err != nil && !errors.Is(err, os.ErrClosed) {
		w.engine.log.Error("wake media worker", "err", err)
	}
}

func (w *worker) run() {
	defer close(w.done)
	for !w.stopping {
		w.prepare()
		if err := w.poll(w.timeout(w.engine.clock())); err != nil {
			w.engine.log.Error("wait for packets", "err", err)
			break
		}
	}
	w.obey()
	for _, l := range w.legs {
		if l != nil {
			w.detach(l)
		}
	}
	if err := errors.Join(w.wake.Close(), unix.Close(w.epoll)); err != nil {
		w.engine.log.Error("stop media worker", "err", err)
	}
}

// prepare does what is due before the worker may sleep.
func (w *worker) prepare() {
	w.obey()
	w.engine.heed()
	now := w.engine.clock()
	w.pace(now)
	if now-w.kept >= housekeeping {
		w.kept = now
		w.keepHouse(now)
	}
}

// poll waits for datagrams and takes one from each socket that has some.
func (w *worker) poll(timeout int) error {
	n, err := w.look(timeout)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return err
	}
	w.busy = n > 0
	w.engine.heed()
	now := w.engine.clock()
	for i := range max(n, 0) {
		w.serve(&w.events[i], now)
	}
	return nil
}

// look waits for datagrams. While they keep coming, or somebody is to be sent to
// in a moment, a worker that has a processor of its own does not give it back
// until then: that would have Go's scheduler look for work, and the worker wait
// for a processor, a thousand times a second. The collector's signal ends the
// moment at once.
func (w *worker) look(timeout int) (int, error) {
	if !w.engine.keep || timeout < 0 || !w.busy && timeout > moment {
		return unix.EpollWait(w.epoll, w.events[:], timeout)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(w.epoll),
		uintptr(unsafe.Pointer(&w.events[0])), eventCount, uintptr(min(timeout, moment)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// timeout returns how long the worker may sleep, in ms; -1 = until woken.
func (w *worker) timeout(now time.Duration) int {
	if w.stopping {
		return 0
	}
	if w.live == 0 {
		return -1
	}
	until := w.kept + housekeeping
	if ms, ok := w.wheel.wait(int64(now / time.Millisecond)); ok {
		until = min(until, now.Truncate(time.Millisecond)+time.Duration(ms)*time.Millisecond)
	}
	// Rounded up: waking too early would only mean to sleep again.
	return int(max(until-now+time.Millisecond-1, 0) / time.Millisecond)
}

// obey carries out the commands given so far, in their order.
func (w *worker) obey() {
	var first *command
	for c := w.list.Swap(nil); c != nil; {
		c, c.next, first = c.next, first, c
	}
	for ; first != nil; first = first.next {
		w.guarded(nil, first.do)
	}
}

func (w *worker) guarded(l *Leg, do func()) {
	defer w.guard(l)
	do()
}

// guard is deferred around everything that peers or event functions can
// break: it ends one leg, not the process.
func (w *worker) guard(l *Leg) {
	v := recover()
	if v == nil {
		return
	}
	w.fault(v)
	if l != nil {
		w.guarded(nil, func() { l.fail(fmt.Sprint(v)) })
	}
}

// fault reports a panic.
func (w *worker) fault(v any) {
	w.count.faults.Add(1)
	w.engine.log.Error("media fault", "reason", fmt.Sprint(v), "stack", string(debug.Stack()))
}

// attach makes a leg the worker's own.
func (w *worker) attach(l *Leg) {
	if n := len(w.vacant); n > 0 {
		l.slot = w.vacant[n-1]
		w.vacant = w.vacant[:n-1]
		w.legs[l.slot] = l
	} else {
		l.slot = len(w.legs)
		w.legs = append(w.legs, l)
	}
	w.live++
	for kind, fd := range [...]int{l.out.fd, l.rtcpFD} {
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(l.slot), Pad: int32(kind)}
		if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			l.fail(fmt.Sprintf("watch socket: %v", err))
		}
	}
}

// detach says goodbye, closes the sockets and gives the ports back.
func (w *worker) detach(l *Leg) {
	if l.gone {
		return
	}
	now := w.engine.clock()
	l.endRecording(now)
	l.endTape(now)
	l.report(now, true)
	w.wheel.leave(&l.time)
	w.wheel.remove(&l.time)
	l.gone = true
	l.unsecure()
	l.setPeer(nil)
	l.stand()
	err := errors.Join(l.out.close(), unix.Close(l.rtcpFD))
	if err != nil {
		w.engine.log.Error("close media leg", "port", l.port, "err", err)
	}
	w.legs[l.slot] = nil
	w.vacant = append(w.vacant, l.slot)
	w.live--
	w.engine.legs.Add(-1)
	if l.pooled {
		w.engine.ports.release(l.port, now)
	}
}

// serve reads one datagram of a socket that has some. The set is level
// triggered: what is left is told again after the other sockets had their
// turn.
func (w *worker) serve(ev *unix.EpollEvent, now time.Duration) {
	if ev.Fd == wakeSlot {
		var b [8]byte
		_, _, _ = unix.RawSyscall(unix.SYS_READ, uintptr(ev.Pad), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		return
	}
	l := w.legs[ev.Fd]
	if l == nil {
		return
	}
	defer w.guard(l)
	if ev.Pad == 0 {
		if n := receive(l.out.fd, w.datagram[:], &w.from); n >= 0 {
			w.count.in.Add(1)
			l.rtpArrived(w.datagram[:n], w.from.addrPort(), now)
		}
		return
	}
	if n := receive(l.rtcpFD, w.datagram[:], &w.from); n >= 0 {
		w.count.in.Add(1)
		l.rtcpArrived(w.datagram[:n], w.from.addrPort(), now)
	}
}

// pace lets every leg and mix send whose time has come.
func (w *worker) pace(now time.Duration) {
	ms := int64(now / time.Millisecond)
	for t := w.wheel.take(ms); t != nil; t = w.wheel.take(ms) {
		if t.mix != nil {
			t.mix.turn(now)
			continue
		}
		w.send(t.leg, now)
	}
}

func (w *worker) send(l *Leg, now time.Duration) {
	defer w.guard(l)
	l.tick(now)
}

func (w *worker) keepHouse(now time.Duration) {
	for _, l := range w.legs {
		if l != nil && l.recorder != nil {
			w.guarded(l, func() { l.keepRecording(now) })
		}
		if l != nil && l.tap != nil {
			l.tap.tape.advance(now)
		}
		if l != nil && l.protection.agent != nil {
			l.unlock(now)
		}
		if l != nil {
			w.guarded(l, func() { l.watch(now) })
		}
		if l != nil && l.reportAt != 0 && l.reportAt <= now {
			w.guarded(l, func() { l.report(now, false) })
		}
	}
}
