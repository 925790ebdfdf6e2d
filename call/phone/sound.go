package phone

import (
	"math"
	"time"

	"tierline/media/g711"
	"tierline/media/tone"
)

const (
	pure  = 0.6 // share of a window's power in one frequency that makes it a tone
	level = -12 // of the tones that are spoken, dBm0
)

// speech returns one second of a tone, encoded for the payload type; silence
// for 0 Hz. A second holds whole periods of any integer frequency.
func speech(pt uint8, hz int) []byte {
	out := make([]byte, rate)
	for i, s := range tone.Make(time.Second, level, float64(hz)) {
		if pt == ptPCMU {
			out[i] = g711.EncodeU(s)
		} else {
			out[i] = g711.EncodeA(s)
		}
	}
	return out
}

// decode turns a payload into samples.
func decode(pt uint8, payload []byte) []int16 {
	out := make([]int16, len(payload))
	for i, b := range payload {
		if pt == ptPCMU {
			out[i] = g711.DecodeU(b)
		} else {
			out[i] = g711.DecodeA(b)
		}
	}
	return out
}

func rms(pcm []int16) float64 {
	var sum float64
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(max(1, len(pcm))))
}

// purity is the share of the samples' power that lies at hz (Goertzel). A
// window of 80 ms keeps tones apart that media/tone's 20 ms cannot, and the
// share keeps the chords of the hold music from being taken for a phone.
func purity(pcm []int16, hz int) float64 {
	coeff := 2 * math.Cos(2*math.Pi*float64(hz)/rate)
	var s1, s2, total float64
	for _, v := range pcm {
		x := float64(v)
		total += x * x
		s1, s2 = x+coeff*s1-s2, s1
	}
	if total == 0 {
		return 0
	}
	power := s1*s1 + s2*s2 - coeff*s1*s2
	return 2 * power / (total * float64(len(pcm)))
}
