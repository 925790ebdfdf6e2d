package call

import (
	"slices"

	"tierline/call/sdp"
	"tierline/routing/trunk"
)

// soundOf leaves out what we can't make: no leg begins in Opus.
func soundOf(codecs []uint8) []uint8 {
	return slices.DeleteFunc(slices.Clone(codecs), func(c uint8) bool { return c == sdp.Opus })
}

// codecsOf is what a trunk's legs may speak, the preferred one first.
func codecsOf(t trunk.Trunk) []uint8 {
	codecs := soundOf(t.Codecs)
	if len(codecs) == 0 {
		return sdp.DefaultCodecs()
	}
	return codecs
}

// match is what is offered to a second leg, so that both speak the same if they
// can: first what the caller's leg speaks, then what is allowed otherwise. Who
// talks to a narrowband caller is offered no wideband: it would only be
// converted.
func (c *Call) match(allowed []uint8) []uint8 {
	if c.caller == nil || c.caller.agreed.Ptime == 0 {
		return allowed // nobody has agreed on anything yet
	}
	spoken := c.caller.agreed.Codec
	var out []uint8
	if slices.Contains(allowed, spoken) {
		out = append(out, spoken)
	}
	for _, codec := range allowed {
		if codec != spoken && codec != sdp.G722 {
			out = append(out, codec)
		}
	}
	if len(out) == 0 {
		return allowed
	}
	return out
}

// forAgents is what an agent's phone may speak, whatever the caller's trunk
// does: every phone has G.711.
func (c *Call) forAgents() []uint8 {
	allowed := slices.Clone(c.codecs)
	for _, codec := range sdp.DefaultCodecs() {
		if !slices.Contains(allowed, codec) {
			allowed = append(allowed, codec)
		}
	}
	return c.match(allowed)
}
