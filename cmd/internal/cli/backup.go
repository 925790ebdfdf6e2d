package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tierline/cmd/internal/backup"
)

func backupCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Keep all that a node can be brought back from in one file",
		Long: `Keep all that a node, or all of a cluster, can be brought back from in one file, while it works:
documents and their sounds, agents, queues, call-backs, call records, numbers and the list of
recordings. Recordings themselves and the settings of nodes are not in it. Secrets of phones and
trunks are: nobody else may read the file. See ` + "`tierline restore`" + `.`,
		Example: "  tierline backup monday.tierline",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := o.backup(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return o.show(cmd, m, func() string { return o.backupText(args[0], m) })
		},
	}
}

// backup writes the file, reads it again, and only then gives it its name.
func (o *options) backup(ctx context.Context, file string) (m backup.Manifest, err error) {
	f, err := os.OpenFile(file+".partial", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	defer func() {
		_ = f.Close() // synced, or of no use
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	resp, err := o.send(ctx, request{method: http.MethodGet, path: "/api/v1/backup"})
	if err != nil {
		return m, err
	}
	_, err = io.Copy(f, resp.Body)
	if err = errors.Join(err, resp.Body.Close(), f.Sync()); err != nil {
		return m, fmt.Errorf("read the backup of %s: %w", o.server, err)
	}
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		m, err = backup.Check(f)
	}
	if err != nil {
		return m, fmt.Errorf("the node's log says why: %w", err)
	}
	if err = os.Rename(f.Name(), file); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	return m, nil
}

func (o *options) backupText(file string, m backup.Manifest) string {
	size, sounds := int64(0), 0
	for _, f := range m.Files {
		size += f.Size
		if backup.IsSound(f.Name) {
			sounds++
		}
	}
	text := fmt.Sprintf("%s: node %s at entry %d, %s; %d sounds, %.1f MB unpacked\n",
		file, m.Node, m.Index, m.Made.In(o.zone).Format(time.DateTime), sounds, float64(size)/1e6)
	if len(m.Missing) > 0 {
		text += fmt.Sprintf("warning: %d sounds that documents name are not on that node\n", len(m.Missing))
	}
	return text
}
