package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/rtp"
	"tierline/media/tone"
	"tierline/media/wav"
)

// taped is a conversation of two peers that is recorded.
type taped struct {
	*lab
	caller, agent *peer
	tape          *Tape
	path          string
	ended         chan Taped
}

func (b *lab) tape(caller, agent Codec) *taped {
	b.t.Helper()
	n := &taped{lab: b, caller: b.peer(talking(caller)), agent: b.peer(talking(agent)), ended: make(chan Taped, 2)}
	n.path = filepath.Join(b.t.TempDir(), "2026", "11", "call.wav")
	b.t.Cleanup(func() { // before the directory goes
		n.tape.End()
		b.e.writers.Wait()
	})
	Bridge(n.caller.leg, n.agent.leg)
	n.tape = b.e.NewTape(n.path, func(ev Taped) { n.ended <- ev })
	n.tape.Join(n.caller.leg, 0)
	n.tape.Join(n.agent.leg, 1)
	b.settle()
	return n
}

// talk lets both sides send a tone, or nothing (0 Hz), in packets of 20 ms.
func (n *taped) talk(d time.Duration, caller, agent float64) {
	n.t.Helper()
	said := map[*peer][]int16{}
	for p, hz := range map[*peer]float64{n.caller: caller, n.agent: agent} {
		if hz != 0 {
			said[p] = tone.Make(d, -12, hz)
		}
	}
	for at := time.Duration(0); at < d; at += 20 * ms {
		n.run(20 * ms)
		for p, whole := range said {
			sound := make([]byte, 160)
			for i, v := range whole[samples(at):samples(at+20*ms)] {
				if sound[i] = g711.EncodeA(v); Codec(p.pt) == PCMU {
					sound[i] = g711.EncodeU(v)
				}
			}
			p.ts, p.seq = uint32(samples(n.now)), p.seq+1
			p.raw(datagram(p.header(), sound))
		}
	}
}

// end waits for the disk and returns what each side said.
func (n *taped) end() (ev Taped, caller, agent []int16) {
	n.t.Helper()
	n.tape.End()
	ev = <-n.ended
	if ev.Err != nil {
		n.t.Fatal(ev.Err)
	}
	file, err := os.ReadFile(n.path)
	if err != nil {
		n.t.Fatal(err)
	}
	if sum := sha256.Sum256(file); ev.SHA256 != hex.EncodeToString(sum[:]) {
		n.t.Errorf("sum %s", ev.SHA256)
	}
	length := int(samples(ev.Length))
	header, pad := wav.Header(wav.ALaw, 2, length)
	if !bytes.HasPrefix(file, header) || len(file) != len(header)+2*length+pad {
		n.t.Fatalf("%d bytes for %v, header % x", len(file), ev.Length, file[:len(header)])
	}
	sound := file[len(header):]
	for i := range length {
		caller, agent = append(caller, g711.DecodeA(sound[2*i])), append(agent, g711.DecodeA(sound[2*i+1]))
	}
	return ev, caller, agent
}

// loudest is the tone in a part of one side; 0 is silence.
func loudest(side []int16, from, to time.Duration) float64 {
	d := tone.NewDetector(440, 700, 1000)
	d.Feed(side[samples(from):samples(to)])
	return d.Loudest()
}

func TestTapeHasEachSideOnItsChannelInTime(t *testing.T) {
	for _, codecs := range [][2]Codec{{PCMA, PCMA}, {PCMU, PCMA}, {PCMA, PCMU}} {
		n := newLab(t).tape(codecs[0], codecs[1])
		n.talk(2*time.Second, 440, 1000)
		n.talk(3*time.Second, 700, 0) // the agent is on hold, or his packets are lost
		n.talk(2*time.Second, 0, 440)
		n.talk(2*time.Second, 440, 1000)
		ev, caller, agent := n.end()
		if ev.Length != 9*time.Second {
			t.Errorf("%v", ev.Length)
		}
		for i, want := range [][2]float64{{440, 1000}, {700, 0}, {0, 440}, {440, 1000}} {
			begin, end := duration([]int{0, 2, 5, 7}[i]*8000), duration([]int{2, 5, 7, 9}[i]*8000)
			if got := [2]float64{loudest(caller, begin, end), loudest(agent, begin, end)}; got != want {
				t.Errorf("%v from %v: %v, want %v", codecs, begin, got, want)
			}
		}
		for _, side := range [][]int16{caller, agent} { // exact to the sample after the pause
			if at := samples(7 * time.Second); !slices.Equal(side[at:at+8000], side[:8000]) {
				t.Errorf("%v: the second time it is elsewhere", codecs)
			}
		}
	}
}

func TestTapeEndsWithALeg(t *testing.T) {
	for what, end := range map[string]func(n *taped){
		"the caller's leg closes": func(n *taped) { n.caller.leg.Close() },
		"the agent's leg closes":  func(n *taped) { n.agent.leg.Close() },
		"a leg breaks":            func(n *taped) { n.agent.leg.fail("test") },
		"another tape begins": func(n *taped) {
			other := n.e.NewTape(n.path+"2", func(Taped) {})
			other.Join(n.caller.leg, 0)
			other.End()
		},
		"after a day": func(n *taped) { n.tape.advance(n.now + maxTape) },
	} {
		n := newLab(t).tape(PCMA, PCMA)
		n.talk(time.Second, 440, 1000)
		end(n)
		n.settle()
		if ev := <-n.ended; ev.Err == nil && ev.Length < time.Second {
			t.Errorf("%s: %+v", what, ev)
		}
		n.tape.End()
		if len(n.ended) != 0 {
			t.Errorf("%s: told twice", what)
		}
	}
}

func TestTapeOfNothing(t *testing.T) {
	n := newLab(t).tape(PCMA, PCMA)
	n.tape.End()
	if ev := <-n.ended; ev != (Taped{}) {
		t.Errorf("%+v", ev)
	}
	if left, err := os.ReadDir(filepath.Dir(n.path)); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestTapeOfAClosedEngine(t *testing.T) {
	n := newLab(t).tape(PCMA, PCMA)
	n.e.mu.Lock()
	n.e.closed = true
	n.e.mu.Unlock()
	n.e.NewTape(n.path+"2", func(ev Taped) { n.ended <- ev })
	if ev := <-n.ended; !errors.Is(ev.Err, ErrClosed) {
		t.Errorf("%+v", ev)
	}
	n.tape.End()
	<-n.ended
	n.e.mu.Lock()
	n.e.closed = false
	n.e.mu.Unlock()
}

func TestDiskCostsTheTapeOnly(t *testing.T) {
	for what, c := range map[string]struct {
		disk *badDisk
		want error
	}{
		"full": {&badDisk{err: syscall.ENOSPC}, syscall.ENOSPC},
		"slow": {&badDisk{gate: make(chan struct{})}, ErrSlowDisk},
	} {
		b := newLab(t)
		b.impatient = c.disk.gate != nil
		b.e.create = func(string, int) (recording, error) { return c.disk, nil }
		n := b.tape(PCMA, PCMA)
		n.talk(9*time.Second, 440, 1000)
		if c.disk.gate != nil {
			close(c.disk.gate)
		}
		if ev := <-n.ended; !errors.Is(ev.Err, c.want) || ev.Length != 0 || !c.disk.ended.Load() {
			t.Errorf("%s: %+v", what, ev)
		}
		n.agent.heard()
		n.talk(time.Second, 440, 0)
		if got := len(n.agent.heard()); got != 50 {
			t.Errorf("%s: the call does not go on: %d packets", what, got)
		}
	}
}

func TestTapeAllocatesNothing(t *testing.T) {
	b := newLab(t)
	b.e.create = func(string, int) (recording, error) { return &badDisk{}, nil }
	n := b.tape(PCMU, PCMA)
	h, now, sound := rtp.Header{SSRC: 1}, b.now, make([]byte, 160)
	if got := testing.AllocsPerRun(200, func() {
		now += 20 * ms
		h.Timestamp += 160
		n.caller.leg.tap.take(h, sound, PCMU, now)
		n.caller.leg.tap.tape.advance(now)
	}); got != 0 {
		t.Errorf("%v allocations for a packet", got)
	}
	n.tape.mu.Lock()
	defer n.tape.mu.Unlock()
	if n.tape.ready == 0 {
		t.Error("it does not record")
	}
}
