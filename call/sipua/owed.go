package sipua

// owed is the ACK of our INVITE that isn't sent yet: until then the peer repeats
// its answer, and whoever goes on in our place hears of it.
type owed struct {
	invite *inviteOut
	seq    uint32
}

// Acknowledge sends the ACK of a 2xx that waits for it; see [DialRequest].
func (l *Leg) Acknowledge() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == up {
		l.pay()
	}
}

// pay sends the ACK that is owed: whatever else goes to the peer goes behind it.
// mu is held.
func (l *Leg) pay() {
	if w := l.owed; w != nil {
		l.owed = nil
		l.acknowledge(w.invite, &l.d, l.d.RemoteTag, w.seq)
	}
}
