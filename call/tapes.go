package call

import (
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

// Ref returns the name of a call's recording that begins at a certain time.
func (*Tapes) Ref(call string, n int, at time.Time) string {
	return fmt.Sprintf("%s/%s-%d", at.UTC().Format("2006/01/02"), call, n)
}

// Path returns the file of a name that Ref made.
func (t *Tapes) Path(ref string) string { return filepath.Join(t.dir, filepath.FromSlash(ref)+".wav") }
