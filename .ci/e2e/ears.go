package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ears say who hears whom: everybody speaks at a frequency of his own.
type ears struct {
	tap   *tap
	hz    map[string]float64   // by who speaks
	ports map[string][2]uint16 // by who hears: the ports of his media
}

// listen takes down who hears whom for a while: "caller: 1001" lines up as
// caller → 1001. Who hears something else hears music, who hears nothing is left
// out.
func (e *ears) listen(d time.Duration) map[string]string {
	e.tap.reset()
	time.Sleep(d)
	e.tap.mu.Lock()
	defer e.tap.mu.Unlock()
	out := map[string]string{}
	for f, h := range e.tap.flows {
		for who, ports := range e.ports {
			if f.dst >= ports[0] && f.dst <= ports[1] {
				if heard := e.words(h, d); heard != "" {
					out[who] = heard
				}
			}
		}
	}
	return out
}

func (e *ears) words(h *heard, d time.Duration) string {
	var out []string
	for _, got := range h.tones.Heard() {
		for who, hz := range e.hz {
			if hz == got.Hz && got.Longest > d/2 {
				out = append(out, who)
			}
		}
	}
	slices.Sort(out)
	if len(out) == 0 && time.Duration(h.loud)*20*time.Millisecond > d/3 { // packets of 20 ms; music has pauses
		return "music"
	}
	return strings.Join(out, "+")
}

// expect waits until everybody hears whom he should, for a second without a gap.
func (e *ears) expect(want map[string]string) error {
	var got map[string]string
	for range 6 {
		if got = e.listen(1200 * time.Millisecond); maps.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("who hears whom: %v, not %v", got, want)
}
