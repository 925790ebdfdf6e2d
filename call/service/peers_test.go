package service_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tierline/call/certs"
	"tierline/call/service"
)

// A trunk says what its peers prove; its authorities go with the documents.
func TestTrunkSaysWhatItsPeersProve(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "centre")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "call"))); err != nil {
		t.Fatal(err)
	}
	ca, err := certs.NewAuthority("Carrier", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Pair()
	if err != nil {
		t.Fatal(err)
	}
	trunks, err := os.ReadFile(filepath.Join(dir, "trunks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	more := `  safe:
    sources: [192.0.2.99]
    targets: ["sip:192.0.2.99;transport=tls", "sip:192.0.2.98;transport=udp", "sip:SBC.example.net"]
    tls: {ca_file: carrier.pem, name: sip.carrier.example.net}
`
	for name, text := range map[string][]byte{
		"carrier.pem": pair.Cert, "trunks.yaml": append(trunks, more...),
	} {
		if err = os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, _ := service.ReadDir(dir, nil)
	sent, err := service.DecodeBundle(b.Encode()) // as every node gets it
	if err != nil {
		t.Fatal(err)
	}
	s, problems := service.Compile(sent)
	if s == nil {
		t.Fatal(problems)
	}
	for host, want := range map[string]bool{"192.0.2.99": true, "sbc.example.net": true, "192.0.2.98": false, "192.0.2.9": false} {
		p := s.Peer(host)
		if (p.Name == "sip.carrier.example.net") != want || (p.Roots != nil && p.Roots.Equal(ca.Pool())) != want {
			t.Errorf("%s: %+v", host, p)
		}
	}
	old, _ := service.ReadDir(filepath.Join("..", "..", "testdata", "call"), nil)
	var said []string
	for _, c := range service.Diff(old, b) {
		said = append(said, c.String())
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "certificates carrier.pem: added") {
		t.Error(text)
	}
	if text := service.Diff(b, old)[0].String(); text != "certificates carrier.pem: removed" {
		t.Error(text)
	}
}
