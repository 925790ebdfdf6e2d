package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// authority signs certificates of members, for several at once.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next atomic.Int64 // serial number
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	a.next.Store(1)
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	a.cert = a.sign(template, template, &a.key.PublicKey)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (a *authority) sign(c, parent *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// member makes what a node needs to be one of a cluster.
func (a *authority) member(cluster, node string, nodes ...string) *Members {
	key := newKey(a.t)
	uri, err := url.Parse(Identity(cluster, node))
	if err != nil {
		a.t.Fatal(err)
	}
	c := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(a.next.Add(1)), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		URIs: []*url.URL{uri},
	}, a.cert, &key.PublicKey)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	m := &Members{
		Cluster: cluster, Nodes: map[string]string{}, Roots: roots,
		Certificate: tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key},
	}
	for _, n := range nodes {
		m.Nodes[n] = n
	}
	return m
}
