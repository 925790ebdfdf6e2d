package config

import (
	"maps"
	"net"
	"slices"
)

// Cluster makes the node one of several. Without a name it is alone.
type Cluster struct {
	Name     string            `mapstructure:"name"`
	Listen   string            `mapstructure:"listen"`
	Nodes    map[string]string `mapstructure:"nodes"`
	CAFile   string            `mapstructure:"ca_file"`
	CertFile string            `mapstructure:"cert_file"`
	KeyFile  string            `mapstructure:"key_file"`
}

func (k Cluster) validate(c *checker, node string) {
	if k.Name == "" {
		c.check(len(k.Nodes) == 0, "cluster.name", "is empty, but cluster.nodes has %d", len(k.Nodes))
		return
	}
	c.check(isName(k.Name), "cluster.name", "%q is no name: lower-case letters, digits and dashes, at most 63", k.Name)
	c.check(k.Nodes[node] != "", "cluster.nodes", "this node, %s, is not among them", node)
	at := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(k.Nodes)) {
		path, addr := "cluster.nodes."+name, k.Nodes[name]
		c.check(isName(name), path, "%q is no name: lower-case letters, digits and dashes, at most 63", name)
		c.check(isHostPort(addr), path, "%q is no host:port", addr)
		c.check(at[addr] == "", path, "%s is the address of %s too", addr, at[addr])
		at[addr] = name
	}
	c.check(k.Listen == "" || isHostPort(k.Listen), "cluster.listen", "%q is no host:port", k.Listen)
	for _, f := range [][2]string{{"ca_file", k.CAFile}, {"cert_file", k.CertFile}, {"key_file", k.KeyFile}} {
		c.check(f[1] != "", "cluster."+f[0], "is empty; `tierline node init` makes it")
	}
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && host != "" && port != "" && port != "0"
}

// clusterReference documents what stands in the file only.
func clusterReference() string {
	return `
## Cluster

Three nodes, or five, that keep one log: any of them may stop and the others go on. Each has the same list of nodes;
connections between them are TLS with certificates on both sides, which ` + "`tierline node init`" + ` makes.
Three begin a cluster, or five; one that comes later lists itself and is let in by ` + "`tierline node join`" + `.
A node without ` + "`cluster.name`" + ` is alone.

| Setting | Meaning |
|---|---|
| ` + "`cluster.nodes.NAME`" + ` | Where node NAME takes what the others send, host:port; this node too |

` + "```yaml" + `
# tierline.yaml
node: n1
cluster:
  name: centre
  nodes: {n1: "10.0.0.11:7400", n2: "10.0.0.12:7400", n3: "10.0.0.13:7400"}
  ca_file: /etc/tierline/ca.crt
  cert_file: /etc/tierline/n1.crt
  key_file: /etc/tierline/n1.key
` + "```" + `
`
}
