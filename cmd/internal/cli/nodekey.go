package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tierline/cluster/vault"
)

// nodeKey is what node key says; the keys themselves are not shown.
type nodeKey struct {
	File string   `json:"file"`
	Keys []string `json:"keys"` // names, the current one first
}

func nodeKeyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make the key that a node seals its log with, or a new one in front of the old",
		Long: `Make the key that a node seals its log and snapshots with. FILE is named by seal.key_file
in the node's settings; each node has a key of its own.

Where FILE exists, a new key is put in front of those in it. At its next start the node
takes the new key up and says so in its log; then the lines after the first may be removed.`,
		Example: "  tierline node key /etc/tierline/node.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := vault.Renew(args[0])
			if err != nil {
				return err
			}
			k := nodeKey{File: args[0]}
			for _, each := range keys {
				k.Keys = append(k.Keys, each.ID())
			}
			return o.show(cmd, k, func() string { return nodeKeyText(k) })
		},
	}
}

func nodeKeyText(k nodeKey) string {
	text := fmt.Sprintf("key %s is in %s; settings of the node:\n\n"+
		"seal:\n  key_file: %s\n", k.Keys[0], k.File, k.File)
	if old := len(k.Keys) - 1; old > 0 {
		text += fmt.Sprintf("\nThe node takes it up at its next start; until then it needs the older ones, %d, too.\n", old)
	}
	return text
}
