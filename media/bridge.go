package media

// Bridge lets two legs hear each other until Unbridge, another Bridge or a
// Close. Music on them ends, since nobody would hear the other; clips are
// played to their end.
func Bridge(a, b *Leg) {
	join := func(l, peer *Leg) {
		l.do(func() {
			if l.failed {
				return
			}
			l.stand()
			l.setPeer(peer)
			l.play.music = nil
			l.silence()
		})
	}
	join(a, b)
	join(b, a)
}

// Unbridge parts two legs, if they are bridged with each other.
func Unbridge(a, b *Leg) {
	a.part(b)
	b.part(a)
}

// part ends the bridge to a certain leg.
func (l *Leg) part(from *Leg) {
	l.do(func() {
		if l.peer == from {
			l.peer = nil
		}
	})
}

// setPeer changes the other side of the bridge. The one before must not go on
// talking to us.
func (l *Leg) setPeer(peer *Leg) {
	if before := l.peer; before != nil && before != peer {
		before.part(l)
	}
	if peer != nil && peer != l.peer {
		l.claim()
	}
	l.peer = peer
}
