package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
)

// ErrShared says that the tables are in a database of their own, which has its
// own copies.
var ErrShared = errors.New("the call records are not in a file of this node")

// Copy writes all of the store as it is at one moment into a new file, and
// returns where it ends. Batches go on being committed meanwhile.
func (s *Store) Copy(ctx context.Context, path string) (cursor uint64, err error) {
	from, ok := s.engine.(*file)
	if !ok {
		return 0, ErrShared
	}
	if err = alone(from.path, func(db *sql.DB) error {
		_, bad := db.ExecContext(ctx, `VACUUM INTO ?`, path)
		return bad
	}); err != nil {
		return 0, fmt.Errorf("copy the story store: %w", err)
	}
	if err = alone(path, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, cursorText).Scan(&cursor)
	}); err != nil {
		return 0, fmt.Errorf("read the copy of the story store: %w", err)
	}
	return cursor, nil
}

// alone does something on a connection of its own.
func alone(path string, do func(db *sql.DB) error) error {
	db, err := connect(path, func(c driver.Connector) driver.Connector { return c }, "busy_timeout(5000)")
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
