package media

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tierline/media/prompt"
)

// TestCommandsFromEverywhere: calls that come and go, on several workers, with
// traffic, as signalling would do it. The race detector is the judge.
func TestCommandsFromEverywhere(t *testing.T) {
	e := newTestEngine(t, Config{Workers: 3})
	m := NewMusic(beep(time.Second, 440), e)
	clip := beep(60*ms, 1000)
	var wait sync.WaitGroup
	for seed := range uint64(6) {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 5 {
				call(t, e, m, clip, r)
			}
		})
	}
	wait.Wait()
	e.Close()
	if s := e.Stats(); s.Legs != 0 || s.PortsUsed != 0 || s.Faults != 0 || s.PacketsOut == 0 {
		t.Errorf("%+v", s)
	}
}

func call(t *testing.T, e *Engine, m *Music, clip *prompt.Clip, r *rand.Rand) {
	a, b := newPhone(t, e, talking(PCMA)), newPhone(t, e, talking(PCMU))
	mixes := []*Mix{e.NewMix(), e.NewMix()}
	for range 40 {
		mix := mixes[r.IntN(2)]
		switch r.IntN(12) {
		case 0:
			a.leg.Play(r.Uint64(), clips(clip, clip))
		case 1:
			b.leg.PlayMusic(m)
		case 2:
			a.leg.Stop()
		case 3:
			b.leg.SendDigit('5', 40)
		case 4:
			Bridge(a.leg, b.leg)
		case 5:
			Unbridge(a.leg, b.leg)
		case 6:
			p := talking(b.codec)
			p.PT, p.Remote, p.Send = b.codec.PayloadType(), b.address(), r.IntN(2) == 0
			if err := b.leg.Configure(p); err != nil {
				t.Error(err)
			}
		case 7:
			b.leg.Quality()
			e.Stats()
		case 8:
			time.Sleep(time.Duration(r.IntN(3)) * ms)
		case 9:
			mix.Join(a.leg)
			mix.Join(b.leg)
			mix.Gain(a.leg, b.leg, r.IntN(257))
			mix.Gain(b.leg, a.leg, unity)
		case 10:
			mix.Leave(b.leg)
		case 11:
			mix.Close()
		}
		a.say(make([]byte, 160))
		b.say(make([]byte, 160))
	}
	// On a busy machine its worker may not have read a packet yet.
	for began := time.Now(); a.leg.Quality().Received == 0 && time.Since(began) < 30*time.Second; {
		a.say(make([]byte, 160))
	}
	a.leg.Close()
	if q := a.leg.Quality(); q.Received == 0 || q.Codec != "PCMA" {
		t.Errorf("%+v", q)
	}
	b.leg.Close()
}
