package trace

import (
	"context"
	"log/slog"
	"strings"
)

// Handler returns a log handler that writes what next does, and keeps what is
// worth a look (info and above) with a call. A nil store returns next.
func (s *Store) Handler(call string, next slog.Handler) slog.Handler {
	if s == nil {
		return next
	}
	return tee{Handler: next, store: s, call: call}
}

type tee struct {
	slog.Handler
	store *Store
	call  string
	with  string // attributes so far
}

// Enabled implements slog.Handler.
func (t tee) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelInfo || t.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (t tee) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		var b strings.Builder
		b.WriteString(r.Message)
		b.WriteString(t.with)
		r.Attrs(func(a slog.Attr) bool {
			write(&b, a)
			return true
		})
		t.store.line(t.call, r.Time, Line{Level: strings.ToLower(r.Level.String()), Text: b.String()})
	}
	if !t.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return t.Handler.Handle(ctx, r) //nolint:wrapcheck // it is next's
}

// WithAttrs implements slog.Handler.
func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(t.with)
	for _, a := range attrs {
		write(&b, a)
	}
	return tee{t.Handler.WithAttrs(attrs), t.store, t.call, b.String()}
}

// WithGroup implements slog.Handler.
func (t tee) WithGroup(name string) slog.Handler {
	return tee{t.Handler.WithGroup(name), t.store, t.call, t.with}
}

// maxValue bounds one attribute: a stack is for the program's log.
const maxValue = 300

func write(b *strings.Builder, a slog.Attr) {
	v := a.Value.Resolve().String()
	if len(v) > maxValue {
		v = v[:maxValue] + "…"
	}
	b.WriteString(" " + a.Key + "=" + v)
}
