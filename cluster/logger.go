package cluster

import (
	"context"
	"io"
	"log"
	"log/slog"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// bridge lets Raft write to our log. Raft's levels are taken down by one: what
// it calls an error (an election failed, a write failed) it copes with by
// itself, and what needs somebody to look is said by this package.
type bridge struct {
	hclog.Logger // everything that is not listed below does nothing
	log          *slog.Logger
	args         []any
}

func newBridge(l *slog.Logger) *bridge { return &bridge{Logger: hclog.NewNullLogger(), log: l} }

func (b *bridge) level(l hclog.Level) (slog.Level, bool) {
	switch l {
	case hclog.Error:
		return slog.LevelWarn, true
	case hclog.Warn:
		return slog.LevelInfo, true
	case hclog.Info:
		return slog.LevelDebug, true
	case hclog.NoLevel, hclog.Trace, hclog.Debug, hclog.Off:
		return 0, false
	}
	return 0, false
}

// Log implements hclog.Logger.
func (b *bridge) Log(level hclog.Level, msg string, args ...any) {
	l, ok := b.level(level)
	if !ok || !b.log.Enabled(context.Background(), l) {
		return
	}
	all := append([]any{"component", "raft"}, slices.Concat(b.args, args)...)
	for i := 0; i < len(all); i += 2 {
		if key, isKey := all[i].(string); isKey {
			all[i] = strings.ReplaceAll(key, "-", "_")
		}
	}
	b.log.Log(context.Background(), l, msg, all...) //nolint:sloglint // the words are Raft's
}

// Trace implements hclog.Logger.
func (b *bridge) Trace(msg string, args ...any) { b.Log(hclog.Trace, msg, args...) }

// Debug implements hclog.Logger.
func (b *bridge) Debug(msg string, args ...any) { b.Log(hclog.Debug, msg, args...) }

// Info implements hclog.Logger.
func (b *bridge) Info(msg string, args ...any) { b.Log(hclog.Info, msg, args...) }

// Warn implements hclog.Logger.
func (b *bridge) Warn(msg string, args ...any) { b.Log(hclog.Warn, msg, args...) }

// Error implements hclog.Logger.
func (b *bridge) Error(msg string, args ...any) { b.Log(hclog.Error, msg, args...) }

// With implements hclog.Logger.
func (b *bridge) With(args ...any) hclog.Logger {
	return &bridge{Logger: b.Logger, log: b.log, args: append(append([]any(nil), b.args...), args...)}
}

// Named implements hclog.Logger.
func (b *bridge) Named(string) hclog.Logger { return b }

// ResetNamed implements hclog.Logger.
func (b *bridge) ResetNamed(string) hclog.Logger { return b }

// StandardLogger implements hclog.Logger.
func (b *bridge) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(b.StandardWriter(nil), "", 0)
}

// StandardWriter implements hclog.Logger.
func (b *bridge) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return bridgeWriter{b} }

type bridgeWriter struct{ b *bridge }

// Write implements io.Writer.
func (w bridgeWriter) Write(p []byte) (int, error) {
	w.b.Log(hclog.Info, strings.TrimSpace(string(p)))
	return len(p), nil
}
