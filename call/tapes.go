package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/acd"
	"tierline/media"
	"tierline/media/record"
)

// Tapes keeps recorded conversations: YEAR/MONTH/DAY/CALL-N.wav, by UTC, with
// what is known of each beside it in CALL-N.json.
type Tapes struct {
	dir     string
	settled func(ref string) // a recording is complete, and described; nil: nobody asks
	mended  []About          // what a crash had cut off
}

// maxMarks bounds what is kept of one recording.
const maxMarks = 1000

// Mark is a place on a recording.
type Mark struct {
	AtMS int64  `json:"at_ms"`
	Mark string `json:"mark"` // pause, resume, secret, secret_end, mark
	Text string `json:"text,omitempty"`
	By   string `json:"by,omitempty"`
}

// About is what is kept beside a recording.
type About struct {
	Ref      string    `json:"ref"`
	Call     string    `json:"call"`
	Queue    string    `json:"queue"`
	Agent    string    `json:"agent,omitempty"`
	Began    time.Time `json:"began"`
	LengthMS int64     `json:"length_ms"`
	SHA256   string    `json:"sha256"`
	Marks    []Mark    `json:"marks"`
	Stored   string    `json:"stored,omitempty"` // where it is instead of here
}

// spoolDir is where recordings grow. A queue may want them, or not.
const spoolDir = "spool"

// OpenTapes makes the directory if it is missing and completes what a crash
// left there. What can't be completed is logged and left alone.
func OpenTapes(dir string, log *slog.Logger) (*Tapes, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open recordings: %w", err)
	}
	t := &Tapes{dir: dir}
	left, err := record.Left(dir)
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		length, err := t.repair(path)
		switch {
		case err != nil:
			log.Error("recording can't be repaired", "file", path, "err", err)
		case length > 0:
			log.Warn("recording was cut off and is repaired", "file", path, "length", length.String())
		}
	}
	return t, nil
}

// repair completes a recording that a crash cut off, and what is known of it. One
// in the spool that no queue wanted is removed.
func (t *Tapes) repair(path string) (time.Duration, error) {
	length, err := record.Repair(path)
	if err != nil || length == 0 {
		return 0, err //nolint:wrapcheck // says all
	}
	name, err := filepath.Rel(t.dir, path)
	if err != nil {
		return length, fmt.Errorf("describe recording: %w", err)
	}
	name = strings.TrimSuffix(filepath.ToSlash(name), ".wav")
	ref, inSpool := strings.CutPrefix(name, spoolDir+"/")
	about, err := t.about(ref)
	switch {
	case err != nil && inSpool:
		return 0, os.Remove(path) //nolint:wrapcheck // names the file
	case inSpool:
		err = t.move(ref)
	case err != nil && isTape(ref):
		call := ref[strings.LastIndexByte(ref, '/')+1 : strings.LastIndexByte(ref, '-')]
		about, err = About{Ref: ref, Call: call, Marks: []Mark{}}, nil
	}
	if err != nil {
		return length, err
	}
	about.LengthMS = length.Milliseconds()
	if about.SHA256, err = record.Sum(t.Path(ref)); err != nil {
		return length, err //nolint:wrapcheck // says all
	}
	t.mended = append(t.mended, about)
	return length, t.describe(about)
}

// Mended is what the log is to be told of recordings that a crash had cut off. It
// refuses those of calls that didn't go on.
func (t *Tapes) Mended() (out []acd.CallRecorded) {
	for _, a := range t.mended {
		out = append(out, acd.CallRecorded{
			Call: a.Call, Ref: a.Ref, LengthMS: a.LengthMS, Kind: conversationKind, Agent: a.Agent, SHA256: a.SHA256,
		})
	}
	return out
}

// spool is where a recording grows while no queue wants it yet.
func (t *Tapes) spool(ref string) string {
	return filepath.Join(t.dir, spoolDir, filepath.FromSlash(ref)+".wav")
}

// move takes a recording out of the spool.
func (t *Tapes) move(ref string) error {
	if err := os.MkdirAll(filepath.Dir(t.Path(ref)), 0o700); err != nil {
		return fmt.Errorf("keep recording: %w", err)
	}
	if err := os.Rename(t.spool(ref), t.Path(ref)); err != nil {
		return fmt.Errorf("keep recording: %w", err)
	}
	return nil
}

// settle gives a recording that has ended its place, or removes what no queue
// wants.
func (t *Tapes) settle(c *conversation, ev media.Taped) error {
	c.mu.Lock()
	about, kept := c.about, c.kept
	c.settled = true
	c.mu.Unlock()
	switch {
	case ev.Err != nil || ev.Length == 0:
		return nil //nolint:nilerr // there is no file; why is told already
	case !kept:
		return os.Remove(t.spool(about.Ref)) //nolint:wrapcheck // names the file
	}
	about.LengthMS, about.SHA256 = ev.Length.Milliseconds(), ev.SHA256
	if c.whole {
		if err := t.move(about.Ref); err != nil {
			return err
		}
	}
	if err := t.describe(about); err != nil {
		return err
	}
	if t.settled != nil {
		t.settled(about.Ref)
	}
	return nil
}

// about reads what is known of a recording.
func (t *Tapes) about(ref string) (out About, err error) {
	text, err := os.ReadFile(t.sidecar(ref))
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return About{}, fmt.Errorf("read what is known of a recording: %w", err)
	}
	return out, nil
}

// describe writes what is known of a recording beside it.
func (t *Tapes) describe(a About) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("describe recording: %w", err)
	}
	path := t.sidecar(a.Ref)
	if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
		err = os.WriteFile(path+".new", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("describe recording: %w", err)
	}
	return nil
}

func (t *Tapes) sidecar(ref string) string {
	return filepath.Join(t.dir, filepath.FromSlash(ref)+".json")
}

// Prune removes the recordings of every day that was over at a certain time,
// and returns how many days there were.
func (t *Tapes) Prune(before time.Time) (days int, err error) {
	found, err := filepath.Glob(filepath.Join(t.dir, "[0-9][0-9][0-9][0-9]", "[0-9][0-9]", "[0-9][0-9]"))
	for _, path := range found {
		name, bad := filepath.Rel(t.dir, path)
		day, unread := time.Parse("2006/01/02", filepath.ToSlash(name))
		if bad != nil || unread != nil || day.AddDate(0, 0, 1).After(before) {
			continue // none of ours, or not yet
		}
		if bad = os.RemoveAll(path); bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		days++
		month := filepath.Dir(path)
		if os.Remove(month) == nil { // it was empty
			_ = os.Remove(filepath.Dir(month))
		}
	}
	if err != nil {
		return days, fmt.Errorf("remove old recordings: %w", err)
	}
	return days, nil
}

// Keep removes recordings that are older than keep, now and every hour, until
// done is closed. 0 keeps all.
func (t *Tapes) Keep(keep time.Duration, log *slog.Logger, done <-chan struct{}) {
	if keep <= 0 {
		return
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		days, err := t.Prune(time.Now().Add(-keep))
		switch {
		case err != nil:
			log.Error("old recordings can't be removed", "err", err)
		case days > 0:
			log.Info("old recordings removed", "days", days)
		}
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

// Ref returns the name of a call's recording that begins at a certain time.
func (*Tapes) Ref(call string, n int, at time.Time) string {
	return fmt.Sprintf("%s/%s-%d", at.UTC().Format("2006/01/02"), call, n)
}

// Path returns the file of a name that Ref made.
func (t *Tapes) Path(ref string) string { return filepath.Join(t.dir, filepath.FromSlash(ref)+".wav") }
