package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tierline/acd"
	"tierline/cmd/internal/publish"
)

// The service directory is published when it differs from what this node has
// published from there: a node that begins anew doesn't undo what was applied
// meanwhile, at whichever node.

// directoryFile keeps the hash of what was published last from the directory.
const directoryFile = "service_dir"

func (n *Node) lastDirectory() (hash string, err error) {
	b, err := os.ReadFile(filepath.Join(n.settings.DataDir, directoryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

func (n *Node) keepDirectory(hash string) error {
	return os.WriteFile(filepath.Join(n.settings.DataDir, directoryFile), []byte(hash+"\n"), 0o600)
}

const (
	// concurrence is how long a follower waits for another node that publishes the
	// same directory at the same moment.
	concurrence     = 2 * time.Second
	concurrenceStep = 20 * time.Millisecond
)

// elsewhere waits a moment for documents that another node, which started
// together with this one, is about to publish from its copy of the directory.
func (n *Node) elsewhere(ctx context.Context, p publish.Plan) {
	for end := time.Now().Add(concurrence); n.shared() && !n.cluster.Stats().Leader && time.Now().Before(end); {
		current := ""
		n.cluster.Read(func(s *acd.State) {
			b, _ := s.GenerationBundle(s.Generation())
			current = b.Hash
		})
		if current == p.Hash {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(concurrenceStep):
		}
	}
}

// publish makes a directory the current generation.
func (n *Node) publish(ctx context.Context, dir string) error {
	data, problems := readDocuments(dir, n.library)
	if len(problems) > 0 {
		return &publish.ProblemsError{Problems: problems}
	}
	last, err := n.lastDirectory()
	if err != nil {
		return fmt.Errorf("read what was published before: %w", err)
	}
	plan, err := n.publisher.Plan(data)
	if err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	if plan.Current > 0 && !plan.Unchanged && plan.Hash == last {
		n.log.Info("service directory has not changed since it was published, what was applied later stays",
			"generation", plan.Current, "dir", dir)
		return nil
	}
	n.elsewhere(ctx, plan)
	p, err := n.publisher.Publish(ctx, publish.Request{Data: data, By: "service directory", Note: dir})
	if err != nil {
		return fmt.Errorf("publish %s: %w", dir, err)
	}
	if err = n.keepDirectory(plan.Hash); err != nil {
		return fmt.Errorf("note what was published: %w", err)
	}
	for _, w := range p.Warnings {
		n.log.Warn("service documents", "finding", w.String())
	}
	for _, file := range exposed(dir) {
		n.log.Warn("others on this machine may read the secrets of phones and trunks", "file", file)
	}
	n.log.Info("service documents", "generation", p.Generation, "unchanged", p.Unchanged, "changes", len(p.Changes))
	return nil
}
