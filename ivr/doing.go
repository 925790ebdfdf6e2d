package ivr

import "time"

// act adds an action.
func (s *Session) act(a Action) { s.out = append(s.out, a) }

func (s *Session) newID() uint64 {
	s.st.Last++
	return s.st.Last
}

// speak plays a prompt. If there is nothing to play, then() follows at once.
// The prompt is the only thing the node waits for, so no other timer runs.
func (s *Session) speak(list []item, bargeIn bool, then func()) {
	prompts, err := s.resolve(list)
	if err != nil {
		s.exceed(err.Error())
		return
	}
	s.cancelTimer(&s.st.Place.Timer)
	if len(prompts) == 0 {
		s.stopSpeaking()
		then()
		return
	}
	s.st.Place.Speaking, s.st.Place.Music = s.newID(), false
	s.act(Speak{ID: s.st.Place.Speaking, Prompts: prompts, BargeIn: bargeIn})
}

// spoken tells whether the prompt that was being spoken is done.
func (s *Session) spoken(in PromptDone) bool {
	if in.ID == 0 || in.ID != s.st.Place.Speaking {
		return false
	}
	s.st.Place.Speaking = 0
	return true
}

func (s *Session) stopSpeaking() {
	if s.st.Place.Speaking != 0 || s.st.Place.Music {
		s.st.Place.Speaking, s.st.Place.Music = 0, false
		s.act(StopSpeaking{})
	}
}

// restartTimer sets the node's timer anew.
func (s *Session) restartTimer(after time.Duration) {
	s.cancelTimer(&s.st.Place.Timer)
	s.st.Place.Timer = s.newID()
	s.act(SetTimer{ID: s.st.Place.Timer, After: after})
}

func (s *Session) cancelTimer(id *uint64) {
	if *id != 0 {
		s.act(CancelTimer{ID: *id})
		*id = 0
	}
}

// The guard ends calls that stay in the menus for ever. It stands still while
// the call waits in a queue or talks to an agent.

func (s *Session) pauseGuard() {
	if s.st.Guard == 0 {
		return
	}
	s.st.GuardEnd = max(0, s.st.GuardEnd-s.now.UnixMilli())
	s.cancelTimer(&s.st.Guard)
}

func (s *Session) resumeGuard() {
	if s.st.Guard != 0 {
		return
	}
	left := time.Duration(s.st.GuardEnd) * time.Millisecond
	s.st.GuardEnd += s.now.UnixMilli()
	s.st.Guard = s.newID()
	s.act(SetTimer{ID: s.st.Guard, After: left})
}

// disconnect ends the call from our side.
func (s *Session) disconnect(cause string) {
	s.finish()
	s.act(Disconnect{Cause: cause})
}

// trouble tells the log.
func (s *Session) trouble(why string) { s.act(Trouble{Step: s.stepName(s.st.At), Text: why}) }

// finish leaves nothing running.
func (s *Session) finish() {
	if n, ok := s.flow.nodes[s.st.At]; ok {
		if q, ok := n.node.(quitter); ok {
			q.quit(s)
		}
	}
	s.stopSpeaking()
	s.cancelTimer(&s.st.Place.Timer)
	s.cancelTimer(&s.st.Guard)
	s.st.Ended, s.st.Typed, s.next = true, "", ""
	s.st.Place = place{}
}
