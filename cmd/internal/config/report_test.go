package config

import (
	"strings"
	"testing"
)

func TestDatabaseURL(t *testing.T) {
	const tls, none, shape = "says nothing of TLS", "a password has no place in it", "is no postgres://"
	tests := map[string]string{
		"":                                   "",
		"postgres://tierline@127.0.0.1/crm":  "",
		"postgres://tierline@[::1]:5433/crm": "",
		"postgresql://tierline@localhost/crm?search_path=tierline":   "",
		"postgres://tierline@db.example.net/crm?sslmode=verify-full": "",
		"postgres://tierline@db.example.net/crm?sslmode=disable":     "",
		"postgres://tierline@db.example.net/crm":                     tls,
		"postgres://tierline@db.example.net/crm?sslmode=prefer":      tls,
		"postgres://tierline:geheim@127.0.0.1/crm":                   none,
		"postgres://tierline@127.0.0.1/crm?password=geheim":          none,
		"mysql://tierline:geheim@127.0.0.1/crm":                      shape,
		"postgres:///geheim":                                         shape,
		"postgres://tierline:geheim@127.0.0.1:port/":                 shape,
		"host=127.0.0.1 password=geheim":                             shape,
	}
	for url, want := range tests {
		s := Defaults()
		s.Report.Database.URL = url
		err := s.Validate()
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim")):
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	s := Defaults()
	s.Report.Database.CAFile = "ca.pem"
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "there is more about a database") {
		t.Errorf("certificates of no database: %v", err)
	}
}
