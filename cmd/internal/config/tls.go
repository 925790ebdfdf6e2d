package config

import "tierline/call/sipua"

// TLS says what this node shows over TLS, and whom it trusts.
type TLS struct {
	CertFile           string `mapstructure:"cert_file"`
	KeyFile            string `mapstructure:"key_file"`
	CAFile             string `mapstructure:"ca_file"`
	ClientCertificates string `mapstructure:"client_certificates"`
}

func (t TLS) validate(c *checker, s Settings) {
	c.check(t.CertFile == "" || t.KeyFile != "", "tls.key_file", "is empty, but tls.cert_file is set")
	c.check(t.CertFile != "" || t.KeyFile == "", "tls.cert_file", "is empty, but tls.key_file is set")
	c.oneOf("tls.client_certificates", t.ClientCertificates, "off", "ask", "require")
	for i, l := range s.SIP.Listen {
		c.check(t.CertFile != "" || l.Transport != sipua.TLS && l.Transport != sipua.WSS, "tls.cert_file",
			"is empty, but sip.listen[%d] is %s", i, l)
	}
	c.check(t.CertFile != "" || !s.HTTP.TLS, "tls.cert_file", "is empty, but http.tls is set")
}
