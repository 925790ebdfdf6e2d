package media

import (
	"time"

	"tierline/media/dtmf"
	"tierline/media/g711"
	"tierline/media/prompt"
)

// maxPresses bounds the keys that wait to be sent.
const maxPresses = 64

// Music is a clip that plays for ever, at one position for all who hear it.
type Music struct {
	alaw, mulaw []byte
	started     time.Duration
}

// NewMusic begins to play a clip to whoever listens.
func NewMusic(clip *prompt.Clip, e *Engine) *Music {
	if len(clip.ALaw()) == 0 {
		clip = prompt.Silence(20)
	}
	return &Music{alaw: clip.ALaw(), mulaw: clip.MuLaw(), started: e.clock().Truncate(time.Millisecond)}
}

// fill copies what plays at a time, which is a whole millisecond.
func (m *Music) fill(b []byte, c Codec, at time.Duration) {
	source := encoded(c, m.alaw, m.mulaw)
	position := int(samples(at-m.started) % int64(len(source)))
	for len(b) > 0 {
		n := copy(b, source[position:])
		b, position = b[n:], 0
	}
}

func encoded(c Codec, alaw, mulaw []byte) []byte {
	if c == PCMA {
		return alaw
	}
	return mulaw
}

// player is what a leg plays: keys before clips before music.
type player struct {
	id     uint64
	clips  []*prompt.Clip // nil = no clips are played
	offset int            // in the first
	music  *Music
	beep   bool // the clip is the tone before a recording

	presses []dtmf.Sender
	began   uint32 // timestamp of the press that is being sent
}

func (p *player) busy() bool { return p.clips != nil || p.music != nil || len(p.presses) > 0 }

// fill writes the next frame.
func (p *player) fill(b []byte, c Codec, at time.Duration) {
	if p.clips == nil && p.music != nil {
		p.music.fill(b, c, at)
		return
	}
	for len(p.clips) > 0 && len(b) > 0 {
		source := encoded(c, p.clips[0].ALaw(), p.clips[0].MuLaw())
		n := copy(b, source[p.offset:])
		b, p.offset = b[n:], p.offset+n
		if p.offset == len(source) {
			p.clips, p.offset = p.clips[1:], 0
		}
	}
	idle := byte(g711.IdleU)
	if c == PCMA {
		idle = g711.IdleA
	}
	for i := range b {
		b[i] = idle
	}
}

// startClips begins a Play.
func (l *Leg) startClips(id uint64, clips []*prompt.Clip) {
	l.beeped()
	l.play.music, l.play.clips = nil, nil
	whole := make([]*prompt.Clip, 0, len(clips))
	for _, c := range clips {
		if c.Duration() > 0 {
			whole = append(whole, c)
		}
	}
	if len(whole) == 0 {
		l.silence()
		l.emit(Played{ID: id})
		return
	}
	l.play.id, l.play.clips, l.play.offset = id, whole, 0
	l.begin()
}

func (l *Leg) startMusic(m *Music) {
	l.beeped()
	l.play.clips, l.play.music = nil, m
	l.begin()
}

func (l *Leg) stop() {
	l.beeped()
	l.play.clips, l.play.music = nil, nil
	l.silence()
}

func (l *Leg) press(s dtmf.Sender) {
	if l.params.EventPT != 0 && len(l.play.presses) < maxPresses {
		l.play.presses = append(l.play.presses, s)
		l.begin()
	}
}

// begin makes the leg a paced sender, if it is none yet.
func (l *Leg) begin() {
	if l.failed || l.time.queued {
		return
	}
	now := l.engine.clock()
	ms := int64(now / time.Millisecond)
	due := l.out.hold(true)
	w := &l.work.wheel
	switch next := int64((due + time.Millisecond - 1) / time.Millisecond); {
	case next >= ms && next <= ms+maxPtime: // the stream goes on
		l.time.due = next
	default:
		l.time.due = w.quietest(ms)
	}
	w.enter(&l.time)
	w.insert(&l.time)
}

// silence ends pacing, unless there is still something to send.
func (l *Leg) silence() {
	if l.play.busy() && !l.failed {
		return
	}
	l.work.wheel.leave(&l.time)
	l.work.wheel.remove(&l.time)
	l.out.hold(false)
}

// tick sends what is due and queues the leg for the next time.
func (l *Leg) tick(now time.Duration) {
	step := l.params.Ptime
	if step == 0 { // played before Configure: time passes, nothing is sent
		step = defaultPtime
	}
	late := now - time.Duration(l.time.due)*time.Millisecond
	l.work.count.lateness(late)
	if late >= 2*time.Duration(step)*time.Millisecond {
		// Never more than two frames at once: the rest of the delay becomes a
		// gap, and no sound is lost.
		l.time.due += int64(late / time.Millisecond)
	}
	at := time.Duration(l.time.due) * time.Millisecond
	l.time.due += int64(step)
	l.work.wheel.insert(&l.time)
	if len(l.play.presses) > 0 {
		l.tickPress(step*8, at)
	} else {
		l.out.frame(&l.work.made, &l.play, step*8, at)
	}
	if l.play.clips != nil && len(l.play.clips) == 0 {
		l.play.clips = nil
		l.silence()
		if l.play.beep {
			l.beeped()
		} else {
			l.emit(Played{ID: l.play.id})
		}
		return
	}
	l.silence()
}

func (l *Leg) tickPress(step int, at time.Duration) {
	if k, ok := l.play.presses[0].Next(step); ok {
		l.out.event(&l.work.made, k, &l.play.began, at)
		return
	}
	// The pause between two keys is this frame and the two repeated ends.
	l.play.presses = append(l.play.presses[:0], l.play.presses[1:]...)
	if l.play.clips != nil || l.play.music != nil {
		l.out.frame(&l.work.made, &l.play, step, at)
	}
}
