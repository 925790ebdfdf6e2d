package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"tierline/acd/report"
)

// How long a server may take, and a turn to write lasts beyond its last sign.
const (
	patience = 10 * time.Second
	overhaul = 10 * time.Minute // of tables with years of calls
	turn     = 5 * time.Second
	farewell = time.Second
)

// connections is what a node opens to a server at most.
const connections = 6

// errForeign says that a database is taken.
var errForeign = errors.New("the database has the records of another centre")

// server is a database that all nodes of a centre write to. One of them does at
// a time: the row of the cursor says which, and each batch of it holds that row.
type server struct {
	db           *sql.DB
	node, centre string
	ready        atomic.Bool // the tables are up to date
}

// OpenPostgres makes a store of a database. It connects to nothing yet, and a
// server that is away is no error: what is to be written waits for it.
func OpenPostgres(cfg *pgx.ConnConfig, centre, node string) *Store {
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = patience / 2
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	return &Store{engine: &server{db: db, node: node, centre: centre}, read: db}
}

func (s *server) words() words {
	return words{
		text: dollars, value: clean, greatest: `greatest`, moment: sql.LevelRepeatableRead,
		seconds: `CAST(extract(epoch FROM began) AS BIGINT)`,
	}
}

// dollars numbers the values of a statement; ours have no question marks else.
func dollars(statement string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(statement, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// clean takes out of a text what the server refuses, and with it the batch for
// ever: callers choose the contents of headers.
func clean(v any) any {
	if s, ok := v.(string); ok {
		return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return v
}

// prepare brings the tables up to date, once; nodes that begin together do it
// one after the other.
func (s *server) prepare(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, overhaul)
	defer cancel()
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, uint64(patience.Seconds())))
	if err != nil {
		return fmt.Errorf("lock the tables: %w", err)
	}
	if err = migrate(ctx, goose.DialectPostgres, s.db, "migrations/postgres", goose.WithSessionLocker(one)); err != nil {
		return err
	}
	s.ready.Store(true)
	return nil
}

func (s *server) claim(ctx context.Context, last uint64) (ours bool, at uint64, err error) {
	if err = s.prepare(ctx); err != nil {
		return false, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = s.db.QueryRowContext(ctx, `UPDATE cursor
		SET writer = $1, centre = $2, writes_until = clock_timestamp() + make_interval(secs => $3)
		WHERE (writer = $1 OR writes_until < clock_timestamp()) AND centre IN ('', $2) AND idx <= $4 RETURNING idx`,
		s.node, s.centre, turn.Seconds(), last).Scan(&at)
	if !errors.Is(err, sql.ErrNoRows) {
		return err == nil, at, err
	}
	var centre string
	if err = s.db.QueryRowContext(ctx, `SELECT idx, centre FROM cursor`).Scan(&at, &centre); err != nil {
		return false, 0, err
	}
	if centre != "" && centre != s.centre {
		return false, 0, fmt.Errorf("%w: of %q, and this is %q", errForeign, centre, s.centre)
	}
	return false, at, nil
}

// commit is always durable, unless the server is told otherwise.
func (s *server) commit(ctx context.Context, _ bool, compose func(at uint64) ([]step, error)) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(driver any) error {
		d, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection is a %T", driver)
		}
		return pgx.BeginFunc(ctx, d.Conn(), func(tx pgx.Tx) error { return s.batch(ctx, tx, compose) })
	})
}

// batch sends all statements at once: the way to the server may be long.
func (s *server) batch(ctx context.Context, tx pgx.Tx, compose func(at uint64) ([]step, error)) error {
	var at uint64
	err := tx.QueryRow(ctx, `UPDATE cursor SET writes_until = clock_timestamp() + make_interval(secs => $2)
		WHERE writer = $1 RETURNING idx`, s.node, turn.Seconds()).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return report.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("lock the cursor: %w", err)
	}
	steps, err := compose(at)
	if err != nil {
		return err
	}
	texts := map[string]string{}
	var all pgx.Batch
	for _, st := range steps {
		text := texts[st.text]
		if text == "" {
			text = dollars(st.text)
			texts[st.text] = text
		}
		for i := range st.values {
			st.values[i] = clean(st.values[i])
		}
		all.Queue(text, st.values...)
	}
	return tx.SendBatch(ctx, &all).Close()
}

func (s *server) exec(ctx context.Context, text string, values ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := s.db.ExecContext(ctx, dollars(text), values...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// fault tells a server that is away from one that doesn't like what it is told.
func (s *server) fault(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, report.ErrTaken) || errors.Is(err, errForeign) {
		return err
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch said.Code[:min(2, len(said.Code))] {
		case "08", "28", "3D", "53", "57", "58": // connection, sign-in, database, resources, shut down, system
		default:
			if said.Code != "42P01" { // no such table: nobody has made them yet
				return err
			}
		}
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// close ends this node's turn, so that nobody waits for it.
func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	var err error
	if s.ready.Swap(false) {
		_, err = s.db.ExecContext(ctx, `UPDATE cursor SET writes_until = 'epoch' WHERE writer = $1`, s.node)
	}
	return errors.Join(err, s.db.Close())
}
