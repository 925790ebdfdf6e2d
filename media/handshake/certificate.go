package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Fingerprint is the hash of a certificate.
type Fingerprint struct {
	Hash string // sha-256, sha-384 or sha-512
	Sum  []byte
}

// of tells whether it is the fingerprint of a certificate.
func (f Fingerprint) of(der []byte) bool {
	switch f.Hash {
	case "sha-256":
		sum := sha256.Sum256(der)
		return slices.Equal(f.Sum, sum[:])
	case "sha-384":
		sum := sha512.Sum384(der)
		return slices.Equal(f.Sum, sum[:])
	case "sha-512":
		sum := sha512.Sum512(der)
		return slices.Equal(f.Sum, sum[:])
	}
	return false
}

// Certificate is what a node shows. It says nothing about the node: the SDP
// vouches for it by its fingerprint.
type Certificate struct {
	tls   tls.Certificate
	print Fingerprint
}

// lifetime is far longer than a process runs.
const lifetime = 365 * 24 * time.Hour

// NewCertificate makes one that nobody else has the key of.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make media certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "tierline"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make media certificate: %w", err)
	}
	sum := sha256.Sum256(der)
	return &Certificate{
		tls:   tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		print: Fingerprint{Hash: "sha-256", Sum: sum[:]},
	}, nil
}

// Fingerprint returns what goes into the SDP.
func (c *Certificate) Fingerprint() Fingerprint { return c.print }
