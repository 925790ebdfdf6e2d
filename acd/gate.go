package acd

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
