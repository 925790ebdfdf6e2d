package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"tierline/acd/report"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound means that there is no such record.
var ErrNotFound = errors.New("no such record")

// readers bounds the connections that queries use.
const readers = 4

// Store is the SQLite file.
type Store struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB

	// Statements on write.
	cursor, closeOpen, keepOpen, event, call, segment               *sql.Stmt
	queueSums, queueWaits, agentTimes, agentOffers, keepNum, endNum *sql.Stmt
	note, callbackSums, tally                                       *sql.Stmt
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
	s := &Store{path: path, write: w}
	if err = s.migrate(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err == nil {
		s.read, err = connect(path, front, "query_only(1)", "busy_timeout(5000)")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the story store %s: %w", path, err), s.Close())
	}
	s.read.SetMaxOpenConns(readers)
	return s, nil
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

func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("find the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.write, dir)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}

func (s *Store) prepare(ctx context.Context) error {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.cursor, `UPDATE cursor SET idx = $1 WHERE id = 1`},
		{&s.closeOpen, `DELETE FROM open_calls WHERE call = $1`},
		{&s.keepOpen, `INSERT INTO open_calls (call, record) VALUES ($1, $2)
			ON CONFLICT (call) DO UPDATE SET record = excluded.record`},
		{&s.event, `INSERT INTO events (idx, seq, at, kind, call, agent, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`},
		{&s.call, `INSERT INTO calls (` + callColumns + `)
			VALUES (` + marks(callColumns) + `) ON CONFLICT DO NOTHING`},
		{&s.segment, `INSERT INTO segments (` + segmentColumns + `)
			VALUES (` + marks(segmentColumns) + `) ON CONFLICT DO NOTHING`},
		{&s.note, `INSERT INTO notes (` + noteColumns + `) VALUES (` + marks(noteColumns) + `) ON CONFLICT DO NOTHING`},
		{&s.callbackSums, callbackUpsert()},
		{&s.tally, `INSERT INTO tallies (began, kind, queue, agent, name, value, times)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times`},
		{&s.queueSums, queueSums()},
		{&s.queueWaits, `INSERT INTO queue_waits (began, queue, tier, skill, outcome, seconds, calls)
			VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls`},
		{&s.agentTimes, `INSERT INTO agent_times (began, agent, queue, state, reason, time_ms)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET time_ms = time_ms + excluded.time_ms`},
		{&s.agentOffers, `INSERT INTO agent_offers (began, agent, queue, outcome, offers)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET offers = offers + excluded.offers`},
		{&s.keepNum, `INSERT INTO open_numbers (kind, id, record) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET record = excluded.record`},
		{&s.endNum, `DELETE FROM open_numbers WHERE kind = ? AND id = ?`},
	} {
		stmt, err := s.write.PrepareContext(ctx, p.text)
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		*p.to = stmt
	}
	return nil
}

// Close closes the file. Committed batches stay.
func (s *Store) Close() error {
	var err error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("close the story store: %w", err)
	}
	return nil
}

// Load returns where the last committed batch ended and what was going on
// there.
func (s *Store) Load(ctx context.Context) (saved report.Saved, err error) {
	if err = s.write.QueryRowContext(ctx, `SELECT idx FROM cursor`).Scan(&saved.Cursor); err != nil {
		return saved, fmt.Errorf("read the cursor: %w", err)
	}
	rows, err := s.write.QueryContext(ctx, `SELECT call, record FROM open_calls ORDER BY call`)
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
	saved.Numbers, err = openNumbers(ctx, s.write)
	return saved, err
}

// each calls a function for every row and closes the rows.
func each(rows *sql.Rows, scan func() error) (err error) {
	for err == nil && rows.Next() {
		err = scan()
	}
	return errors.Join(err, rows.Err(), rows.Close())
}
