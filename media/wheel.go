package media

import "math/bits"

// wheelSize is how many milliseconds a wheel looks ahead: more than the
// longest packet.
const wheelSize = 64

// spread is how many phases paced senders are spread over.
const spread = 20

// wheel holds the legs and mixes that send by our clock, in slots of 1 ms.
type wheel struct {
	now      int64 // the next millisecond to be served
	slots    [wheelSize]*timing
	occupied uint64 // one bit per slot
	phases   [spread]int
	senders  int
}

// timing is the place of a leg or a mix in the wheel.
type timing struct {
	leg        *Leg  // whose it is …
	mix        *Mix  // … one of the two; set once
	due        int64 // ms of the engine's time
	slot       int
	prev, next *timing
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

// enter counts somebody as a sender of the phase he begins in.
func (w *wheel) enter(t *timing) {
	t.pacing, t.phase = true, int8(t.due%spread)
	w.phases[t.phase]++
	w.senders++
}

func (w *wheel) leave(t *timing) {
	if t.pacing {
		t.pacing = false
		w.phases[t.phase]--
		w.senders--
	}
}

// insert queues somebody for his due time, at most a turn of the wheel ahead.
func (w *wheel) insert(t *timing) {
	slot := int(max(t.due, w.now) % wheelSize)
	head := w.slots[slot]
	t.slot, t.queued, t.prev, t.next = slot, true, nil, head
	if head != nil {
		head.prev = t
	}
	w.slots[slot] = t
	w.occupied |= 1 << slot
}

func (w *wheel) remove(t *timing) {
	if !t.queued {
		return
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[t.slot] = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	if w.slots[t.slot] == nil {
		w.occupied &^= 1 << t.slot
	}
	t.queued, t.prev, t.next = false, nil, nil
}

// take removes and returns who is due; nil if none is at this time.
func (w *wheel) take(now int64) *timing {
	for range wheelSize {
		if w.occupied == 0 || w.now > now {
			break
		}
		for t := w.slots[w.now%wheelSize]; t != nil; t = t.next {
			if t.due <= now {
				w.remove(t)
				return t
			}
		}
		w.now++
	}
	w.now = max(w.now, now)
	return nil
}

// wait returns the milliseconds until somebody may be due; false if there is none.
func (w *wheel) wait(now int64) (int64, bool) {
	if w.occupied == 0 {
		return 0, false
	}
	ahead := bits.TrailingZeros64(bits.RotateLeft64(w.occupied, -int(w.now%wheelSize)))
	return max(w.now+int64(ahead)-now, 0), true
}
