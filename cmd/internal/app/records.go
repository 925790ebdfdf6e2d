package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tierline/acd/report"
	"tierline/acd/report/cursor"
	"tierline/acd/report/store"
	"tierline/cluster"
	"tierline/ivr/backend"
)

// firstLook is how long the start waits for a database.
const firstLook = 5 * time.Second

// startRecords begins to write call records. A file that can't be opened stops
// the start; what fails later, or a server that is away, doesn't stop calls.
func (n *Node) startRecords(ctx, root context.Context) (err error) {
	if n.store, err = n.openRecords(ctx); err != nil {
		return err
	}
	n.undo(func() { n.closed("records", n.store.Close()) })
	if err = n.recordsFit(ctx); err != nil {
		return err
	}
	into := cursor.Store(n.store)
	if n.ground.records != nil {
		into = n.ground.records(into)
	}
	n.cursor = cursor.New(cursor.Config{
		Follow: cursor.Of(n.cluster.Follow, func(s cluster.Story) report.Story {
			return report.Story{Index: s.Index, At: s.At, Wall: s.Wall, Facts: s.Facts}
		}),
		Acknowledge: n.cluster.Acknowledge,
		Last:        func() uint64 { return n.cluster.Stats().Applied },
		Wall:        n.cluster.StoryWall,
		Gap:         gapAfter,
		Fit:         n.cluster.May,
		Store:       into, Retention: n.settings.Report.Retention(), Logger: n.log.With("part", "records"),
	})
	n.run(root, "records", n.cursor.Run)
	return nil
}

// openRecords opens what the settings name: a database that all nodes share, or
// else a file.
func (n *Node) openRecords(ctx context.Context) (*store.Store, error) {
	d := n.settings.Report.Database
	if d.URL == "" {
		return store.Open(ctx, filepath.Join(n.settings.DataDir, "story.db"))
	}
	e := backend.Endpoint{URL: d.URL}
	var err error
	switch {
	case d.PasswordFile != "":
		e.Token, err = readSecret(d.PasswordFile)
	case d.PasswordEnv != "":
		e.Token, err = checkedSecret(os.Getenv(d.PasswordEnv), d.PasswordEnv)
	}
	if err == nil && d.CAFile != "" {
		e.CA, err = readCA(d.CAFile)
	}
	if err != nil {
		return nil, fmt.Errorf("report.database: %w", err)
	}
	cfg, err := backend.Postgres(e)
	if err != nil {
		return nil, fmt.Errorf("report.database: %w", err)
	}
	return store.OpenPostgres(cfg, cmp.Or(n.settings.Cluster.Name, n.settings.Node), n.settings.Node), nil
}

// recordsFit refuses records that another log was written to. What other nodes
// wrote may be ahead of what this one knows already.
func (n *Node) recordsFit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	at, err := n.store.Cursor(ctx)
	if errors.Is(err, store.ErrAway) {
		return nil // they wait for it
	}
	if err != nil {
		return fmt.Errorf("read where the records end: %w", err)
	}
	last := n.cluster.Stats().Applied
	switch {
	case at <= last || n.store.Shared() && n.settings.Cluster.Name != "":
		return nil
	case n.store.Shared():
		return fmt.Errorf("%w: the database of the records ends at index %d, the log at %d; "+
			"use another database or restore both together", cursor.ErrAhead, at, last)
	}
	return fmt.Errorf("%w: story.db ends at index %d, the log at %d; move story.db away or restore both together",
		cursor.ErrAhead, at, last)
}
