package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tierline/acd"
	"tierline/call/service"
	"tierline/cmd/internal/backup"
)

// Backup writes all that a node can be brought back from. The records are
// copied first: the state then has every story that they lack.
func (n *Node) Backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp(n.settings.DataDir, "backup-")
	if err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the next start doesn't mind
	parts, after, err := n.backupRecords(ctx, filepath.Join(dir, backup.Records))
	if err != nil {
		return err
	}
	image, err := n.cluster.Image(after)
	if err != nil {
		return err
	}
	parts = append(parts, backup.Part{
		Name: backup.State, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(image.Data)), nil },
	})
	sounds := 0
	m := backup.Manifest{
		Release: n.version, Cluster: n.settings.Cluster.Name, Node: n.settings.Node, Made: time.Now().UTC(),
		Index: image.Index, Term: image.Term,
	}
	for _, sha := range n.named() {
		if _, bad := n.library.Get(sha); bad != nil {
			n.log.Warn("a sound is missing from the backup", "sha256", sha, "err", bad)
			m.Missing = append(m.Missing, sha)
			continue
		}
		sounds++
		parts = append(parts, backup.Part{
			Name: backup.SoundName(sha), Open: func() (io.ReadCloser, error) { return n.library.File(sha) },
		})
	}
	if err = backup.Write(w, m, parts); err != nil {
		return err
	}
	n.log.Info("backup made", "index", image.Index, "sounds", sounds, "missing", len(m.Missing))
	return nil
}

// backupRecords makes a copy of the records, unless they are in a database, which
// has copies of its own; and says where they end.
func (n *Node) backupRecords(ctx context.Context, file string) ([]backup.Part, uint64, error) {
	if n.store.Shared() {
		return nil, n.cursor.Stats().Durable, nil
	}
	after, err := n.store.Copy(ctx, file)
	if err != nil {
		return nil, 0, err
	}
	open := func() (io.ReadCloser, error) { return os.Open(file) }
	return []backup.Part{{Name: backup.Records, Open: open}}, after, nil
}

// named are the sounds that kept generations name.
func (n *Node) named() []string {
	var bundles [][]byte
	n.cluster.Read(func(s *acd.State) {
		for _, g := range s.Generations() {
			if b, ok := s.GenerationBundle(g.Generation); ok {
				bundles = append(bundles, b.Data)
			}
		}
	})
	found := map[string]bool{}
	for _, data := range bundles {
		b, err := service.DecodeBundle(data)
		if err != nil {
			n.log.Warn("documents of a generation can't be read", "err", err)
			continue
		}
		for _, sha := range b.Prompts {
			found[sha] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
