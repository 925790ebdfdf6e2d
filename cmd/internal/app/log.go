package app

import (
	"io"
	"log/slog"

	"tierline/cmd/internal/config"
)

// newLogger returns the node's logger as its settings ask for.
func newLogger(w io.Writer, c config.Log, node string) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // settings were validated
	}
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, options)
	if c.Format == "json" {
		h = slog.NewJSONHandler(w, options)
	}
	return slog.New(h).With("node", node)
}
