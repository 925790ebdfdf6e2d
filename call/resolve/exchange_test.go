package resolve_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"

	"tierline/call/resolve"
)

// serve answers over UDP, with everything too long for it, and over TCP.
func serve(t *testing.T, z *zone) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ln.Close(), pc.Close() })
	server := netip.MustParseAddrPort(ln.Addr().String())
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo([]byte("guess"), from)
			answer, err := z.exchange(t.Context(), server, b[:n])
			if err == nil {
				_, _ = pc.WriteTo(append([]byte{answer[0], answer[1], answer[2] | 2}, answer[3:12]...), from)
			}
		}
	}()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			var size [2]byte
			_, _ = io.ReadFull(c, size[:])
			b := make([]byte, binary.BigEndian.Uint16(size[:]))
			_, _ = io.ReadFull(c, b)
			if answer, err := z.exchange(t.Context(), server, b); err == nil {
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)) //nolint:gosec // short
			}
			_ = c.Close()
		}
	}()
	return server
}

func TestRealSockets(t *testing.T) {
	z := newZone(t, records)
	r := resolve.New(resolve.Config{Servers: []netip.AddrPort{serve(t, z)}, Intn: func(int) int { return 0 }})
	hops, err := r.Hops(t.Context(), resolve.Query{Host: "srv.test", Transport: "udp"})
	if got := list(hops); got != "udp:192.0.2.9:5062 udp:192.0.2.10:5062" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
