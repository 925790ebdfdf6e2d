package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"time"
)

// Authority signs certificates of its own, for tests, the demo and networks
// that have no other.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Pair is a certificate chain and its key, both as PEM.
type Pair struct{ Cert, Key []byte }

// skew is how far a peer's clock may be behind ours.
const skew = time.Hour

// NewAuthority makes an authority that lives for life.
func NewAuthority(name string, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-skew), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := sign(t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the new certificate: %w", err)
	}
	return &Authority{cert, key}, nil
}

// LoadAuthority takes up an authority that was written before.
func LoadAuthority(p Pair) (*Authority, error) {
	block, _ := pem.Decode(p.Cert)
	if block == nil || block.Type != typeCert {
		return nil, fmt.Errorf("certificate: %w", ErrNoPEM)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if block, _ = pem.Decode(p.Key); block == nil || block.Type != typeKey {
		return nil, fmt.Errorf("key: %w", ErrNoPEM)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok || !cert.IsCA {
		return nil, errors.New("not an authority's certificate and key")
	}
	return &Authority{cert, signer}, nil
}

// Pair returns what has to be written to take the authority up again.
func (a *Authority) Pair() (Pair, error) { return encode(a.key, a.cert.Raw) }

// Pool returns a pool that trusts the authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Issue makes a certificate for hosts: names, addresses, or URIs. It is good for both
// ends of a connection: a trunk that we call may ask who we are.
func (a *Authority) Issue(hosts []string, life time.Duration) (Pair, error) {
	if len(hosts) == 0 {
		return Pair{}, errors.New("a certificate needs a host")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-skew), NotAfter: now.Add(life),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if err = name(t, h); err != nil {
			return Pair{}, err
		}
	}
	der, err := sign(t, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, err
	}
	return encode(key, der)
}

// name puts one name into a certificate.
func name(t *x509.Certificate, host string) error {
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = append(t.IPAddresses, ip)
		return nil
	}
	if !strings.Contains(host, "://") {
		t.DNSNames = append(t.DNSNames, host)
		return nil
	}
	u, err := url.Parse(host)
	if err != nil {
		return fmt.Errorf("name of a certificate: %w", err)
	}
	t.URIs = append(t.URIs, u)
	return nil
}

func sign(t, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, by)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return der, nil
}

const (
	typeCert = "CERTIFICATE"
	typeKey  = "PRIVATE KEY"
)

func encode(key crypto.Signer, der []byte) (Pair, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("encode the key: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: typeCert, Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: secret}),
	}, nil
}
