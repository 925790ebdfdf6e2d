package phone

import (
	"log/slog"

	"github.com/emiago/diago/media"
)

// QuietLibrary sends diago's own log of RTP and RTCP to a logger. Its media
// package has one for the whole process, so this belongs at a program's
// start, before the first Open.
func QuietLibrary(log *slog.Logger) { media.SetDefaultLogger(log) }
