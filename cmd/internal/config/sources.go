package config

import (
	"net/http"
	"strings"

	"tierline/ivr/backend"
)

// Source is one system that flows ask, as this node reaches it. The secret
// itself stands in a file or a variable, never in the settings.
type Source struct {
	URL       string `mapstructure:"url"`
	TokenFile string `mapstructure:"token_file"`
	TokenEnv  string `mapstructure:"token_env"`
	Header    string `mapstructure:"header"`
	CAFile    string `mapstructure:"ca_file"`
	Write     bool   `mapstructure:"write"`
}

func (s Source) validate(c *checker, path string) {
	name := strings.TrimPrefix(path, "sources.")
	c.check(isSourceName(name), path, "%q is no name: lower-case letters, digits, - and _, at most 64", name)
	c.check(s.TokenFile == "" || s.TokenEnv == "", path, "token_file and token_env exclude each other")
	c.check(isTokenHeader(s.Header), path+".header", "%q is no header that may carry a token", s.Header)
	if err := backend.Check(s.URL); err != nil { // doesn't repeat the text, which may hold a password
		c.check(false, path+".url", "%v", err)
		return
	}
	scheme, _, _ := strings.Cut(s.URL, ":")
	isWeb := scheme == "http" || scheme == "https"
	c.check(s.Header == "" || isWeb, path+".header", "is for sources of type http")
	c.check(s.CAFile == "" || scheme == "https" || strings.HasPrefix(scheme, "postgres"), path+".ca_file",
		"is for https and postgres")
	c.check(!s.Write || !isWeb, path+".write", "is for databases")
}

func isSourceName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// isTokenHeader tells whether a header may carry a token: none that means
// something to HTTP itself.
func isTokenHeader(s string) bool {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return false
	}
	switch http.CanonicalHeaderKey(s) {
	case "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Upgrade", "Te", "Trailer",
		"Idempotency-Key", "Accept":
		return false
	}
	return true
}
