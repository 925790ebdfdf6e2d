package phone

import (
	"log/slog"

	"github.com/emiago/diago/media"
	"github.com/emiago/sipgo/sip"
)

// QuietLibrary sends to a logger what sipgo would otherwise write to the
// terminal, and silences diago's media, which warns of every RTCP report. Both
// have one logger for the whole process, so this belongs at a program's start,
// before anything uses them.
func QuietLibrary(log *slog.Logger) {
	sip.SetDefaultLogger(log)
	media.SetDefaultLogger(slog.New(slog.DiscardHandler))
}
