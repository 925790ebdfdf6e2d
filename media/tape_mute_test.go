package media

import (
	"testing"
	"time"

	"tierline/media/rtp"
)

// quiet tells whether a part of one side holds nothing at all.
func quiet(side []int16, from, to time.Duration) bool {
	for _, v := range side[samples(from):samples(to)] {
		if v > 8 || v < -8 { // what the code for silence stands for
			return false
		}
	}
	return true
}

func TestMutedTapeHoldsNothingOfWhatIsSaid(t *testing.T) {
	n := newLab(t).tape(PCMU, PCMA)
	n.talk(2*time.Second, 440, 1000)
	if at := n.tape.Mute(true); at != 2*time.Second {
		t.Errorf("muted at %v", at)
	}
	n.talk(3*time.Second, 700, 700)
	if at := n.tape.Mute(false); at != 5*time.Second {
		t.Errorf("ended at %v", at)
	}
	n.talk(2*time.Second, 440, 1000)
	ev, caller, agent := n.end()
	if ev.Length != 7*time.Second {
		t.Errorf("%v", ev.Length)
	}
	for what, side := range map[string][]int16{"caller": caller, "agent": agent} {
		if !quiet(side, 2*time.Second, 5*time.Second) {
			t.Errorf("%s: something is heard of what was said meanwhile", what)
		}
	}
	for i, want := range [][2]float64{{440, 1000}, {440, 1000}} {
		begin := []time.Duration{0, 5 * time.Second}[i]
		end := begin + 2*time.Second
		if got := [2]float64{loudest(caller, begin, end), loudest(agent, begin, end)}; got != want {
			t.Errorf("from %v: %v, want %v", begin, got, want)
		}
	}
}

// Packets come late, and timestamps run ahead of the clock: what was said while
// the tape was muted is not on it in either way.
func TestMutedTapeAgainstTimestamps(t *testing.T) {
	loud := make([]byte, 160)
	for i := range loud {
		loud[i] = 0x2a
	}
	n := newLab(t).tape(PCMA, PCMA)
	n.talk(time.Second, 440, 0)
	tap := n.caller.leg.tap
	at := func(d time.Duration) rtp.Header { // the header of what is spoken then
		return rtp.Header{SSRC: tap.ssrc, Timestamp: tap.base + uint32(samples(d))}
	}
	tap.take(at(1500*ms), loud, PCMA, n.now) // half a second ahead: spoken too soon
	n.tape.Mute(true)
	n.talk(time.Second, 0, 0)
	n.tape.Mute(false)
	tap.take(at(1900*ms), loud, PCMA, n.now) // spoken before, arrives after
	n.talk(time.Second, 0, 440)
	if _, caller, _ := n.end(); !quiet(caller, time.Second, 3*time.Second) {
		t.Error("something is heard")
	}
}

func TestAgentJoinsATapeThatRuns(t *testing.T) {
	b := newLab(t)
	n := &taped{lab: b, caller: b.peer(talking(PCMA)), agent: b.peer(talking(PCMA)), ended: make(chan Taped, 2)}
	n.path = t.TempDir() + "/call.wav"
	n.tape = b.e.NewTape(n.path, n.caller.leg, nil, func(ev Taped) { n.ended <- ev })
	b.t.Cleanup(func() {
		n.tape.End()
		b.e.writers.Wait()
	})
	b.settle()
	n.talk(2*time.Second, 440, 1000)
	n.tape.Join(n.agent.leg, 1)
	n.talk(2*time.Second, 440, 1000)
	_, caller, agent := n.end()
	if !quiet(agent, 0, 2*time.Second) || loudest(agent, 2*time.Second, 4*time.Second) != 1000 {
		t.Error("the agent is not heard from the moment he joins, or before it")
	}
	if loudest(caller, 0, 2*time.Second) != 440 || loudest(caller, 2*time.Second, 4*time.Second) != 440 {
		t.Error("the caller is not heard all the time")
	}
}
