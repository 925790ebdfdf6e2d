package demo

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

// ports finds addresses that nobody listens on now, and that nobody gets who asks
// for any port meanwhile: those are at 127.0.0.1.
func ports(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		out = append(out, l.Addr().String())
	}
	return out
}

// TestDemo lets the whole centre live for a few seconds, in a hurry.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	at := ports(t, 2)
	f := &flags{
		version: "test", sip: at[0], http: at[1], data: t.TempDir(), limit: 5 * time.Second, every: 700 * time.Millisecond,
		pace: pace{200 * time.Millisecond, 500 * time.Millisecond, 7 * time.Second, 8 * time.Second},
	}
	var out bytes.Buffer
	if err := f.run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"TIERLINE", at[0], "calls 1000", "all "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := &flags{sip: ports(t, 1)[0], http: l.Addr().String(), data: t.TempDir()}
	err = f.run(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "taken") || !strings.Contains(err.Error(), "--http") {
		t.Errorf("error %v does not say what to do", err)
	}
	f = &flags{sip: "192.0.2.1:5060", http: "127.0.0.1:0", data: t.TempDir()}
	if err = f.run(t.Context(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("error %v for an outside address", err)
	}
}
