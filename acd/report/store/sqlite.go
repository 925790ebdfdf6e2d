package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// readers bounds the connections that queries use.
const readers = 4

// file is a database of one node.
type file struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB

	mu       sync.Mutex // held by commit
	prepared map[string]*sql.Stmt
}

// Open opens the file, creates it if it is missing, and brings its tables up
// to date.
func Open(ctx context.Context, path string) (*Store, error) {
	return open(ctx, path, func(c driver.Connector) driver.Connector { return c })
}

// open lets tests put a faulty connection in front of SQLite.
func open(ctx context.Context, path string, front func(driver.Connector) driver.Connector) (*Store, error) {
	w, err := connect(path, front, "journal_mode(wal)", "synchronous(normal)", "foreign_keys(1)", "busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	f := &file{path: path, write: w, prepared: map[string]*sql.Stmt{}}
	if err = migrate(ctx, goose.DialectSQLite3, w, "migrations"); err == nil {
		f.read, err = connect(path, front, "query_only(1)", "busy_timeout(5000)")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the story store %s: %w", path, err), f.close())
	}
	f.read.SetMaxOpenConns(readers)
	return &Store{engine: f, read: f.read}, nil
}

func connect(path string, front func(driver.Connector) driver.Connector, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	c, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("open the story store %s: %w", path, err)
	}
	return sql.OpenDB(front(c)), nil
}

func (f *file) words() words {
	return words{
		text:     func(statement string) string { return statement },
		value:    func(v any) any { return v },
		greatest: `max`,
		seconds:  `CAST(strftime('%s', began) AS INTEGER)`,
	}
}

// claim is easy: nobody else has the file.
func (f *file) claim(ctx context.Context, _ uint64) (ours bool, at uint64, err error) {
	err = f.read.QueryRowContext(ctx, cursorText).Scan(&at)
	return err == nil, at, err
}

func (f *file) commit(ctx context.Context, durable bool, compose func(at uint64) ([]step, error)) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mode := `PRAGMA synchronous = NORMAL`
	if durable {
		mode = `PRAGMA synchronous = FULL`
	}
	if _, err = f.write.ExecContext(ctx, mode); err != nil {
		return fmt.Errorf("set the write mode: %w", err)
	}
	var at uint64
	if err = f.write.QueryRowContext(ctx, cursorText).Scan(&at); err != nil { // nobody else moves it
		return fmt.Errorf("read the cursor: %w", err)
	}
	steps, err := compose(at)
	if err == nil {
		err = f.prepare(ctx, steps)
	}
	if err != nil {
		return err
	}
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	defer func() {
		if err != nil {
			if undo := tx.Rollback(); !errors.Is(undo, sql.ErrTxDone) {
				err = errors.Join(err, undo)
			}
		}
	}()
	for _, s := range steps {
		if _, err = tx.StmtContext(ctx, f.prepared[s.text]).ExecContext(ctx, s.values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// prepare makes the statements that aren't there yet, which a transaction on the
// one connection can't.
func (f *file) prepare(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if f.prepared[s.text] != nil {
			continue
		}
		stmt, err := f.write.PrepareContext(ctx, s.text)
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		f.prepared[s.text] = stmt
	}
	return nil
}

func (f *file) exec(ctx context.Context, text string, values ...any) (int64, error) {
	r, err := f.write.ExecContext(ctx, text, values...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (f *file) fault(err error) error { return err }

func (f *file) close() error {
	var err error
	for _, db := range []*sql.DB{f.read, f.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}
