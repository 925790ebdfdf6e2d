package registrar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of an Authorization header. Real ones are below 500 bytes.
const (
	maxHeader   = 2048
	maxParams   = 24
	maxUsername = 64
	maxHeaders  = 4 // RFC 8760 phones answer each challenge, so two are usual
)

// credentials is an Authorization header with scheme Digest.
type credentials struct {
	username, realm, nonce, uri, response string
	algorithm                             algorithm
	qop, nc, cnonce                       string // empty with RFC 2069
	count                                 uint32 // nc as a number; 1 with RFC 2069
}

// parseCredentials reads one header. Another scheme than Digest is no error
// and no digest; an algorithm or qop we don't know, or no nonce at all, counts
// as another scheme: it answers no challenge of ours.
func parseCredentials(h string) (c credentials, digest bool, err error) {
	if len(h) > maxHeader {
		return credentials{}, false, fmt.Errorf("%d bytes long", len(h))
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return credentials{}, false, nil
	}
	params, err := parseParams(rest)
	if err != nil {
		return credentials{}, false, err
	}
	c = credentials{
		username: params["username"], realm: params["realm"], nonce: params["nonce"],
		uri: params["uri"], response: params["response"],
		algorithm: parseAlgorithm(params["algorithm"]),
		qop:       strings.ToLower(params["qop"]), nc: params["nc"], cnonce: params["cnonce"],
	}
	if c.nonce == "" || c.algorithm == unknownAlgorithm || c.qop != "" && c.qop != "auth" {
		return credentials{}, false, nil
	}
	if err = c.complete(); err != nil {
		return credentials{}, false, err
	}
	c.count, err = c.parseCount()
	return c, err == nil, err
}

// complete checks that nothing is missing that the digest is made of.
func (c credentials) complete() error {
	for _, p := range [...]struct{ name, value string }{
		{"username", c.username},
		{"realm", c.realm},
		{"uri", c.uri},
		{"response", c.response},
	} {
		if p.value == "" {
			return fmt.Errorf("%s missing", p.name)
		}
	}
	if len(c.username) > maxUsername {
		return errors.New("username too long")
	}
	if c.qop != "" && c.cnonce == "" {
		return errors.New("cnonce missing")
	}
	return nil
}

func (c credentials) parseCount() (uint32, error) {
	if c.qop == "" {
		return 1, nil // such a nonce is good for one request
	}
	if len(c.nc) != 8 {
		return 0, fmt.Errorf("nc %q is not eight hexadecimal digits", c.nc)
	}
	n, err := strconv.ParseUint(c.nc, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("nc %q is not eight hexadecimal digits", c.nc)
	}
	return uint32(n), nil
}

// parseParams reads name=value pairs with token or quoted values, separated by
// commas. Names come out in lower case; a repeated name is an error, because
// two readers could pick different ones.
func parseParams(s string) (map[string]string, error) {
	out := make(map[string]string, 10)
	for s = trimSpace(s); s != ""; {
		if len(out) == maxParams {
			return nil, errors.New("too many parameters")
		}
		name, rest, ok := strings.Cut(s, "=")
		name = strings.ToLower(trimSpace(name))
		if !ok || !isToken(name) {
			return nil, errors.New("not a list of name=value")
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("%s given twice", name)
		}
		value, after, err := parseValue(trimSpace(rest))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = value
		if after = trimSpace(after); after == "" {
			break
		}
		if after[0] != ',' {
			return nil, fmt.Errorf("no comma after %s", name)
		}
		s = trimSpace(after[1:])
	}
	return out, nil
}

// parseValue reads a token or a quoted string off the front. A quoted string
// keeps its backslashes: RFC 7616 computes the digest over what stands between
// the quotes.
func parseValue(s string) (value, rest string, err error) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		if !isToken(s[:end]) {
			return "", "", errors.New("neither a token nor quoted")
		}
		return s[:end], s[end:], nil
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], s[i+1:], nil
		case c == '\\':
			i++
		case c < ' ' || c == 0x7f:
			return "", "", errors.New("control character")
		}
	}
	return "", "", errors.New("quote not closed")
}

func trimSpace(s string) string { return strings.Trim(s, " \t\r\n") }

// isToken tells whether s is a token of RFC 3261 §25.1.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
