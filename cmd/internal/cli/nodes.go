package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tierline/call/certs"
	"tierline/cluster"
	"tierline/cmd/internal/console/wire"
)

func nodesCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "nodes", Short: "Nodes of the cluster: who leads, how far each has got, its calls, what is wrong",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list wire.Nodes
			if err := o.get(cmd.Context(), "/api/v1/nodes", nil, &list); err != nil {
				return err
			}
			return o.show(cmd, list, func() string { return nodesTable(list) })
		},
	}
}

func nodesTable(list wire.Nodes) string {
	t := newTable("NODE", "STATE", "TERM", "INDEX", "LAG", "CALLS", "VERSION", "ADDRESS", "TROUBLE")
	for _, n := range list.Nodes {
		t.add(n.Name, n.State, strconv.FormatUint(n.Term, 10), strconv.FormatUint(n.Index, 10),
			strconv.FormatUint(n.Lag, 10), strconv.Itoa(n.Calls), or(n.Version), or(n.Address), or(n.Trouble))
	}
	return t.text("no nodes")
}

// nodeCommand holds what is done once to a node: before it runs, and after.
func nodeCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "Prepare the nodes of a cluster, let them in, strike them off"}
	cmd.AddCommand(nodeInitCommand(o), nodeKeyCommand(o), nodeRemoveCommand(o))
	return cmd
}

func nodeRemoveCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NODE",
		Short: "Strike a node that has ended off the members of its cluster",
		Long: `Strike a node that has ended off the members of its cluster: majorities are counted without it
from then on, and it isn't let in any more. Drain and stop it before, if it still runs. A machine
that is lost is replaced like that: remove the old node, and let a new one in (` + "`tierline node join`" + `),
under the same name or another. The other nodes, or all but those that are down, must be well.
Any of them may be asked.`,
		Example: "  tierline drain n4 && ssh n4 systemctl disable --now tierline && tierline node remove n4",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := request{method: http.MethodDelete, path: "/api/v1/nodes/" + url.PathEscape(args[0])}
			if err := o.call(cmd.Context(), r, nil); err != nil {
				return err
			}
			return o.show(cmd, struct {
				Node string `json:"removed"`
			}{args[0]}, func() string { return args[0] + ": no member of the cluster any more\n" })
		},
	}
}

// member is a node of a cluster that is being prepared.
type member struct {
	Name    string      `json:"node"`
	Address string      `json:"address"`
	Files   certs.Files `json:"files"`
}

func nodeInitCommand(o *options) *cobra.Command {
	var name string
	var nodes []string
	cmd := &cobra.Command{
		Use:   "init DIR --cluster NAME --nodes n1=HOST:PORT,n2=HOST:PORT,n3=HOST:PORT",
		Short: "Make the certificates that the nodes of a cluster know each other by",
		Long: `Make the certificates that the nodes of a cluster know each other by, and print the
settings that belong to each. Copy to each node what its settings name, and nothing else:
the authority's key (` + certs.CAKeyFile + `) stays with you. An authority that is already in DIR
is kept and signs again, so a node can be added or a certificate renewed.`,
		Example: "  tierline node init tls --cluster centre --nodes n1=10.0.0.11:7400,n2=10.0.0.12:7400,n3=10.0.0.13:7400",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			members, err := readNodes(name, nodes)
			if err != nil {
				return err
			}
			for i := range members {
				m := &members[i]
				m.Files, err = certs.InitAs(args[0], m.Name+".pem", m.Name+".key", []string{cluster.Identity(name, m.Name)})
				if err != nil {
					return fmt.Errorf("certificates in %s: %w", args[0], err)
				}
			}
			return o.show(cmd, members, func() string { return clusterSettings(name, members) })
		},
	}
	cmd.Flags().StringVar(&name, "cluster", "", "name of the cluster")
	cmd.Flags().StringSliceVar(&nodes, "nodes", nil, "its nodes, each NAME=HOST:PORT")
	return cmd
}

// readNodes reads --nodes.
func readNodes(name string, nodes []string) ([]member, error) {
	if name == "" {
		return nil, errors.New("--cluster: say the cluster's name")
	}
	var out []member
	for _, n := range nodes {
		node, addr, _ := strings.Cut(n, "=")
		if _, _, err := net.SplitHostPort(addr); err != nil || node == "" {
			return nil, fmt.Errorf("--nodes: %q is no NAME=HOST:PORT", n)
		}
		if slices.ContainsFunc(out, func(m member) bool { return m.Name == node || m.Address == addr }) {
			return nil, fmt.Errorf("--nodes: %s or its address stands there twice", node)
		}
		out = append(out, member{Name: node, Address: addr})
	}
	if len(out) == 0 {
		return nil, errors.New("--nodes: name them, NAME=HOST:PORT,…; three survive the loss of one, five of two")
	}
	return out, nil
}

// clusterSettings writes what belongs into each node's settings.
func clusterSettings(name string, members []member) string {
	var nodes []string
	for _, m := range members {
		nodes = append(nodes, fmt.Sprintf("%s: %q", m.Name, m.Address))
	}
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "# settings of %s\nnode: %s\ncluster:\n  name: %s\n  nodes: {%s}\n"+
			"  ca_file: %s\n  cert_file: %s\n  key_file: %s\n\n",
			m.Name, m.Name, name, strings.Join(nodes, ", "), m.Files.CA, m.Files.Cert, m.Files.Key)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
