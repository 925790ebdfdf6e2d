package media

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tierline/media/g711"
	"tierline/media/record"
	"tierline/media/rtp"
)

// Taped is the end of a Tape: the file is there, or not.
type Taped struct {
	Length time.Duration // 0: nothing was recorded, and there is no file
	SHA256 string        // of the file, in hex
	Err    error         // why there is no file
}

const (
	tapeBlocks = 16
	tapeRing   = tapeBlocks * chunkSize // samples of a channel: how far a disk may lag behind, and timestamps run ahead
	maxTape    = 24 * time.Hour
)

// tapeBlock is as much of a tape as goes to the disk at once: samples of both
// channels in turn.
type tapeBlock [2 * chunkSize]byte

// Tape records what legs hear, on two sides. It begins at once and ends with End
// or with one of its legs.
//
// The workers of the legs put packets into a ring, each where its time says; a
// goroutine takes them from there to the disk, a little later. The ring has room
// where there is something only: as a rule for a second of its eight.
type Tape struct {
	path  string
	on    func(Taped)
	clock func() time.Duration
	wake  chan struct{}

	mu    sync.Mutex // held while a packet or half a second of sound is copied
	began time.Duration
	ring  [tapeBlocks]*tapeBlock // nil where nothing came: silence
	spare *tapeBlock             // one that was taken to the disk
	start int64                  // position of the first sample that isn't taken to the disk; where a block begins
	ready int64                  // what is before it may be taken
	muted bool                   // silence is recorded, whatever is said …
	deaf  int64                  // … and of what was said before this position, also later
	ended bool
	err   error // why nothing is kept
}

// tap is a leg's side of a tape; it belongs to the leg's worker.
type tap struct {
	placer
	tape    *Tape
	channel int
}

// NewTape begins a recording of nobody yet. The file's directory is made if it
// is missing. on is told the end once, on a goroutine of its own.
func (e *Engine) NewTape(path string, on func(Taped)) *Tape {
	t := &Tape{
		path: path, on: on, clock: e.clock, wake: make(chan struct{}, 1), began: e.clock(),
	}
	e.mu.RLock() // Close comes after it and waits for the writer
	defer e.mu.RUnlock()
	if e.closed {
		t.ended = true
		go on(Taped{Err: ErrClosed})
		return t
	}
	e.writers.Go(func() { t.write(e.create) })
	return t
}

// Join puts a leg on one side of the tape: 0 is the left one. Several on one side
// are heard together.
func (t *Tape) Join(l *Leg, channel int) {
	l.work.post(func() { l.work.guarded(l, func() { l.join(t, channel) }) })
}

// Leave takes a leg off the tape, which goes on.
func (t *Tape) Leave(l *Leg) {
	l.work.post(func() {
		if l.tap != nil && l.tap.tape == t {
			l.tap = nil
		}
	})
}

// Mute records silence in place of what is said from now on, or ends that, and
// returns where on the tape that is. Packets that are late by then are silence
// too.
func (t *Tape) Mute(on bool) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.clock() - t.began
	if t.ended || on == t.muted {
		return at
	}
	t.muted, t.deaf = on, samples(at)
	if on { // what ran ahead of the clock
		for i := max(t.deaf, t.start); i < t.start+tapeRing; i += chunkSize - i%chunkSize {
			if b := t.ring[i/chunkSize%tapeBlocks]; b != nil {
				erase(b[2*(i%chunkSize):])
			}
		}
	}
	return at
}

// Position is how long the tape is by now.
func (t *Tape) Position() time.Duration { return t.clock() - t.began }

// End ends the recording; Taped follows.
func (t *Tape) End() { t.end(t.clock()) }

// endTape ends the tape that a leg is on.
func (l *Leg) endTape(now time.Duration) {
	if l.tap != nil {
		l.tap.tape.end(now)
		l.tap = nil
	}
}

// join puts a leg on a tape. Another one that it was on ends.
func (l *Leg) join(t *Tape, channel int) {
	now := l.engine.clock()
	if l.tap != nil && l.tap.tape == t {
		return
	}
	l.endTape(now)
	if l.gone || l.failed {
		t.end(now)
		return
	}
	l.tap = &tap{placer: placer{began: t.began}, tape: t, channel: channel}
}

// take puts a packet where its time says.
func (p *tap) take(h rtp.Header, payload []byte, codec Codec, now time.Duration) {
	at, fresh := p.place(h, len(payload), now), p.end
	p.end = max(p.end, at+int64(len(payload)))
	p.tape.put(p.channel, at, fresh, payload, codec)
}

// put writes sound. What is there already and not of the same leg, which has
// nothing at fresh and later, is heard together with it.
func (t *Tape) put(channel int, at, fresh int64, payload []byte, codec Codec) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.muted {
		return
	}
	end := min(at+int64(len(payload)), t.start+tapeRing)
	from := max(at, t.start, t.deaf)
	if from >= end {
		return
	}
	for from < end { // once, or twice at the end of a block
		b := t.room(from)
		stop := min(end, from-from%chunkSize+chunkSize)
		slot := 2*(from%chunkSize) + int64(channel)
		for ; from < stop; from++ {
			c := payload[from-at]
			if codec == PCMU {
				c = g711.UToA(c)
			}
			if b[slot] != g711.IdleA && from >= fresh {
				c = g711.EncodeA(together(g711.DecodeA(b[slot]), g711.DecodeA(c)))
			}
			b[slot] = c
			slot += 2
		}
	}
}

// room returns the block of a position in the ring.
func (t *Tape) room(at int64) *tapeBlock {
	b := &t.ring[at/chunkSize%tapeBlocks]
	if *b == nil && t.spare != nil {
		*b, t.spare = t.spare, nil
	}
	if *b == nil {
		*b = new(tapeBlock)
		erase((*b)[:])
	}
	return *b
}

// advance is the housekeeping of a tape, by whichever leg comes first.
func (t *Tape) advance(now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	live := samples(now - t.began)
	t.ready = max(t.ready, live-samples(reorder))
	switch {
	case live-t.start > tapeRing-leap:
		t.finish(ErrSlowDisk)
	case now-t.began >= maxTape:
		t.finish(nil)
	case t.ready-t.start >= chunkSize:
		t.signal()
	}
}

// end ends the recording; what came until now is in it.
func (t *Tape) end(now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	t.ready = max(t.ready, samples(now-t.began))
	if t.ready-t.start > tapeRing {
		t.finish(ErrSlowDisk)
		return
	}
	t.finish(nil)
}

// lose ends a recording of which nothing can be kept.
func (t *Tape) lose(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish(err)
}

// finish is called with the lock held.
func (t *Tape) finish(err error) {
	t.ended, t.err = true, errors.Join(t.err, err)
	t.signal()
}

func (t *Tape) signal() {
	select {
	case t.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// pull takes samples that are ready out of the ring; over: there won't be more.
// What it returns goes back by reuse.
func (t *Tape) pull() (b *tapeBlock, n int, over bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, 0, true, t.err
	}
	n = int(min(t.ready-t.start, chunkSize))
	if !t.ended && n < chunkSize {
		return nil, 0, false, nil
	}
	if n > 0 {
		b = t.room(t.start)
		t.ring[t.start/chunkSize%tapeBlocks] = nil
		t.start += int64(n)
	}
	return b, n, t.ended && t.start == t.ready, nil
}

// reuse takes a block back that was pulled: one will be needed soon.
func (t *Tape) reuse(b *tapeBlock) {
	erase(b[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spare = b
}

// write is the tape's own goroutine.
func (t *Tape) write(create func(path string, channels int) (recording, error)) {
	err := os.MkdirAll(filepath.Dir(t.path), 0o700)
	var f recording
	if err == nil {
		f, err = create(t.path, 2)
	}
	length := 0
	for over := false; !over && err == nil; {
		var b *tapeBlock
		var n int
		b, n, over, err = t.pull()
		switch {
		case n > 0:
			err = f.Write(b[:2*n])
			length += n
			t.reuse(b)
		case !over:
			<-t.wake
		}
	}
	if err != nil {
		t.lose(err)
	}
	switch {
	case f == nil:
	case err != nil || length == 0:
		err = errors.Join(err, f.Discard())
	default:
		err = f.Finish(length)
	}
	t.tell(err, length)
}

func (t *Tape) tell(err error, length int) {
	ev := Taped{Err: err}
	if err == nil && length > 0 {
		ev.Length = duration(length)
		if ev.SHA256, ev.Err = record.Sum(t.path); ev.Err != nil {
			ev = Taped{Err: fmt.Errorf("read it again: %w", ev.Err)}
		}
	}
	t.on(ev)
}

// together adds two samples, as loud as can be.
func together(a, b int16) int16 {
	return int16(min(max(int(a)+int(b), math.MinInt16), math.MaxInt16)) //nolint:gosec // clamped
}

// erase fills with silence, by copying ever more of it.
func erase(alaw []byte) {
	if len(alaw) == 0 {
		return
	}
	alaw[0] = g711.IdleA
	for n := 1; n < len(alaw); n *= 2 {
		copy(alaw[n:], alaw[:n])
	}
}
