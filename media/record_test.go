package media

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"tierline/media/g711"
	"tierline/media/prompt"
	"tierline/media/tone"
	"tierline/media/wav"
)

// speaker is a peer whose voice is recorded.
type speaker struct {
	*peer
	path string
}

func (b *lab) speaker(codec Codec) *speaker {
	b.t.Helper()
	return &speaker{peer: b.peer(talking(codec)), path: filepath.Join(b.t.TempDir(), "message.wav")}
}

func (s *speaker) record(o RecordOptions) {
	s.t.Helper()
	if o.Path == "" {
		o.Path = s.path
	}
	s.leg.Record(7, o)
	s.settle()
}

// voice returns a second of something like a voice: 440 Hz, encoded.
func voice(codec Codec, d time.Duration) []byte {
	out := make([]byte, 0, 8000)
	for i, v := range tone.Make(d, -15, 440) {
		v = int16(int(v) * (1 + i%7) / 7)
		if codec == PCMA {
			out = append(out, g711.EncodeA(v))
		} else {
			out = append(out, g711.EncodeU(v))
		}
	}
	return out
}

// utter sends sound in packets of 20 ms, in time.
func (s *speaker) utter(sound []byte) {
	s.t.Helper()
	for len(sound) > 0 {
		s.packet(sound[:160])
		sound = sound[160:]
	}
}

func (s *speaker) packet(payload []byte) {
	s.t.Helper()
	s.run(20 * ms)
	s.raw(datagram(s.header(), payload))
	s.skip(1)
}

// skip counts packets that are lost on the way.
func (s *speaker) skip(n int) {
	s.seq += uint16(n)
	s.ts += uint32(160 * n)
}

// recorded waits for the disk, not for the clock.
func (s *speaker) recorded() Recorded {
	s.t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); runtime.Gosched() {
		s.settle()
		if n := len(s.got); n > 0 {
			if ev, ok := s.got[n-1].(Recorded); ok {
				s.got = s.got[:n-1]
				return ev
			}
		}
	}
	s.t.Fatalf("no recording; events %+v", s.got)
	return Recorded{}
}

// file returns the sound of the recording and checks that nothing else is left.
func (s *speaker) file() []byte {
	s.t.Helper()
	left, err := os.ReadDir(filepath.Dir(s.path))
	if err != nil || len(left) != 1 {
		s.t.Fatalf("%d files, %v", len(left), err)
	}
	f, err := os.Open(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	a, err := wav.Read(f)
	if err != nil || a.Format != wav.ALaw {
		s.t.Fatalf("%v, %v", a.Format, err)
	}
	return a.Data
}

func (s *speaker) nothingLeft() {
	s.t.Helper()
	if left, err := os.ReadDir(filepath.Dir(s.path)); err != nil || len(left) != 0 {
		s.t.Errorf("%v left, %v", left, err)
	}
}

func TestRecordToTheSample(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		s := newLab(t).speaker(codec)
		s.record(RecordOptions{})
		sound := voice(codec, 2*time.Second)
		s.utter(sound)
		s.leg.StopRecord(7)
		ev := s.recorded()
		if ev != (Recorded{ID: 7, Length: 2 * time.Second, Voice: true}) {
			t.Errorf("%s: %+v", codec.Name(), ev)
		}
		if codec == PCMU {
			g711.ConvertUToA(sound)
		}
		if got := s.file(); !bytes.Equal(got, sound) {
			t.Errorf("%s: other sound, %d bytes of %d", codec.Name(), len(got), len(sound))
		}
	}
}

// A recording can be played to whoever spoke it.
func TestRecordingIsAClip(t *testing.T) {
	s := newLab(t).speaker(PCMA)
	s.record(RecordOptions{})
	s.utter(voice(PCMA, time.Second))
	s.leg.StopRecord(7)
	s.recorded()
	f, err := os.Open(s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c, err := prompt.LoadClip(f)
	if err != nil || c.Duration() != time.Second {
		t.Fatalf("%v, %v", c, err)
	}
}

func TestRecordPlacesPacketsByTheirTimestamps(t *testing.T) {
	word := voice(PCMA, 400*ms)
	idle := bytes.Repeat([]byte{g711.IdleA}, 1600)
	for _, c := range []struct {
		what string
		say  func(s *speaker)
		want []byte
	}{
		{"ten packets lost", func(s *speaker) {
			s.utter(word)
			s.run(200 * ms)
			s.skip(10)
			s.utter(word)
		}, bytes.Join([][]byte{word, idle, word}, nil)},
		{"silence suppressed: no sequence number is missing", func(s *speaker) {
			s.utter(word)
			s.run(200 * ms)
			s.ts += 1600
			s.utter(word)
		}, bytes.Join([][]byte{word, idle, word}, nil)},
		{"two packets in the wrong order", func(s *speaker) {
			s.utter(word[:1600])
			first, second := s.header(), s.header()
			second.Sequence++
			second.Timestamp += 160
			s.run(40 * ms)
			s.raw(datagram(second, word[1760:1920]))
			s.raw(datagram(first, word[1600:1760]))
			s.skip(2)
			s.utter(word[1920:])
		}, word},
		{"every packet twice", func(s *speaker) {
			for i := 0; i < len(word); i += 160 {
				h := s.header()
				s.packet(word[i : i+160])
				s.raw(datagram(h, word[i:i+160]))
			}
		}, word},
		{"another source goes on", func(s *speaker) {
			s.utter(word)
			s.ssrc, s.ts, s.seq = 0x9999, 77, 1
			s.utter(word)
		}, append(bytes.Clone(word), word...)},
		{"the timestamps leap and go on", func(s *speaker) {
			s.utter(word)
			s.ts += 1 << 30
			s.utter(word)
		}, append(bytes.Clone(word), word...)},
		{"a packet from before", func(s *speaker) {
			s.utter(word)
			h := s.header()
			h.Timestamp -= 16000
			s.raw(datagram(h, bytes.Repeat([]byte{0x2a}, 160)))
			s.utter(word)
		}, nil},
	} {
		s := newLab(t).speaker(PCMA)
		s.record(RecordOptions{})
		c.say(s)
		s.leg.StopRecord(7)
		if ev := s.recorded(); ev.Err != nil || !ev.Voice {
			t.Errorf("%s: %+v", c.what, ev)
			continue
		}
		if got := s.file(); c.want != nil && !bytes.Equal(got, c.want) {
			t.Errorf("%s: %d samples, want %d; the first difference at %d", c.what, len(got), len(c.want), differs(got, c.want))
		}
	}
}

func differs(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestRecordBeepsFirst(t *testing.T) {
	s := newLab(t).speaker(PCMA)
	s.leg.Play(1, clips(beep(time.Second, 440)))
	s.run(100 * ms)
	s.heard()
	s.record(RecordOptions{Beep: true})
	d := tone.NewDetector(440, beepHz)
	for range 30 { // says something into the beep
		s.packet(bytes.Repeat([]byte{0x2a}, 160))
		for _, k := range s.heard() {
			d.Feed(decode(8, k.payload))
		}
	}
	if h := d.Heard(); h[1].Duration != beepTime || h[0].Duration > 20*ms {
		t.Errorf("heard %+v", h)
	}
	s.utter(voice(PCMA, time.Second))
	s.leg.StopRecord(7)
	ev := s.recorded()
	if len(s.got) > 0 {
		t.Errorf("events %+v", s.got)
	}
	// 300 ms of the first utterance came after the beep.
	if got := s.file(); ev.Length < 1280*ms || ev.Length > 1320*ms || len(got) != int(samples(ev.Length)) {
		t.Errorf("%+v, %d samples", ev, len(got))
	}
}

func TestBargingIntoTheBeepBeginsTheRecording(t *testing.T) {
	s := newLab(t).speaker(PCMA)
	s.record(RecordOptions{Beep: true})
	s.run(100 * ms)
	s.leg.Stop()
	s.settle()
	s.utter(voice(PCMA, time.Second))
	s.leg.StopRecord(7)
	if ev := s.recorded(); ev.Length != time.Second {
		t.Errorf("%+v", ev)
	}
}

func TestRecordEnds(t *testing.T) {
	hiss := make([]byte, 8000)
	for i := range hiss {
		hiss[i] = g711.EncodeA(int16(i * 7919 % 61)) // -57 dBm0
	}
	for _, c := range []struct {
		what    string
		options RecordOptions
		say     func(s *speaker)
		length  time.Duration
	}{
		{"silence of packets", RecordOptions{Silence: 2 * time.Second}, func(s *speaker) {
			s.utter(voice(PCMA, time.Second))
			for range 3 {
				s.utter(hiss)
			}
		}, 1200 * ms},
		{"silence without packets", RecordOptions{Silence: 2 * time.Second}, func(s *speaker) {
			s.utter(voice(PCMA, time.Second))
			s.run(2500 * ms)
		}, 1200 * ms},
		{"its maximum", RecordOptions{Max: 3 * time.Second}, func(s *speaker) {
			for range 4 {
				s.utter(voice(PCMA, time.Second))
			}
		}, 3 * time.Second},
		{"the caller closes", RecordOptions{}, func(s *speaker) {
			s.utter(voice(PCMA, time.Second))
			s.leg.Close()
		}, time.Second},
		{"another recording", RecordOptions{}, func(s *speaker) {
			s.utter(voice(PCMA, time.Second))
			s.leg.Record(8, RecordOptions{Path: s.path + "/impossible"})
		}, time.Second},
		{"the leg breaks", RecordOptions{}, func(s *speaker) {
			s.utter(voice(PCMA, time.Second))
			s.leg.fail("test")
		}, time.Second},
	} {
		s := newLab(t).speaker(PCMA)
		s.record(c.options)
		c.say(s)
		ev := s.recorded()
		for ev.ID == 8 {
			ev = s.recorded()
		}
		if ev.ID != 7 || ev.Err != nil || !ev.Voice || ev.Length != c.length {
			t.Errorf("%s: %+v, want %v", c.what, ev, c.length)
		}
		if got := s.file(); len(got) != int(samples(ev.Length)) {
			t.Errorf("%s: %d samples", c.what, len(got))
		}
	}
}

func TestRecordNobody(t *testing.T) {
	for what, say := range map[string]func(s *speaker){
		"no packets": func(s *speaker) { s.run(5 * time.Second) },
		"silence":    func(s *speaker) { s.utter(bytes.Repeat([]byte{g711.IdleA}, 40_000)) },
		"a click":    func(s *speaker) { s.utter(voice(PCMA, 20*ms)); s.run(5 * time.Second) },
	} {
		s := newLab(t).speaker(PCMA)
		s.record(RecordOptions{Silence: 3 * time.Second})
		say(s)
		if ev := s.recorded(); ev != (Recorded{ID: 7}) {
			t.Errorf("%s: %+v", what, ev)
		}
		s.nothingLeft()
	}
}

// A steady noise is taken for a voice at first; it does not go on for ever.
func TestNoiseIsNoVoiceForEver(t *testing.T) {
	s := newLab(t).speaker(PCMA)
	s.record(RecordOptions{Silence: 3 * time.Second})
	dial := make([]byte, 8000)
	for i, v := range tone.Make(time.Second, -14, 425) {
		dial[i] = g711.EncodeA(v)
	}
	for range 40 {
		s.utter(dial)
	}
	if ev := s.recorded(); ev.Length > 30*time.Second {
		t.Errorf("%+v", ev)
	}
}
