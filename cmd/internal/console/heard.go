package console

import "tierline/acd"

// heard counts how a leg sounded that has ended: what we received of the peer,
// and what the peer received of us if its RTCP told.
func (m *Meter) heard(f *acd.Fact) {
	side := "caller"
	switch f.Kind { //nolint:exhaustive // no other has a quality
	case acd.FactAgentReleased:
		side = "agent"
	case acd.FactOutsideLeft:
		side = "outside"
	}
	q := f.Quality
	if q.MOS > 0 {
		m.observe(side, "in", q.MOS, float64(q.Lost)/float64(q.Received+q.Lost), q.JitterMS)
	}
	if q.RemoteMOS > 0 && q.Sent > 0 {
		m.observe(side, "out", q.RemoteMOS, min(1, float64(max(0, q.RemoteLost))/float64(q.Sent)), q.RemoteJitter)
	}
}

func (m *Meter) observe(side, direction string, mos int64, lost float64, jitterMS int64) {
	m.scores.WithLabelValues(side, direction).Observe(float64(mos) / 100)
	m.losses.WithLabelValues(side, direction).Observe(lost)
	m.jitters.WithLabelValues(side, direction).Observe(seconds(jitterMS))
}
