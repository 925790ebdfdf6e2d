package ivr

import "time"

// patience is the longest silence that callers take for work being done.
const patience = 800 * time.Millisecond

// comfortGap is how long music plays between two prompts for somebody who
// waits for an answer.
const comfortGap = 15 * time.Second

// comfort is what a caller hears while something is looked up for him: nothing
// for 800 ms, then prompts and music until the answer is there.
type comfort struct {
	say   []item
	music *promptText // nil: the service's own
}

// Stages of comfort.
const (
	comfortSilent = iota
	comfortSpeaking
	comfortMusic
)

// quiet tells whether the caller hears nothing although it isn't his turn.
func (s *Session) quiet() bool {
	n, ok := s.flow.nodes[s.st.At]
	if !ok { // the call begins
		return false
	}
	p := &s.st.Place
	if p.Speaking != 0 || p.Music {
		return false
	}
	switch n := n.node.(type) {
	case *record:
		if p.Phase == recordRunning {
			return false
		}
	case *queue:
		return p.Phase != phaseTalking
	case *transfer:
		return p.Phase != transferTalking && (p.Phase != transferRinging || !n.rings)
	case asker:
	default:
		return true
	}
	return p.Pending != 0 || p.Stage != stageWaiting
}

// Listens tells whether it is the caller's turn: to press a key, or to speak.
// Then silence is his.
func (s *Session) Listens() bool {
	p := &s.st.Place
	n, ok := s.flow.nodes[s.st.At]
	if !ok || p.Speaking != 0 || p.Pending != 0 {
		return false
	}
	switch n.node.(type) {
	case *record:
		return p.Phase == recordRunning
	case *queue, *transfer:
		return false
	case asker:
		return p.Stage == stageWaiting
	}
	return false
}

// patienceLeft is how long silence may last from now on: what one answer took
// is missing for the next.
func (s *Session) patienceLeft() time.Duration {
	return max(0, patience-time.Duration(s.now.UnixMilli()-s.st.Quiet)*time.Millisecond)
}

// await returns the id of an answer that is bound to come.
func (s *Session) await() uint64 {
	p := &s.st.Place
	p.Pending, p.Stage = s.newID(), comfortSilent
	s.restartTimer(s.patienceLeft())
	return p.Pending
}

// got tells whether this is the answer that is awaited, and ends the waiting.
// Any other is late: nobody wants it any more.
func (s *Session) got(id uint64) bool {
	p := &s.st.Place
	if id == 0 || id != p.Pending {
		return false
	}
	p.Pending = 0
	s.stopSpeaking()
	s.cancelTimer(&p.Timer)
	return true
}

// handle takes what happens while the answer is awaited.
func (c comfort) handle(s *Session, in Input) {
	p := &s.st.Place
	switch in := in.(type) {
	case Key:
		s.press(in) // counts for the next node
	case TimerFired:
		if in.ID == p.Timer {
			p.Timer = 0
			c.speak(s)
		}
	case PromptDone:
		if s.spoken(in) {
			c.play(s)
		}
	default: // belongs to something that is over
	}
}

func (c comfort) speak(s *Session) {
	s.st.Place.Stage = comfortSpeaking
	s.speak(c.say, false, func() { c.play(s) })
}

func (c comfort) play(s *Session) {
	s.st.Place.Stage = comfortMusic
	s.playMusic(c.music)
	if len(c.say) > 0 {
		s.restartTimer(comfortGap)
	}
}

// playMusic plays music without end.
func (s *Session) playMusic(music *promptText) {
	s.st.Place.Speaking, s.st.Place.Music = 0, true
	var m Prompt
	if music != nil {
		m = music.segments[0]
	}
	s.act(PlayMusic{Prompt: m})
}

// readComfort compiles what waiting callers hear.
func (b *builder) readComfort(docs items) comfort {
	if docs == nil {
		return b.comfort
	}
	say, music := b.readHold(docs)
	return comfort{say, music}
}
