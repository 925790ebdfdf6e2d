package call

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tierline/media/record"
)

// Tapes keeps recorded conversations: YEAR/MONTH/DAY/CALL-N.wav, by UTC.
type Tapes struct{ dir string }

// OpenTapes makes the directory if it is missing and completes what a crash
// left there. What can't be completed is logged and left alone.
func OpenTapes(dir string, log *slog.Logger) (*Tapes, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open recordings: %w", err)
	}
	left, err := record.Left(dir)
	if err != nil {
		return nil, err
	}
	for _, path := range left {
		length, err := record.Repair(path)
		if err != nil {
			log.Error("recording can't be repaired", "file", path, "err", err)
			continue
		}
		log.Warn("recording was cut off and is repaired", "file", path, "length", length.String())
	}
	return &Tapes{dir: dir}, nil
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
