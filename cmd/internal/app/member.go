package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tierline/cluster"
	"tierline/cmd/internal/config"
)

// JoinCommand returns `tierline node join`.
func JoinCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "join HOST:PORT --config SETTINGS",
		Short: "Have a cluster that works let this node in, before its first start",
		Long: `Have a cluster that works let this node in. HOST:PORT is where any of its nodes takes what others
send (cluster.nodes). The settings are this node's own, with its certificate of the cluster's
authority (` + "`tierline node init`" + `), which is what proves that it may come in, and an empty data_dir.

Start the node then. It gets the log from the others, has no vote and takes no calls until it
has it, and is a member like all others from then on. The settings of the others need no change;
all of them, or all but those that are down, must be well meanwhile.`,
		Example:      "  tierline node join 10.0.0.11:7400 --config /etc/tierline/tierline.yaml",
		Args:         cobra.ExactArgs(1),
		SilenceUsage: true,
		RunE:         func(cmd *cobra.Command, args []string) error { return letIn(cmd, file, args[0]) },
	}
	cmd.Flags().StringVar(&file, "config", "", "settings file (YAML); environment TIERLINE_CONFIG")
	return cmd
}

func letIn(cmd *cobra.Command, file, at string) error {
	s, err := config.File(file)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	members, err := readMembers(s)
	if err != nil {
		return err
	}
	if members == nil {
		return errors.New("cluster.name: the settings are of a node alone")
	}
	all, err := cluster.Join(cmd.Context(), cluster.Config{
		Node: s.Node, Dir: logDir(s), LogStore: s.Raft.LogStore, Members: members, Logger: slog.New(slog.DiscardHandler),
	}, at)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	text := fmt.Sprintf("%s is let into %s beside %s: start it\n", s.Node, s.Cluster.Name,
		strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(n string) bool { return n == s.Node }), ", "))
	_, err = io.WriteString(cmd.OutOrStdout(), text)
	return err //nolint:wrapcheck // of the terminal
}
