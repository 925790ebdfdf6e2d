package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tierline/call/service"
	"tierline/media/master"
	"tierline/media/speech"
	"tierline/media/wav"
)

// job is a sound to be made.
type job struct {
	wanted service.Wanted
	entry  entry // as it will stand in the document, without the sound's hash
	make   func(context.Context) (wav.Wide, error)
}

// plan decides what a sound is made of; false: it stays as it is.
func (b *builder) plan(w service.Wanted) (job, bool) {
	old := b.manifest.Sounds[w.Key]
	sound, exists := contents(b.file(w.Key))
	recording, recorded := contents(filepath.Join(b.dir, filepath.FromSlash(service.RecordingFile(w.Key))))
	switch {
	case exists && (old.Sound != sound || old.Source == Given): // not made by us
		if recorded {
			return job{}, b.fail(w, fmt.Errorf("somebody put it there, and %s as well: remove one of them",
				service.RecordingFile(w.Key)))
		}
		return job{}, b.keep(w, b.given(w, old, sound))
	case recorded:
		return b.planRecorded(w, old, recording, exists)
	case exists && old.Source == Recorded: // its recording is kept elsewhere
		if b.accepts(w) {
			old.Text = textHash(w)
		}
		return job{}, b.keep(w, old)
	}
	return b.planMachine(w, old, exists)
}

func (b *builder) accepts(w service.Wanted) bool { return slices.Contains(b.options.Accept, w.Key) }

// given is the entry of a sound that somebody put there: of the text as it was
// when we saw the sound first.
func (b *builder) given(w service.Wanted, old entry, sound string) entry {
	if old.Sound == sound && !b.accepts(w) {
		return old
	}
	return entry{Source: Given, Sound: sound, Text: textHash(w)}
}

func (b *builder) planRecorded(w service.Wanted, old entry, recording string, exists bool) (job, bool) {
	e := entry{Source: Recorded, Text: textHash(w), Of: recording, Key: hash("recorded", recording, styleKey(w))}
	if old.Source == Recorded && old.Of == recording && !b.accepts(w) {
		e.Text = old.Text
	}
	if exists && old.Key == e.Key {
		e.Sound = old.Sound
		return job{}, b.keep(w, e)
	}
	return job{wanted: w, entry: e, make: b.recorded(w)}, true
}

// recorded reads a recording.
func (b *builder) recorded(w service.Wanted) func(context.Context) (wav.Wide, error) {
	return func(context.Context) (wav.Wide, error) {
		data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(service.RecordingFile(w.Key))))
		if err != nil {
			return wav.Wide{}, fmt.Errorf("read the recording: %w", err)
		}
		wide, err := wav.DecodeWide(data)
		if err != nil {
			return wide, fmt.Errorf("%s: %w", service.RecordingFile(w.Key), err)
		}
		return wide, nil
	}
}

func (b *builder) planMachine(w service.Wanted, old entry, exists bool) (job, bool) {
	e := entry{Source: Machine, Text: textHash(w)}
	engine, text := b.voice(w)
	switch {
	case isPause(w):
		e.Key = hash("pause", styleKey(w))
	case engine != nil:
		e.Key = hash(speech.Key(engine, w.Language, text), styleKey(w))
	}
	same := old.Key == e.Key || e.Key == "" && old.Text == e.Text // no engine is needed for what is right
	switch {
	case exists && same:
		return job{}, b.keep(w, old)
	case isPause(w):
		return job{wanted: w, entry: e, make: func(context.Context) (wav.Wide, error) { return pause(), nil }}, true
	case w.Kind == service.WantedMusic:
		return job{}, b.fail(w, fmt.Errorf("no machine makes music: put it into %s", service.RecordingFile(w.Key)))
	case engine == nil:
		return job{}, b.fail(w, fmt.Errorf("%w: %s", speech.ErrNoEngine, w.Language))
	}
	return job{wanted: w, entry: e, make: func(ctx context.Context) (wav.Wide, error) {
		said, err := engine.Speak(ctx, w.Language, text)
		if err != nil {
			return wav.Wide{}, err
		}
		return wav.DecodeWide(said)
	}}, true
}

// voice finds the engine of a sound and what it is told.
func (b *builder) voice(w service.Wanted) (speech.Engine, string) {
	voice := b.options.Voices[w.Language]
	engine, text := voice.Engine, w.Text
	if w.Kind == service.WantedFragment && voice.Fragments != nil {
		engine = voice.Fragments
	}
	if voice.Pinyin && w.Pinyin != "" {
		text = w.Pinyin
	}
	return engine, text
}

// isPause tells whether a sound is the silence between groups of a reading.
func isPause(w service.Wanted) bool { return w.Kind == service.WantedFragment && w.Text == "" }

func pause() wav.Wide { return wav.Wide{Rate: wav.Rate, Samples: make([]float64, wav.Rate*220/1000)} }

// style says how a sound is finished. A pause must not be trimmed.
func style(w service.Wanted) master.Style {
	switch {
	case w.Kind == service.WantedPrompt:
		return master.Speech
	case w.Kind == service.WantedFragment && !isPause(w):
		return master.Fragment
	}
	return master.Music
}

func styleKey(w service.Wanted) string { return fmt.Sprint(style(w), " ", master.Version) }

// contents names a file's contents; false if there is none.
func contents(file string) (sum string, exists bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", !errors.Is(err, fs.ErrNotExist) // what can't be read is not overwritten either
	}
	return hash(string(b)), true
}
