package call

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing/synctest"
	"time"

	"tierline/media"
	"tierline/media/handshake"
	"tierline/media/prompt"
)

// fakeMedia plays clips by the clock.
type fakeMedia struct {
	lab *lab

	mu    sync.Mutex
	ports int
	open  int
	last  *fakeLeg
	full  bool

	tape      *fakeTape
	tapeErr   error // of tapes from now on
	tapeStuck bool  // the disk doesn't answer
}

func (m *fakeMedia) Fingerprint() handshake.Fingerprint {
	return handshake.Fingerprint{Hash: "sha-256", Sum: make([]byte, 32)}
}

func (m *fakeMedia) IP() netip.Addr { return netip.MustParseAddr("192.0.2.1") }

func (m *fakeMedia) OpenAt(_ netip.AddrPort, on func(media.Event)) (MediaLeg, error) {
	return m.Open(on)
}

func (m *fakeMedia) Open(on func(media.Event)) (MediaLeg, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return nil, errors.New("no ports")
	}
	m.ports += 2
	m.open++
	m.last = &fakeLeg{media: m, port: m.ports, on: on}
	return m.last, nil
}

func (m *fakeMedia) Music(*prompt.Clip) *media.Music    { return &media.Music{} }
func (l *fakeLeg) EndCode()                             { l.media.lab.note("end of the code") }
func (l *fakeLeg) SendDigit(code rune, _ int)           { l.media.lab.note("key %c", code) }
func (l *fakeLeg) Port() int                            { return l.port }
func (l *fakeLeg) press(keys string)                    { l.keys(keys) }
func (l *fakeLeg) Configure(p media.Params) error       { l.params = p; return nil }
func (m *fakeMedia) legs() int                          { m.mu.Lock(); defer m.mu.Unlock(); return m.open }
func (l *fakeLeg) Play(id uint64, clips []*prompt.Clip) { l.play(id, clips) }

// Record lets the test say how the recording ends; see recorded.
func (l *fakeLeg) Record(id uint64, o media.RecordOptions) {
	l.stop()
	l.hears(true) // himself
	l.media.lab.note("record")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tape, l.path = id, o.Path
	l.timer = time.AfterFunc(o.Max, func() { l.StopRecord(id) })
}

// StopRecord ends it with a file of what was said.
func (l *fakeLeg) StopRecord(id uint64) {
	l.mu.Lock()
	said, path, mine := l.said, l.path, l.tape == id
	l.tape = 0
	l.mu.Unlock()
	if !mine {
		return
	}
	l.media.lab.note("recorded %v", said)
	if said > 0 {
		l.media.lab.write(path)
	}
	l.on(media.Recorded{ID: id, Length: said, Voice: said > 0})
}

func (m *fakeMedia) Bridge(a, b MediaLeg) {
	m.lab.note("bridge")
	for _, l := range []*fakeLeg{a.(*fakeLeg), b.(*fakeLeg)} {
		l.mix = nil
		l.hears(true)
	}
}

// Tape lets the test say how it ends; see fakeTape.
func (m *fakeMedia) Tape(path string, on func(media.Taped)) Tape {
	m.lab.note("tape")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tape = &fakeTape{path: path, on: on, began: time.Now(), lab: m.lab, err: m.tapeErr, stuck: m.tapeStuck}
	return m.tape
}

// fakeTape is a tape that takes a moment to be on the disk, fails or hangs.
type fakeTape struct {
	lab   *lab
	path  string
	on    func(media.Taped)
	began time.Time
	err   error
	stuck bool
	once  sync.Once
}

// Join implements Tape.
func (f *fakeTape) Join(l MediaLeg, side int) {
	f.lab.note("tape: %d joins on side %d", l.(*fakeLeg).port, side)
}

// Leave implements Tape.
func (f *fakeTape) Leave(l MediaLeg) { f.lab.note("tape: %d leaves", l.(*fakeLeg).port) }

// Mute implements Tape.
func (f *fakeTape) Mute(on bool) time.Duration {
	f.lab.note("tape: muted %v", on)
	return f.Position()
}

// Position implements Tape.
func (f *fakeTape) Position() time.Duration { return time.Since(f.began) }

// End implements Tape.
func (f *fakeTape) End() {
	f.once.Do(func() {
		f.lab.note("taped %v", time.Since(f.began))
		if f.stuck {
			return
		}
		ev := media.Taped{Length: time.Since(f.began), SHA256: "9f86", Err: f.err}
		if f.err == nil {
			if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
				f.lab.t.Error(err)
			}
			f.lab.write(f.path)
		}
		time.AfterFunc(50*time.Millisecond, func() { f.on(ev) })
	})
}

func (m *fakeMedia) Unbridge(a, b MediaLeg) {
	m.lab.note("unbridge")
	for _, l := range []*fakeLeg{a.(*fakeLeg), b.(*fakeLeg)} {
		if l.mix == nil {
			l.hears(false)
		}
	}
}

func (l *fakeLeg) PlayMusic(*media.Music) {
	l.stop()
	l.hears(true)
	l.media.lab.note("music")
}

func (l *fakeLeg) Stop() {
	l.stop()
	l.hears(false)
}

// hears notes whether the peer hears anything from now on.
func (l *fakeLeg) hears(something bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.sound {
		l.longest = max(l.longest, time.Since(l.changed))
	}
	l.sound, l.changed = something, time.Now()
}

// silence returns the longest one since the last time.
func (l *fakeLeg) silence() time.Duration {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.sound {
		l.longest = max(l.longest, time.Since(l.changed))
		l.changed = time.Now()
	}
	d := l.longest
	l.longest = 0
	return d
}

// Quality tells what the test lets the peer send.
func (l *fakeLeg) Quality() media.Quality {
	l.mu.Lock()
	defer l.mu.Unlock()
	return media.Quality{Codec: "PCMA", Sent: 1, Received: l.received}
}

// sends lets the peer send sound.
func (l *fakeLeg) sends() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.received++
}

type fakeLeg struct {
	received uint64
	media    *fakeMedia
	tape     uint64        // the recording under way
	path     string        // its file
	said     time.Duration // what is in it
	port     int
	mix      *fakeMix // nil: in none
	on       func(media.Event)
	params   media.Params

	mu      sync.Mutex
	timer   *time.Timer
	closed  bool
	sound   bool // it hears something …
	changed time.Time
	longest time.Duration // … or nothing, for so long at most
}

func (l *fakeLeg) play(id uint64, clips []*prompt.Clip) {
	l.stop()
	var d time.Duration
	for _, c := range clips {
		d += c.Duration()
	}
	l.media.lab.note("play %v", d)
	l.hears(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(d, func() {
		l.hears(false)
		l.on(media.Played{ID: id})
	})
}

func (l *fakeLeg) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *fakeLeg) keys(keys string) {
	for _, k := range keys {
		l.on(media.Digit{Code: k, DurationMS: 100})
	}
}

func (l *fakeLeg) Close() {
	l.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.media.lab.t.Error("media leg closed twice")
	}
	l.closed = true
	l.media.mu.Lock()
	l.media.open--
	l.media.mu.Unlock()
}
