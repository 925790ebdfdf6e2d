package mix

import "math"

const (
	quietest = 4  // amplitude that is not worth sending
	loudest  = 90 // about -50 dBm0: the loudest noise that comforts
)

// noise is what a line sounds like when nobody speaks.
type noise struct {
	amplitude int32
	floor     int32 // mean amplitude of the quietest frames
	state     uint32
	last      int32
}

// set takes a level in dB below the loudest.
func (n *noise) set(level uint8) {
	n.amplitude = int32(min(32768*math.Pow(10, -float64(level&0x7f)/20), loudest))
	n.floor = n.amplitude
}

// learn listens to a frame: what is always there is noise.
func (n *noise) learn(mean int32) {
	switch {
	case n.floor == 0 || mean < n.floor:
		n.floor = mean
	default:
		n.floor += n.floor>>7 + 1 // doubles in two seconds
	}
	n.floor = max(min(n.floor, 4*loudest), 1)
	n.amplitude = min(2*n.floor, loudest)
}

// next makes a sample.
func (n *noise) next() int32 {
	if n.state == 0 {
		n.state = 0x2545F491
	}
	n.state ^= n.state << 13
	n.state ^= n.state >> 17
	n.state ^= n.state << 5
	n.last += (int32(n.state>>16)*2*n.amplitude>>16 - n.amplitude - n.last) / 2
	return n.last
}

func (n *noise) audible() bool { return n.amplitude >= quietest }
