package call

import (
	"sync"
	"time"
)

// hangupTime is how long an agent's phone gets to take the end of one call
// before the next one rings it anyway.
const hangupTime = 500 * time.Millisecond

// seats knows the agents' phones that are off the hook. The log frees an agent
// before the call he was in has told his phone: without it the INVITE of the
// next call could reach the phone before the BYE of the last one, and find it
// busy.
type seats struct {
	mu   sync.Mutex
	held map[string]seat // by agent
}

// seat is a phone that answered and hasn't been told to hang up.
type seat struct {
	phone *party
	freed chan struct{}
}

func (s *seats) take(phone *party) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = map[string]seat{}
	}
	if old, ok := s.held[phone.agent]; ok {
		close(old.freed)
	}
	s.held[phone.agent] = seat{phone, make(chan struct{})}
}

// free says that a phone has been told, or has hung up itself. It may be said
// of any phone and more than once.
func (s *seats) free(phone *party) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.held[phone.agent]; ok && held.phone == phone {
		close(held.freed)
		delete(s.held, phone.agent)
	}
}

// busy returns what is closed when the agent's phone is free; nil: it is.
func (s *seats) busy(agent string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.held[agent]; ok {
		return held.freed
	}
	return nil
}
