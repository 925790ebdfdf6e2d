package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// place is where tables are; each open finds the same.
type place struct {
	open   func(t testing.TB) *Store
	shared bool
}

// onEach runs a test on each engine: SQLite, and PostgreSQL where the
// environment names a server.
func onEach(t *testing.T, test func(t *testing.T, at place)) {
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "with space & ?.db")
		test(t, place{open: func(t testing.TB) *Store { return openFile(t, path) }})
	})
	if os.Getenv("TIERLINE_TEST_POSTGRES") == "" {
		return // the end-to-end checks bring one
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		cfg := schema(t)
		test(t, place{shared: true, open: func(t testing.TB) *Store {
			s := openServer(t, cfg, "n1")
			if ours, _, err := s.Claim(t.Context(), forever); err != nil || !ours {
				t.Fatalf("no turn to write: %v", err)
			}
			return s
		}})
	})
}

// forever is the end of a log that has everything.
const forever = 1 << 62

// openServer opens the tables as one of a centre's nodes.
func openServer(t testing.TB, cfg *pgx.ConnConfig, node string) *Store {
	t.Helper()
	s := OpenPostgres(cfg, "centre", node)
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !strings.Contains(err.Error(), "connect") {
			t.Error(err)
		}
	})
	return s
}

// schemas counts them: their names must differ.
var schemas atomic.Int64

// schema makes room on the server that goes away with the test.
func schema(t testing.TB) *pgx.ConnConfig {
	t.Helper()
	cfg, err := pgx.ParseConfig(os.Getenv("TIERLINE_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), schemas.Add(1))
	do := func(text string) {
		c, err := pgx.ConnectConfig(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Exec(context.Background(), text); err != nil {
			t.Fatal(err)
		}
		if err = c.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE SCHEMA " + name)
	t.Cleanup(func() { do("DROP SCHEMA " + name + " CASCADE") })
	own := cfg.Copy()
	own.RuntimeParams["search_path"] = name
	return own
}
