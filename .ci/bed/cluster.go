package bed

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// clusterPort is where the nodes of a cluster meet.
const clusterPort = 7400

// Cluster makes the certificates of nodes that are to be one cluster, and sets
// each's Name and what its settings say of the others. They have an IP each.
func Cluster(ctx context.Context, name, dir string, nodes []*Node) error {
	var members, list []string
	for i, n := range nodes {
		n.Name = fmt.Sprintf("n%d", i+1)
		members = append(members, fmt.Sprintf("%s=%s:%d", n.Name, n.IP, clusterPort))
		list = append(list, fmt.Sprintf("%s: \"%s:%d\"", n.Name, n.IP, clusterPort))
	}
	init := exec.CommandContext(ctx, nodes[0].Binary, "node", "init", dir,
		"--cluster", name, "--nodes", strings.Join(members, ","))
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("make certificates: %w\n%s", err, out)
	}
	for _, n := range nodes {
		n.More += fmt.Sprintf("cluster:\n  name: %s\n  nodes: {%s}\n  ca_file: %s\n  cert_file: %s\n  key_file: %s\n",
			name, strings.Join(list, ", "), filepath.Join(dir, "ca.pem"),
			filepath.Join(dir, n.Name+".pem"), filepath.Join(dir, n.Name+".key"))
	}
	return nil
}
