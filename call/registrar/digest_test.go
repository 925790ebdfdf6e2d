package registrar

import "testing"

// The examples of RFC 7616 §3.9.1: both algorithms, one nonce.
func TestDigestExamplesOfTheRFC(t *testing.T) {
	const password = "Circle of Life"
	c := credentials{
		username: "Mufasa",
		realm:    "http-auth@example.org",
		nonce:    "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		uri:      "/dir/index.html",
		qop:      "auth",
		nc:       "00000001",
		cnonce:   "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
	}
	ha1MD5, ha1SHA256 := HA1(c.username, c.realm, password)
	for _, tt := range []struct {
		algorithm algorithm
		ha1, want string
	}{
		{algMD5, ha1MD5, "8ca523f5e9506fed4657c9700eebdbec"},
		{algSHA256, ha1SHA256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
	} {
		c.algorithm = tt.algorithm
		if got := c.expected(tt.ha1, "GET"); got != tt.want {
			t.Errorf("%v: response %s, want %s", tt.algorithm, got, tt.want)
		}
	}
}
