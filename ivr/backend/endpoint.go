package backend

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Endpoint says where a source is and how to sign in there.
type Endpoint struct {
	URL    string         // http://…, https://…, postgres://…, sqlite:FILE
	Token  string         // secret: bearer token, or the password of a database
	Header string         // that carries the token as it is; "": Authorization: Bearer
	CA     *x509.CertPool // nil: the system's
	Write  bool           // SQL may change data
}

// newSource makes the source of an endpoint. It connects to nothing yet.
func newSource(name string, e Endpoint, cfg Config) (*source, error) {
	s := &source{name: name, log: cfg.Log.With("source", name)}
	scheme, rest, _ := strings.Cut(e.URL, ":")
	var err error
	switch scheme {
	case "http", "https":
		s.asker, err = newWeb(e, cfg.Dial)
	case "postgres", "postgresql":
		s.asker, err = openPostgres(e)
		s.safe = !e.Write
	case "sqlite":
		s.asker, err = openSQLite(rest, e.Write)
		s.safe = !e.Write
	default:
		err = errors.New("its url is of no scheme that is known (http, https, postgres, sqlite)")
	}
	return s, err
}

// Check tells what is wrong with an endpoint's address.
func Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is no URL") // what url.Parse says holds the address
	case u.Scheme == "sqlite" && (u.Opaque != "" || u.Path != ""):
		return nil
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "postgres" && u.Scheme != "postgresql":
		return errors.New("it is of no scheme that is known (http, https, postgres, sqlite)")
	case u.Host == "":
		return errors.New("it names no host")
	}
	if _, has := u.User.Password(); has {
		return errors.New("a password has no place in it: use token_file or token_env")
	}
	if strings.HasPrefix(u.Scheme, "http") && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return fmt.Errorf("an %s address is a scheme, a host and a path only", u.Scheme)
	}
	return nil
}
