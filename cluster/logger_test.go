package cluster

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestRaftWritesToOurLog(t *testing.T) {
	var b bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	l := newBridge(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: drop})))
	l.With("last-index", 7).Named("snapshot").Error("failed to take snapshot", "error", "no space")
	l.Warn("heartbeat timeout reached")
	l.Info("entering leader state", "leader", "n1")
	l.Debug("votes", "needed", 1)
	l.StandardLogger(nil).Print("from the standard logger")
	want := `level=WARN msg="failed to take snapshot" component=raft last_index=7 error="no space"
level=INFO msg="heartbeat timeout reached" component=raft
level=DEBUG msg="entering leader state" component=raft leader=n1
level=DEBUG msg="from the standard logger" component=raft
`
	if b.String() != want {
		t.Errorf("log:\n%s\nwant:\n%s", b.String(), want)
	}
	if strings.Contains(b.String(), "votes") {
		t.Error("Raft's debug messages are ours")
	}
}
