package media

import (
	"tierline/media/g711"
	"tierline/media/g722"
)

// narrow makes telephone sound of a leg's G.722, for everybody who can't use it
// as it is. It belongs to the leg's worker.
type narrow struct {
	decoder *g722.Decoder
	done    bool // the packet at hand is in the worker's buffer
}

// sound returns a packet's sound in G.711. A packet is decoded once at most,
// and not at all if it only passes through.
func (l *Leg) sound(payload []byte) ([]byte, Codec) {
	if l.params.Codec != G722 {
		return payload, l.params.Codec
	}
	out := l.work.narrow[:len(payload)]
	if !l.narrow.done {
		l.narrow.done = true
		if l.narrow.decoder == nil {
			l.narrow.decoder = g722.NewDecoder()
		}
		for i, c := range payload {
			out[i] = g711.EncodeA(l.narrow.decoder.Decode(c))
		}
	}
	return out, PCMA
}

// convert makes a forwarded packet's sound ours, in its place.
func (s *sender) convert(p *passing, payload []byte) {
	codec := p.codec
	if codec == G722 {
		var sound []byte
		sound, codec = p.from.sound(payload)
		copy(payload, sound)
	}
	switch {
	case s.codec == G722:
		s.widen(payload, codec)
	case codec == s.codec:
	case codec == PCMA:
		g711.ConvertAToU(payload)
	default:
		g711.ConvertUToA(payload)
	}
}

// widen makes G.722 of G.711 in its place.
func (s *sender) widen(payload []byte, codec Codec) {
	for i, c := range payload {
		payload[i] = s.encoder.Encode(decodeSample(codec, c))
	}
}

// code returns a sample in the stream's codec.
func (s *sender) code(x int16) byte {
	switch s.codec {
	case PCMA:
		return g711.EncodeA(x)
	case G722:
		return s.encoder.Encode(x)
	case PCMU, Opus:
	}
	return g711.EncodeU(x)
}
