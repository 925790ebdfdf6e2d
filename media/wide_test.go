package media

import (
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/g722"
	"tierline/media/prompt"
	"tierline/media/tone"
)

// wideEar hears tones in packets of a codec.
type wideEar struct {
	codec   Codec
	decoder *g722.Decoder
	tones   *tone.Detector
}

func newWideEar(c Codec, hz ...float64) *wideEar {
	return &wideEar{codec: c, decoder: g722.NewDecoder(), tones: tone.NewDetector(hz...)}
}

func (e *wideEar) hear(payload []byte) {
	linear := make([]int16, len(payload))
	for i, c := range payload {
		if e.codec == G722 {
			linear[i] = e.decoder.Decode(c)
		} else {
			linear[i] = decodeSample(e.codec, c)
		}
	}
	e.tones.Feed(linear)
}

func (e *wideEar) longest() time.Duration { return e.tones.Heard()[0].Longest }

// coded is a second of a tone in a codec.
func coded(c Codec, hz float64) []byte {
	linear := tone.Make(time.Second, -16, hz)
	encoder := g722.NewEncoder()
	out := make([]byte, len(linear))
	for i, s := range linear {
		switch c {
		case PCMA:
			out[i] = g711.EncodeA(s)
		case PCMU:
			out[i] = g711.EncodeU(s)
		case G722, Opus:
			out[i] = encoder.Encode(s)
		}
	}
	return out
}

// Every codec to every other, in packets of every length, both sides asking for
// any other length.
func TestTonesThroughEveryPairOfCodecsAndPacketTimes(t *testing.T) {
	b := newLab(t)
	codecs := []Codec{PCMA, PCMU, G722}
	sounds := map[Codec][]byte{}
	for _, c := range codecs {
		sounds[c] = coded(c, 700)
	}
	for _, from := range codecs {
		for _, to := range codecs {
			for ptime := 10; ptime <= 60; ptime += 10 {
				pa, pb := talking(from), talking(to)
				pa.Ptime, pb.Ptime = 70-ptime, ptime
				one, two := bridged(b, pa, pb)
				ear := newWideEar(to, 700)
				size := ptime * 8
				for sound := sounds[from]; len(sound) >= size; sound = sound[size:] {
					one.raw(datagram(one.header(), sound[:size]))
					one.seq++
					one.ts += uint32(size)
					b.now += time.Duration(ptime) * ms
					k := two.one()
					if len(k.payload) != size || k.PayloadType != to.PayloadType() {
						t.Fatalf("%s to %s, %d ms: %+v with %d bytes", from.Name(), to.Name(), ptime, k.Header, len(k.payload))
					}
					ear.hear(k.payload)
				}
				if heard := ear.longest(); heard < 850*ms {
					t.Errorf("%s to %s, %d ms: the tone for %v", from.Name(), to.Name(), ptime, heard)
				}
				one.leg.Close()
				two.leg.Close()
				b.settle()
			}
		}
	}
}

// Like legs exchange their bytes as they are: that is where wideband comes from.
func TestWidebandPassesUntouched(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(G722), talking(G722))
	sound := coded(G722, 700)[:160]
	one.raw(datagram(one.header(), sound))
	if k := two.one(); string(k.payload) != string(sound) {
		t.Error("G.722 is converted on its way to G.722")
	}
}

// What we make ourselves is heard on a wideband leg, in the length it asks for.
func TestPromptsAndMusicInWideband(t *testing.T) {
	for ptime := 10; ptime <= 60; ptime += 10 {
		b := newLab(t)
		p := talking(G722)
		p.Ptime = ptime
		n := b.peer(p)
		ear := newWideEar(G722, 1000)
		n.leg.Play(1, []*prompt.Clip{prompt.NewClip(tone.Make(600*ms, -16, 1000))})
		b.run(700 * ms)
		for _, k := range n.heard() {
			if len(k.payload) != ptime*8 {
				t.Fatalf("%d bytes in %d ms", len(k.payload), ptime)
			}
			ear.hear(k.payload)
		}
		n.leg.PlayMusic(NewMusic(prompt.NewClip(tone.Make(time.Second, -16, 1000)), b.e))
		b.run(time.Second)
		for _, k := range n.heard() {
			ear.hear(k.payload)
		}
		if heard := ear.longest(); heard < 850*ms {
			t.Errorf("%d ms: heard for %v", ptime, heard)
		}
	}
}

// A conference of three codecs: everybody hears the others.
func TestMixOfThreeCodecs(t *testing.T) {
	b := newLab(t)
	m := b.e.NewMix()
	defer m.Close()
	codecs := []Codec{PCMA, G722, PCMU}
	hz := []float64{600, 900, 1300}
	peers := make([]*peer, 3)
	ears := make([][]*wideEar, 3)
	sounds := make([][]byte, 3)
	for i, c := range codecs {
		peers[i] = b.peer(talking(c))
		peers[i].ssrc = uint32(100 + i)
		sounds[i] = coded(c, hz[i])
		for j := range codecs {
			ears[i] = append(ears[i], newWideEar(c, hz[j]))
		}
		m.Join(peers[i].leg)
		for _, other := range peers[:i] {
			m.Gain(other.leg, peers[i].leg, unity)
			m.Gain(peers[i].leg, other.leg, unity)
		}
	}
	b.settle()
	for range 50 {
		for i, n := range peers {
			n.raw(datagram(n.header(), sounds[i][:160]))
			sounds[i] = sounds[i][160:]
			n.seq++
			n.ts += 160
		}
		b.run(20 * ms)
		for i, n := range peers {
			for _, k := range n.heard() {
				for _, e := range ears[i] {
					e.hear(k.payload)
				}
			}
		}
	}
	for i := range peers {
		for j := range peers {
			if heard := ears[i][j].longest(); (heard > 700*ms) != (i != j) {
				t.Errorf("%s hears %s for %v", codecs[i].Name(), codecs[j].Name(), heard)
			}
		}
	}
}

func TestWidebandBridgeAllocatesNothing(t *testing.T) {
	b := newLab(t)
	one, two := bridged(b, talking(G722), talking(PCMA))
	sound := coded(G722, 700)[:160]
	one.raw(datagram(one.header(), sound))
	p := passing{from: one.leg, codec: G722, kind: kindAudio}
	payload := make([]byte, 160)
	if n := testing.AllocsPerRun(200, func() {
		one.leg.narrow.done = false
		copy(payload, sound)
		two.leg.out.convert(&p, payload)
	}); n > 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
