package service

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tierline/media/prompt"
	"tierline/routing/document"
)

// customersFile is the one document that isn't YAML.
const customersFile = "customers.csv"

// transfersFile says to whom flows may send callers.
const transfersFile = "transfers.yaml"

// testsDir holds scripts that try the flows; they are not published.
const testsDir = "tests"

// documents are the YAML documents of a centre; true: it can't do without.
func documents() map[string]bool {
	return map[string]bool{
		"trunks.yaml": true, "numbers.yaml": true, "tiers.yaml": true, "queues.yaml": true, "skills.yaml": true,
		"agents.yaml": true, "calendars.yaml": false, "features.yaml": false,
		sourcesFile: false, transfersFile: false,
	}
}

// ReadDir reads a service directory. Sounds go into the library; without one
// they are only checked. The bundle is what could be read, even with problems.
func ReadDir(dir string, lib *prompt.Library) (*Bundle, []document.Problem) {
	r := &reader{dir: dir, lib: lib, bundle: &Bundle{Prompts: map[string]string{}, lengths: map[string]time.Duration{}}}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		r.fail(".", "%s is no directory", dir)
		return r.bundle, r.problems
	}
	err := filepath.WalkDir(dir, r.visit)
	if err != nil {
		r.fail(".", "can't be read: %v", err)
	}
	slices.SortFunc(r.bundle.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	document.Sort(r.problems)
	return r.bundle, r.problems
}

type reader struct {
	dir      string
	lib      *prompt.Library
	bundle   *Bundle
	size     int64
	problems []document.Problem
}

func (r *reader) fail(file, format string, args ...any) {
	r.problems = append(r.problems, document.Problem{
		File: file, Line: 1, Col: 1, Severity: document.Error, Text: fmt.Sprintf(format, args...),
	})
}

func (r *reader) warn(file, format string, args ...any) {
	r.fail(file, format, args...)
	r.problems[len(r.problems)-1].Severity = document.Warning
}

func (r *reader) visit(full string, d fs.DirEntry, err error) error {
	rel, relErr := filepath.Rel(r.dir, full)
	if relErr != nil {
		return fmt.Errorf("name of %s: %w", full, relErr)
	}
	name := filepath.ToSlash(rel)
	switch {
	case err != nil:
		r.fail(name, "can't be read: %v", err)
		return nil
	case d.IsDir():
		return r.enter(name)
	case strings.HasPrefix(path.Base(name), "."):
		return nil
	case !isPlain(full):
		r.fail(name, "is no plain file")
	case name == PackFile:
	case strings.HasPrefix(name, SoundsDir+"/"):
		r.sound(name, full)
	default:
		r.document(name, full)
	}
	return nil
}

// isPlain tells whether a name leads to a file; a link does, because that is
// how some systems mount configuration.
func isPlain(full string) bool {
	st, err := os.Stat(full)
	return err == nil && st.Mode().IsRegular()
}

// enter decides about a directory.
func (r *reader) enter(name string) error {
	switch name {
	case ".", "flows", SoundsDir, SoundsDir + "/music", SoundsDir + "/say":
		return nil
	case testsDir, RecordingsDir:
		return fs.SkipDir
	}
	if path.Dir(name) == SoundsDir+"/say" {
		return nil
	}
	if !strings.HasPrefix(path.Base(name), ".") {
		r.warn(name, "the directory %s is not used", name)
	}
	return fs.SkipDir
}

func (r *reader) document(name, full string) {
	_, known := documents()[name]
	flow := path.Dir(name) == "flows" && path.Ext(name) == ".yaml"
	certificates := isCertificates(name)
	if !known && !flow && name != customersFile && !isHolidays(name) && !certificates {
		if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" || ext == ".csv" {
			names := []string{customersFile}
			for n := range documents() {
				names = append(names, n)
			}
			slices.Sort(names)
			r.fail(name, "%s is no document of a service%s", name, document.DidYouMean(name, names))
		}
		return
	}
	data := r.load(name, full)
	if certificates && hasKey(data) {
		r.warn(name, "holds a private key, which would go to all nodes and into the log: it is left out")
		return
	}
	if data != nil {
		r.bundle.Files = append(r.bundle.Files, File{name, data})
	}
}

// load reads a file within the limits of a bundle.
func (r *reader) load(name, full string) []byte {
	st, err := os.Stat(full)
	if err == nil && r.size+st.Size() > maxBundle {
		r.fail(name, "the documents are larger than %d MB together", maxBundle>>20)
		return nil
	}
	data, err := os.ReadFile(full)
	if err != nil {
		r.fail(name, "can't be read: %v", err)
		return nil
	}
	r.size += int64(len(data))
	if data == nil {
		data = []byte{}
	}
	return data
}

// maxSound is the size of an hour of PCM at 8 kHz.
const maxSound = 60 << 20

func (r *reader) sound(name, full string) {
	key, ok := SoundKey(strings.TrimPrefix(name, SoundsDir+"/"))
	if !ok {
		text := "only .wav files are prompts"
		if path.Ext(name) == ".wav" {
			text = "the sound of a fragment is prompts/say/LANGUAGE/FRAGMENT.wav"
		}
		r.warn(name, "%s", text)
		return
	}
	if st, err := os.Stat(full); err == nil && st.Size() > maxSound {
		r.fail(name, "is larger than %d MB", maxSound>>20)
		return
	}
	data, err := os.ReadFile(full)
	if err != nil {
		r.fail(name, "can't be read: %v", err)
		return
	}
	clip, err := prompt.LoadClip(bytes.NewReader(data))
	if err != nil {
		r.fail(name, "%v", err)
		r.bundle.Prompts[key] = "" // is there, so nobody need miss it
		return
	}
	sum := sha256.Sum256(data)
	sha := hex.EncodeToString(sum[:])
	if r.lib != nil {
		if sha, err = r.lib.Put(bytes.NewReader(data)); err != nil {
			r.fail(name, "can't be stored: %v", err)
			return
		}
	}
	r.bundle.Prompts[key] = sha
	r.bundle.lengths[key] = clip.Duration()
}
