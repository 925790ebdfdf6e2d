package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Members says who belongs to a cluster, where each one is, and what they know
// each other by.
type Members struct {
	// Cluster is the cluster's name. It stands in every certificate, so that
	// nodes of two clusters never mix.
	Cluster string
	// Listen is where this node takes what others send, host:port. Empty: its
	// own address in Nodes.
	Listen string
	// Nodes are the addresses of members by name: of this one, and of those that
	// begin the cluster together with it.
	Nodes map[string]string
	// Joined are the addresses of those who let this node in. Nil: it is one of
	// those that begin the cluster.
	Joined map[string]string
	// Certificate is this node's: a client's and a server's at once, with the
	// URI tierline://CLUSTER/NODE as its name.
	Certificate tls.Certificate
	// Roots are who may sign the certificates of members.
	Roots *x509.CertPool
}

// names returns the members, sorted.
func (m *Members) names() []string { return slices.Sorted(maps.Keys(m.Nodes)) }

// name is the cluster's, "" of a node alone.
func (m *Members) name() string {
	if m == nil {
		return ""
	}
	return m.Cluster
}

// listen returns where a member takes what others send.
func (m *Members) listen(node string) string {
	if m.Listen != "" {
		return m.Listen
	}
	return m.Nodes[node]
}

func (m *Members) validate(node string) error {
	var errs []error
	if m.Cluster == "" {
		errs = append(errs, errors.New("cluster: no name"))
	}
	if _, ok := m.Nodes[node]; !ok {
		errs = append(errs, fmt.Errorf("members: %q, which is this node, is not among %s", node,
			strings.Join(m.names(), ", ")))
	}
	at := map[string]string{}
	for _, name := range m.names() {
		if other := at[m.Nodes[name]]; other != "" {
			errs = append(errs, fmt.Errorf("members: %s and %s have the same address %s", other, name, m.Nodes[name]))
		}
		at[m.Nodes[name]] = name
	}
	return errors.Join(errs...)
}

// Identity is the URI that a member's certificate must have as a name.
func Identity(cluster, node string) string {
	u := url.URL{Scheme: "tierline", Host: cluster, Path: "/" + node}
	return u.String()
}

// errStranger says that a certificate is not that of the member it should be.
var errStranger = errors.New("certificate is of nobody that belongs here")

// memberOf returns whose certificate it is. Whether that node belongs here now
// is the roster's to say.
func (m *Members) memberOf(c *x509.Certificate) (string, error) {
	for _, u := range c.URIs {
		if u.Scheme != "tierline" {
			continue
		}
		node := strings.TrimPrefix(u.Path, "/")
		if u.Host != m.Cluster {
			return "", fmt.Errorf("%w: it is of cluster %q, this is %q", errStranger, u.Host, m.Cluster)
		}
		return node, nil
	}
	return "", fmt.Errorf("%w: it has no name tierline://CLUSTER/NODE", errStranger)
}

// tls returns the settings of both directions. peer is the member at the other
// end, "" for any.
func (m *Members) tls(peer string) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{m.Certificate},
		ClientCAs:    m.Roots,
		RootCAs:      m.Roots,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		// The name that is asked for is the URI's, which crypto/tls does not look
		// at: VerifyConnection below does all of it, for both sides.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(s tls.ConnectionState) error {
			return m.verify(s, peer)
		},
	}
}

func (m *Members) verify(s tls.ConnectionState, peer string) error {
	if len(s.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", errStranger)
	}
	between := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	c := s.PeerCertificates[0]
	_, err := c.Verify(x509.VerifyOptions{
		Roots: m.Roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("verify certificate: %w", err)
	}
	name, err := m.memberOf(c)
	if err != nil {
		return err
	}
	if peer != "" && name != peer {
		return fmt.Errorf("%w: it is %s's, wanted %s's; are two addresses swapped?", errStranger, name, peer)
	}
	return nil
}
