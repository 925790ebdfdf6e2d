package service

import (
	"crypto/x509"
	"encoding/pem"
	"path"
	"slices"
	"strings"

	"tierline/routing/document"
	"tierline/routing/trunk"
)

// tlsDoc says how a trunk's peers prove over TLS who they are.
type tlsDoc struct {
	Authorities document.Value[string] `doc:"ca_file,nonempty"`
	Name        document.Value[string] `doc:"name,nonempty"`
}

// Peer is what somebody has to prove over TLS. The zero value: the name that was
// called, by the authorities of the node's settings.
type Peer struct {
	Name  string         // "" the one that was called
	Roots *x509.CertPool // nil: those of the settings

	trunk, file string
}

// Peer returns what a host has to prove that is called over TLS.
func (s *Service) Peer(host string) Peer { return s.peers[strings.ToLower(host)] }

// isCertificates tells files that may hold certificates.
func isCertificates(name string) bool {
	ext := path.Ext(name)
	return path.Dir(name) == "." && (ext == ".pem" || ext == ".crt")
}

// hasKey tells a private key.
func hasKey(data []byte) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return true
		}
	}
}

// readTLS reads what the peers of a trunk have to prove.
func (c *compiler) readTLS(p *document.Problems, d trunkDoc, t trunk.Trunk) {
	if d.TLS == nil {
		return
	}
	peer := Peer{Name: d.TLS.Name.V, trunk: t.Name, file: d.TLS.Authorities.V}
	if d.TLS.Name.Given && !isDomain(peer.Name) {
		p.Errorf(d.TLS.Name.Pos, "%q is no name that a certificate could prove", peer.Name)
	}
	if v := d.TLS.Authorities; v.Given {
		peer.Roots = c.authorities(p, v)
	}
	at := d.TLS.Name.Pos
	if d.TLS.Authorities.Given {
		at = d.TLS.Authorities.Pos
	}
	targets := slices.DeleteFunc(slices.Concat(t.Outward.Targets, t.Register.Registrars), func(to trunk.Target) bool {
		return to.Transport != "tls" && to.Transport != "" // of a name without one DNS says it
	})
	if len(targets) == 0 {
		p.Errorf(at, "nothing of this trunk is reached by TLS: say ;transport=tls behind its targets")
	}
	for _, to := range targets {
		host := strings.ToLower(to.Host)
		other, known := c.service.peers[host]
		if known && (other.Name != peer.Name || other.file != peer.file) {
			p.Errorf(at, "trunk %q expects something else of %s: there is one connection for both", other.trunk, to.Host)
		}
		c.service.peers[host] = peer
	}
}

// authorities reads a file with certificates.
func (c *compiler) authorities(p *document.Problems, v document.Value[string]) *x509.CertPool {
	data, ok := c.bundle.File(v.V)
	if !ok || !isCertificates(v.V) {
		p.Errorf(v.Pos, "there is no file %s with certificates (.pem, .crt) in the service directory", v.V)
		return nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		p.Errorf(v.Pos, "%s holds no certificate (PEM)", v.V)
	}
	return roots
}
