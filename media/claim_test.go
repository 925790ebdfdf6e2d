package media

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tierline/media/g711"
)

// A key that took the caller to an agent is still pressed when the agent
// answers: he must not hear the rest of it, and must hear the next one.
func TestKeyOfTheMenuNeverReachesTheAgent(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.EventPT = 101
	caller, agent := b.peer(p), b.peer(p)
	caller.say(160)
	caller.key(1, 8000, 160, false)
	caller.key(1, 8000, 320, false)
	Bridge(caller.leg, agent.leg)
	b.settle()
	caller.key(1, 8000, 480, false)
	caller.key(1, 8000, 640, true)
	caller.key(1, 8000, 640, true)
	for _, k := range agent.heard() {
		t.Errorf("the agent hears %+v", k)
	}
	caller.ts = 8000 + 640
	caller.say(160)
	caller.key(2, 9600, 160, false)
	caller.key(2, 9600, 320, true)
	caller.key(1, 8000, 640, true) // late
	all := agent.heard()
	if len(all) != 3 || all[0].PayloadType != 8 || all[1].payload[0] != 2 || all[2].payload[0] != 2 {
		t.Fatalf("the agent hears %+v", all)
	}
	for i := 1; i < len(all); i++ { // what was swallowed is no loss
		if all[i].Sequence != all[i-1].Sequence+1 {
			t.Errorf("sequence number %d after %d", all[i].Sequence, all[i-1].Sequence)
		}
	}
	if n := b.e.Stats().Dropped[DropClaimed]; n != 4 {
		t.Errorf("%d packets counted as claimed", n)
	}
	want := []Event{Digit{Code: '1', DurationMS: 20}, Digit{Code: '2', DurationMS: 20}}
	if diff := cmp.Diff(want, caller.got); diff != "" {
		t.Error(diff)
	}
}

// The same of a key that is a tone in the sound: its tail was heard.
func TestToneOfTheMenusKeyNeverReachesTheAgent(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.Inband = true
	caller, agent := b.peer(p), b.peer(p)
	say := func(packets [][]byte) {
		for _, k := range packets {
			caller.raw(datagram(caller.header(), k))
			caller.seq++
			caller.ts += 160
		}
	}
	key := press(PCMA, 770, 1336) // three packets of tone, three of silence
	say(key[:2])
	Bridge(caller.leg, agent.leg)
	b.settle()
	say(key[2:])
	loud := func() (n int) {
		for _, k := range agent.heard() {
			if slices.ContainsFunc(k.payload, func(c byte) bool { return g711.DecodeA(c) > 1000 }) {
				n++
			}
		}
		return n
	}
	if n := loud(); n > 0 {
		t.Errorf("the agent hears %d packets of it", n)
	}
	say(key[:3]) // for him
	if n := loud(); n != 3 {
		t.Errorf("the agent hears %d packets of a key for him", n)
	}
	if diff := cmp.Diff([]Event{inbandKey('5'), inbandKey('5')}, caller.got); diff != "" {
		t.Error(diff)
	}
}

// A key pressed for longer than one event can tell goes on in another one.
func TestSegmentsOfAClaimedKeyAreClaimed(t *testing.T) {
	b := newLab(t)
	p := talking(PCMA)
	p.EventPT = 101
	caller, agent := b.peer(p), b.peer(p)
	caller.key(1, 8000, 65535, false)
	Bridge(caller.leg, agent.leg)
	b.settle()
	caller.key(1, 8000+65535, 160, false)
	caller.key(1, 8000+65535, 320, true)
	if all := agent.heard(); len(all) > 0 {
		t.Errorf("the agent hears %+v", all)
	}
	caller.key(1, 90_000, 160, true)
	if all := agent.heard(); len(all) != 1 {
		t.Errorf("the agent hears %+v", all)
	}
}
