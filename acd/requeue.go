package acd

// callRequeued releases an agent and queues his caller. Both happen or neither,
// so that the next decision finds them side by side: the agent free, and the
// caller among those who may get him.
func (s *State) callRequeued(ev CallRequeued, index uint64, r *Result) error {
	o := s.offers[ev.Released.Offer]
	if o == nil { // the agent's part has ended by itself
		return s.callQueued(ev.Queued, index, r)
	}
	c, q, err := s.mayQueue(ev.Queued)
	switch {
	case err != nil:
		return err
	case !o.answered() || c.offer != o.id:
		return refuse(ev, "offer %d doesn't serve the call", o.id)
	case s.heirs(c):
		return refuse(ev, "somebody else is to have the call")
	}
	if err := s.agentReleased(ev.Released, r); err != nil {
		return err
	}
	s.enqueue(c, q, ev.Queued, index, r)
	return nil
}

// heirs tells whether a call goes to somebody beside the one who serves it when
// he leaves; see inherit.
func (s *State) heirs(c *call) bool {
	for _, o := range s.sidesOf(c) {
		if o.role != RoleSupervisor && o.role != RoleCaller {
			return true
		}
	}
	return false
}
