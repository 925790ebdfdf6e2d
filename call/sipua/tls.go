package sipua

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// errName means that a peer's certificate doesn't prove the domain that was
// called.
var errName = errors.New("the certificate names somebody else")

// atLeast12 returns c without the versions that must not be spoken any more.
func atLeast12(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}

// serving is what a transport is served with. Browsers are never asked for a
// certificate: they would ask their user.
func serving(c *tls.Config, transport string) *tls.Config {
	changed := func(c *tls.Config) *tls.Config {
		c = atLeast12(c)
		if transport == WSS {
			c.ClientAuth = tls.NoClientCert
		}
		return c
	}
	out := changed(c)
	if choose := c.GetConfigForClient; choose != nil {
		out.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if chosen == nil || err != nil {
				return nil, err
			}
			return changed(chosen), nil
		}
	}
	return out
}

// secureClient puts TLS over a connection that we made to name.
func (u *UA) secureClient(ctx context.Context, nc net.Conn, name string) (net.Conn, error) {
	c := &tls.Config{}
	if u.clientTLS != nil {
		var domain string
		if c, domain = u.clientTLS(name); domain != "" {
			name = domain
		}
	}
	c = atLeast12(c)
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection does it: a SIP domain is proved otherwise than a web server's name
	c.VerifyConnection = func(s tls.ConnectionState) error { return proves(s.PeerCertificates, roots, name) }
	if _, err := netip.ParseAddr(name); err != nil && !strings.Contains(name, "*") {
		c.ServerName = name
	}
	safe := tls.Client(nc, c)
	if err := safe.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS with %s at %s: %w", name, nc.RemoteAddr(), err)
	}
	return safe, nil
}

// proves checks that a chain is trusted and that its first certificate is of
// the SIP domain name.
func proves(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	if len(chain) == 0 {
		return errName
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between}); err != nil {
		return fmt.Errorf("the certificate is not trusted: %w", err)
	}
	names := domains(chain[0])
	for _, n := range names {
		if strings.EqualFold(n, strings.TrimSuffix(name, ".")) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s, wanted %q", errName, strings.Join(names, ", "), name)
}

// domains are the SIP domains a certificate speaks for (RFC 5922 §7.1): its SIP
// URIs, else its host names. A wildcard stands for nobody but itself. Addresses
// are for trunks that have no name.
func domains(c *x509.Certificate) (out []string) {
	for _, uri := range c.URIs {
		if strings.EqualFold(uri.Scheme, "sip") {
			if host := sipDomain(uri); host != "" {
				out = append(out, host)
			}
		}
	}
	if len(out) == 0 {
		out = append(out, c.DNSNames...)
	}
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

// sipDomain returns the host of a SIP URI in a certificate; with a user it is a
// person's.
func sipDomain(uri *url.URL) string {
	host := uri.Opaque
	if host == "" {
		host = uri.Host
	}
	if strings.Contains(host, "@") || uri.User != nil {
		return ""
	}
	host, _, _ = strings.Cut(host, ";")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host
}
