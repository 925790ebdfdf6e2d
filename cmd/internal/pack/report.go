package pack

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/call/service"
	"tierline/ivr/say"
	"tierline/media/master"
	"tierline/media/wav"
)

// Limits of what is worth a remark.
const (
	tooLong         = 20 * time.Second // callers listen no longer
	tooLongFragment = 1500 * time.Millisecond
	tooQuiet        = -30.0 // dB of full scale, where somebody speaks
	tooLoud         = -9.0
)

// State is what there is to say about one sound.
type State struct {
	Key      string
	File     string
	Source   Source // empty if there is none
	Text     string
	Document string // that asks for it: file:line
	Figures  master.Figures
	Wanted   bool
	Remarks  []Remark
}

// Remark is one thing about a sound.
type Remark struct {
	Code string // missing, unreadable, …
	Bad  bool   // callers would not hear what they should
	Text string
}

// has tells whether a sound has a remark.
func (s *State) has(code string) bool {
	return slices.ContainsFunc(s.Remarks, func(r Remark) bool { return r.Code == code })
}

// Report looks at all sounds of a directory.
func Report(dir string, wanted []service.Wanted) ([]State, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	wanted = wholes(dir, wanted)
	r := reporter{dir: dir, manifest: m}
	out := make([]State, 0, len(wanted))
	known := readings(wanted)
	for _, w := range wanted {
		known[w.Key] = true
		out = append(out, r.state(w))
	}
	for _, top := range []string{service.SoundsDir, service.RecordingsDir} {
		unused, err := r.unused(top, known)
		if err != nil {
			return nil, err
		}
		out = append(out, unused...)
	}
	slices.SortStableFunc(out, func(a, b State) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

type reporter struct {
	dir      string
	manifest manifest
}

func (s *State) remark(code, format string, args ...any) {
	s.Remarks = append(s.Remarks, Remark{Code: code, Text: fmt.Sprintf(format, args...)})
}

func (s *State) bad(code, format string, args ...any) {
	s.remark(code, format, args...)
	s.Remarks[len(s.Remarks)-1].Bad = true
}

// state looks at one sound.
func (r reporter) state(w service.Wanted) State {
	s := State{Key: w.Key, File: service.SoundFile(w.Key), Text: w.Text, Wanted: true}
	if w.File != "" {
		s.Document = fmt.Sprintf("%s:%d", w.File, w.Line)
	}
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(s.File)))
	if err != nil {
		s.bad("missing", "there is no sound")
		r.checkRecording(&s, entry{})
		return s
	}
	e, known := r.manifest.Sounds[w.Key]
	if !known || e.Sound != hash(string(data)) {
		e = entry{Source: Given}
	}
	s.Source = e.Source
	if s.Source == Machine && w.Text != "" {
		s.remark("machine", "a machine speaks")
	}
	if e.Text != "" && e.Text != textHash(w) {
		switch s.Source {
		case Machine:
			s.bad("text_changed", "the text was changed since it was made: tierline prompts build")
		case Recorded, Given:
			s.bad("text_changed", "the text was changed since it was recorded")
		}
	}
	r.checkRecording(&s, e)
	a, err := wav.Decode(data)
	if err != nil {
		s.bad("unreadable", "%v", err)
		return s
	}
	s.Figures = master.Measure(a.Samples())
	s.listen(w)
	return s
}

// checkRecording looks at what the sound is, or should be, made of.
func (r reporter) checkRecording(s *State, e entry) {
	name := service.RecordingFile(s.Key)
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		return
	}
	if e.Source != Recorded || e.Of != hash(string(data)) {
		s.bad("not_built", "%s is not in it: tierline prompts build", name)
	}
	w, err := wav.DecodeWide(data)
	if err != nil {
		s.bad("unreadable", "%s: %v", name, err)
		return
	}
	samples := make([]int16, len(w.Samples))
	for i, v := range w.Samples {
		samples[i] = int16(math.Round(min(max(v, -1), 1) * math.MaxInt16))
	}
	if n := master.Measure(samples).Clipped; n > 0 {
		s.remark("clipped", "%s is overdriven in %d places", name, n)
	}
}

// listen judges what is heard.
func (s *State) listen(w service.Wanted) {
	f := s.Figures
	if w.Kind == service.WantedFragment && w.Text == "" {
		return // silence is what a pause is for
	}
	if f.Silent() {
		s.bad("silent", "there is nothing to hear in it")
		return
	}
	if f.Clipped > 0 && !s.has("clipped") {
		s.remark("clipped", "it is overdriven in %d places", f.Clipped)
	}
	switch {
	case w.Kind == service.WantedMusic:
		return
	case w.Kind == service.WantedFragment && f.Length > tooLongFragment && !strings.Contains(w.Key, "_"):
		s.remark("too_long", "%.1f s is long for a piece of a reading", f.Length.Seconds())
	case f.Length > tooLong:
		s.remark("too_long", "it lasts %.1f s; callers listen for at most %v", f.Length.Seconds(), tooLong)
	}
	switch {
	case f.Level > tooLoud:
		s.remark("loud", "it is loud: %.0f dB", f.Level)
	case f.Level < tooQuiet:
		s.remark("quiet", "it is quiet: %.0f dB", f.Level)
	}
}

// unused lists sounds and recordings that no document asks for.
func (r reporter) unused(top string, known map[string]bool) ([]State, error) {
	var out []State
	root := filepath.Join(r.dir, top)
	err := filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && full == root:
			return fs.SkipDir // there is none
		case err != nil:
			return err
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		rel, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		key, ok := service.SoundKey(filepath.ToSlash(rel))
		if !ok || known[key] {
			return nil
		}
		s := State{Key: key, File: top + "/" + filepath.ToSlash(rel), Source: r.manifest.Sounds[key].Source}
		s.remark("not_used", "no document asks for it")
		out = append(out, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the sounds: %w", err)
	}
	return out, nil
}

// wholes adds the recorded wholes of readings to what is wanted: sounds that
// stand for several fragments at once, named by them.
func wholes(dir string, wanted []service.Wanted) []service.Wanted {
	text := map[string]string{}
	for _, w := range wanted {
		if w.Kind == service.WantedFragment {
			text[w.Key] = w.Text
		}
	}
	out := slices.Clone(wanted)
	for _, top := range []string{service.SoundsDir, service.RecordingsDir} {
		files, err := filepath.Glob(filepath.Join(dir, top, "say", "*", "*_*.wav"))
		if err != nil {
			continue // the pattern is a constant
		}
		for _, full := range files {
			language := filepath.Base(filepath.Dir(full))
			name := strings.TrimSuffix(filepath.Base(full), ".wav")
			said, ok := joined(name, language, text)
			key := service.FragmentKey(name, language)
			if ok && !slices.ContainsFunc(out, func(w service.Wanted) bool { return w.Key == key }) {
				out = append(out, service.Wanted{Key: key, Language: language, Text: said, Kind: service.WantedFragment})
			}
		}
	}
	return out
}

// joined returns what a whole says; false: it is made of something unknown.
func joined(name, language string, text map[string]string) (string, bool) {
	separator := ""
	if language != say.Chinese {
		separator = " "
	}
	var parts []string
	for part := range strings.SplitSeq(name, "_") {
		said, ok := text[service.FragmentKey(part, language)]
		if !ok {
			return "", false
		}
		parts = append(parts, said)
	}
	return strings.Join(parts, separator), true
}
