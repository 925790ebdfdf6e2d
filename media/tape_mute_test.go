package media

import (
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/rtp"
	"tierline/media/tone"
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

// A tape goes on while people come and go; several on one side are heard
// together, also while the packets of one come twice.
func TestPeopleComeAndGoOnATape(t *testing.T) {
	b := newLab(t)
	n := b.tape(PCMA, PCMA)
	other := b.peer(talking(PCMU))
	n.tape.Leave(n.agent.leg)
	n.talk(2*time.Second, 440, 1000)
	n.tape.Join(n.agent.leg, 1)
	n.talk(2*time.Second, 440, 1000)
	n.tape.Join(other.leg, 1)
	n.settle()
	whole := tone.Make(2*time.Second, -12, 700)
	for at := range 100 {
		sound := make([]byte, 160)
		for i, v := range whole[160*at:][:160] {
			sound[i] = g711.EncodeU(v)
		}
		h := other.header()
		h.Timestamp, h.Sequence = uint32(160*at), uint16(at)
		n.run(20 * ms)
		other.raw(datagram(h, sound))
		other.raw(datagram(h, sound))
		n.agent.ts, n.agent.seq = uint32(samples(n.now)), n.agent.seq+1
		n.agent.raw(datagram(n.agent.header(), toneOf(1000, at)))
	}
	n.tape.Leave(n.agent.leg)
	n.agent.leg.Close() // who has left ends nothing
	n.talk(time.Second, 440, 0)
	ev, caller, agents := n.end()
	if ev.Length != 7*time.Second {
		t.Errorf("%v", ev.Length)
	}
	if !quiet(agents, 0, 2*time.Second) || loudest(agents, 2*time.Second, 4*time.Second) != 1000 {
		t.Error("the agent is not heard from the moment he joins, or before it")
	}
	for _, hz := range []float64{700, 1000} {
		d := tone.NewDetector(hz)
		d.Feed(agents[samples(4*time.Second):samples(6*time.Second)])
		if d.Loudest() != hz {
			t.Errorf("of two together one is not heard: %v Hz", hz)
		}
	}
	if loudest(caller, 0, 4*time.Second) != 440 || loudest(caller, 6*time.Second, 7*time.Second) != 440 {
		t.Error("the caller is not heard all the time")
	}
}

// toneOf is the n-th packet of a tone in A-law.
func toneOf(hz float64, n int) []byte {
	whole, out := tone.Make(time.Duration(n+1)*20*ms, -12, hz), make([]byte, 160)
	for i, v := range whole[160*n:] {
		out[i] = g711.EncodeA(v)
	}
	return out
}
