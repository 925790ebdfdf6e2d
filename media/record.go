package media

import (
	"errors"
	"time"

	"tierline/media/prompt"
	"tierline/media/record"
	"tierline/media/rtp"
	"tierline/media/tone"
)

// RecordOptions says how the peer of a leg is recorded.
type RecordOptions struct {
	Path    string        // of the WAV file, which appears when all of it is there
	Max     time.Duration // 0 = five minutes; never more than an hour
	Silence time.Duration // so much of it ends the recording; 0 = it doesn't
	Beep    bool          // a tone goes before it, in place of what plays
}

// Recorded says that a recording ended: by StopRecord, silence, Max, another
// Record or Close. It is the one event that may come after Close.
type Recorded struct {
	ID     uint64
	Length time.Duration // of the file, without the silence at its end
	Voice  bool          // there is something to hear in it; else there is no file
	Err    error         // why there is no file although there was a voice
}

func (Recorded) isEvent() {}

// Why a recording fails, beside what the disk says.
var (
	ErrSlowDisk = errors.New("the disk is too slow for a recording")
	errBroken   = errors.New("the leg is broken")
)

const (
	defaultRecording = 5 * time.Minute
	maxRecording     = time.Hour

	chunkSize  = 4000 // half a second
	chunkCount = 16   // how far a disk may lag behind: eight seconds

	patience = 3 * time.Second // for the disk, once the recording is over
	reorder  = 200 * time.Millisecond
	trail    = 200 * time.Millisecond // of what follows the last voice, so that no word is clipped
	minVoice = 200 * time.Millisecond // less is a click
	leap     = 8000                   // samples that timestamps may differ from the clock

	beepTime, beepLevel, beepHz = 300 * time.Millisecond, -13.0, 1000.0
)

// recording is the file of a recording, as package record writes it.
type recording interface {
	Write(alaw []byte) error
	Finish(samples int) error
	Discard() error
}

func createRecording(path string, channels int) (recording, error) {
	f, err := record.Create(path, channels)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// recorder is a recording of what a leg hears. The worker fills chunks; a
// goroutine of its own writes them to disk and may be as slow as it likes.
type recorder struct {
	id      uint64
	options RecordOptions

	// ---- owned by the worker
	placer
	running bool
	ended   time.Duration // when the last chunk was handed over; 0 = not yet
	told    bool
	chunk   []byte // of chunkSize, filled with silence
	start   int64  // position of its first sample
	ear     voiceEar
	heard   int64 // samples with a voice
	last    int64 // position behind the last of them

	full  chan []byte // closed behind the last one
	empty chan []byte
	keep  int // samples; what follows is written before full is closed
	voice bool
	lost  bool // nothing is to be kept
}

func newRecorder(id uint64, o RecordOptions) *recorder {
	if o.Max <= 0 {
		o.Max = defaultRecording
	}
	o.Max = min(o.Max, maxRecording)
	r := &recorder{
		id: id, options: o, ear: newVoiceEar(),
		full: make(chan []byte, chunkCount), empty: make(chan []byte, chunkCount),
	}
	all := make([]byte, chunkCount*chunkSize)
	for i := range chunkCount {
		r.empty <- all[i*chunkSize : (i+1)*chunkSize]
	}
	r.next()
	return r
}

// Record records what the peer says, instead of a recording under way.
func (l *Leg) Record(id uint64, o RecordOptions) {
	e := l.engine
	e.mu.RLock() // Close comes after it and waits for the writer
	defer e.mu.RUnlock()
	if e.closed {
		return
	}
	r := newRecorder(id, o)
	var beep []*prompt.Clip
	if o.Beep {
		beep = []*prompt.Clip{prompt.NewClip(tone.Make(beepTime, beepLevel, beepHz))}
	}
	l.work.post(func() {
		l.work.guarded(l, func() { l.startRecording(r, beep) })
	})
	e.writers.Go(func() { l.write(r) }) // what it has to tell comes behind
}

// StopRecord ends a recording; Recorded follows.
func (l *Leg) StopRecord(id uint64) {
	l.do(func() {
		if l.recorder != nil && l.recorder.id == id {
			l.endRecording(l.engine.clock())
		}
	})
}

func (l *Leg) startRecording(r *recorder, beep []*prompt.Clip) {
	l.endRecording(l.engine.clock())
	l.leaveRecording()
	l.recorder = r
	switch {
	case l.gone || l.failed:
		l.loseRecording(errBroken)
	case beep != nil:
		l.startClips(0, beep)
		l.play.beep = true
	default:
		r.run(l.engine.clock())
	}
}

// beeped begins the recording for which a tone was played, to its end or not.
func (l *Leg) beeped() {
	if l.play.beep {
		l.play.beep = false
		if l.recorder != nil {
			l.recorder.run(l.engine.clock())
		}
	}
}

func (r *recorder) run(now time.Duration) {
	if !r.running && r.ended == 0 {
		r.running, r.began = true, now
	}
}

// endRecording hands the rest over. The event follows when it is on the disk.
func (l *Leg) endRecording(now time.Duration) {
	r := l.recorder
	if r == nil || r.ended != 0 {
		return
	}
	r.running, r.ended = false, max(now, 1)
	if rest := r.end - r.start; rest > 0 {
		r.full <- r.chunk[:rest] // has room for every chunk there is
	}
	r.voice = r.heard >= samples(minVoice)
	r.keep = int(min(r.last+samples(trail), r.end))
	close(r.full)
}

// loseRecording gives up a recording and tells so at once.
func (l *Leg) loseRecording(err error) {
	r := l.recorder
	if r == nil {
		return
	}
	if r.ended == 0 {
		r.lost = true
		l.endRecording(l.engine.clock())
	}
	l.tellRecorded(r, Recorded{ID: r.id, Voice: r.voice, Err: err})
}

// leaveRecording makes room for another one while the disk is still busy.
func (l *Leg) leaveRecording() { l.recorder = nil }

// tellRecorded delivers the event, also for a leg that is closed.
func (l *Leg) tellRecorded(r *recorder, ev Recorded) {
	if r.told {
		return
	}
	r.told = true
	if l.recorder == r {
		l.leaveRecording()
	}
	if l.on != nil {
		l.on(ev)
	}
}

// keepRecording is the housekeeping of a recording.
func (l *Leg) keepRecording(now time.Duration) {
	r := l.recorder
	switch {
	case r.ended != 0:
		if now-r.ended > patience {
			l.loseRecording(ErrSlowDisk)
		}
	case r.running:
		live := samples(now - r.began)
		quiet := r.options.Silence > 0 && live-r.last >= samples(r.options.Silence)
		switch ok := r.advance(live - samples(reorder)); {
		case !ok:
			l.loseRecording(ErrSlowDisk)
		case quiet || live >= samples(r.options.Max+reorder):
			l.endRecording(now)
		}
	}
}

// record takes a packet of the peer's sound.
func (l *Leg) record(h rtp.Header, payload []byte, codec Codec, now time.Duration) {
	r := l.recorder
	if !r.running {
		return
	}
	if !r.take(h, payload, codec, now) {
		l.loseRecording(ErrSlowDisk)
	}
}

// write is the recording's own goroutine.
func (l *Leg) write(r *recorder) {
	f, err := l.engine.create(r.options.Path, 1)
	if err != nil {
		l.diskFailed(r, err)
	}
	for chunk := range r.full {
		if err == nil {
			if err = f.Write(chunk); err != nil {
				l.diskFailed(r, err)
			}
		}
		r.empty <- chunk[:chunkSize]
	}
	switch {
	case f == nil:
	case err != nil || r.lost || !r.voice:
		err = errors.Join(err, f.Discard())
	default:
		err = f.Finish(r.keep)
	}
	ev := Recorded{ID: r.id, Voice: r.voice, Err: err}
	if err == nil && r.voice {
		ev.Length = duration(r.keep)
	}
	l.work.post(func() { l.work.guarded(nil, func() { l.tellRecorded(r, ev) }) })
}

// diskFailed ends a recording that can't be written.
func (l *Leg) diskFailed(r *recorder, err error) {
	l.work.post(func() {
		l.work.guarded(nil, func() {
			if l.recorder == r {
				l.loseRecording(err)
			}
		})
	})
}
