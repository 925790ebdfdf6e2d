package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"tierline/call/certs"
	"tierline/cmd/internal/config"
)

// One certificate is for SIP, WebSockets and the API; who has no part of it
// hears why.
func TestNodeOverTLS(t *testing.T) {
	dir := t.TempDir()
	files, err := certs.Init(filepath.Join(dir, "tls"), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	anywhere := netip.MustParseAddrPort("127.0.0.1:0")
	s := config.Defaults()
	s.DataDir = filepath.Join(dir, "data")
	s.SIP.Listen = []config.Listen{{Transport: "tls", Address: anywhere}, {Transport: "wss", Address: anywhere}}
	s.HTTP = config.HTTP{Listen: anywhere, TLS: true}
	s.TLS = config.TLS{CertFile: files.Cert, KeyFile: files.Key, ClientCertificates: "ask"}
	n, err := Start(t.Context(), s, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Shutdown(t.Context())
	if at := strings.Join(n.SIPAddrs(), " "); !strings.Contains(at, "tls:127.0.0.1:") || !strings.Contains(at, "wss:127.0.0.1:") {
		t.Errorf("SIP at %s", at)
	}
	trusting, err := certs.Open(certs.Files{CA: files.CA}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: trusting.Client()}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("https://" + n.HTTPAddr() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\ntierline_certificate_expires_timestamp_seconds 1.", "\ntierline_sip_connections{transport=\"wss\"} 0\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	s.TLS.KeyFile, s.DataDir = filepath.Join(dir, "absent"), filepath.Join(dir, "other")
	if _, err = Start(t.Context(), s, "test", slog.New(slog.DiscardHandler)); err == nil ||
		!strings.Contains(err.Error(), "start TLS: key: ") {
		t.Errorf("a key that is absent: %v", err)
	}
}
