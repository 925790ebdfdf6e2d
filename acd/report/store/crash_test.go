package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"tierline/acd/report"
)

// errKilled is what every statement after the crash returns.
var errKilled = errors.New("killed")

// killer lets n statements, begins and commits through; then the process is
// dead for the store: everything fails until it is opened anew. If after is
// set, the last one is carried out although its caller learns nothing of it.
type killer struct {
	left  int
	after bool
}

func (k *killer) step(do func() error) error {
	k.left--
	switch {
	case k.left > 0:
		return do()
	case k.left == 0 && k.after:
		if err := do(); err != nil {
			return err
		}
		return errKilled
	default:
		return errKilled
	}
}

type faulty struct {
	driver.Connector
	k *killer
}

func (f faulty) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, k: f.k}, nil
}

type conn struct {
	driver.Conn
	k *killer
}

func (c *conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &stmt{Stmt: s, k: c.k}, nil
}

func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (tx driver.Tx, err error) {
	err = c.k.step(func() error {
		tx, err = c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
		return err
	})
	return &faultyTx{Tx: tx, k: c.k}, err
}

type faultyTx struct {
	driver.Tx
	k *killer
}

func (t *faultyTx) Commit() error { return t.k.step(t.Tx.Commit) }

type stmt struct {
	driver.Stmt
	k *killer
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	err = s.k.step(func() error {
		r, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		return err
	})
	return r, err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// The process dies at every single statement, before or after it took effect,
// and goes on from what is on the disk: there is exactly one record of each
// call, exactly one row of each event, and nothing is left open.
func TestACrashAtAnyStatementLosesAndDoublesNothing(t *testing.T) {
	stories := day(4)
	for _, after := range []bool{false, true} {
		crashes := 0
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), fmt.Sprintf("%v-%d.db", after, n))
			openFile(t, path) // tables exist before the crash
			if !runUntilKilled(t, path, stories, &killer{left: n, after: after}) {
				break
			}
			crashes++
			s := openFile(t, path)
			write(t, s, stories, 7)
			checkWhole(t, s, stories, fmt.Sprintf("killed at statement %d (carried out: %v)", n, after))
		}
		if crashes < 60 {
			t.Errorf("only %d crash points: the test doesn't reach the store", crashes)
		}
	}
}

// runUntilKilled reports whether the killer struck.
func runUntilKilled(t *testing.T, path string, stories []report.Story, k *killer) bool {
	t.Helper()
	armed := &killer{left: 1 << 30}
	s, err := open(t.Context(), path, func(c driver.Connector) driver.Connector { return faulty{c, armed} })
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	*armed = *k
	fold := report.NewFold()
	for i, story := range stories {
		fold.Take(story)
		if (i+1)%7 != 0 && i != len(stories)-1 {
			continue
		}
		b, err := fold.Flush()
		if err != nil {
			t.Fatal(err)
		}
		err = s.Commit(t.Context(), b, i%2 == 0)
		switch {
		case errors.Is(err, errKilled):
			return true
		case err != nil && !errors.Is(err, sql.ErrTxDone):
			t.Fatal(err)
		}
	}
	return false
}

func checkWhole(t *testing.T, s *Store, stories []report.Story, when string) {
	t.Helper()
	checkNumbers(t, s, stories, when)
	count := func(text string) (n int) {
		if err := s.read.QueryRow(text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for text, want := range map[string]int{
		`SELECT count(*) FROM calls`:                                     4,
		`SELECT count(DISTINCT call) FROM calls`:                         4,
		`SELECT count(*) FROM segments`:                                  2 + 4 + 2 + 4,
		`SELECT count(*) FROM open_calls`:                                0,
		`SELECT count(*) FROM open_numbers`:                              1, // the agent
		`SELECT count(*) FROM events`:                                    countFacts(stories),
		`SELECT idx FROM cursor`:                                         len(stories),
		`SELECT count(*) FROM calls WHERE answered = 1 AND talk_ms <= 0`: 0,
	} {
		if got := count(text); got != want {
			t.Errorf("%s: %s = %d, want %d", when, text, got, want)
		}
	}
}
