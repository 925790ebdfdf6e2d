package media

import "math/bits"

// wheelSize is how many milliseconds a wheel looks ahead: more than the
// longest packet.
const wheelSize = 64

// spread is how many phases paced senders are spread over.
const spread = 20

// wheel holds the legs that send by our clock, in slots of 1 ms.
type wheel struct {
	now      int64 // the next millisecond to be served
	slots    [wheelSize]*Leg
	occupied uint64 // one bit per slot
	phases   [spread]int
	senders  int
}

// timing is a leg's place in the wheel.
type timing struct {
	due        int64 // ms of the engine's time
	slot       int
	prev, next *Leg
	queued     bool
	phase      int8
	pacing     bool
}

// quietest returns the first millisecond from `from` on whose phase has no
// more senders than its share.
func (w *wheel) quietest(from int64) int64 {
	for d := range int64(spread) {
		if w.phases[(from+d)%spread] <= w.senders/spread {
			return from + d
		}
	}
	return from
}

// enter counts a leg as a sender of the phase it begins in.
func (w *wheel) enter(l *Leg) {
	l.time.pacing, l.time.phase = true, int8(l.time.due%spread)
	w.phases[l.time.phase]++
	w.senders++
}

func (w *wheel) leave(l *Leg) {
	if l.time.pacing {
		l.time.pacing = false
		w.phases[l.time.phase]--
		w.senders--
	}
}

// insert queues a leg for its due time, at most a turn of the wheel ahead.
func (w *wheel) insert(l *Leg) {
	slot := int(max(l.time.due, w.now) % wheelSize)
	head := w.slots[slot]
	l.time.slot, l.time.queued, l.time.prev, l.time.next = slot, true, nil, head
	if head != nil {
		head.time.prev = l
	}
	w.slots[slot] = l
	w.occupied |= 1 << slot
}

func (w *wheel) remove(l *Leg) {
	if !l.time.queued {
		return
	}
	if l.time.prev != nil {
		l.time.prev.time.next = l.time.next
	} else {
		w.slots[l.time.slot] = l.time.next
	}
	if l.time.next != nil {
		l.time.next.time.prev = l.time.prev
	}
	if w.slots[l.time.slot] == nil {
		w.occupied &^= 1 << l.time.slot
	}
	l.time.queued, l.time.prev, l.time.next = false, nil, nil
}

// take removes and returns a leg that is due; nil if none is at this time.
func (w *wheel) take(now int64) *Leg {
	for range wheelSize {
		if w.occupied == 0 || w.now > now {
			break
		}
		for l := w.slots[w.now%wheelSize]; l != nil; l = l.time.next {
			if l.time.due <= now {
				w.remove(l)
				return l
			}
		}
		w.now++
	}
	w.now = max(w.now, now)
	return nil
}

// wait returns the milliseconds until a leg may be due; false if there is none.
func (w *wheel) wait(now int64) (int64, bool) {
	if w.occupied == 0 {
		return 0, false
	}
	ahead := bits.TrailingZeros64(bits.RotateLeft64(w.occupied, -int(w.now%wheelSize)))
	return max(w.now+int64(ahead)-now, 0), true
}
