package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"tierline/call/service"
	"tierline/media/g711"
	"tierline/media/master"
	"tierline/media/speech"
	"tierline/media/wav"
)

// Voice is an engine and how it wants to be told.
type Voice struct {
	Engine speech.Engine
	Pinyin bool // it is given pinyin where the documents have it
	// Fragments speaks the pieces of readings: by itself a syllable comes out
	// slower than in a sentence. nil: Engine does.
	Fragments speech.Engine
}

// Options say how to build.
type Options struct {
	Voices map[string]Voice // by language
	Only   []string         // keys; empty: all
	Accept []string         // keys whose recording still fits although the text changed
	Tell   func(Step)       // told of each step, by one goroutine at a time; may be nil
}

// Action is what became of a sound.
type Action string

// Actions.
const (
	Made     Action = "made"
	Imported Action = "recorded" // made of a recording
	Removed  Action = "removed"  // nobody asks for it any more
	Failed   Action = "failed"
	Kept     Action = "kept" // it was there and nothing changed
)

// Step is one sound that was dealt with.
type Step struct {
	Key    string
	File   string
	Action Action
	Length time.Duration
	Err    error
	Done   int // of All
	All    int
}

// errNotBuilt says that sounds are missing still.
var errNotBuilt = errors.New("not all sounds could be made")

// Build brings the sounds of a directory up to date with its documents.
func Build(ctx context.Context, dir string, wanted []service.Wanted, o Options) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	wanted = wholes(dir, wanted)
	b := &builder{dir: dir, options: o, manifest: m, all: len(wanted)}
	var jobs [][]job // those of one sound together: it is made once
	for _, w := range wanted {
		if len(o.Only) > 0 && !slices.Contains(o.Only, w.Key) {
			b.all--
			continue
		}
		j, ok := b.plan(w)
		if !ok {
			continue
		}
		i := slices.IndexFunc(jobs, func(same []job) bool { return same[0].entry.Key == j.entry.Key })
		if i < 0 {
			jobs = append(jobs, []job{j})
			continue
		}
		jobs[i] = append(jobs[i], j)
	}
	b.run(ctx, jobs)
	if len(o.Only) == 0 && ctx.Err() == nil {
		b.sweep(wanted)
	}
	if err := b.manifest.write(dir); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the sounds that were made are kept: %w", context.Cause(ctx))
	case b.failed:
		return errNotBuilt
	}
	return nil
}

type builder struct {
	dir     string
	options Options
	all     int

	mu       sync.Mutex // guards what follows
	manifest manifest
	done     int
	failed   bool
}

func (b *builder) file(key string) string {
	return filepath.Join(b.dir, filepath.FromSlash(service.SoundFile(key)))
}

// run makes sounds, as many at once as the machine has processors.
func (b *builder) run(ctx context.Context, jobs [][]job) {
	var workers sync.WaitGroup
	queue := make(chan []job)
	for range min(runtime.NumCPU(), max(len(jobs), 1)) {
		workers.Go(func() {
			for same := range queue {
				b.make(ctx, same)
			}
		})
	}
	for _, same := range jobs {
		if ctx.Err() != nil {
			break
		}
		queue <- same
	}
	close(queue)
	workers.Wait()
}

// make makes one sound for all who want it.
func (b *builder) make(ctx context.Context, same []job) {
	wide, err := same[0].make(ctx)
	if ctx.Err() != nil {
		return
	}
	var samples []int16
	var file bytes.Buffer
	if err == nil {
		w := same[0].wanted
		samples = master.Make(wide, style(w))
		if w.Text != "" && master.Measure(samples).Silent() {
			err = errors.New("there is nothing to hear in it")
		} else {
			err = wav.Write(&file, alaw(samples))
		}
	}
	for _, j := range same {
		each := err
		if each == nil {
			each = replace(b.file(j.wanted.Key), file.Bytes())
		}
		if each != nil {
			b.fail(j.wanted, each)
			continue
		}
		j.entry.Sound = hash(file.String())
		action := Made
		if j.entry.Source == Recorded {
			action = Imported
		}
		b.tell(j.wanted.Key, &j.entry, Step{Action: action, Length: master.Measure(samples).Length})
	}
}

func alaw(samples []int16) wav.Audio {
	a := wav.Audio{Format: wav.ALaw, Data: make([]byte, len(samples))}
	for i, s := range samples {
		a.Data[i] = g711.EncodeA(s)
	}
	return a
}

// sweep removes what machines made for texts that are gone.
func (b *builder) sweep(wanted []service.Wanted) {
	readings := readings(wanted)
	for _, key := range slices.Sorted(maps.Keys(b.manifest.Sounds)) {
		e := b.manifest.Sounds[key]
		if readings[key] || slices.ContainsFunc(wanted, func(w service.Wanted) bool { return w.Key == key }) {
			continue
		}
		sound, exists := contents(b.file(key))
		if exists && (e.Source != Machine || sound != e.Sound) {
			continue // the report says that nobody uses it
		}
		delete(b.manifest.Sounds, key)
		if exists {
			if err := os.Remove(b.file(key)); err != nil {
				b.fail(service.Wanted{Key: key}, fmt.Errorf("remove what nobody uses: %w", err))
				continue
			}
			b.tell(key, nil, Step{Action: Removed})
		}
	}
}

// readings are the sounds of readings in all languages that are spoken: they
// may stay although no flow reads anything out now.
func readings(wanted []service.Wanted) map[string]bool {
	out, done := map[string]bool{}, map[string]bool{"": true}
	for _, w := range wanted {
		if done[w.Language] {
			continue
		}
		done[w.Language] = true
		for _, r := range service.Readings(w.Language) {
			out[r.Key] = true
		}
	}
	return out
}

// tell notes what became of a sound.
func (b *builder) tell(key string, e *entry, s Step) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e != nil {
		b.manifest.Sounds[key] = *e
		b.done++
	}
	s.Key, s.File, s.Done, s.All = key, service.SoundFile(key), b.done, b.all
	b.failed = b.failed || s.Err != nil
	if b.options.Tell != nil {
		b.options.Tell(s)
	}
}

func (b *builder) keep(w service.Wanted, e entry) bool {
	b.tell(w.Key, &e, Step{Action: Kept})
	return false
}

// fail notes a sound that could not be made; it is always false.
func (b *builder) fail(w service.Wanted, err error) bool {
	b.tell(w.Key, nil, Step{Action: Failed, Err: err})
	return false
}
