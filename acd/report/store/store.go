package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"tierline/acd/report"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// ErrNotFound means that there is no such record.
var ErrNotFound = errors.New("no such record")

// ErrAway means that the database can't be asked now.
var ErrAway = errors.New("the database of the call records can't be reached")

// Store is the tables, in one engine or the other.
type Store struct {
	engine engine
	read   *sql.DB
}

// engine is what sets one database apart from another. Statements have ? for
// values and use what both understand; the rest is in words.
type engine interface {
	words() words
	// claim makes this node the one that writes, if it may be, and says how far
	// the records go.
	claim(ctx context.Context, last uint64) (ours bool, at uint64, err error)
	// commit carries out in one transaction what compose makes of where the
	// records end.
	commit(ctx context.Context, durable bool, compose func(at uint64) ([]step, error)) error
	// exec changes rows outside of that and says how many.
	exec(ctx context.Context, text string, values ...any) (int64, error)
	// fault says what an error means.
	fault(err error) error
	close() error
}

// step is a statement of a transaction.
type step struct {
	text   string
	values []any
}

// words are what SQL has several dialects for.
type words struct {
	text     func(statement string) string // for the driver
	value    func(v any) any               // for the tables
	greatest string                        // of two numbers
	seconds  string                        // begin of a slot since 1970
	moment   sql.IsolationLevel            // all queries of a transaction see the same
}

// migrate brings the tables up to date.
func migrate(ctx context.Context, d goose.Dialect, db *sql.DB, dir string, o ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return fmt.Errorf("find the migrations: %w", err)
	}
	p, err := goose.NewProvider(d, db, files, o...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}

// Claim makes this node the one that writes, and says how far the records go:
// one file has one node, but nodes that share a database take turns. A node whose
// log ends before the records do has no turn.
func (s *Store) Claim(ctx context.Context, last uint64) (ours bool, at uint64, err error) {
	if ours, at, err = s.engine.claim(ctx, last); err != nil {
		return false, 0, fmt.Errorf("ask for a turn to write: %w", s.engine.fault(err))
	}
	return ours, at, nil
}

// Close ends this node's turn and closes the database. Committed batches stay.
func (s *Store) Close() error {
	if err := s.engine.close(); err != nil {
		return fmt.Errorf("close the story store: %w", err)
	}
	return nil
}

// Shared tells whether several nodes write to the tables, in turns.
func (s *Store) Shared() bool {
	_, alone := s.engine.(*file)
	return !alone
}

// query asks the tables.
func (s *Store) query(ctx context.Context, text string, values ...any) (*sql.Rows, error) {
	rows, err := question{ctx: ctx, from: s.read, words: s.engine.words()}.rows(text, values...)
	return rows, s.engine.fault(err)
}

// Load returns where the last committed batch ended and what was going on
// there.
func (s *Store) Load(ctx context.Context) (saved report.Saved, err error) {
	if saved.Cursor, err = s.Cursor(ctx); err != nil {
		return saved, err
	}
	if saved.Wall, err = s.wall(ctx, saved.Cursor); err != nil {
		return saved, err
	}
	rows, err := s.query(ctx, `SELECT call, record FROM open_calls ORDER BY call`)
	if err != nil {
		return saved, fmt.Errorf("read the running calls: %w", err)
	}
	err = each(rows, func() error {
		var o report.OpenCall
		bad := rows.Scan(&o.Call, &o.Record)
		saved.Calls = append(saved.Calls, o)
		return bad
	})
	if err != nil {
		return saved, fmt.Errorf("read the running calls: %w", err)
	}
	saved.Numbers, err = openNumbers(question{ctx: ctx, from: s.read, words: s.engine.words()})
	return saved, err
}

// each calls a function for every row and closes the rows.
func each(rows *sql.Rows, scan func() error) (err error) {
	for err == nil && rows.Next() {
		err = scan()
	}
	return errors.Join(err, rows.Err(), rows.Close())
}
