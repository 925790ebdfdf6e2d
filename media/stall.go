package media

import "time"

// Stalled says that a leg that should have sent something hasn't, for some time:
// neither sound nor a report. It comes again each time as long as that lasts.
type Stalled struct{ For time.Duration }

func (Stalled) isEvent() {}

// watch looks whether the peer still sends. Who holds us or has no address yet
// needn't.
func (l *Leg) watch(now time.Duration) {
	limit := l.engine.stall
	switch {
	case limit == 0 || l.failed:
	case l.params.Ptime == 0 || !l.params.Receive || !l.source.remote.IsValid():
		l.lively = now
	case now-l.lively >= limit:
		l.lively = now
		l.emit(Stalled{For: limit})
	}
}
