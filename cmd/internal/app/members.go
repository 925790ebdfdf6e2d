package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"tierline/cluster"
	"tierline/cmd/internal/config"
)

// readMembers returns who else is in the cluster, nil for a node alone.
func readMembers(s config.Settings) (*cluster.Members, error) {
	k := s.Cluster
	if k.Name == "" {
		return nil, nil //nolint:nilnil // nobody else is no error
	}
	cert, err := tls.LoadX509KeyPair(k.CertFile, k.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("cluster.cert_file: %w", err)
	}
	pem, err := os.ReadFile(k.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cluster.ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("cluster.ca_file: %s: no certificate in it", k.CAFile)
	}
	return &cluster.Members{Cluster: k.Name, Listen: k.Listen, Nodes: k.Nodes, Certificate: cert, Roots: roots}, nil
}
