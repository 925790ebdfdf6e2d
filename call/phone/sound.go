package phone

import "math"

const (
	pure  = 0.6  // share of a window's power in one frequency that makes it a tone
	level = 8000 // amplitude of the tones that are spoken: −12 dB
)

// speech returns one second of a tone, encoded for the payload type; silence
// for 0 Hz. A second holds whole periods of any integer frequency.
func speech(pt uint8, hz int) []byte {
	out := make([]byte, rate)
	for i := range out {
		s := int16(level * math.Sin(2*math.Pi*float64(hz)*float64(i)/rate))
		if pt == ptPCMU {
			out[i] = encodeMu(s)
		} else {
			out[i] = encodeA(s)
		}
	}
	return out
}

// decode turns a payload into samples.
func decode(pt uint8, payload []byte) []int16 {
	out := make([]int16, len(payload))
	for i, b := range payload {
		if pt == ptPCMU {
			out[i] = decodeMu(b)
		} else {
			out[i] = decodeA(b)
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

// purity is the share of the samples' power that lies at hz (Goertzel).
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
func encodeA(s int16) byte {
	sign := byte(0x80)
	v := int(s)
	if v < 0 {
		sign, v = 0, -v-1
	}
	v >>= 3
	if v > 0xfff {
		v = 0xfff
	}
	exp := 0
	for t := v >> 5; t > 0; t >>= 1 {
		exp++
	}
	var m int
	if exp == 0 {
		m = v >> 1
	} else {
		m = v >> exp
	}
	return (sign | byte(exp)<<4 | byte(m&0xf)) ^ 0x55
}

func decodeA(b byte) int16 {
	b ^= 0x55
	exp := int(b>>4) & 7
	v := int(b&0xf)<<4 + 8
	if exp > 0 {
		v = (v + 0x100) << (exp - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

func encodeMu(s int16) byte {
	sign := byte(0)
	v := int(s)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, 32635) + 0x84
	exp := 7
	for m := 0x4000; v&m == 0 && exp > 0; m >>= 1 {
		exp--
	}
	return ^(sign | byte(exp)<<4 | byte(v>>(exp+3))&0xf)
}

func decodeMu(b byte) int16 {
	b = ^b
	v := (int(b&0xf)<<3 + 0x84) << (int(b>>4) & 7)
	v -= 0x84
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}
