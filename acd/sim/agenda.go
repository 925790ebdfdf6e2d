package sim

// appointment is something that will happen to a caller.
type appointment struct {
	at     int64
	serial uint64 // of the caller: settles ties, and tells an appointment that is off
	caller int
	gone   bool // he hangs up if he still waits; otherwise his conversation ends
}

func (a *appointment) before(b *appointment) bool {
	return a.at < b.at || a.at == b.at && a.serial < b.serial
}

// agenda is a heap of appointments, the next one first.
type agenda []appointment

func (h *agenda) push(a appointment) {
	*h = append(*h, a)
	q := *h
	i := len(q) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !a.before(&q[up]) {
			break
		}
		q[i] = q[up]
		i = up
	}
	q[i] = a
}

func (h *agenda) pop() appointment {
	q := *h
	first, a := q[0], q[len(q)-1]
	q = q[:len(q)-1]
	*h = q
	if len(q) == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(q) {
			break
		}
		if down+1 < len(q) && q[down+1].before(&q[down]) {
			down++
		}
		if !q[down].before(&a) {
			break
		}
		q[i] = q[down]
		i = down
	}
	q[i] = a
	return first
}
