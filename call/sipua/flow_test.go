package sipua_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"tierline/call/sipua"
)

// Who offers to keep a connection alive is told how often (RFC 6223).
func TestKeepAliveIsAskedFor(t *testing.T) {
	inHall(t, 0, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
		w := h.connect(t, "10.0.0.2:40000", false)
		w.write(strings.Replace(options(1), "branch=", "keep;branch=", 1))
		synctest.Wait()
		w.mu.Lock()
		defer w.mu.Unlock()
		if via := parseMsg(w.got.String()).get("Via"); param(via, "keep") != "90" {
			t.Errorf("Via %q", via)
		}
	})
}

// A phone over TCP whose connection is gone is called where it listens, if that
// is the address it was seen at.
func TestPhoneWithoutItsConnection(t *testing.T) {
	a := realUA(t, &desk{}, sipua.TCP)
	b := realUA(t, &desk{}, sipua.TCP) // answers 404
	for target, want := range map[string]int{
		"sip:1001@" + b.Addr(sipua.TCP).String():  404,
		"sip:1001@192.0.2.7:5060":                 503, // behind NAT
		"sip:1001@phone.invalid":                  503,
		"sips:1001@" + b.Addr(sipua.TCP).String(): 0, // who wants TLS gets nothing else
	} {
		ev := newEvents()
		_, err := a.Dial(sipua.DialRequest{
			Target: target, Destination: "127.0.0.1:1", Transport: sipua.TCP, From: "10000", SDP: []byte(offerSDP),
		}, ev.on)
		if want == 0 {
			wantErr(t, err, sipua.ErrTransport)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := next[sipua.Failed](t, ev).Status; got != want {
			t.Errorf("%s: %d, want %d", target, got, want)
		}
	}
}
