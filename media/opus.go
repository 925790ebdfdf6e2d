package media

// Opus is carried, never made or understood: between two legs that speak it a
// packet goes through as any other. Its clock runs six times as fast as that of
// the other codecs.
const opusRate = 6

// opusSamples is how much sound a packet holds, in samples of 8 kHz (RFC 6716
// §3.1): one code for the length of a frame, one for how many there are.
func opusSamples(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	frame := 20 << (payload[0] >> 3 & 3) // 2.5, 5, 10, 20 ms
	switch config := payload[0] >> 3; {
	case config < 12:
		frame = [...]int{80, 160, 320, 480}[config&3]
	case config < 16:
		frame = [...]int{80, 160}[config&1]
	}
	count := 2
	switch payload[0] & 3 {
	case 0:
		count = 1
	case 3:
		if count = 1; len(payload) > 1 {
			count = int(payload[1] & 0x3f)
		}
	}
	return min(frame*count, 960) // 120 ms at most
}

// length is how much sound a payload holds, in samples of 8 kHz.
func (c Codec) length(payload []byte) int {
	if c == Opus {
		return opusSamples(payload)
	}
	return len(payload)
}

// rate is how many ticks of the codec's clock a sample of 8 kHz has.
func (c Codec) rate() int64 {
	if c == Opus {
		return opusRate
	}
	return 1
}

// apart tells whether nothing of one codec can be made the other.
func (c Codec) apart(other Codec) bool { return c != other && (c == Opus || other == Opus) }
