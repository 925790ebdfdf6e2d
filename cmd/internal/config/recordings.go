package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Recordings says where recorded conversations are kept, and how long.
type Recordings struct {
	KeepDays int `mapstructure:"keep_days"`
	S3       S3  `mapstructure:"s3"`
}

// Keep is KeepDays as a duration.
func (r Recordings) Keep() time.Duration { return time.Duration(r.KeepDays) * 24 * time.Hour }

// Who the node is to a store.
const (
	S3Keys = "keys" // access_key and its secret
	S3Role = "role" // the role of the machine, container or pod
)

// S3 is the bucket that recordings go to. The secret key itself stands in a file
// or a variable, never in the settings.
type S3 struct {
	Endpoint      string `mapstructure:"endpoint"`
	Bucket        string `mapstructure:"bucket"`
	Region        string `mapstructure:"region"`
	Prefix        string `mapstructure:"prefix"`
	Credentials   string `mapstructure:"credentials"`
	AccessKey     string `mapstructure:"access_key"`
	SecretKeyFile string `mapstructure:"secret_key_file"`
	SecretKeyEnv  string `mapstructure:"secret_key_env"`
	CAFile        string `mapstructure:"ca_file"`
	AllowHTTP     bool   `mapstructure:"allow_http"`
}

func (r Recordings) validate(c *checker) {
	c.check(r.KeepDays >= 0, "recordings.keep_days", "%d is negative", r.KeepDays)
	r.S3.validate(c, "recordings.s3.")
}

func (s S3) validate(c *checker, path string) {
	if s.Endpoint == "" {
		c.check(s.Bucket == "" && s.AccessKey == "" && s.SecretKeyFile == "" && s.SecretKeyEnv == "", path+"endpoint",
			"is empty, but there is more about a store")
		return
	}
	s.validateEndpoint(c, path)
	c.check(regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(s.Bucket), path+"bucket",
		"%q is no name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes", s.Bucket)
	c.check(isQuotable(s.Region) && !strings.ContainsAny(s.Region, "/ "), path+"region", "%q is no name of a region",
		s.Region)
	c.check(regexp.MustCompile(`^([0-9A-Za-z._-]+/)*$`).MatchString(s.Prefix) && !strings.Contains("/"+s.Prefix, "/."),
		path+"prefix", "%q: letters, digits, dots and dashes between slashes, and a slash at the end", s.Prefix)
	c.oneOf(path+"credentials", s.Credentials, S3Keys, S3Role)
	if s.Credentials == S3Role {
		c.check(s.AccessKey == "" && s.SecretKeyFile == "" && s.SecretKeyEnv == "", path+"credentials",
			"with %s the machine has the keys, and there must be none here", S3Role)
		return
	}
	c.check(isQuotable(s.AccessKey) && !strings.ContainsAny(s.AccessKey, "/, ="), path+"access_key", "is empty, or none")
	c.check((s.SecretKeyFile == "") != (s.SecretKeyEnv == ""), path+"secret_key_file",
		"either this or %ssecret_key_env says where the secret key is", path)
}

func (s S3) validateEndpoint(c *checker, path string) {
	u, err := url.Parse(s.Endpoint)
	isWeb := err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.User == nil &&
		strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
	if !isWeb { // it isn't repeated: it may hold a password
		c.check(false, path+"endpoint", "is no https://host or https://host:port")
		return
	}
	c.check(u.Scheme == "https" || s.AllowHTTP, path+"endpoint",
		"http would carry conversations in the open; set %sallow_http if the way there is yours alone", path)
	c.check(s.CAFile == "" || u.Scheme == "https", path+"ca_file", "is for https")
}
