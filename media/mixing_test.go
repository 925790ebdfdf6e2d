package media

import (
	"slices"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/tone"
)

// singer is a peer who says a tone without end, and tells others' by ear.
type singer struct {
	*peer
	hz   float64
	tune []int16
	ear  *tone.Detector
}

// choir brings singers into a mix. Every other one uses µ-law.
func (b *lab) choir(m *Mix, hz ...float64) (all []*singer) {
	b.t.Helper()
	for i, f := range hz {
		codec := PCMA
		if i%2 == 1 {
			codec = PCMU
		}
		s := &singer{peer: b.peer(talking(codec)), hz: f, tune: tone.Make(time.Second, -16, f), ear: tone.NewDetector(hz...)}
		s.ssrc += uint32(i)
		all = append(all, s)
		m.Join(s.leg)
	}
	b.settle()
	return all
}

// sing sends 20 ms.
func (s *singer) sing() {
	s.t.Helper()
	payload := make([]byte, 160)
	for i := range payload {
		x := s.tune[(int(s.ts+160)+i)%len(s.tune)]
		if s.leg.params.Codec == PCMA {
			payload[i] = g711.EncodeA(x)
		} else {
			payload[i] = g711.EncodeU(x)
		}
	}
	s.raw(datagram(s.header(), payload))
	s.seq++
	s.ts += 160
}

// listen takes what has come.
func (s *singer) listen() (packets []packet) {
	s.t.Helper()
	packets = s.heard()
	for _, p := range packets {
		linear := make([]int16, len(p.payload))
		for i, c := range p.payload {
			linear[i] = decodeSample(s.leg.params.Codec, c)
		}
		s.ear.Feed(linear)
	}
	return packets
}

// concert lets all sing for a time and returns the tones that each heard most
// of the time.
func (b *lab) concert(d time.Duration, all ...*singer) map[float64][]float64 {
	b.t.Helper()
	for range d / (20 * ms) {
		for _, s := range all {
			s.sing()
		}
		b.run(20 * ms)
		for _, s := range all {
			s.listen()
		}
	}
	heard := map[float64][]float64{}
	for _, s := range all {
		for _, h := range s.ear.Heard() {
			if h.Duration > d*3/4 {
				heard[s.hz] = append(heard[s.hz], h.Hz)
			}
		}
		s.ear.Reset()
	}
	return heard
}

func TestMixLetsAllHearTheOthersAndNobodyHimself(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700, 1100)
	want := map[float64][]float64{400: {700, 1100}, 700: {400, 1100}, 1100: {400, 700}}
	b.hears(want, all...)
	m.Gain(all[0].leg, all[1].leg, 0)
	m.Gain(all[2].leg, all[0].leg, 0)
	want[700], want[400] = []float64{1100}, []float64{700}
	b.hears(want, all...)
	m.Gain(all[0].leg, all[1].leg, 256)
	m.Leave(all[2].leg)
	b.hears(map[float64][]float64{400: {700}, 700: {400}}, all...)
	Bridge(all[1].leg, all[2].leg) // out of the mix by that
	b.hears(map[float64][]float64{1100: {700}, 700: {1100}}, all...)
	m.Close()
	b.hears(map[float64][]float64{1100: {700}, 700: {1100}}, all...)
	if b.w.wheel.senders != 0 || b.w.wheel.occupied != 0 {
		t.Errorf("the mix is over and still has %d places in the wheel", b.w.wheel.senders)
	}
}

func (b *lab) hears(want map[float64][]float64, all ...*singer) {
	b.t.Helper()
	b.concert(200*ms, all...) // what was on its way
	got := b.concert(time.Second, all...)
	for _, s := range all {
		if !slices.Equal(got[s.hz], want[s.hz]) {
			b.t.Errorf("%v Hz hears %v, want %v", s.hz, got[s.hz], want[s.hz])
		}
	}
}
