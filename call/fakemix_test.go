package call

// fakeMix notes who is in it and who doesn't hear whom.
type fakeMix struct {
	lab *lab
	in  map[*fakeLeg]bool

	gains map[[2]MediaLeg]int // from, to
}

// Mix implements Media.
func (m *fakeMedia) Mix() Mix {
	return &fakeMix{lab: m.lab, in: map[*fakeLeg]bool{}, gains: map[[2]MediaLeg]int{}}
}

// Join implements Mix.
func (f *fakeMix) Join(l MediaLeg) {
	leg := l.(*fakeLeg)
	f.in[leg] = true
	leg.mix = f
	leg.hears(true)
	f.lab.note("mix: %d joins", leg.port)
}

// Leave implements Mix.
func (f *fakeMix) Leave(l MediaLeg) {
	leg := l.(*fakeLeg)
	f.part(leg)
	f.lab.note("mix: %d leaves", leg.port)
}

// Gain implements Mix.
func (f *fakeMix) Gain(from, to MediaLeg, gain int) {
	f.gains[[2]MediaLeg{from, to}] = gain
	f.lab.note("mix: %d hears %d at %d", to.Port(), from.Port(), gain)
}

// Close implements Mix.
func (f *fakeMix) Close() {
	for leg := range f.in {
		f.part(leg)
	}
	f.lab.note("mix: over")
}

// part silences a leg, unless a bridge has it by now.
func (f *fakeMix) part(leg *fakeLeg) {
	delete(f.in, leg)
	for who := range f.gains {
		if who[0] == MediaLeg(leg) || who[1] == MediaLeg(leg) {
			delete(f.gains, who)
		}
	}
	if leg.mix == f {
		leg.mix = nil
		leg.hears(false)
	}
}
