package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tierline/cluster"
	"tierline/cluster/vault"
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

// logDir is where the log and its snapshots are.
func logDir(s config.Settings) string { return filepath.Join(s.DataDir, "raft") }

// readKeys returns the keys that seal what a node stores. A node that was given
// none makes one at its first start, and only then: a key that is missing later
// is an error.
func readKeys(s config.Settings) ([]vault.Key, error) {
	if s.Seal.KeyFile != "" {
		keys, err := vault.ReadKeys(s.Seal.KeyFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; `tierline node key` makes one", err)
		}
		if err != nil {
			return nil, fmt.Errorf("seal.key_file: %w", err)
		}
		return keys, nil
	}
	file := filepath.Join(s.DataDir, "node.key")
	if missing(file) && missing(filepath.Join(logDir(s), "keys")) {
		return vault.Renew(file)
	}
	return vault.ReadKeys(file)
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
