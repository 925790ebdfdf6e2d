package sipua_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"tierline/call/sipua"
)

// Whoever is nobody we know loses his connection after a minute or two,
// whatever he does to keep it; a trunk keeps it.
func TestStrangersLoseTheirConnections(t *testing.T) {
	inHall(t, 0, func(t *testing.T, h *hall, d *desk, _ *sipua.UA) {
		trunk := netip.MustParseAddr("10.0.0.2")
		d.known = func(from netip.AddrPort, method, _ string) bool {
			return method == "REGISTER" || from.Addr() == trunk
		}
		good := h.connect(t, "10.0.0.2:40000", false)
		silent := h.connect(t, "10.0.0.3:40001", false)
		pinging := h.connect(t, "10.0.0.3:40002", false)
		asking := h.connect(t, "10.0.0.3:40003", false)
		for i, w := range []*wire{good, silent, pinging, asking} {
			w.write(options(i))
		}
		for i := range 12 {
			time.Sleep(10 * time.Second)
			if !pinging.closed() {
				pinging.write("\r\n\r\n")
			}
			if !asking.closed() {
				asking.write(options(100 + i))
			}
		}
		if good.closed() || !silent.closed() || !pinging.closed() || !asking.closed() {
			t.Errorf("closed: trunk %v, silent %v, pinging %v, asking %v",
				good.closed(), silent.closed(), pinging.closed(), asking.closed())
		}
	})
}

// A message that comes byte by byte is given up, also of a peer that is known.
func TestSlowMessageOfAKnownPeer(t *testing.T) {
	inHall(t, 0, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
		w := h.connect(t, "10.0.0.2:40000", false)
		w.write(options(1))
		text := options(2)
		for i := 0; i < 40 && !w.closed(); i++ {
			w.write(text[i : i+1])
			time.Sleep(time.Second)
		}
		if !w.closed() {
			t.Error("it may take for ever")
		}
	})
}

// Frames that say nothing keep no WebSocket open.
func TestPingsAreNoMessage(t *testing.T) {
	inSocketHall(t, func(t *testing.T, h *hall, _ *desk, _ *sipua.UA) {
		b := h.joined(t, "10.0.0.2:40000")
		for i := 0; i < 5 && !b.closed(); i++ {
			b.frame(ws.NewPingFrame(nil))
			time.Sleep(4 * time.Second)
		}
		if !b.closed() {
			t.Error("still open")
		}
	})
}
