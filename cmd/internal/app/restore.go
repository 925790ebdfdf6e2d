package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tierline/cluster"
	"tierline/cmd/internal/backup"
	"tierline/cmd/internal/config"
	"tierline/media/prompt"
)

// RestoreCommand returns `tierline restore`.
func RestoreCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "restore FILE --config SETTINGS",
		Short: "Bring a node, or each node of a cluster, back from a backup",
		Long: `Bring a node back from a backup, before it is started: documents and their sounds, agents,
queues, call-backs, call records, numbers and the list of recordings. Calls of that time are
over, and their records say so. Nothing that exists is overwritten: the data directory of the
settings must have neither a log nor records.

In a cluster all nodes are restored, each from the same file and with its own settings, before
the first one is started. A single node may take the backup of a cluster.`,
		Example:      "  tierline restore monday.tierline --config /etc/tierline/tierline.yaml",
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE:         func(cmd *cobra.Command, args []string) error { return restore(cmd, file, args[0]) },
	}
	cmd.Flags().StringVar(&file, "config", "", "settings file (YAML); environment TIERLINE_CONFIG")
	return cmd
}

func restore(cmd *cobra.Command, settings, file string) error {
	s, err := config.File(settings)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	members, err := readMembers(s)
	if err != nil {
		return err
	}
	keys, err := readKeys(s)
	if err != nil {
		return err
	}
	lib, err := prompt.OpenLibrary(filepath.Join(s.DataDir, "prompts"))
	if err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	r := restoring{dir: s.DataDir, library: lib, cluster: cluster.Config{
		Node: s.Node, LogStore: s.Raft.LogStore, Members: members, Keys: keys,
		Logger: slog.New(slog.DiscardHandler),
	}}
	m, err := r.run(in)
	if err != nil {
		return fmt.Errorf("restore %s: %w", file, err)
	}
	text := fmt.Sprintf("%s: restored from %s of %s (release %s, entry %d), %d sounds\n",
		s.DataDir, m.Node, m.Made.Format("2006-01-02 15:04:05 MST"), m.Release, m.Index, r.sounds)
	if len(m.Missing) > 0 {
		text += fmt.Sprintf("warning: %d sounds were missing there already\n", len(m.Missing))
	}
	if database := s.Report.Database.URL != ""; database && r.records {
		text += "warning: its call records are in story.db, and the settings name a database: they stay there\n"
	}
	if members != nil {
		text += "restore the other nodes from the same file before you start the first one\n"
	}
	_, err = io.WriteString(cmd.OutOrStdout(), text)
	return err //nolint:wrapcheck // of the terminal
}

// run brings a node back. What exists is never overwritten: the data
// directory must have neither a log nor records.
func (r *restoring) run(in io.Reader) (m backup.Manifest, err error) {
	for _, name := range []string{"raft", backup.Records} {
		if _, bad := os.Lstat(filepath.Join(r.dir, name)); bad == nil {
			return m, fmt.Errorf("%s is there already: move %s away, or stop and use another data_dir",
				filepath.Join(r.dir, name), r.dir)
		}
	}
	if err = os.MkdirAll(r.dir, 0o700); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if r.work, err = os.MkdirTemp(r.dir, "restore-"); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.work)) }()
	if m, err = backup.Read(in, r.take); err != nil {
		return m, err
	}
	if have := r.cluster.Members; have != nil && m.Cluster != "" && have.Cluster != m.Cluster {
		return m, fmt.Errorf("the backup is of cluster %q, the settings say %q", m.Cluster, have.Cluster)
	}
	c := r.cluster
	c.Dir = filepath.Join(r.work, "raft")
	if err = cluster.Implant(c, cluster.Image{Index: m.Index, Term: m.Term, Data: r.state}); err != nil {
		return m, err
	}
	for _, name := range r.kept() {
		if err = os.Rename(filepath.Join(r.work, name), filepath.Join(r.dir, name)); err != nil {
			return m, fmt.Errorf("restore: %w", err)
		}
	}
	return m, nil
}

// kept are what a restore leaves, the log last: without it there is no node. Of
// a centre with a database the records aren't in the backup.
func (r *restoring) kept() []string {
	if !r.records {
		return []string{"raft"}
	}
	return []string{backup.Records, "raft"}
}

// restoring is a restore under way.
type restoring struct {
	dir     string
	cluster cluster.Config
	library interface {
		Put(r io.Reader) (string, error)
	}

	work    string
	state   []byte
	records bool // a file of them
	sounds  int
}

// take keeps one part.
func (r *restoring) take(name string, in io.Reader) (err error) {
	switch name {
	case backup.State:
		r.state, err = io.ReadAll(in)
	case backup.Records:
		r.records = true
		var f *os.File
		if f, err = os.OpenFile(filepath.Join(r.work, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		err = errors.Join(err, f.Sync(), f.Close())
	default:
		r.sounds++
		var sha string
		if sha, err = r.library.Put(in); err == nil && backup.SoundName(sha) != name {
			err = fmt.Errorf("%w: its contents are %s", backup.ErrDamaged, sha)
		}
	}
	return err
}
