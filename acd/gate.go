package acd

// turnAway lets a call not wait.
func (s *State) turnAway(c *call, cause LeaveCause, r *Result) {
	s.leave(c, cause, 0, r)
	r.Facts[len(r.Facts)-1].Refused = true
	r.Effects = append(r.Effects, LeaveQueue{Node: c.node, Call: c.id, Cause: cause})
}

// gate decides whether a call may wait in its queue, and why not. Refused is
// what its owner has found: hours and estimates are his to look up, and the log
// holds what he decided.
func (s *State) gate(c *call, refused LeaveCause) LeaveCause {
	q := c.queue
	switch {
	case refused != 0:
		return refused
	case q.MaxLength > 0 && s.length(q.Name) >= q.MaxLength:
		return LeftFull
	case q.NoStaffRefuse && !s.staffed(c):
		return LeftNoStaff
	}
	return 0
}
