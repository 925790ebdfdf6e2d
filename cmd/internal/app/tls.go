package app

import (
	"context"
	"crypto/tls"

	"tierline/call/certs"
	"tierline/cmd/internal/console"
)

// startTLS reads the certificates, of which SIP and HTTP make use.
func (n *Node) startTLS(_, root context.Context) (err error) {
	t := n.settings.TLS
	n.certs, err = certs.Open(
		certs.Files{Cert: t.CertFile, Key: t.KeyFile, CA: t.CAFile}, n.log.With("part", "tls"))
	if err != nil {
		return err
	}
	n.beside.Go(func() { n.certs.Watch(root.Done()) })
	return nil
}

// clientAuth is what tls.client_certificates means.
func clientAuth(word string) tls.ClientAuthType {
	switch word {
	case "ask":
		return tls.VerifyClientCertIfGiven
	case "require":
		return tls.RequireAndVerifyClientCert
	}
	return tls.NoClientCert
}

func (n *Node) certFigures() []console.Figure {
	end := n.certs.Expires()
	if end.IsZero() {
		return nil
	}
	return []console.Figure{console.Gauge(
		"certificate_expires_timestamp_seconds", "When the certificate ends, in seconds since 1970", end.Unix())}
}

// clientTLS is what we connect to a peer with: what the trunk says, else what
// the node's settings say.
func (n *Node) clientTLS(called string) (c *tls.Config, domain string) {
	c = n.certs.Client()
	g := n.services.Current()
	if g == nil {
		return c, ""
	}
	peer := g.Peer(called)
	if peer.Roots != nil {
		c.RootCAs = peer.Roots
	}
	return c, peer.Name
}
