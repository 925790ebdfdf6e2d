package call

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tierline/acd"
	"tierline/ivr"
	"tierline/media"
)

// tapeLimit is how long the end of a call waits for the last sounds of a
// recording to be on the disk.
const tapeLimit = 2 * time.Second

// recordingKind is what a recording of the menu is called in the log.
const recordingKind = "message"

// taping is a recording under way.
type taping struct {
	id  uint64 // of the menu's Record
	ref string
}

// tape carries out what the menu says of recordings.
func (c *Call) tape(ctx context.Context, a ivr.Action) {
	switch a := a.(type) {
	case ivr.Record:
		c.record(ctx, a)
	case ivr.StopRecording:
		if c.taping != nil && c.taping.id == a.ID {
			c.caller.media.StopRecord(a.ID)
		}
	case ivr.KeepRecording:
		c.keep(a.Ref)
	case ivr.DropRecording:
		c.drop(a.Ref)
	default: // act sorts them
	}
}

func (c *Call) record(ctx context.Context, a ivr.Record) {
	if c.pickUp(); c.ending {
		return
	}
	c.recordings++
	ref := fmt.Sprintf("%s-%d", c.id, c.recordings)
	path, err := c.sw.cfg.Messages.Path(ref)
	if err != nil || c.taping != nil {
		c.log.Warn("cannot record", "err", err, "recording_already", c.taping != nil)
		c.later(func() { c.menu(ctx, ivr.Recorded{ID: a.ID}) })
		return
	}
	c.speaking = 0 // a beep, then nothing
	c.vigil.sound, c.vigil.comfort = false, false
	c.taping = &taping{id: a.ID, ref: ref}
	c.caller.media.Record(a.ID, media.RecordOptions{Path: path, Max: a.Max, Silence: a.Silence, Beep: a.Beep})
}

// recorded is the end of a recording. One that holds nothing is no recording.
func (c *Call) recorded(ev media.Recorded) (in ivr.Recorded, ok bool) {
	t := c.taping
	if t == nil || t.id != ev.ID {
		return ivr.Recorded{}, false
	}
	c.taping = nil
	in = ivr.Recorded{ID: t.id, Ref: t.ref, Length: ev.Length, Voice: ev.Voice}
	outcome := "made"
	switch {
	case ev.Err != nil:
		outcome = "failed"
		c.log.Error("recording failed", "recording", t.ref, "err", ev.Err)
	case !ev.Voice:
		outcome = "empty"
	}
	c.sw.stats.count(&c.sw.stats.recordings, outcome)
	if outcome != "made" {
		in.Ref, in.Voice = "", false
		c.discard(t.ref)
		return in, true
	}
	c.kept[t.ref] = ev.Length
	return in, true
}

// keep writes a recording into the log; from then on it is not ours to delete.
func (c *Call) keep(ref string) {
	length, ok := c.kept[ref]
	if !ok {
		return
	}
	delete(c.kept, ref)
	c.sw.cfg.Queue.Post(acd.CallRecorded{
		Call: c.id, Ref: ref, LengthMS: length.Milliseconds(), Kind: recordingKind,
	})
}

func (c *Call) drop(ref string) {
	if _, ok := c.kept[ref]; ok {
		delete(c.kept, ref)
		c.discard(ref)
	}
}

// discard deletes a file beside the call.
func (c *Call) discard(ref string) {
	c.beside(func() func() {
		if err := c.sw.cfg.Messages.Drop(ref); err != nil {
			c.log.Warn("recording can't be deleted", "recording", ref, "err", err)
		}
		return nil
	})
}

// endTapes finishes what is being recorded and keeps what nothing was said of:
// the caller hung up instead of pressing a key.
func (c *Call) endTapes() {
	if t := c.taping; t != nil {
		c.caller.media.StopRecord(t.id)
	}
	c.endTape()
	c.awaitTape()
	for _, ref := range slices.Sorted(maps.Keys(c.kept)) {
		c.keep(ref)
	}
}

// awaitTape takes the last messages of the call until its recordings are on the
// disk. The call has ended already: nothing else in its mailbox matters.
func (c *Call) awaitTape() {
	limit := time.NewTimer(tapeLimit)
	defer limit.Stop()
	for c.taping != nil || len(c.tapes) > 0 {
		m, ok := c.box.await(limit.C)
		if !ok {
			c.loseTapes()
			continue
		}
		switch m := m.(type) {
		case heard:
			if ev, ok := m.ev.(media.Recorded); ok {
				c.recorded(ev)
			}
		case taped:
			c.onTaped(m.of, m.ev)
		default:
		}
	}
}

// loseTapes gives up what the disk doesn't take.
func (c *Call) loseTapes() {
	if c.taping != nil {
		c.log.Error("recording is lost", "recording", c.taping.ref)
		c.taping = nil
	}
	for t := range c.tapes {
		c.onTaped(t, media.Taped{Err: errTapeLost})
	}
}
