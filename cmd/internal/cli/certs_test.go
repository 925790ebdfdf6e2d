package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tierline/call/certs"
)

func TestCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	if got := run(t, "", "certs", "init", dir); got.code != 1 || !strings.Contains(got.err, "--host") {
		t.Errorf("without a host: %+v", got)
	}
	got := run(t, "", "certs", "init", dir, "--host", "switch.example.net", "--host", "127.0.0.1")
	if got.code != 0 || !strings.Contains(got.out, "cert_file: "+filepath.Join(dir, "node.pem")) {
		t.Errorf("%+v", got)
	}
	config := filepath.Join(dir, "tierline.yaml")
	text := "sip: {listen: [{transport: tls, address: \"127.0.0.9:5061\"}, {transport: wss, address: \"127.0.0.1:5062\"}]}\n" +
		"tls: {cert_file: " + filepath.Join(dir, "node.pem") + ", key_file: " + filepath.Join(dir, "node.key") + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got = run(t, "", "certs", "check", "--config", config)
	if got.code != 0 || !strings.Contains(got.out, "node.pem: for switch.example.net, 127.0.0.1 until ") ||
		!strings.HasSuffix(got.out, "warning: doesn't name 127.0.0.9, which is served: who connects to that refuses it\n") {
		t.Errorf("%+v", got)
	}
	a, err := certs.NewAuthority("test", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		life      time.Duration
		out, fail string
	}{
		"soon":    {100 * time.Hour, "warning: expires in 4 days", ""},
		"expired": {-time.Minute, "until", "has expired"},
	} {
		p, err := a.Issue([]string{"switch.example.net"}, tt.life)
		if err != nil {
			t.Fatal(err)
		}
		for file, b := range map[string][]byte{"node.pem": p.Cert, "node.key": p.Key} {
			if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got = run(t, "", "certs", "check", "--config", config)
		if !strings.Contains(got.out, tt.out) || (got.code == 1) != (tt.fail != "") || !strings.Contains(got.err, tt.fail) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := os.Remove(filepath.Join(dir, "node.key")); err != nil {
		t.Fatal(err)
	}
	if got = run(t, "", "certs", "check", "--config", config); got.code != 1 || !strings.Contains(got.err, "tls: key: stat ") {
		t.Errorf("without a key: %+v", got)
	}
}
