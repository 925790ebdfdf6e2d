package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// ErrNoRecording says that a recording is neither here nor in the store.
var ErrNoRecording = errors.New("there is no such recording on this node")

// Bucket is a store of objects beside this machine.
type Bucket interface {
	// Put copies a file there and returns once the store has confirmed all of it;
	// fs.ErrNotExist if there is no such file.
	Put(ctx context.Context, key, path, contentType string) error
	// Get returns an object; fs.ErrNotExist if there is none.
	Get(ctx context.Context, key string) (io.ReadSeekCloser, time.Time, error)
	// Place names an object for people.
	Place(key string) string
}

// Archive finds the files of recordings: here, or in the store.
type Archive struct {
	Tapes    *Tapes
	Messages *Messages
	Bucket   Bucket // nil: everything stays here
}

// Sound is the file of a recording.
type Sound struct {
	io.ReadSeekCloser
	Name  string // for a download
	Since time.Time
}

// Open returns a recording by the name that the log has of it.
func (a *Archive) Open(ctx context.Context, ref string) (Sound, error) {
	name := ref[strings.LastIndexByte(ref, '/')+1:] + ".wav"
	path, err := a.Messages.Path(ref)
	if isTape(ref) {
		path, err = a.Tapes.Path(ref), nil
	}
	if err != nil {
		return Sound{}, ErrNoRecording
	}
	f, err := os.Open(path)
	if err == nil {
		since := time.Time{}
		if info, bad := f.Stat(); bad == nil {
			since = info.ModTime()
		}
		return Sound{ReadSeekCloser: f, Name: name, Since: since}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Sound{}, fmt.Errorf("open recording: %w", err)
	}
	if a.Bucket == nil {
		return Sound{}, ErrNoRecording
	}
	key := ref + ".wav"
	if !isTape(ref) {
		key = messageKey(ref)
	}
	body, since, err := a.Bucket.Get(ctx, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Sound{}, ErrNoRecording
	case err != nil:
		return Sound{}, fmt.Errorf("open recording: %w", err)
	}
	return Sound{ReadSeekCloser: body, Name: name, Since: since}, nil
}

// About returns what is known of a recorded conversation beside the log.
func (a *Archive) About(ctx context.Context, ref string) (out About, err error) {
	if !isTape(ref) {
		return About{}, ErrNoRecording
	}
	out, err = a.Tapes.about(ref)
	if errors.Is(err, fs.ErrNotExist) && a.Bucket != nil {
		out, err = a.fetch(ctx, ref)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return About{}, ErrNoRecording
	case err != nil:
		return About{}, fmt.Errorf("read about a recording: %w", err)
	}
	return out, nil
}

// maxAbout bounds what is read of a description.
const maxAbout = 1 << 20

func (a *Archive) fetch(ctx context.Context, ref string) (out About, err error) {
	body, _, err := a.Bucket.Get(ctx, ref+".json")
	if err != nil {
		return About{}, err //nolint:wrapcheck // says all
	}
	text, err := io.ReadAll(io.LimitReader(body, maxAbout))
	if err = errors.Join(err, body.Close()); err != nil {
		return About{}, err
	}
	err = json.Unmarshal(text, &out)
	out.Stored = a.Bucket.Place(ref + ".wav")
	return out, err
}

// isTape tells whether a name is one that Tapes.Ref made, and no way out of the
// directory.
func isTape(ref string) bool {
	return regexp.MustCompile(`^[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9A-Za-z-]{1,100}-[0-9]{1,9}$`).MatchString(ref) &&
		filepath.IsLocal(filepath.FromSlash(ref))
}
