package config

import (
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Report says what is kept of calls, and where.
type Report struct {
	RetentionDays int      `mapstructure:"retention_days"`
	Database      Database `mapstructure:"database"`
}

// Retention is RetentionDays as a duration.
func (r Report) Retention() time.Duration { return time.Duration(r.RetentionDays) * 24 * time.Hour }

// Database is the PostgreSQL that all nodes write call records to, in place of a
// file each. The password itself stands in a file or a variable, never in the
// settings.
type Database struct {
	URL          string `mapstructure:"url"`
	PasswordFile string `mapstructure:"password_file"`
	PasswordEnv  string `mapstructure:"password_env"`
	CAFile       string `mapstructure:"ca_file"`
}

func (r Report) validate(c *checker) {
	c.check(r.RetentionDays >= 0, "report.retention_days", "%d is negative", r.RetentionDays)
	r.Database.validate(c, "report.database.")
}

func (d Database) validate(c *checker, path string) {
	if d.URL == "" {
		c.check(d == Database{}, path+"url", "is empty, but there is more about a database")
		return
	}
	c.check(d.PasswordFile == "" || d.PasswordEnv == "", path+"password_file", "excludes %spassword_env", path)
	u, err := url.Parse(d.URL) // it isn't repeated: it may hold a password
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" {
		c.check(false, path+"url", "is no postgres://user@host/database")
		return
	}
	q := u.Query()
	_, has := u.User.Password()
	c.check(!has && !q.Has("password"), path+"url",
		"a password has no place in it: use %[1]spassword_file or %[1]spassword_env", path)
	mode := q.Get("sslmode")
	isSafe := slices.Contains([]string{"require", "verify-ca", "verify-full"}, mode)
	c.check(isSafe || mode == "disable" || isLocal(u.Hostname()), path+"url",
		"says nothing of TLS: add ?sslmode=verify-full, or sslmode=disable if the way to %s is yours alone", u.Hostname())
	c.check(d.CAFile == "" || isSafe, path+"ca_file", "is for sslmode=verify-full, verify-ca and require")
}

// isLocal tells whether a host is this machine.
func isLocal(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
