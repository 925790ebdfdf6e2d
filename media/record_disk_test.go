package media

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tierline/media/rtp"
)

// badDisk fails as it is told to.
type badDisk struct {
	gate  chan struct{} // writing waits for it
	err   error         // of writing
	ended atomic.Bool
}

func (d *badDisk) Write([]byte) error {
	if d.gate != nil {
		<-d.gate
	}
	return d.err
}
func (d *badDisk) Finish(int) error { d.ended.Store(true); return nil }
func (d *badDisk) Discard() error   { d.ended.Store(true); return nil }

func TestFullDiskCostsTheRecordingOnly(t *testing.T) {
	b := newLab(t)
	disk := &badDisk{err: syscall.ENOSPC}
	b.e.create = func(string, int) (recording, error) { return disk, nil }
	s := b.speaker(PCMA)
	s.record(RecordOptions{})
	s.utter(voice(PCMA, time.Second))
	if ev := s.recorded(); !errors.Is(ev.Err, syscall.ENOSPC) || ev.Length != 0 {
		t.Errorf("%+v", ev)
	}
	s.leg.Play(1, clips(beep(100*ms, 440)))
	s.utter(voice(PCMA, time.Second))
	if len(s.got) != 1 || s.got[0] != (Played{ID: 1}) {
		t.Errorf("the call does not go on: %+v", s.got)
	}
}

func TestMissingDirectory(t *testing.T) {
	s := newLab(t).speaker(PCMA)
	s.record(RecordOptions{Path: filepath.Join(s.path, "not", "there.wav")})
	if ev := s.recorded(); !errors.Is(ev.Err, os.ErrNotExist) {
		t.Errorf("%+v", ev)
	}
}

func TestSlowDiskCostsTheRecordingOnly(t *testing.T) {
	for what, spoken := range map[string]time.Duration{"while it records": 20 * time.Second, "at the end": time.Second} {
		b := newLab(t)
		b.impatient = true
		disk := &badDisk{gate: make(chan struct{})}
		b.e.create = func(string, int) (recording, error) { return disk, nil }
		s := b.speaker(PCMA)
		s.record(RecordOptions{})
		s.utter(voice(PCMA, spoken))
		s.leg.StopRecord(7)
		s.run(patience + time.Second)
		if len(s.got) != 1 {
			t.Fatalf("%s: %+v", what, s.got)
		}
		if ev, ok := s.got[0].(Recorded); !ok || !errors.Is(ev.Err, ErrSlowDisk) {
			t.Errorf("%s: %+v", what, s.got)
		}
		close(disk.gate)
		b.e.writers.Wait()
		s.settle()
		if len(s.got) != 1 || !disk.ended.Load() {
			t.Errorf("%s: in the end %+v", what, s.got)
		}
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	b := newLab(t)
	b.e.create = func(string, int) (recording, error) { return &badDisk{}, nil }
	s := b.speaker(PCMU)
	s.record(RecordOptions{})
	sound := voice(PCMU, 20*ms)
	h, now := rtp.Header{SSRC: 1}, b.now
	if n := testing.AllocsPerRun(200, func() {
		now += 20 * ms
		h.Timestamp += 160
		s.leg.record(h, sound, PCMU, now)
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
	if s.leg.recorder == nil {
		t.Error("it does not record any more")
	}
}
