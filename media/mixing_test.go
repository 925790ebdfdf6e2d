package media

import (
	"slices"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/mix"
	"tierline/media/prompt"
	"tierline/media/rtp"
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
	m.everybody(all...)
	b.settle()
	return all
}

// everybody lets all hear all.
func (m *Mix) everybody(all ...*singer) {
	for _, s := range all {
		for _, other := range all {
			m.Gain(s.leg, other.leg, unity)
		}
	}
}

const unity = mix.Unity

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

// Packets of every length go in and out.
func TestMixPacksAsNegotiated(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700)
	for _, ptime := range []int{10, 20, 30, 40, 60} {
		p := all[1].leg.params
		p.Ptime = ptime
		all[1].configure(p)
		b.hears(map[float64][]float64{400: {700}, 700: {400}}, all...)
		n, next := 0, uint32(0)
		for range 30 {
			all[0].sing()
			b.run(20 * ms)
			for _, k := range all[1].listen() {
				if len(k.payload) != ptime*8 || n > 0 && (k.Timestamp != next || k.Marker) {
					t.Errorf("%d ms: %+v with %d bytes, want %d at %d", ptime, k.Header, len(k.payload), ptime*8, next)
				}
				n, next = n+1, k.Timestamp+uint32(len(k.payload))
			}
		}
		if n != 600/ptime {
			t.Errorf("%d ms: %d packets in 600 ms", ptime, n)
		}
	}
}

// Who comes to whisper is not heard by all for a moment.
func TestMixIsDeafToWhoeverComesIn(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700, 1100)
	m.Leave(all[2].leg)
	m.Join(all[2].leg)
	b.hears(map[float64][]float64{400: {700}, 700: {400}}, all...)
	m.Gain(all[2].leg, all[0].leg, unity)
	b.hears(map[float64][]float64{400: {700, 1100}, 700: {400}}, all...)
}

// A call that is listened to for a while goes from the bridge into a mix and
// back: whatever comes between any two of the steps, both hear one stream in
// sequence, and the one who is moved first goes on hearing the other. Who is moved
// last hears him again as soon as he is.
func TestFromTheBridgeIntoAMixAndBack(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700, 1100)
	two, third := all[:2], all[2]
	m.Close()
	Bridge(two[0].leg, two[1].leg)
	b.settle()
	b.concert(200*ms, two...)
	before := b.e.Stats().Dropped
	last := map[*singer]packet{}
	step := func(do func()) {
		do()
		quiet := 0
		for range 6 {
			two[0].sing()
			two[1].sing()
			b.run(20 * ms)
			for _, s := range two {
				for _, k := range s.listen() {
					was, heard := last[s]
					d := int32(k.Timestamp - was.Timestamp)
					if heard && (k.Sequence != was.Sequence+1 || d < 80 || s == two[0] && d > 640) {
						t.Errorf("%v Hz hears %+v after %+v", s.hz, k.Header, was.Header)
					}
					last[s] = k
					if silent := slices.Max(k.payload) == slices.Min(k.payload); s == two[0] && silent {
						quiet++
					}
				}
			}
		}
		if quiet > 3 {
			t.Errorf("silence for %d packets", quiet)
		}
	}
	for range 3 {
		m := b.e.NewMix()
		step(func() { m.Join(two[0].leg) })
		step(func() {
			m.Join(two[1].leg)
			m.Join(third.leg)
			m.everybody(all...)
		})
		step(func() { Unbridge(two[0].leg, two[1].leg) })
		b.hears(map[float64][]float64{400: {700, 1100}, 700: {400, 1100}, 1100: {400, 700}}, all...)
		clear(last)
		step(func() { m.Leave(third.leg) })
		step(func() { Bridge(two[0].leg, two[1].leg) })
		step(m.Close)
	}
	if after := b.e.Stats().Dropped; after != before {
		t.Errorf("dropped %v", after)
	}
}

// A key is for us, not for the others.
func TestMixKeepsKeysToItself(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700)
	b.concert(500*ms, all...)
	all[1].ear = tone.NewDetector(770, 1336)
	for i := range 10 {
		all[0].key(5, all[0].ts, 160*(i+1), i > 6)
		b.run(20 * ms)
	}
	for _, k := range all[1].heard() {
		if k.PayloadType != all[1].pt {
			t.Errorf("%+v", k.Header)
		}
	}
	if len(all[0].got) != 1 || all[0].got[0].(Digit).Code != '5' {
		t.Errorf("we hear %+v", all[0].got)
	}
}

// What a leg plays comes before the mix, and the mix goes on after it.
func TestMixWaitsForWhatALegPlays(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700, 1100)
	all[0].leg.PlayMusic(NewMusic(prompt.NewClip(tone.Make(time.Second, -16, 1100)), b.e))
	b.hears(map[float64][]float64{400: {1100}, 700: {400, 1100}, 1100: {400, 700}}, all...)
	all[0].leg.Stop()
	b.hears(map[float64][]float64{400: {700, 1100}, 700: {400, 1100}, 1100: {400, 700}}, all...)
}

func encode(linear []int16) []byte {
	out := make([]byte, len(linear))
	for i, x := range linear {
		out[i] = g711.EncodeA(x)
	}
	return out
}

// A leg may go at any time, or move to another mix.
func TestMixSurvivesItsLegs(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700, 1100)
	all[1].leg.Close()
	b.hears(map[float64][]float64{400: {1100}, 1100: {400}}, all[0], all[2])
	other := b.e.NewMix()
	other.Join(all[2].leg)
	b.hears(map[float64][]float64{}, all[0], all[2])
	other.Join(all[0].leg)
	other.everybody(all[0], all[2])
	b.hears(map[float64][]float64{400: {1100}, 1100: {400}}, all[0], all[2])
	b.w.guarded(all[0].leg, func() { panic("a fault") })
	b.hears(map[float64][]float64{}, all[2])
	m.Close()
	other.Close()
	b.settle()
	if b.w.wheel.senders != 0 || b.w.wheel.occupied != 0 {
		t.Errorf("both mixes are over and still have %d places in the wheel", b.w.wheel.senders)
	}
}

// A fault of a mix ends its legs, not the process.
func TestMixThatBreaks(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	all := b.choir(m, 400, 700)
	m.seats[0].slot = 99
	b.run(40 * ms)
	for _, s := range all {
		if len(s.got) != 1 {
			t.Fatalf("told %+v", s.got)
		}
		if _, failed := s.got[0].(Failed); !failed {
			t.Errorf("told %+v", s.got)
		}
	}
	if b.w.wheel.senders != 0 || b.w.wheel.occupied != 0 {
		t.Errorf("a broken mix goes on")
	}
}

// benchmarkMix is 20 ms of a mix: everybody's packet comes, everybody is sent
// one.
func benchmarkMix(b *testing.B, legs int) {
	b.Helper()
	l := newLab(b)
	m := l.e.NewMix()
	hz := make([]float64, legs)
	for i := range hz {
		hz[i] = float64(300 + 100*i)
	}
	all := l.choir(m, hz...)
	d := datagram(rtp.Header{}, encode(tone.Make(20*ms, -16, 440)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.now += 20 * ms
		for _, s := range all {
			rtp.Header{PayloadType: s.pt, Sequence: uint16(i), Timestamp: uint32(i * 160), SSRC: 5}.Put(d)
			s.leg.rtpArrived(d, s.is, l.now)
		}
		l.w.pace(l.now)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)*50/1000, "ms/mix-second")
}

func BenchmarkMix2(b *testing.B) { benchmarkMix(b, 2) }
func BenchmarkMix3(b *testing.B) { benchmarkMix(b, 3) }
func BenchmarkMix4(b *testing.B) { benchmarkMix(b, 4) }
func BenchmarkMix8(b *testing.B) { benchmarkMix(b, 8) }
