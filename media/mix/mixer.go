package mix

import (
	"math"
	"slices"
)

const (
	// Frame is the number of samples of 20 ms.
	Frame = 160
	// Unity is the gain that changes nothing; 0 is silence.
	Unity = 256
)

// Mixer sums what its members say. Members are known by slots.
type Mixer struct {
	slots []slot
	total [Frame]int32 // of all members that say something
}

// slot is a member's place.
type slot struct {
	used   bool
	silent bool // says nothing in this frame
	said   [Frame]int16
	heard  []int16 // gain at which it hears each slot
}

// Add makes room for a member. Nobody hears him, and he hears nobody, until Gain
// says so: who comes to whisper isn't heard by all for his first frame.
func (m *Mixer) Add() int {
	n := slices.IndexFunc(m.slots, func(s slot) bool { return !s.used })
	if n < 0 {
		n = len(m.slots)
		m.slots = append(m.slots, slot{})
		for i := range m.slots[:n] {
			m.slots[i].heard = append(m.slots[i].heard, 0)
		}
	}
	for i := range m.slots {
		if i != n {
			m.slots[i].heard[n] = 0
		}
	}
	m.slots[n] = slot{used: true, silent: true, heard: make([]int16, len(m.slots))}
	return n
}

// Remove takes a member out.
func (m *Mixer) Remove(slot int) { m.slots[slot].used, m.slots[slot].silent = false, true }

// Gain sets at which gain one member hears another.
func (m *Mixer) Gain(from, to, gain int) {
	m.slots[to].heard[from] = int16(min(max(gain, 0), math.MaxInt16))
}

// Said is where a member's frame is to be written.
func (m *Mixer) Said(slot int) *[Frame]int16 { return &m.slots[slot].said }

// Silent says whether a member has nothing to say in this frame.
func (m *Mixer) Silent(slot int, silent bool) { m.slots[slot].silent = silent }

// Sum takes what all have said; Heard follows for each member.
func (m *Mixer) Sum() {
	clear(m.total[:])
	for i := range m.slots {
		if m.slots[i].silent {
			continue
		}
		for j, x := range &m.slots[i].said {
			m.total[j] += int32(x)
		}
	}
}

// Heard writes what a member hears: everybody but himself.
func (m *Mixer) Heard(slot int, out *[Frame]int16) {
	sum := m.total
	for i := range m.slots {
		if m.slots[i].silent {
			continue
		}
		gain := int32(m.slots[slot].heard[i])
		said := &m.slots[i].said
		switch {
		case i == slot || gain == 0:
			for j, x := range said {
				sum[j] -= int32(x)
			}
		case gain != Unity:
			for j, x := range said {
				sum[j] += int32(x)*gain/Unity - int32(x)
			}
		}
	}
	for j, x := range &sum {
		out[j] = clip(x)
	}
}

func clip(x int32) int16 { return int16(min(max(x, math.MinInt16), math.MaxInt16)) }
